"""Image sets: pack() writes any data set of a program as a packed set, open() reads any set as arrays.

popaug.data.pack(torchvision.datasets.Flowers102("data"), "flowers.popaug", size=64)
popaug.data.pack(datasets.load_dataset("parquet", data_files=files), "mine.popaug", size=32)
popaug.data.pack(sorted(glob.glob("shard-*.tar")), "shards.popaug", size=224)

photos = popaug.data.open("photos", size=32)  # a folder, a CSV, IDX, CIFAR, .npz, a packed set ...
photos["train"].images, photos["train"].labels, photos.classes
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popaug import _core
from popaug._core import UsageError
from popaug._items import Items, Reading, items_of
from popaug._spool import Spool

__all__ = ["Dataset", "ImageSet", "Packed", "open", "pack"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """One split: images as uint8 [images, height, width, 1 or 3], read only, and labels as numbers of classes."""

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.uint32]
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[NDArray[np.uint8], int]:
        return self.images[i], int(self.labels[i])

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], int]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        count, height, width, channels = self.images.shape
        return f"ImageSet({self.name!r}, {count} images of {width}x{height}, {'grey' if channels == 1 else 'colour'})"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A set that was read: its classes, its splits, and what reading noted."""

    path: str
    kind: str
    classes: tuple[str, ...]
    splits: Mapping[str, ImageSet]
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    fingerprint: str

    def __getitem__(self, split: str) -> ImageSet:
        if split not in self.splits:
            raise UsageError(f"{self.path}: there is no split {split!r}; it has {', '.join(self.splits)}")
        return self.splits[split]

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)

    def __len__(self) -> int:
        return len(self.splits)


@dataclass(frozen=True)
class Packed:
    """What pack() wrote."""

    path: str
    images: int
    bytes: int
    notes: tuple[str, ...]
    left_out: tuple[str, ...]


def open(
    path: PathLike,
    *,
    size: int | str | None = None,
    fit: str = "stretch",
    range: str = "full",
    background: str = "black",
    image_column: str = "",
    label_column: str = "",
    allow_outside: bool = False,
    keep_going: bool = False,
    memory_gib: float = 8,
) -> Dataset:
    """Reads any set that the program reads (docs/formats/data.md). The arguments are those of `popaug data`."""
    options = {
        "size": "" if size is None else str(size),
        "fit": fit,
        "range": range,
        "background": background,
        "image_column": image_column,
        "label_column": label_column,
        "allow_outside": allow_outside,
        "keep_going": keep_going,
        "memory_gib": memory_gib,
    }
    found = _core.OpenSet.open(os.fspath(path), json.dumps(options))
    about = json.loads(found.about())
    splits = {
        split["name"]: ImageSet(split["name"], found.images(i), found.labels(i), tuple(split["groups"]))
        for i, split in enumerate(about["splits"])
    }
    return Dataset(
        about["path"],
        about["kind"],
        tuple(about["classes"]),
        splits,
        tuple(about["notes"]),
        tuple(about["left_out"]),
        about["fingerprint"],
    )


def pack(
    dataset: Any,
    path: PathLike,
    *,
    size: int | str | None = None,
    fit: str = "stretch",
    image: str | None = None,
    label: str | None = None,
    classes: Sequence[str] | None = None,
    split: str = "train",
    range: str = "full",
    background: str = "black",
    keep_going: bool = False,
) -> Packed:
    """Writes a packed set, which every verb and open() read without decoding anything.

    dataset: an iterable of (image, label) or of dictionaries; a torchvision or Hugging Face data set; a mapping
        from the names of splits to those (a DatasetDict); a webdataset tar, or a list of its shards; or the path of
        any set that the program reads.
    size: brings every image to this size ("64x48" is width x height). Needed if images differ in size.
    fit: how, as in `popaug data`: "stretch", "crop" or "pad". Other than "stretch" only for a path.
    image, label: the keys of dictionaries (default: the usual ones).
    classes: the names of the classes, in the order of numeric labels. Default: those of the data set.
    split: the name of the split, if the data set is not a mapping.
    range, background: how 16-bit samples and transparent pixels become 8-bit colours, as in `popaug data`.
    keep_going: leaves out images that cannot be read, and lists them in left_out.
    """
    target = os.fspath(path)
    if os.path.lexists(target):
        raise UsageError(f"{target} exists and is not overwritten; give another name or remove it")
    options = {"range": range, "background": background, "keep_going": keep_going}
    if isinstance(dataset, str | os.PathLike) and not os.fspath(dataset).endswith(".tar"):
        options["fit"] = fit
        options["size"] = "" if size is None else str(size)
        return _packed(target, _core.pack_path(os.fspath(dataset), target, json.dumps(options)))
    if fit != "stretch":
        raise UsageError(f"fit={fit!r} is for the path of a set; bring the images to one shape before, or pack a path")
    if range == "auto":
        raise UsageError('range="auto" needs all images at once; give the range, such as range="500..2700"')
    reading = Reading(image, label, None if classes is None else tuple(classes), json.dumps(options))
    wanted = None if size is None else _core.parse_size(str(size))
    spools: list[Spool] = []
    try:
        for name, part in _splits(dataset, split).items():
            items = items_of(part, reading, name)
            spools.append(Spool(name, wanted, os.path.dirname(os.path.abspath(target))))
            _fill(spools[-1], items, reading, keep_going)
        return _write(spools, reading, target, options)
    finally:
        for spool in spools:
            spool.close()


def _splits(dataset: Any, split: str) -> dict[str, Any]:
    """The parts of a data set by the name of their split."""
    if not isinstance(dataset, Mapping):
        return {_core.usual_split(split) or split: dataset}
    parts: dict[str, Any] = {}
    for key, part in dataset.items():
        name = _core.usual_split(str(key)) or str(key)
        if name in parts:
            raise UsageError(f"the data set has two splits that mean {name!r}; give one of them")
        parts[name] = part
    if not parts:
        raise UsageError("the data set is an empty mapping; expected splits by name, such as train and test")
    return parts


def _fill(spool: Spool, items: Items, reading: Reading, keep_going: bool) -> None:
    for number, item in enumerate(items):
        where = f"item {number} of {spool.name!r}"
        try:
            pixels, label = reading.read(item, where)
        except _core.UsageError:
            raise
        except _core.Error as error:
            if not keep_going:
                raise
            reading.left_out.append(str(error))
            continue
        spool.add(pixels, label, where)
    if spool.count == 0:
        raise UsageError(f"split {spool.name!r} has no images")


def _write(spools: Sequence[Spool], reading: Reading, target: str, options: Mapping[str, Any]) -> Packed:
    channels = max(spool.channels for spool in spools)
    arrays = [(spool.name, spool.images(channels), np.asarray(spool.labels, np.uint32)) for spool in spools]
    notes = reading.notes()
    if channels == 3 and (grey := sum(spool.grey for spool in spools)) > 0:
        notes.append(f"grey and colour images are mixed: all were read as colour ({grey} are grey)")
    names, keep_order = reading.class_names()
    report = _core.pack_arrays(arrays, names, keep_order, notes, reading.left_out, target, json.dumps(options))
    return _packed(target, report)


def _packed(target: str, report: str) -> Packed:
    about = json.loads(report)
    return Packed(target, about["images"], about["bytes"], tuple(about["notes"]), tuple(about["left_out"]))
