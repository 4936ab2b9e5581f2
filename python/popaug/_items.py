"""What an item of a data set is: its image as bytes of pixels, and its label as the number of a name."""

from __future__ import annotations

import io
import json
import operator
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popaug import _core
from popaug._arrays import is_pillow, is_tensor
from popaug._core import UsageError

Items = Iterable[Any]

_IMAGE_KEYS = ("image", "img", "jpg", "jpeg", "png", "webp", "picture", "photo", "pixels", "pixel_values", "x")
_LABEL_KEYS = ("label", "labels", "fine_label", "cls", "class", "target", "category", "y")
_IMAGE_ENDINGS = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm")


def items_of(part: Any, reading: Reading, split: str) -> Items:
    """The items of a data set, whatever kind it is; tells `reading` the names of its classes."""
    if isinstance(part, str | os.PathLike):
        return _tar_items([os.fspath(part)])
    if isinstance(part, Sequence) and part and all(isinstance(one, str | os.PathLike) for one in part):
        return _tar_items([os.fspath(one) for one in part])
    if hasattr(part, "features") and hasattr(part, "cast_column"):
        return _hugging_face_items(part, reading)
    reading.offer_classes(_classes_of(part))
    if not hasattr(part, "__iter__") and hasattr(part, "__getitem__") and hasattr(part, "__len__"):
        return (part[i] for i in range(len(part)))
    if not isinstance(part, Iterable):
        raise UsageError(
            f"split {split!r} is a {type(part).__name__}; expected an iterable of (image, label) or of dictionaries"
        )
    return part


def _classes_of(part: Any) -> Sequence[str] | None:
    """The attribute `classes` of a torchvision data set, also of one inside a Subset."""
    for _ in range(4):
        names = getattr(part, "classes", None)
        if isinstance(names, Sequence) and names and all(isinstance(name, str) for name in names):
            return names
        part = getattr(part, "dataset", None)
    return None


def _hugging_face_items(part: Any, reading: Reading) -> Items:
    """Takes the files of images as they are, so that this library decodes them, and the names of classes."""
    features = part.features or {}
    image = reading.image_key or next((key for key in _IMAGE_KEYS if key in features), None)
    label = reading.label_key or next((key for key in _LABEL_KEYS if key in features), None)
    reading.offer_classes(getattr(features.get(label), "names", None))
    if image in features and type(features[image]).__name__ == "Image":
        part = part.cast_column(image, type(features[image])(decode=False))
    items: Items = part
    return items


def _tar_items(paths: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The samples of webdataset shards: files in a row that have the same name up to the first dot."""
    for path in paths:
        with tarfile.open(path, "r|*") as shard:
            name, sample = "", dict[str, Any]()
            for member in shard:
                folder, file = os.path.split(member.name)
                if not member.isfile() or file.startswith(".") or "__MACOSX" in folder:
                    continue
                key, _, ending = file.partition(".")
                key = os.path.join(folder, key)
                if key != name and sample:
                    yield _tar_item(path, name, sample)
                    sample = {}
                name = key
                opened = shard.extractfile(member)
                sample[ending.lower()] = b"" if opened is None else opened.read()
            if sample:
                yield _tar_item(path, name, sample)


def _tar_item(path: str, name: str, sample: dict[str, bytes]) -> dict[str, Any]:
    origin = f"{path}: {name}"
    item: dict[str, Any] = {"__origin__": origin}
    for ending, value in sample.items():
        kind = ending.rpartition(".")[2]
        if kind in _IMAGE_ENDINGS:
            item.setdefault("image", value)
        elif kind in ("cls", "txt", "label", "class"):
            text = value.decode("utf-8", "replace").strip()
            item.setdefault("label", int(text) if text.isdigit() else text)
        elif kind == "json":
            try:
                fields = json.loads(value)
            except ValueError:
                raise UsageError(f"{origin}.{ending} is not JSON") from None
            if isinstance(fields, Mapping):
                item |= {key: field for key, field in fields.items() if key not in item}
        else:
            item.setdefault(ending, value)
    return item


class Reading:
    """How items are read, and what reading them met."""

    def __init__(self, image: str | None, label: str | None, classes: Sequence[str] | None, options: str) -> None:
        self.image_key, self.label_key = image, label
        self.left_out: list[str] = []
        self._classes = classes
        self._given = classes is not None
        self._options = options
        rules = json.loads(options)
        self._range = _core.parse_range(rules["range"])
        self._background = np.array(_core.parse_background(rules["background"]), np.int64)
        self._numbers: dict[str, int] = {}  # of names, in the order in which they came
        self._notes: dict[str, tuple[int, str]] = {}  # how many images, and the first

    def offer_classes(self, names: Sequence[str] | None) -> None:
        """Names that a split has for its numeric labels; all splits must have the same."""
        if self._given or names is None:
            return
        if self._classes is not None and list(self._classes) != list(names):
            raise UsageError(
                f"the splits have different classes: {list(self._classes)} and {list(names)}; give classes="
            )
        self._classes = tuple(names)

    def class_names(self) -> tuple[list[str], bool]:
        """The names that labels are numbers of, and whether their order is that of the classes."""
        return (list(self._numbers), False) if self._classes is None else (list(self._classes), True)

    def notes(self) -> list[str]:
        return [
            f"{count} {'image' if count == 1 else 'images'} {note} (first: {first})"
            for note, (count, first) in sorted(self._notes.items())
        ]

    def read(self, item: Any, where: str) -> tuple[NDArray[np.uint8], int]:
        """The pixels [height, width, 1 or 3] and the number of the label's name."""
        if isinstance(item, Mapping):
            where = str(item.get("__origin__", where))
            image = item[self._key(item, self.image_key, _IMAGE_KEYS, "image", where)]
            label = item[self._key(item, self.label_key, _LABEL_KEYS, "label", where)]
        elif isinstance(item, tuple | list) and len(item) == 2:
            image, label = item
        else:
            found = f"{len(item)} values" if isinstance(item, tuple | list) else f"a {type(item).__name__}"
            raise UsageError(f"{where} is {found}; expected (image, label) or a dictionary with both")
        number = self._number(label, where)
        return self._pixels(image, where), number

    @staticmethod
    def _key(item: Mapping[Any, Any], asked: str | None, usual: Sequence[str], what: str, where: str) -> str:
        if asked is not None:
            if asked in item:
                return asked
        elif found := [key for key in usual if key in item]:
            return found[0]
        keys = ", ".join(repr(key) for key in item if key != "__origin__")
        missing = f"no {asked!r}" if asked is not None else f"no key that usually means the {what}"
        raise UsageError(f"{where} has {missing}; its keys are {keys}: give {what}= one of them")

    def _number(self, label: Any, where: str) -> int:
        value = label.item() if hasattr(label, "item") and getattr(label, "ndim", 0) == 0 else label
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str):
            return self._number_of_name(value, where)
        try:
            number = operator.index(value)
        except TypeError:
            raise UsageError(
                f"{where} has the label {label!r}; expected one whole number or one name (images with several labels "
                "are not supported)"
            ) from None
        if number < 0:
            raise UsageError(f"{where} has the label {number}, which usually says that there is none; leave it out")
        if self._classes is None:
            return self._numbers.setdefault(str(number), len(self._numbers))
        if number >= len(self._classes):
            raise UsageError(f"{where} has the label {number}, but there are {len(self._classes)} names of classes")
        return number

    def _number_of_name(self, name: str, where: str) -> int:
        if self._classes is None:
            return self._numbers.setdefault(name, len(self._numbers))
        if name not in self._classes:
            raise UsageError(f"{where} has the label {name!r}, which is not one of the classes {list(self._classes)}")
        return list(self._classes).index(name)

    def _pixels(self, image: Any, where: str) -> NDArray[np.uint8]:
        if isinstance(image, Mapping) and ("bytes" in image or "path" in image):
            where = f"{where} ({image['path']})" if image.get("path") else where
            image = image["path"] if image.get("bytes") is None else image["bytes"]
        if isinstance(image, str | os.PathLike):
            with open(image, "rb") as file:
                return self._decoded(file.read(), os.fspath(image))
        if isinstance(image, bytes | bytearray | memoryview):
            return self._decoded(bytes(image), where)
        if is_pillow(image):
            return self._of_pillow(image, where)
        return self._of_array(image, where)

    def _decoded(self, file: bytes, where: str) -> NDArray[np.uint8]:
        pixels, notes = _core.decode_pixels(file, where, self._options)
        for note in notes:
            count, first = self._notes.get(note, (0, where))
            self._notes[note] = (count + 1, first)
        return pixels

    def _of_pillow(self, image: Any, where: str) -> NDArray[np.uint8]:
        if image.mode == "L":
            return np.asarray(image)[..., None]
        if image.mode == "CMYK":
            image = image.convert("RGB")
        if image.mode == "RGB":
            return np.asarray(image)
        if image.mode not in ("1", "P", "PA", "LA", "RGBA", "I;16"):
            raise UsageError(
                f"{where} is a Pillow image of mode {image.mode}; expected RGB, L, RGBA, LA, P, 1, CMYK or I;16"
            )
        if image.mode == "PA":
            image = image.convert("RGBA")
        file = io.BytesIO()  # palettes, transparency and 16 bits are read in one place
        image.save(file, "PNG", compress_level=0)
        return self._decoded(file.getvalue(), where)

    def _of_array(self, image: Any, where: str) -> NDArray[np.uint8]:
        tensor = is_tensor(image)
        values = np.asarray(image.detach().cpu().numpy() if tensor else image)
        values = _channels_last(values, tensor, where)
        pixels = self._bytes(values, where)
        if pixels.shape[2] < 4:
            return pixels
        alpha = pixels[..., 3:].astype(np.int64)
        over = (pixels[..., :3] * alpha + self._background * (255 - alpha) + 127) // 255
        return over.astype(np.uint8)

    def _bytes(self, values: NDArray[Any], where: str) -> NDArray[np.uint8]:
        if values.dtype == np.uint8:
            return values
        if values.dtype == np.uint16:
            low, high = self._range
            above = np.clip(values.astype(np.int64), low, high) - low
            return ((above * 255 + (high - low) // 2) // (high - low)).astype(np.uint8)
        whole = values.dtype.kind in "iu" or values.dtype == bool
        least, most = (0.0, 0.0) if values.size == 0 else (float(values.min()), float(values.max()))
        if whole and least >= 0 and most <= 255 and values.dtype != bool:
            return values.astype(np.uint8)
        if values.dtype.kind == "f" and least >= 0 and most <= 1:
            return np.floor(values.astype(np.float64) * 255 + 0.5).astype(np.uint8)
        raise UsageError(
            f"{where} is an array of {values.dtype} from {least:g} to {most:g}; expected uint8, uint16, or floats "
            "from 0 to 1. Pack images before they are normalised"
        )


def _channels_last(values: NDArray[Any], tensor: bool, where: str) -> NDArray[Any]:
    """[height, width, channels]. Tensors have channels first if either would do, arrays last."""
    if values.ndim == 2:
        return values[..., None]
    if values.ndim == 3:
        last, first = values.shape[-1] in (1, 3, 4), values.shape[0] in (1, 3, 4)
        if first and (tensor or not last):
            return values.transpose(1, 2, 0)
        if last:
            return values
    raise UsageError(
        f"{where} has an image of shape {values.shape}; expected [height, width] with 1, 3 or 4 channels last or first"
    )
