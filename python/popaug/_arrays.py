"""Batches as they come: which axis means what, and how an array is used where it lies."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popaug._core import UsageError

_LINE = 64  # bytes
LAYOUTS = ("nhwc", "nchw", "nhw", "hwc", "chw", "hw")


def is_tensor(value: object) -> bool:
    """Whether value is a torch tensor; torch is never imported for the question."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_pillow(value: object) -> bool:
    """Whether value is a Pillow image; Pillow is never imported for the question."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def pixels_of_pillow(image: Any) -> NDArray[np.uint8]:
    """The pixels of a Pillow image of mode RGB or L, as [height, width, 3] or [height, width]."""
    if image.mode in ("RGB", "L"):
        pixels: NDArray[np.uint8] = np.asarray(image)
        return pixels
    if image.mode.startswith("I") or image.mode == "F":
        advice = (
            "it has more than 8 bits per value: scale it to 0..255 first, for example "
            "Image.fromarray((pixels / (pixels.max() / 255)).astype('uint8')) (Pillow's convert() would clip it to white)"
        )
    elif image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        advice = (
            "it has transparent pixels: paste it on a background first, for example "
            "background.paste(image, mask=image.getchannel('A')) (a mere conversion shows the colours below)"
        )
    elif image.mode == "1":
        advice = 'use .convert("L")'
    else:
        advice = 'use .convert("RGB")'
    raise UsageError(f"a Pillow image of mode {image.mode}; expected RGB or L: {advice}")


def like(result: NDArray[Any], model: object) -> Any:
    """The array as what the caller gave: a tensor for a tensor (sharing memory), else the array."""
    return sys.modules["torch"].from_numpy(result) if is_tensor(model) else result


def as_numpy(value: Any, what: str) -> NDArray[Any]:
    """A view of anything that speaks the array protocol: NumPy, a torch tensor on the CPU, ..."""
    if type(value) is np.ndarray:
        return value
    if is_tensor(value):
        if value.device.type != "cpu":
            raise UsageError(f"{what} lie on the device {value.device}; the engine works on the CPU: give it .cpu()")
        if value.dtype == sys.modules["torch"].bfloat16:
            raise UsageError(f"{what} are a tensor of type {value.dtype}; expected a type that NumPy has")
        return np.asarray(value.detach().numpy())
    if isinstance(value, np.ndarray):
        return value
    if not (hasattr(value, "__array__") or hasattr(value, "__dlpack__") or isinstance(value, (list, tuple))):
        raise UsageError(
            f"{what} are a {type(value).__name__}; expected a NumPy array, a torch tensor or a Pillow image"
        )
    try:
        return np.asarray(value)
    except ValueError:  # lists of unequal length
        raise UsageError(f"{what} are lists of unequal lengths; expected images of one size, as one array") from None


@dataclass(frozen=True)
class Batch:
    """Images as the engine takes them: uint8 [images, height, width, channels], each without gaps."""

    images: NDArray[np.uint8]
    layout: str  # of what the caller gave


def _guess(shape: tuple[int, ...]) -> str:
    last, first = shape[-1] in (1, 3), len(shape) >= 3 and shape[-3] in (1, 3)
    if len(shape) == 2:
        return "hw"
    if len(shape) == 4 and last != first:
        return "nhwc" if last else "nchw"
    if len(shape) == 3 and not (last or first):
        return "nhw"
    if len(shape) == 3 and (last != first):
        # One leading image of one channel, or one grey image: the same bytes either way.
        if shape[0] == 1:
            return "nhw"
        if last:
            return "hwc"
    if len(shape) == 4 and 4 in (shape[-1], shape[-3]):
        return "nhwc" if shape[-1] == 4 else "nchw"  # RGBA, which is refused by name
    if len(shape) in (3, 4):
        names = "nhwc or nchw" if len(shape) == 4 else "hwc, chw or nhw"
        raise UsageError(f"images of shape {shape} can be read in several ways; say which with layout= ({names})")
    raise UsageError(
        f"images of shape {shape}; expected [images, height, width, channels], [images, channels, "
        "height, width], [images, height, width] (grey) or one image, channels 1 or 3"
    )


def batch_of(images: Any, layout: str | None) -> Batch:
    """Checks and views the caller's images; copies only where an image has gaps or planes."""
    array = as_numpy(images, "images")
    if array.dtype != np.uint8:
        raise UsageError(
            f"images of type {array.dtype}; expected uint8, 0..255 (augmentation comes before the conversion to floats)"
        )
    if layout is None:
        layout = _guess(array.shape)
    if layout not in LAYOUTS:
        raise UsageError(f'layout "{layout}"; expected one of {", ".join(LAYOUTS)}')
    if array.ndim != len(layout):
        raise UsageError(f'images of shape {array.shape} have {array.ndim} axes; layout "{layout}" has {len(layout)}')
    array = in_engine_axes(array, layout)
    if array.shape[3] not in (1, 3):
        advice = "; leave out transparency, after putting the images on a background" if array.shape[3] == 4 else ""
        raise UsageError(
            f"images of shape {tuple(array.shape)} (as [images, height, width, channels]) have "
            f"{array.shape[3]} channels; expected 1 or 3{advice}"
        )
    if 0 in array.shape[1:]:
        raise UsageError(f"images of shape {array.shape} are empty; expected at least 1x1 pixels")
    return Batch(_rows(array), layout)


def in_engine_axes(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """The same memory as [images, height, width, channels]."""
    if "n" not in layout:
        array = array[None]
    if "c" not in layout:
        return array[..., None]
    return array.transpose(0, 2, 3, 1) if layout in ("nchw", "chw") else array


def empty(shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """An array that starts on a cache line, as tensors do: NumPy's own start 16 bytes later, and each vector that the engine
    writes would then touch two lines."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + _LINE, np.uint8)
    first = -memory.ctypes.data % _LINE
    return memory[first : first + size].view(dtype).reshape(shape)


def bfloat16_tensor(bits: NDArray[np.uint16]) -> Any:
    """The tensor of these bits, sharing memory; NumPy has no bfloat16."""
    torch = sys.modules["torch"]
    return torch.from_numpy(bits.view(np.int16)).view(torch.bfloat16)


def overlap(one: NDArray[Any], two: NDArray[Any]) -> bool:
    """Whether writing into one may change two, other than element by element."""
    same = one.__array_interface__["data"] == two.__array_interface__["data"] and one.strides == two.strides
    return not same and np.may_share_memory(one, two)


def _rows(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The array itself if its images have no gaps inside and lie one after the other, else a copy."""
    if array.flags.c_contiguous:
        return array
    _, height, width, channels = array.shape
    steps = (width * channels, channels, 1)
    inside = all(s == t or n == 1 for s, t, n in zip(array.strides[1:], steps, array.shape[1:], strict=True))
    forward = array.shape[0] < 2 or array.strides[0] >= height * width * channels
    return array if inside and forward else np.ascontiguousarray(array)


def output_of(out: Any, shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """The caller's own array for results, checked."""
    if is_tensor(out) and out.dtype == sys.modules["torch"].bfloat16:
        raise UsageError(f"out is of type {out.dtype}; expected {np.dtype(dtype)}")
    array = as_numpy(out, "out")
    if array.dtype != dtype:
        raise UsageError(f"out is of type {array.dtype}; expected {np.dtype(dtype)}")
    if array.shape != shape:
        raise UsageError(f"out has the shape {array.shape}; expected {shape}")
    if not array.flags.writeable:
        raise UsageError("out is read-only; give an array that may be written")
    return array


def output_bits_of(out: Any, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """The bits of the caller's own bfloat16 tensor for results, checked."""
    if not is_tensor(out) or out.dtype != sys.modules["torch"].bfloat16:
        found = getattr(out, "dtype", type(out).__name__)
        raise UsageError(f"out is of type {found}; expected a torch tensor of type torch.bfloat16")
    return output_of(out.detach().view(sys.modules["torch"].int16), shape, np.int16).view(np.uint16)
