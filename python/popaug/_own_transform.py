"""A transform of the user's own, called as a Schedule is."""

from __future__ import annotations

import contextlib
import hashlib
import re
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popaug import _arrays
from popaug._arguments import NOT_GIVEN, samples_of, whole
from popaug._core import UsageError
from popaug._movement import Movement
from popaug._schedule import Schedule
from popaug._seeding import seeded_each
from popaug._values import Base

Transform = Callable[[Any], Any]


class OwnTransform(Schedule):
    """A callable around one image where a Schedule is expected: it is called for each image of a batch.

    It gets a uint8 array [height, width, channels] and returns the same. torchvision's transforms (and any other
    torch.nn.Module) get a uint8 tensor [channels, height, width], albumentations' get the array as `image=`. Before each image,
    the global generators of Python, NumPy and torch are seeded by (seed, member, epoch, sample), and put back afterwards, so
    that the draws of an image depend on its key alone. One image after the other, in one thread at a time: slower than a
    Schedule.
    """

    def __init__(self, transform: Transform, name: str, epochs: int = 1) -> None:
        if not callable(transform):
            raise UsageError(f"{name} is a {type(transform).__name__}, which cannot be called with an image")
        plain = Schedule.baseline("none").stretch(epochs)
        self._set(plain._text, name)
        self.transform = transform

    def stretch(self, epochs: int) -> OwnTransform:
        return OwnTransform(self.transform, self._name, whole(epochs, "epochs", 1 << 24))

    def movement(self, width: int, height: int, **key: Any) -> Movement:
        raise UsageError(f"where {self._name} moves pixels is not known: masks and boxes cannot follow it")

    def with_base(self, base: Base | str) -> Schedule:
        raise UsageError(f"{self._name} is a transform of your own: put flips and crops into it")

    def __call__(
        self,
        images: Any,
        epoch: int | None = None,
        seed: int = 0,
        *,
        samples: Any = NOT_GIVEN,
        member: int = 0,
        layout: Any = None,
        **options: Any,
    ) -> Any:
        """As a Schedule: the options say what becomes of the transformed bytes."""
        number = whole(self._epoch(epoch), "the epoch", 1 << 24)
        key = (whole(seed, "the seed", 1 << 64), whole(member, "the member", 1 << 24), number)
        changed = self._changed(images, key, samples, layout)
        # Its own policy has no op.
        return super().__call__(changed, epoch, seed, samples=0, member=member, layout=layout, **options)

    def _changed(self, images: Any, key: tuple[int, int, int], samples: Any, layout: Any) -> Any:
        """What came in, with each image transformed."""
        if _arrays.is_pillow(images):
            pixels = _arrays.pixels_of_pillow(images)
            return sys.modules["PIL.Image"].fromarray(
                self._changed(pixels, key, samples, "hw" if pixels.ndim == 2 else "hwc")
            )
        batch = _arrays.batch_of(images, layout)
        order = samples_of(samples, len(batch.images), batch.layout, _arrays.is_tensor(images))
        result = np.empty(_arrays.as_numpy(images, "images").shape, np.uint8)
        target = _arrays.in_engine_axes(result, batch.layout)
        with seeded_each() as seed:
            for image, into, sample in zip(batch.images, target, order.tolist(), strict=True):
                drawn = seed(*key, sample)
                if hasattr(self.transform, "set_random_seed"):  # albumentations draws from generators of its own
                    self.transform.set_random_seed(drawn % (1 << 32))
                into[...] = self._one(image)
        return _arrays.like(result, images)

    def _one(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(self.transform, torch.nn.Module):
            given = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
            returned = np.moveaxis(_arrays.as_numpy(self.transform(given), f"what {self._name} returned"), 0, -1)
        elif type(self.transform).__module__.split(".")[0] == "albumentations":
            returned = self.transform(image=image.copy())["image"]  # type: ignore[call-arg]
        else:
            returned = self.transform(image.copy())
            if _arrays.is_pillow(returned):
                returned = _arrays.pixels_of_pillow(returned)
        found = np.asarray(returned)
        if found.dtype != np.uint8 or found.size != image.size or found.shape[:2] != image.shape[:2]:
            raise UsageError(
                f"{self._name} returned {found.dtype} of shape {found.shape} for an image of uint8 and shape {image.shape}; "
                "expected the same type and shape (resizing comes before, normalising after: mean=, std=)"
            )
        return found.reshape(image.shape)

    @property
    def identity(self) -> str:
        """What the transform is, as far as that can be seen: a comparison refuses another one under the same name."""
        return hashlib.sha256(_described(self.transform).encode()).hexdigest()[:32]

    def __reduce__(self) -> Any:
        return OwnTransform, (self.transform, self._name, self.epochs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnTransform) and self.transform == other.transform and super().__eq__(other)

    def __hash__(self) -> int:
        return hash((self._text, self._name))

    def __repr__(self) -> str:
        return f"OwnTransform({self.transform!r})"


def _described(value: Any) -> str:
    """Code and parameters, without the addresses that differ from process to process."""
    function = getattr(value, "__func__", value)
    if isinstance(function, types.FunctionType):
        inside: list[Any] = [function.__defaults__, function.__kwdefaults__]
        for cell in function.__closure__ or ():
            with contextlib.suppress(ValueError):  # not filled yet
                inside.append(cell.cell_contents)
        return _code(function.__code__) + "".join(_described(part) for part in inside)
    return type(value).__qualname__ + re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _code(code: types.CodeType) -> str:
    return f"{code.co_code.hex()} {code.co_names} {[_constant(c) for c in code.co_consts]}"


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return _code(value)
    # The order of a set of texts differs from process to process.
    return str(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
