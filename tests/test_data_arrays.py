"""Arrays of NumPy, and benchmarks as torchvision and Keras leave them on a disk."""

import gzip
import json
import pathlib
import pickle
import struct
from typing import Any

import numpy as np
import pytest
import scipy.io
from sets import popaug, read, refusal

PIXELS = np.random.default_rng(5).integers(0, 256, (12, 8, 8, 3), np.uint8)
LABELS = np.arange(12) % 3


def info(path: pathlib.Path, *flags: object) -> dict[str, Any]:
    return json.loads(popaug("data", "info", "--data", path, "--json", *flags).stdout)  # type: ignore[no-any-return]


def save(folder: pathlib.Path, **arrays: np.ndarray) -> pathlib.Path:
    np.savez(folder / "set.npz", **arrays)
    return folder / "set.npz"


KEYS = {
    "MedMNIST": ("{s}_images", "{s}_labels", ["train", "val", "test"]),
    "Keras": ("x_{s}", "y_{s}", ["train", "test"]),
    "valid": ("{s}_images", "{s}_labels", ["train", "valid", "test"]),
    "validation, capitals": ("X_{s}", "Y_{s}", ["Train", "Validation", "Test"]),
    "dev": ("{s}_x", "{s}_y", ["train", "dev"]),
    "humps": ("{s}Images", "{s}Labels", ["train", "test"]),
    "together": ("x{s}", "y{s}", ["train", "val", "test"]),
    "sets": ("{s}_set_images", "{s}_set_labels", ["training", "testing"]),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_in_the_spellings_of_people(tmp_path: pathlib.Path, name: str) -> None:
    images, labels, splits = KEYS[name]
    arrays = {}
    for i, split in enumerate(splits):
        arrays[images.format(s=split)] = PIXELS[: 3 * (i + 2)]
        arrays[labels.format(s=split)] = LABELS[: 3 * (i + 2)]
    if "set" in splits[0] + images:
        arrays = {key.replace("_set_", "_"): value for key, value in arrays.items()}
    got = info(save(tmp_path, **arrays))
    assert list(got["counts"].values()) == [3 * (i + 2) for i in range(len(splits))]


@pytest.mark.parametrize(
    ("images", "labels"), [("images", "labels"), ("X", "y"), ("data", "target"), ("arr_0", "arr_1")]
)
def test_one_split_needs_no_name(tmp_path: pathlib.Path, images: str, labels: str) -> None:
    assert info(save(tmp_path, **{images: PIXELS, labels: LABELS}))["counts"] == {"train": 12}


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"train_masks": LABELS}, '"train_masks" is not understood'),
        ({"val_images": PIXELS}, "split val has no labels"),
        ({"y_test": LABELS}, "split test has no images"),
        ({"x_train": PIXELS}, "name the same"),
        ({"arr_0": PIXELS}, '"arr_0" is not understood'),
    ],
)
def test_an_archive_is_read_whole_or_refused(tmp_path: pathlib.Path, extra: dict[str, np.ndarray], words: str) -> None:
    path = save(tmp_path, train_images=PIXELS, train_labels=LABELS, **extra)
    said = refusal("data", "info", "--data", path)
    assert words in said and "train_images.npy, train_labels.npy" in said


@pytest.mark.parametrize("kind", [str, bytes, int])
def test_groups_and_names_in_an_archive(tmp_path: pathlib.Path, kind: Any) -> None:
    groups = np.array([kind(i // 2) if kind is not bytes else str(i // 2).encode() for i in range(12)])
    path = save(
        tmp_path, train_images=PIXELS, train_labels=LABELS, train_groups=groups, class_names=np.array(["é", "b", "c"])
    )
    popaug("data", "split", "--data", path, "--val-size", 4, "-o", tmp_path / "s.json")
    plan = json.loads((tmp_path / "s.json").read_text())
    assert plan["validation"] and not {i // 2 for i in plan["validation"]} & {i // 2 for i in plan["train"]}
    assert info(path)["classes"] == ["é", "b", "c"]


def test_labels_that_are_texts(tmp_path: pathlib.Path) -> None:
    path = save(tmp_path, train_images=PIXELS, train_labels=np.array(["dog", "cat", "10"])[LABELS])
    assert info(path)["class_counts"]["train"] == {"10": 4, "cat": 4, "dog": 4}


@pytest.mark.parametrize("values", [[1, 2, 3], [2019, 2020, 2021], [0, 1, 255], [-1, 0, 1], [10, 20, 30]])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_numbers_with_gaps_make_no_phantom_classes(tmp_path: pathlib.Path, values: list[int], kind: type) -> None:
    path = save(
        tmp_path,
        x_train=PIXELS,
        y_train=np.array(values)[LABELS].astype(kind),
        x_test=PIXELS[:3],
        y_test=np.array(values),
    )
    got = info(path)
    assert got["classes"] == [str(v) for v in values]
    assert any("the classes are the 3 numbers that occur" in note for note in got["notes"])
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    assert info(path)["classes"] == ["a", "b", "c"] and info(path)["class_counts"]["test"] == {"a": 1, "b": 1, "c": 1}
    (tmp_path / "classes.txt").write_text("a\nb\n")
    assert "names 2 classes, but the labels are 3 numbers" in refusal("data", "info", "--data", path)


def test_names_of_more_classes_than_occur_are_kept(tmp_path: pathlib.Path) -> None:
    path = save(tmp_path, x_train=PIXELS, y_train=LABELS)
    (tmp_path / "classes.txt").write_bytes("﻿a\r\nb\r\nc\r\nd\r\n".encode())
    got = info(path)
    assert got["classes"] == ["a", "b", "c", "d"]
    assert any("no image of any split" in note and note.endswith(": d") for note in got["notes"])


def test_one_hot_labels(tmp_path: pathlib.Path) -> None:
    path = save(tmp_path, x_train=PIXELS, y_train=np.eye(3)[LABELS])
    assert info(path)["class_counts"]["train"] == {"0": 4, "1": 4, "2": 4}
    soft = save(tmp_path, x_train=PIXELS, y_train=np.full((12, 3), 0.25))
    assert "argmax" in refusal("data", "info", "--data", soft)
    two = np.eye(3)[LABELS]
    two[5] = 1
    assert "several labels for each image (row 5)" in refusal("data", "info", "--data", save(tmp_path, x=PIXELS, y=two))


def planes(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 3072), np.uint8)


def batch(data: np.ndarray, key: str, labels: list[int], protocol: int) -> bytes:
    return pickle.dumps({"batch_label": "b", key: labels, "data": data, "filenames": ["x.png"] * len(labels)}, protocol)


def python2(data: np.ndarray, labels: list[int]) -> bytes:
    """As Python 2 wrote the files of the release: byte strings and the module names of its NumPy."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    raw = data.tobytes()
    parts = [b"\x80\x02}q\x01(", text(b"labels"), b"]q\x02(", b"".join(b"K" + bytes([i]) for i in labels), b"e"]
    parts += [
        text(b"data"),
        b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85",
        text(b"b"),
        b"\x87R",
    ]
    parts += [
        b"(K\x01",
        b"M" + struct.pack("<H", len(labels)),
        b"M\x00\x0c\x86",
        b"cnumpy\ndtype\nq\x05",
        text(b"u1"),
        b"K\x00K\x01\x87R",
    ]
    parts += [b"(K\x03", text(b"|"), b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"]
    parts += [b"\x89", b"T" + struct.pack("<I", len(raw)) + raw, b"tbu."]
    return b"".join(parts)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5, 0])
def test_cifar10_of_python(tmp_path: pathlib.Path, protocol: int) -> None:
    """Protocol 0 stands for the files of the release."""
    root = tmp_path / "root"
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (root / "cifar-10-python.tar.gz").write_bytes(b"\x1f\x8b")
    data = planes(60)
    labels = [(7 * i) % 10 for i in range(60)]
    for i in range(6):
        part = slice(10 * i, 10 * i + 10)
        name = "test_batch" if i == 5 else f"data_batch_{i + 1}"
        made = batch(data[part], "labels", labels[part], protocol) if protocol else python2(data[part], labels[part])
        (folder / name).write_bytes(made)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"c{i}" for i in range(10)]}, max(protocol, 2)))
    got = read(root, tmp_path)
    assert got["classes"] == [f"c{i}" for i in range(10)]
    images = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(got["train"][0], images[:50])
    np.testing.assert_array_equal(got["train"][1], labels[:50])
    np.testing.assert_array_equal(got["test"][0], images[50:])
    assert info(folder / "data_batch_2")["counts"] == {"train": 50, "test": 10}
    (folder / "data_batch_4").unlink()
    assert "data_batch_4 is missing" in refusal("data", "info", "--data", root)


def test_cifar100_of_python(tmp_path: pathlib.Path) -> None:
    data = planes(40)
    labels = [(i * 9) % 100 for i in range(40)]
    for name, part in (("train", slice(0, 30)), ("test", slice(30, 40))):
        made = {b"data": data[part], b"fine_labels": labels[part], b"coarse_labels": [0] * len(labels[part])}
        (tmp_path / name).write_bytes(pickle.dumps(made, 2))
    (tmp_path / "meta").write_bytes(pickle.dumps({"fine_label_names": [f"n{i}" for i in range(100)]}, 2))
    (tmp_path / "file.txt~").write_bytes(b"")
    got = read(tmp_path, tmp_path)
    assert [got["classes"][i] for i in got["test"][1]] == [f"n{i}" for i in labels[30:]]


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return pathlib.Path.touch, (pathlib.Path("/tmp/popaug-was-here"),)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_calls_is_refused_by_name(tmp_path: pathlib.Path, protocol: int) -> None:
    (tmp_path / "test_batch").write_bytes(pickle.dumps({"data": Evil(), "labels": []}, protocol))
    said = refusal("data", "info", "--data", tmp_path)
    assert "which is not part of a data set" in said and "none of it was run" in said
    assert not pathlib.Path("/tmp/popaug-was-here").exists()


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x0800 | array.ndim, *array.shape) + array.tobytes()


def put_idx(folder: pathlib.Path, prefix: str, count: int, first: int, zipped: bool | None, dots: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(count).integers(0, 256, (count, 6, 5), np.uint8)
    labels = (np.arange(count) % 4 + first).astype(np.uint8)
    for what, array in (
        (f"images{'.' if dots else '-'}idx3-ubyte", images),
        (f"labels{'.' if dots else '-'}idx1-ubyte", labels),
    ):
        if zipped is not True:
            (folder / f"{prefix}-{what}").write_bytes(idx(array))
        if zipped is not False:
            (folder / f"{prefix}-{what}.gz").write_bytes(gzip.compress(idx(array)))


@pytest.mark.parametrize("root", ["MNIST/raw", "FashionMNIST/raw", "."])
def test_torchvision_leaves_both_the_plain_and_the_gzipped_file(tmp_path: pathlib.Path, root: str) -> None:
    put_idx(tmp_path / "data" / root, "train", 20, 0, None)
    put_idx(tmp_path / "data" / root, "t10k", 8, 0, None)
    (tmp_path / "data" / "MNIST" / "processed").mkdir(parents=True, exist_ok=True)
    got = info(tmp_path / "data")
    assert got["counts"] == {"train": 20, "test": 8} and got["classes"] == ["0", "1", "2", "3"]
    assert any("the set is that of" in note for note in got["notes"]) == (root != ".")


def test_a_root_of_several_sets_names_them(tmp_path: pathlib.Path) -> None:
    for name in ("MNIST", "FashionMNIST"):
        put_idx(tmp_path / name / "raw", "train", 20, 0, False)
    said = refusal("data", "info", "--data", tmp_path)
    assert "has 2 sets" in said and "FashionMNIST/raw" in said and "/MNIST/raw" in said


def test_emnist(tmp_path: pathlib.Path) -> None:
    for name, first in (("letters", 1), ("digits", 0)):
        put_idx(tmp_path, f"emnist-{name}-train", 20, first, True)
        put_idx(tmp_path, f"emnist-{name}-test", 8, first, True)
    said = refusal("data", "info", "--data", tmp_path)
    assert "has 2 sets" in said and "emnist-letters-" in said
    got = info(tmp_path / "emnist-letters-train-images-idx3-ubyte.gz")
    assert got["classes"] == ["1", "2", "3", "4"] and got["counts"] == {"train": 20, "test": 8}
    assert info(tmp_path / "emnist-digits-test-labels-idx1-ubyte.gz")["classes"] == ["0", "1", "2", "3"]


def test_idx_with_dots_and_in_colour(tmp_path: pathlib.Path) -> None:
    put_idx(tmp_path / "a", "train", 20, 0, False, dots=True)
    assert info(tmp_path / "a")["counts"] == {"train": 20}
    (tmp_path / "b").mkdir()
    (tmp_path / "b/train-images-idx4-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "b/train-labels-idx1-ubyte").write_bytes(idx(LABELS.astype(np.uint8)))
    np.testing.assert_array_equal(read(tmp_path / "b", tmp_path)["train"][0], PIXELS)


def test_mat_files_of_version_7_3_are_named(tmp_path: pathlib.Path) -> None:
    scipy.io.savemat(tmp_path / "test_32x32.mat", {"X": PIXELS.transpose(1, 2, 3, 0), "y": LABELS[:, None] + 1})
    old = (tmp_path / "test_32x32.mat").read_bytes()
    (tmp_path / "train_32x32.mat").write_bytes(
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n" + old
    )
    for path in (tmp_path, tmp_path / "train_32x32.mat"):
        said = refusal("data", "info", "--data", path)
        assert "version 7.3" in said and "'-v7'" in said and "savemat" in said


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        (b"\x1f\x8b\x08\x00" + bytes(99), "archive"),
        (b"PAR1" + bytes(99), "Parquet"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
        (pickle.dumps([1, 2], 4) + bytes(9), "pickle"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "one image"),
    ],
)
def test_files_that_are_no_sets_are_named(tmp_path: pathlib.Path, begin: bytes, words: str) -> None:
    (tmp_path / "x").write_bytes(begin)
    assert words in refusal("data", "info", "--data", tmp_path / "x")
