"""popaug.data: any set as arrays, and data sets of other libraries as packed sets."""

import io
import json
import pathlib
import tarfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

import popaug
import popaug.data

PIXELS = np.random.default_rng(7).integers(0, 256, (12, 9, 11, 3), np.uint8)
LABELS = [2, 0, 1] * 4


def pairs() -> list[tuple[Image.Image, int]]:
    return [(Image.fromarray(p), n) for p, n in zip(PIXELS, LABELS, strict=True)]


def file_of(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def check(path: pathlib.Path, classes: tuple[str, ...] = ("0", "1", "2"), split: str = "train") -> popaug.data.Dataset:
    found = popaug.data.open(path)
    assert found.classes == classes and list(found) == [split] and found.kind == "packed"
    np.testing.assert_array_equal(found[split].images, PIXELS)
    assert found[split].labels.tolist() == LABELS
    return found


class Mapped:
    """A data set of PyTorch: no __iter__, and an index past the end is not an IndexError."""

    classes = ("ant", "bee", "cow")

    def __len__(self) -> int:
        return len(LABELS)

    def __getitem__(self, i: int) -> tuple[Image.Image, int]:
        assert 0 <= i < len(LABELS)
        return pairs()[i]


class Subset:
    def __init__(self, dataset: Mapped) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> tuple[Image.Image, int]:
        return self.dataset[i]


def test_pairs_in_every_shape(tmp_path: pathlib.Path) -> None:
    import torch

    chw = PIXELS.transpose(0, 3, 1, 2)
    forms: dict[str, Any] = {
        "pillow": pairs(),
        "numpy": list(zip(PIXELS, LABELS, strict=True)),
        "first": list(zip(chw, np.array(LABELS), strict=True)),
        "floats": [(p.astype(np.float32) / 255, n) for p, n in zip(PIXELS, LABELS, strict=True)],
        "tensors": [(torch.from_numpy(p.copy()), torch.tensor(n)) for p, n in zip(chw, LABELS, strict=True)],
        "ToTensor": [(torch.from_numpy(p.copy()).float().div(255), n) for p, n in zip(chw, LABELS, strict=True)],
        "files": [(file_of(p), str(n)) for p, n in zip(PIXELS, LABELS, strict=True)],
        "dictionaries": [{"img": p, "fine_label": n, "id": 5} for p, n in zip(PIXELS, LABELS, strict=True)],
        "generator": ((p, n) for p, n in zip(PIXELS, LABELS, strict=True)),
    }
    prints = set()
    for name, form in forms.items():
        report = popaug.data.pack(form, tmp_path / f"{name}.popaug")
        assert report.images == 12 and report.notes == () and report.left_out == ()
        prints.add(check(tmp_path / f"{name}.popaug").fingerprint)
    assert len(prints) == 1


def test_data_sets_of_torchvision_give_their_classes(tmp_path: pathlib.Path) -> None:
    for name, dataset in (("mapped", Mapped()), ("subset", Subset(Mapped()))):
        popaug.data.pack(dataset, tmp_path / name)
        check(tmp_path / name, ("ant", "bee", "cow"))
    popaug.data.pack(Mapped(), tmp_path / "mine", classes=["x", "y", "z", "none"])
    check(tmp_path / "mine", ("x", "y", "z", "none"))


def test_splits_and_labels_by_name(tmp_path: pathlib.Path) -> None:
    names = ["b10", "b9", "a"]
    rows = [(p, names[n]) for p, n in zip(PIXELS, LABELS, strict=True)]
    popaug.data.pack({"training": rows[:8], "Validation": rows[8:]}, tmp_path / "x")
    found = popaug.data.open(tmp_path / "x")
    assert found.classes == ("a", "b10", "b9") and list(found) == ["train", "val"]
    assert [found.classes[n] for s in found for n in found[s].labels] == [label for _, label in rows]
    np.testing.assert_array_equal(found["val"].images, PIXELS[8:])
    assert [int(label) for _, label in found["val"]] == found["val"].labels.tolist()
    assert found["val"].images.flags.writeable is False and len(found["val"]) == 4
    numbers = [(p, 3 * n + 7) for p, n in zip(PIXELS, LABELS, strict=True)]
    popaug.data.pack(numbers, tmp_path / "numbers", split="t10k")
    check(tmp_path / "numbers", ("7", "10", "13"), "test")


def test_sizes_grey_colour_and_transparency(tmp_path: pathlib.Path) -> None:
    mixed = [(PIXELS[0], 0), (PIXELS[1][:7, :5], 1), (PIXELS[2][..., 0], 0)]
    with pytest.raises(popaug.UsageError, match=r'5x7 pixels, but .* 11x9; give a size, such as size="11x9"'):
        popaug.data.pack(mixed, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
    for order in (mixed, mixed[::-1]):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        report = popaug.data.pack(order, path, size="6x4")
        assert any("1 are grey" in note for note in report.notes)
        images = popaug.data.open(path)["train"].images
        for got, (pixels, _) in zip(images, order, strict=True):
            expected = Image.fromarray(pixels).convert("RGB").resize((6, 4), Image.Resampling.BILINEAR)
            np.testing.assert_array_equal(got, np.asarray(expected))
    popaug.data.pack([(PIXELS[i][..., 0], i) for i in (0, 1)], tmp_path / "grey")
    assert popaug.data.open(tmp_path / "grey")["train"].images.shape == (2, 9, 11, 1)
    clear = np.random.default_rng(1).integers(0, 256, (9, 11, 4), np.uint8)
    alpha = clear[..., 3:].astype(int)
    expected = (clear[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    for name, image in (("array", clear), ("pillow", Image.fromarray(clear)), ("file", file_of(clear))):
        popaug.data.pack([(image, 0), (PIXELS[0], 1)], tmp_path / name, background="white")
        np.testing.assert_array_equal(popaug.data.open(tmp_path / name)["train"].images[0], expected)
    deep = np.arange(500, 500 + 99 * 20, 20, np.uint16).reshape(9, 11)
    scaled = np.floor((np.clip(deep.astype(int), 600, 2000) - 600) * 255 / 1400 + 0.5)
    for name, image in (("deep", deep), ("deep16", Image.fromarray(deep)), ("deepfile", file_of(deep))):
        popaug.data.pack([(image, 0), (deep, 1)], tmp_path / name, range="600..2000")
        np.testing.assert_array_equal(popaug.data.open(tmp_path / name)["train"].images[0, ..., 0], scaled)


def tar(path: pathlib.Path, files: dict[str, bytes]) -> pathlib.Path:
    with tarfile.open(path, "w") as shard:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            shard.addfile(info, io.BytesIO(data))
    return path


def test_webdataset_shards(tmp_path: pathlib.Path) -> None:
    files: list[tuple[str, bytes]] = []
    for i, (pixels, label) in enumerate(zip(PIXELS, LABELS, strict=True)):
        files += [(f"a/{i:03}.png", file_of(pixels)), (f"a/{i:03}.cls", str(label).encode())]
    whole = tar(tmp_path / "whole.tar", dict([(".hidden", b"x"), *files]))
    popaug.data.pack(whole, tmp_path / "whole")
    check(tmp_path / "whole")
    shards = [tar(tmp_path / f"{k}.tar", dict(files[8 * k : 8 * k + 8])) for k in range(3)]
    popaug.data.pack(shards, tmp_path / "shards")
    check(tmp_path / "shards")
    with_json = [(n.replace(".cls", ".json"), d if ".png" in n else b'{"label": %s}' % d) for n, d in files]
    popaug.data.pack(tar(tmp_path / "json.tar", dict(with_json)), tmp_path / "json")
    check(tmp_path / "json")
    alone = tar(tmp_path / "alone.tar", {"x/1.jpg": file_of(PIXELS[0], "JPEG")})
    with pytest.raises(popaug.UsageError, match=r"alone.tar: x/1 has no key that usually means the label"):
        popaug.data.pack(alone, tmp_path / "alone")
    broken = tar(tmp_path / "b.tar", dict([*files, ("z.png", b"\x89PNG\r\n\x1a\nbroken"), ("z.cls", b"1")]))
    with pytest.raises(popaug.Error, match=r"b.tar: z: .*broken"):
        popaug.data.pack(broken, tmp_path / "broken")
    report = popaug.data.pack(broken, tmp_path / "kept", keep_going=True)
    assert len(report.left_out) == 1 and "b.tar: z" in report.left_out[0]
    check(tmp_path / "kept")


def test_hugging_face_data_sets(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["ant", "bee", "cow"]),
            "id": datasets.Value("int64"),
        }
    )
    rows = [
        {"image": {"bytes": file_of(p), "path": None}, "label": n, "id": i}
        for i, (p, n) in enumerate(zip(PIXELS, LABELS, strict=True))
    ]
    whole = datasets.Dataset.from_list(rows, features=features)
    whole.to_parquet(tmp_path / "x.parquet")
    whole.save_to_disk(tmp_path / "arrow")
    cache = str(tmp_path / "cache")
    forms = {
        "arrow": datasets.load_from_disk(str(tmp_path / "arrow")),
        "parquet": datasets.Dataset.from_parquet(str(tmp_path / "x.parquet"), cache_dir=cache),
        "streamed": whole.to_iterable_dataset(),
        "dictionary": datasets.DatasetDict({"train": whole}),
    }
    for name, form in forms.items():
        popaug.data.pack(form, tmp_path / f"{name}.popaug")
        check(tmp_path / f"{name}.popaug", ("ant", "bee", "cow"))
    halves = datasets.DatasetDict({"train": whole.select(range(6)), "validation": whole.select(range(6, 12))})
    popaug.data.pack(halves, tmp_path / "halves")
    found = popaug.data.open(tmp_path / "halves")
    assert list(found) == ["train", "val"] and found.classes == ("ant", "bee", "cow")
    np.testing.assert_array_equal(np.concatenate([found[s].images for s in found]), PIXELS)


def test_sets_of_the_program(tmp_path: pathlib.Path) -> None:
    for i, (pixels, label) in enumerate(zip(PIXELS, LABELS, strict=True)):
        path = tmp_path / "set" / f"{label}" / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    order = sorted(range(12), key=lambda i: (LABELS[i], i))
    found = popaug.data.open(tmp_path / "set")
    assert (found.kind, found.classes) == ("folder", ("0", "1", "2")) and found.notes == ()
    np.testing.assert_array_equal(found["train"].images, PIXELS[order])
    report = popaug.data.pack(tmp_path / "set", tmp_path / "x.popaug")
    assert report.images == 12 and popaug.data.open(report.path).fingerprint == found.fingerprint
    small = popaug.data.open(tmp_path / "set", size=5)["train"]
    assert small.images.shape == (12, 5, 5, 3) and repr(small) == "ImageSet('train', 12 images of 5x5, colour)"
    np.savez(tmp_path / "x.npz", images=PIXELS, labels=LABELS, groups=[f"g{i % 5}" for i in range(12)])
    archive = popaug.data.open(tmp_path / "x.npz")["train"]
    assert archive.groups == tuple(f"g{i % 5}" for i in range(12))
    images = popaug.data.open(tmp_path / "x.npz")["train"].images  # outlives the data set
    np.testing.assert_array_equal(images, PIXELS)
    with pytest.raises(popaug.UsageError, match=r"no split 'test'; it has train"):
        found["test"]
    with pytest.raises(popaug.Error, match="does not exist"):
        popaug.data.open(tmp_path / "nothing")


def unlabelled() -> Iterator[Any]:
    yield PIXELS[0]


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (5, "is a int; expected an iterable"),
        ([], "has no images"),
        ({}, "empty mapping"),
        ({"train": pairs(), "training": pairs()}, "two splits that mean 'train'"),
        (unlabelled(), "item 0 of 'train' is a ndarray; expected \\(image, label\\)"),
        ([(PIXELS[0], 1, 2)], "is 3 values"),
        (
            [{"pic": PIXELS[0], "label": 1}],
            "no key that usually means the image; its keys are 'pic', 'label': give image=",
        ),
        ([(PIXELS[0], -1)], "the label -1, which usually says that there is none"),
        ([(PIXELS[0], [0, 1])], "several labels"),
        ([(PIXELS[0].astype(np.float32) - 100, 1)], "before they are normalised"),
        ([(PIXELS[0].astype(np.int64) + 300, 1)], "array of int64"),
        ([(PIXELS, 1)], "an image of shape"),
        ([(Image.new("F", (3, 3)), 1)], "mode F"),
        ([(b"GIF", 1)], "item 0 of 'train'"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: pathlib.Path, dataset: Any, words: str) -> None:
    with pytest.raises(popaug.Error, match=words):
        popaug.data.pack(dataset, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_names_that_do_not_fit(tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.UsageError, match="the label 2, but there are 2 names"):
        popaug.data.pack(pairs(), tmp_path / "x", classes=["a", "b"])
    with pytest.raises(popaug.UsageError, match="'c', which is not one of the classes"):
        popaug.data.pack([(PIXELS[0], "c")], tmp_path / "x", classes=["a", "b"])
    with pytest.raises(popaug.UsageError, match="has no 'picture'"):
        popaug.data.pack([{"image": PIXELS[0], "label": 1}], tmp_path / "x", image="picture")
    (tmp_path / "x").write_text(json.dumps(1))
    with pytest.raises(popaug.UsageError, match="exists and is not overwritten"):
        popaug.data.pack(pairs(), tmp_path / "x")
    with pytest.raises(popaug.UsageError, match="all images at once"):
        popaug.data.pack(pairs(), tmp_path / "y", range="auto")
