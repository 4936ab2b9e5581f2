"""The items of a data set: where the image lies in one, and the forms that an image has."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popaug import _arrays
from popaug._arguments import pillow_image
from popaug._core import UsageError
from popaug._movement import Movement

_IMAGE_KEYS = ("image", "img", "pixel_values")


def _is_image(value: Any) -> bool:
    return _arrays.is_pillow(value) or isinstance(value, (Tensor, np.ndarray))


def image_place(item: Any, image_key: str | None) -> Any:
    """Where the image of an item lies: a position, a key, or None if the item itself is the image."""
    if _is_image(item):
        return None
    if isinstance(item, Mapping):
        if image_key is not None:
            if image_key in item:
                return image_key
            raise UsageError(f'the item has no key "{image_key}"; it has {_keys(item)}')
        found = [key for key in _IMAGE_KEYS if key in item]
        if len(found) == 1:
            return found[0]
        raise UsageError(
            f"which part of the item is the image is not clear: its keys are {_keys(item)}; say it with image_key="
        )
    if isinstance(item, (tuple, list)) and item and _is_image(item[0]):
        return 0
    raise UsageError(
        f"an item of the data set is {_describe(item)}; expected an image, (image, label ...) or a dictionary with an "
        "image, where an image is a Pillow image, a uint8 tensor or a uint8 array"
    )


def _keys(item: Mapping[Any, Any]) -> str:
    return ", ".join(f'"{key}"' for key in item)


def _describe(item: Any) -> str:
    if isinstance(item, (tuple, list)):
        return f"a {type(item).__name__} of {', '.join(type(part).__name__ for part in item[:3]) or 'nothing'}"
    return f"a {type(item).__name__}"


def replaced(item: Any, place: Any, image: Any, other: Callable[[Any], Any] = lambda value: value) -> Any:
    """The item with another image, and with other(part) for each other part."""
    if place is None:
        return image
    if isinstance(item, Mapping):
        return {key: image if key == place else other(value) for key, value in item.items()}
    parts = [image, *(other(value) for value in item[1:])]
    if hasattr(item, "_fields"):  # a named tuple
        return type(item)(*parts)
    return tuple(parts)


def as_pixels(image: Any) -> NDArray[np.uint8]:
    """One image, a Pillow image, a CHW tensor or an HWC or HW array, as HWC."""
    if _arrays.is_pillow(image):
        pixels = _arrays.pixels_of_pillow(image)
        return pixels if pixels.ndim == 3 else pixels[..., None]
    if isinstance(image, Tensor):
        if image.dim() not in (2, 3):
            raise _not_one(image, "a tensor", "[channels, height, width]")
        return _first(_arrays.batch_of(image, "chw" if image.dim() == 3 else "hw"))
    array = _arrays.as_numpy(image, "the image")
    if array.ndim not in (2, 3):
        raise _not_one(array, "an array", "[height, width, channels]")
    return _first(_arrays.batch_of(array, "hwc" if array.ndim == 3 else "hw"))


def _not_one(array: Any, what: str, expected: str) -> UsageError:
    return UsageError(
        f"{what} of shape {tuple(array.shape)} is not one image; expected {expected}. For a whole batch, call the "
        "schedule itself: schedule(images, epoch, samples=...)"
    )


def _first(batch: _arrays.Batch) -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = batch.images[0]
    return image


def as_given(pixels: NDArray[np.uint8], image: Any) -> Any:
    """Augmented pixels [height, width, channels] as the kind of image that was given."""
    if _arrays.is_pillow(image):
        return pillow_image(pixels[..., 0] if image.mode == "L" else pixels)
    if isinstance(image, Tensor):
        return like_tensor(planes(pixels).reshape(tuple(image.shape)), image)
    return pixels.reshape(np.shape(image))


def as_tensor(images: Any) -> Tensor:
    """Images of the engine as a tensor over the same memory; bfloat16 is one already."""
    return images if isinstance(images, Tensor) else torch.from_numpy(images)


def planes(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _tv_tensors() -> Any:
    return sys.modules.get("torchvision.tv_tensors")


def like_tensor(result: Tensor, image: Any) -> Tensor:
    """The result as a tv_tensor if the image was one."""
    tv = _tv_tensors()
    if tv is not None and isinstance(image, tv.Image):
        return cast(Tensor, tv.wrap(result, like=image))
    return result


def has_targets(value: Any) -> bool:
    """Whether masks, boxes or key points of torchvision's types are in it, which move with the image."""
    tv = _tv_tensors()
    if tv is None:
        return False
    if isinstance(value, Mapping):
        return any(has_targets(part) for part in value.values())
    if isinstance(value, (tuple, list)):
        return any(has_targets(part) for part in value)
    return isinstance(value, tv.TVTensor) and not isinstance(value, tv.Image)


def moved(value: Any, movement: Movement, mask_fill: float) -> Any:
    """The same with masks, boxes and key points moved as the image was; everything else stays as it is."""
    if not has_targets(value):
        return value
    if isinstance(value, Mapping):
        return {key: moved(part, movement, mask_fill) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [moved(part, movement, mask_fill) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return _moved_target(value, movement, mask_fill)


def _moved_target(value: Any, movement: Movement, mask_fill: float) -> Any:
    tv, size = _tv_tensors(), (movement.height, movement.width)
    kind, plain = type(value).__name__, value.as_subclass(Tensor)
    if isinstance(value, tv.Mask):
        if tuple(plain.shape[-2:]) != size:
            raise UsageError(f"a mask of shape {tuple(plain.shape)} beside an image of {size[1]}x{size[0]} pixels")
        return tv.wrap(torch.from_numpy(movement.mask(plain.numpy(), mask_fill)), like=value)
    canvas = getattr(value, "canvas_size", None)
    if canvas is None:
        raise UsageError(f"a {kind} cannot be moved with an image; masks, boxes and key points can")
    if tuple(canvas) != size:
        raise UsageError(f"{kind} of canvas_size {tuple(canvas)} beside an image of (height, width) {size}")
    if isinstance(value, tv.BoundingBoxes):
        form = value.format.value
        if form not in _CORNERS:
            raise UsageError(f"boxes of the format {form}; expected {', '.join(_CORNERS)}")
        to_corners, from_corners = _CORNERS[form]
        boxes = from_corners(movement.boxes(to_corners(plain.double().numpy())))
        return tv.wrap(_in_type(boxes, plain), like=value)
    if hasattr(tv, "KeyPoints") and isinstance(value, tv.KeyPoints):
        return tv.wrap(_in_type(movement.points(plain.double().numpy()), plain), like=value)
    raise UsageError(f"a {kind} cannot be moved with an image; masks, boxes and key points can")


def _in_type(values: NDArray[np.float64], like: Tensor) -> Tensor:
    """As the type of the given numbers; whole numbers are rounded."""
    return torch.from_numpy(values if like.is_floating_point() else np.rint(values)).to(like.dtype)


def _halves(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([low, high], axis=-1)


# To (left, top, right, bottom) and back.
_CORNERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "XYXY": (lambda b: b, lambda b: b),
    "XYWH": (
        lambda b: _halves(b[..., :2], b[..., :2] + b[..., 2:]),
        lambda b: _halves(b[..., :2], b[..., 2:] - b[..., :2]),
    ),
    "CXCYWH": (
        lambda b: _halves(b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2),
        lambda b: _halves((b[..., :2] + b[..., 2:]) / 2, b[..., 2:] - b[..., :2]),
    ),
}
