"""Every format of docs/formats/data.md, written by NumPy, SciPy and Pillow, is read back equal."""

import csv
import gzip
import pathlib
import struct
from typing import Any

import numpy as np
import pytest
import scipy.io
from PIL import Image
from sets import popaug, read, refusal

CLASSES = [f"c{i}" for i in range(10)]
Arrays = dict[str, tuple[np.ndarray, np.ndarray]]


def arrays(channels: int, height: int = 32, width: int = 32) -> Arrays:
    """Images sorted by class, as a folder gives them back."""
    random = np.random.default_rng(channels)
    sizes = {"train": 37, "val": 11, "test": 23}
    return {
        name: (
            random.integers(0, 256, (size, height, width, channels), np.uint8),
            np.sort(np.arange(size, dtype=np.uint8) % 10),
        )
        for name, size in sizes.items()
    }


def same(read_back: dict[str, Any], written: Arrays) -> None:
    assert read_back["classes"] == CLASSES
    for name, (pixels, labels) in written.items():
        np.testing.assert_array_equal(read_back[name][0], pixels)
        np.testing.assert_array_equal(read_back[name][1], labels)


def name_classes(folder: pathlib.Path, file: str = "classes.txt") -> None:
    (folder / file).write_text("\n".join(CLASSES) + "\n")


def save_images(folder: pathlib.Path, written: Arrays) -> list[tuple[str, str, str]]:
    rows = []
    for split, (pixels, labels) in written.items():
        for i, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            path = folder / split / CLASSES[label] / f"{i:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.squeeze()).save(path)
            rows.append((str(path.relative_to(folder)), CLASSES[label], split))
    return rows


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x0800 | array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("channels", [1, 3])
def test_folder_and_manifests(tmp_path: pathlib.Path, channels: int) -> None:
    written = arrays(channels, 9, 14)
    source = tmp_path / "set"
    rows = save_images(source, written)
    same(read(source, tmp_path), written)
    name_classes(source)
    for name, separator in (("m.csv", ","), ("m.tsv", "\t")):
        with (source / name).open("w", newline="") as file:
            writer = csv.writer(file, delimiter=separator)
            writer.writerow(["path", "label", "split", "group"])
            writer.writerows([*row, f"patient, {i // 3}"] for i, row in enumerate(rows))
        same(read(source / name, tmp_path), written)


@pytest.mark.parametrize("zipped", [False, True])
def test_idx(tmp_path: pathlib.Path, zipped: bool) -> None:
    written = arrays(1, 28, 20)
    del written["val"]
    source = tmp_path / "set"
    source.mkdir()
    name_classes(source)
    for split, word in (("train", "train"), ("test", "t10k")):
        pixels, labels = written[split]
        for what, array in (("images-idx3", pixels[..., 0]), ("labels-idx1", labels)):
            data = idx(array)
            name = f"{word}-{what}-ubyte"
            if zipped:
                (source / f"{name}.gz").write_bytes(gzip.compress(data))
            else:
                (source / name).write_bytes(data)
    same(read(source, tmp_path), written)
    one = next(source.glob("train-images*"))
    same(read(one, tmp_path), written)


def test_cifar10(tmp_path: pathlib.Path) -> None:
    written = arrays(3)
    del written["val"]
    source = tmp_path / "set"
    source.mkdir()
    name_classes(source, "batches.meta.txt")

    def records(split: str, part: slice) -> bytes:
        pixels, labels = written[split]
        planes = pixels[part].transpose(0, 3, 1, 2).reshape(-1, 3072)
        return np.hstack([labels[part, None], planes]).astype(np.uint8).tobytes()

    for i in range(5):
        (source / f"data_batch_{i + 1}.bin").write_bytes(records("train", slice(8 * i, 8 * i + 8)))
    (source / "test_batch.bin").write_bytes(records("test", slice(None)))
    got = read(source, tmp_path)
    same(got, written)
    assert any("has 8 images; in the release it has 10000" in note for note in got["notes"])
    (source / "data_batch_3.bin").unlink()
    assert "data_batch_3.bin is missing" in refusal("data", "info", "--data", source)


def test_cifar100_takes_the_fine_label(tmp_path: pathlib.Path) -> None:
    pixels, _ = arrays(3)["train"]
    fine = np.arange(63, 100, dtype=np.uint8)
    planes = pixels.transpose(0, 3, 1, 2).reshape(-1, 3072)
    (tmp_path / "train.bin").write_bytes(
        np.hstack([fine[:, None] // 20, fine[:, None], planes]).astype(np.uint8).tobytes()
    )
    got = read(tmp_path, tmp_path)
    np.testing.assert_array_equal(got["train"][0], pixels)
    np.testing.assert_array_equal(got["train"][1], fine)
    assert len(got["classes"]) == 100


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_svhn(tmp_path: pathlib.Path, compress: bool, kind: type) -> None:
    written = arrays(3)
    for split in ("train", "test"):
        pixels, labels = written[split]
        digits = np.where(labels == 0, 10, labels)[:, None].astype(kind)  # SVHN calls the digit 0 10
        values = {"X": pixels.transpose(1, 2, 3, 0), "y": digits}
        scipy.io.savemat(tmp_path / f"{split}_32x32.mat", values, do_compression=compress)
    got = read(tmp_path, tmp_path)
    assert got["classes"] == [str(i) for i in range(10)]
    for split in ("train", "test"):
        np.testing.assert_array_equal(got[split][0], written[split][0])
        np.testing.assert_array_equal(got[split][1], written[split][1])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("channels", [1, 3])
def test_npz(tmp_path: pathlib.Path, save: Any, channels: int) -> None:
    written = arrays(channels, 28, 28)
    name_classes(tmp_path)
    values = {}
    for split, (pixels, labels) in written.items():
        values[f"{split}_images"] = pixels[..., 0] if channels == 1 else pixels
        values[f"{split}_labels"] = labels[:, None].astype(np.int64 if channels == 1 else np.uint8)
    save(tmp_path / "mnist.npz", **values)
    same(read(tmp_path / "mnist.npz", tmp_path), written)


def test_npz_as_keras_writes_it(tmp_path: pathlib.Path) -> None:
    written = arrays(1, 28, 28)
    del written["val"]
    name_classes(tmp_path)
    values = {f"{w}_{s}": a.squeeze() for s, pair in written.items() for w, a in zip("xy", pair, strict=True)}
    np.savez(tmp_path / "mnist.npz", **values)
    same(read(tmp_path / "mnist.npz", tmp_path), written)


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (np.zeros((2, 4, 4), np.float32), np.zeros((2, 1)), "<f4 of 2x4x4; expected uint8"),
        (np.zeros((2, 4, 4, 4), np.uint8), np.zeros((2, 1)), "1 or 3 channels last"),
        (np.asfortranarray(np.zeros((2, 4, 4), np.uint8)), np.zeros((2, 1)), "by columns"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros((2, 14), np.uint8), "several labels for each image"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros((3, 1), np.uint8), "3 labels for 2 images"),
        (np.zeros((2, 4, 4), np.uint8), np.full((2, 1), 0.5), "label 0 is 0.5"),
    ],
)
def test_npz_that_is_no_such_set(tmp_path: pathlib.Path, images: np.ndarray, labels: np.ndarray, sentence: str) -> None:
    np.savez(tmp_path / "x.npz", train_images=images, train_labels=labels)
    assert sentence in refusal("data", "info", "--data", tmp_path / "x.npz")


def test_one_set_has_one_fingerprint_in_every_format(tmp_path: pathlib.Path) -> None:
    written = arrays(1, 28, 28)
    del written["val"]
    folder = tmp_path / "folder"
    rows = save_images(folder, written)
    (folder / "m.csv").write_text("\n".join(["path,label,split", *map(",".join, rows)]) + "\n")
    other = tmp_path / "idx"
    other.mkdir()
    name_classes(other)
    for split, (pixels, labels) in written.items():
        (other / f"{split}-images-idx3-ubyte").write_bytes(idx(pixels[..., 0]))
        (other / f"{split}-labels-idx1-ubyte").write_bytes(idx(labels))
    prints = {read(source, tmp_path)["fingerprint"] for source in (folder, folder / "m.csv", other)}
    assert len(prints) == 1
    packed = tmp_path / "packed-0.popaug"
    line = [x for x in popaug("data", "info", "--data", packed).stdout.splitlines() if x.startswith("fingerprint")]
    assert line == [f"fingerprint: {prints.pop()}"]
