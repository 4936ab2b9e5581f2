"""What a Loader reads: images in memory, or files that are decoded while the training runs; and their labels."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

import popaug.data
from popaug import _arrays, _core
from popaug._core import UsageError


@dataclass(frozen=True)
class LoaderData:
    """Images and their labels, ready for the engine."""

    images: Any  # uint8 [images, height, width, channels], or None where they are in files
    files: tuple[_core.OpenFiles, int] | None  # the set and the number of the split
    count: int
    shape: tuple[int, int, int]  # height, width, channels
    labels: Tensor | None  # [images, ...]; numbers of classes are int64
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileOptions:
    """How a path is read: the arguments of Loader with these names."""

    split: str
    size: int | str | None
    fit: str
    scaled_decoding: bool
    range: str
    background: str
    keep_going: bool

    def given(self) -> list[str]:
        """The names of those that are not the default."""
        usual = FileOptions("train", None, "stretch", False, "full", "black", False)
        return [name for name in vars(usual) if getattr(self, name) != getattr(usual, name)]


def loader_data(data: Any, options: FileOptions) -> LoaderData:
    """Reads what was given to a Loader. Raises UsageError for what it cannot read without Python code of the user."""
    if isinstance(data, (str, os.PathLike)):
        return _of_path(os.fspath(data), options)
    needless = [name for name in options.given() if name != "split" or not isinstance(data, popaug.data.Dataset)]
    if needless:
        raise UsageError(f"{needless[0]}= says how a path is read, but data is not a path: leave it out")
    if isinstance(data, popaug.data.Dataset):
        return _of_set(data, options.split)
    if isinstance(data, popaug.data.ImageSet):
        return _of_arrays(data.images, data.labels)
    if isinstance(data, np.ndarray | Tensor):
        return _of_arrays(data, None)
    if isinstance(data, tuple) and len(data) == 2 and _is_batch(data[0]):
        return _of_arrays(*data)
    raise UsageError(
        f"data is a {type(data).__name__}; a Loader reads without Python: a path, (images, labels) as arrays or tensors, "
        "or an image set of popaug.data. popaug.data.pack(dataset, path) writes any data set to a file that it reads; "
        "popaug.torch.loader(dataset, ...) takes the data set itself"
    )


def _is_batch(value: Any) -> bool:
    return isinstance(value, np.ndarray | Tensor) and value.ndim in (3, 4)


def _of_set(data: popaug.data.Dataset, split: str) -> LoaderData:
    part = data[split]
    found = _of_arrays(part.images, part.labels)
    return LoaderData(found.images, None, found.count, found.shape, found.labels, data.classes, data.notes,
                      data.left_out)  # fmt: skip


def _of_arrays(images: Any, labels: Any) -> LoaderData:
    batch = _arrays.batch_of(images, None)
    if not batch.layout.startswith("n"):
        raise UsageError(f"images of shape {tuple(images.shape)} are one image; expected [images, ...]")
    count, *shape = batch.images.shape
    if count == 0:
        raise UsageError("there are no images")
    return LoaderData(batch.images, None, count, cast("tuple[int, int, int]", tuple(shape)), _labels(labels, count))


def _labels(labels: Any, count: int) -> Tensor | None:
    if labels is None:
        return None
    try:
        values = labels if isinstance(labels, Tensor) else torch.from_numpy(_wide(np.asarray(labels)))
    except (TypeError, ValueError):
        raise UsageError(
            f"labels are a {type(labels).__name__}; expected numbers, one or more for each image"
        ) from None
    if values.ndim == 0 or values.shape[0] != count:
        raise UsageError(f"labels of shape {tuple(values.shape)} for {count} images; expected one for each image")
    whole = not values.dtype.is_floating_point and not values.dtype.is_complex and values.dtype != torch.bool
    return values.to(torch.int64) if whole and values.ndim == 1 else values


def _wide(array: Any) -> Any:
    """The types that torch does not know, as one that it knows."""
    return array.astype(np.int64) if array.dtype.kind == "u" else np.ascontiguousarray(array)


def _of_path(path: str, options: FileOptions) -> LoaderData:
    reading = {
        "range": options.range,
        "background": options.background,
        "keep_going": options.keep_going,
    }
    opened = _core.OpenFiles.open(path, json.dumps(reading))
    about = json.loads(opened.about())
    names = [split["name"] for split in about["splits"]]
    if options.split not in names:
        raise UsageError(f"{path}: there is no split {options.split!r}; it has {', '.join(names)}")
    number = names.index(options.split)
    if not about["splits"][number]["files"]:
        return _of_packed(path, about["splits"][number], options)
    if options.size is None:
        raise UsageError(
            f'{path}: images in files have sizes of their own; give size=, such as size=224 or size="64x48"'
        )
    labels = torch.from_numpy(opened.labels(number).astype(np.int64))
    width, height = _core.parse_size(str(options.size))
    return LoaderData(None, (opened, number), len(labels), (height, width, 3), labels, tuple(about["classes"]),
                      tuple(about["notes"]), tuple(about["left_out"]))  # fmt: skip


def _of_packed(path: str, split: Mapping[str, Any], options: FileOptions) -> LoaderData:
    """A set that comes as arrays: mapped where it lies, or brought to another size once."""
    size = None
    if options.size is not None and _core.parse_size(str(options.size)) != (split["width"], split["height"]):
        size = options.size
    found = popaug.data.open(path, size=size, range=options.range, background=options.background)
    return _of_set(found, options.split)
