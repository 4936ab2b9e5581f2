"""The arguments of a call of a Schedule: their types, and what is refused."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, SupportsIndex, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popaug import _arrays
from popaug._core import UsageError

if TYPE_CHECKING:
    import torch
    from PIL import Image

Numbers = Sequence[float] | float | NDArray[Any]
Samples = SupportsIndex | Sequence[int] | NDArray[Any] | Literal["random"]
OutputType = Literal["uint8", "float32", "bfloat16"]
OutputLayout = Literal["nchw", "nhwc"]
Layout = Literal["nhwc", "nchw", "nhw", "hwc", "chw", "hw"]


class _Array(Protocol):
    """What NumPy can read as an array."""

    def __array__(self) -> NDArray[Any]: ...


if TYPE_CHECKING:
    Images = NDArray[Any] | torch.Tensor | Image.Image | _Array | list[Any] | tuple[Any, ...]


class CallOptions(TypedDict, total=False):
    """The keyword arguments of a call that do not change the type of its result."""

    samples: Samples
    member: int
    output_layout: OutputLayout
    mean: Numbers | None
    std: Numbers | None
    hole: ArrayLike | None
    layout: Layout | None
    threads: int


class _NotGiven:
    def __repr__(self) -> str:
        return "(required)"


NOT_GIVEN: Final[Any] = _NotGiven()
HOLE = (125, 122, 113)  # the mean colour of CIFAR-10's training images, which shows in holes of bytes
GREY_HOLE = 122
_SAMPLES = 1 << 40
_REPEAT = 0x9E3779B97F  # odd, so that the repeats of one image all differ


def whole(value: Any, what: str, high: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"{what} is {value!r}; expected a whole number") from None
    if not 0 <= number < high:
        raise UsageError(f"{what} is {number}; expected 0 .. {high - 1}")
    return number


def check_scale(mean: Any, std: Any) -> None:
    """Raises UsageError for a mean or deviation that cannot be on the scale 0..1."""
    for values, what in ((mean, "mean"), (std, "std")):
        if values is None:
            continue
        numbers = [float(v) for v in np.ravel(np.asarray(values, dtype=np.float64))]
        if any(n > 1 for n in numbers):
            scaled = ", ".join(f"{n / 255:.3f}" for n in numbers)
            raise UsageError(
                f"{what} is {_listed(numbers)}; expected numbers on the scale 0..1, for byte / 255. "
                f"If these are on the scale 0..255, give {what}=[{scaled}]"
            )
        if any(n < 0 for n in numbers):
            raise UsageError(f"{what} is {_listed(numbers)}; expected numbers on the scale 0..1, for byte / 255")


def _listed(numbers: Sequence[float]) -> str:
    return "[" + ", ".join(f"{n:g}" for n in numbers) + "]"


def sample_of(index: int, repeat: int) -> int:
    """The number that keys the draws of an image that was drawn `repeat` times before in the same epoch."""
    return (index + repeat * _REPEAT) % _SAMPLES if repeat else index


def numbers(values: Any, count: int, what: str) -> list[float]:
    if type(values) in (list, tuple) and len(values) == count:  # the common case, without a detour over arrays
        return [float(v) for v in values]
    found = [float(v) for v in np.atleast_1d(np.asarray(values, dtype=np.float64))]
    if len(found) != count:
        raise UsageError(f"{what} has {len(found)} numbers; the images have {count} channels")
    return found


def pillow_image(pixels: NDArray[np.uint8]) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)


def samples_of(samples: Any, count: int, layout: str, tensor: bool) -> NDArray[np.uint64]:
    if samples is NOT_GIVEN:
        what = "this image" if "n" not in layout else "these images"
        numbers = "its number" if "n" not in layout else "their numbers, or that of the first,"
        raise UsageError(
            f"which draws {what} get was not said, and without it every call would repeat the same ones. Give "
            f'samples={numbers} in the data set, or samples="random" for new draws at every call'
        )
    if isinstance(samples, str):
        if samples != "random":
            raise UsageError(f'samples="{samples}"; expected numbers or "random"')
        return _random_samples(count, tensor)
    return _given_samples(samples, count)


def _random_samples(count: int, tensor: bool) -> NDArray[np.uint64]:
    if tensor:
        torch = sys.modules["torch"]
        drawn: NDArray[np.uint64] = torch.randint(_SAMPLES, (count,), dtype=torch.int64).numpy().astype(np.uint64)
        return drawn
    return np.random.randint(0, _SAMPLES, count, dtype=np.uint64)


def _given_samples(samples: Any, count: int) -> NDArray[np.uint64]:
    limit = _SAMPLES
    if type(samples) is int and 0 <= samples < limit - count:
        return np.arange(samples, samples + count, dtype=np.uint64)
    if np.ndim(samples) == 0 and not _arrays.is_tensor(samples):
        first = whole(samples, "the first sample", limit - count)
        return np.arange(first, first + count, dtype=np.uint64)
    array = _arrays.as_numpy(samples, "samples")
    if array.ndim == 0:
        return _given_samples(int(array), count)
    if array.dtype.kind not in "iu" or array.shape != (count,):
        raise UsageError(
            f"samples are of type {array.dtype} and shape {array.shape}; expected {count} whole numbers, one per image"
        )
    if count and (int(array.min()) < 0 or int(array.max()) >= limit):
        raise UsageError(f"samples reach from {array.min()} to {array.max()}; expected 0 .. {limit - 1}")
    return np.ascontiguousarray(array, dtype=np.uint64)


def hole_of(hole: Any, mean: Any, channels: int) -> list[int]:
    if hole is None and mean is None:
        return list(HOLE) if channels == 3 else [GREY_HOLE]
    if hole is None:
        hole = [round(255 * m) for m in numbers(mean, channels, "mean")]
    colour = [whole(int(c), "a hole's colour", 256) for c in np.atleast_1d(np.asarray(hole))]
    if len(colour) != channels:
        raise UsageError(f"hole has {len(colour)} bytes; the images have {channels} channels")
    return colour
