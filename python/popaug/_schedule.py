"""Schedules and baselines as values that augment images when called."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popaug import _arrays, _core
from popaug._core import UsageError
from popaug._values import Base, Json, Policy, Rule, Space


@dataclass(frozen=True)
class Segment:
    """A policy and the number of epochs (at least 1) that it lasts."""

    epochs: int
    policy: Policy

    def to_json(self) -> Json:
        return {"epochs": self.epochs, "policy": self.policy.to_json()}


def _whole(value: Any, what: str, high: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"{what} is {value!r}; expected a whole number") from None
    if not 0 <= number < high:
        raise UsageError(f"{what} is {number}; expected 0 .. {high - 1}")
    return number


def _numbers(values: Any, count: int, what: str) -> list[float]:
    if type(values) in (list, tuple) and len(values) == count:  # the common case, without a detour over arrays
        return [float(v) for v in values]
    numbers = [float(v) for v in np.atleast_1d(np.asarray(values, dtype=np.float64))]
    if len(numbers) != count:
        raise UsageError(f"{what} has {len(numbers)} numbers; the images have {count} channels")
    return numbers


class Schedule:
    """A policy per epoch: space, rule, base transforms and segments. Immutable; safe to share.

    Calling it augments a batch: `schedule(images, epoch=3, seed=1)`. Equal arguments give equal bytes, on any
    machine, with any number of threads, and in C++.
    """

    def __init__(
        self,
        space: Space,
        rule: Rule,
        segments: Sequence[Segment],
        base: Base | None = None,
        provenance: Json | None = None,
        name: str = "schedule",
    ) -> None:
        """Raises Error where a policy does not fit the space or the rule, or a segment has no epoch."""
        value = {
            "format": "popaug-schedule",
            "version": 1,
            "space": space.to_json(),
            "rule": rule.to_json(),
            "base": (base or Base()).to_json(),
            "segments": [segment.to_json() for segment in segments],
            "provenance": provenance or {},
        }
        self._set(_core.check_schedule(json.dumps(value)), name)

    def _set(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._value: Json = json.loads(text)
        self._engine: _core.Engine | None = None

    @classmethod
    def _from_text(cls, text: str, name: str) -> Schedule:
        schedule = Schedule.__new__(Schedule)
        schedule._set(text, name)
        return schedule

    # --- from and to files ---------------------------------------------------------------------

    @staticmethod
    def load(name: str | os.PathLike[str]) -> Schedule:
        """A file *.schedule.json, or a shipped schedule by name ("rcifar10-paper", "rsvhn-paper").

        Raises Error for an unknown version, op or key: what was read, where, what was expected.
        """
        found, text = _core.find_schedule(os.fspath(name))
        return Schedule._from_text(text, found)

    @staticmethod
    def baseline(name: str) -> Schedule:
        """A free baseline or published policy with its base transforms: "none", "flipcrop",
        "flipcrop-cutout", "randaugment", "trivial", "trivial-standard", "autoaugment-cifar10",
        "autoaugment-svhn"."""
        found, text = _core.baseline_schedule(name)
        return Schedule._from_text(text, found)

    @staticmethod
    def from_json(value: Json, name: str = "schedule") -> Schedule:
        """From what json.load gives for a schedule file."""
        return Schedule._from_text(_core.check_schedule(json.dumps(value)), name)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the file, all or nothing."""
        _core.save_schedule(self._text, os.fspath(path))

    def to_json(self) -> Json:
        """As json.load would read it from the file."""
        return json.loads(self._text)

    # --- what it holds --------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._name

    @property
    def space(self) -> Space:
        return Space.from_json(self._value["space"])

    @property
    def rule(self) -> Rule:
        return Rule.from_json(self._value["rule"])

    @property
    def base(self) -> Base:
        return Base.from_json(self._value["base"])

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(Segment(s["epochs"], Policy.from_json(s["policy"])) for s in self._value["segments"])

    @property
    def provenance(self) -> Json:
        return json.loads(self._text).get("provenance", {})

    @property
    def epochs(self) -> int:
        """The length of the training that it describes."""
        return sum(s["epochs"] for s in self._value["segments"])

    def at(self, epoch: int) -> Policy:
        """The policy of an epoch, counted from 0; past the end, the last one."""
        left = _whole(epoch, "the epoch", 1 << 24)
        for segment in self._value["segments"]:
            if left < segment["epochs"]:
                break
            left -= segment["epochs"]
        return Policy.from_json(segment["policy"])

    # --- others made from it --------------------------------------------------------------------

    def stretch(self, epochs: int) -> Schedule:
        """The same schedule over another number of epochs (boundaries move in proportion)."""
        return Schedule._from_text(_core.stretch(self._text, _whole(epochs, "epochs", 1 << 24)), self._name)

    def with_base(self, base: Base | str) -> Schedule:
        """The same with other base transforms, a Base or a name that Base.load knows."""
        chosen = Base.load(base) if isinstance(base, str) else base
        return Schedule.from_json(self.to_json() | {"base": chosen.to_json()}, self._name)

    # --- the engine -----------------------------------------------------------------------------

    def __call__(
        self,
        images: Any,
        epoch: int = 0,
        seed: int = 0,
        *,
        samples: Any = 0,
        member: int = 0,
        output: str = "uint8",
        output_layout: str = "nchw",
        mean: Any = None,
        std: Any = None,
        hole: Any = None,
        layout: str | None = None,
        threads: int = 1,
        out: Any = None,
    ) -> Any:
        """Augments a batch of images, or one.

        images: uint8, [images, height, width, channels], [images, channels, height, width],
            [images, height, width] or one image; channels 1 or 3. A NumPy array, a torch tensor on the CPU,
            anything with the array protocol (used where it lies; images with gaps or in planes are copied
            first), or a Pillow image of mode RGB or L. Sides 1 .. 16384 pixels.
        epoch: which policy of the schedule; past its end, the last one. seed, member: further parts of the key.
        samples: the number of each image in its data set, [images], or that of the first of consecutive ones.
            An image's draws depend on (seed, member, epoch, sample) alone, not on its place in a batch.
        output: "uint8" gives bytes of the same shape and type as the input; "float32" gives normalised floats
            (byte / 255 - mean) / std in output_layout "nchw" or "nhwc". Without mean and std: byte / 255.
        mean, std: one number per channel, on the scale 0..1.
        hole: the colour of holes in "uint8" output, one byte per channel; by default the mean colour if `mean`
            is given, else (125, 122, 113), and 122 for grey. In "float32" output a hole is 0.
        layout: what the axes of `images` mean, if the shape leaves it open: "nhwc", "nchw", "nhw", "hwc",
            "chw" or "hw".
        threads: at most so many; the interpreter's lock is free meanwhile.
        out: an array or tensor for the result, of its exact shape and type; may be `images` itself for bytes.

        Returns an array, a tensor if `images` is one, or a Pillow image. Raises UsageError for arguments that
        do not fit, in a sentence.
        """
        if _arrays.is_pillow(images):
            return self._pillow(images, epoch=epoch, seed=seed, samples=samples, member=member, output=output,
                                output_layout=output_layout, mean=mean, std=std, hole=hole)  # fmt: skip
        batch = _arrays.batch_of(images, layout)
        count, channels = batch.images.shape[0], batch.images.shape[3]
        key = (
            _whole(seed, "the seed", 1 << 64),
            _whole(member, "the member", 1 << 24),
            _whole(epoch, "the epoch", 1 << 24),
        )
        order = _samples(samples, count)
        used = _whole(threads, "threads", 1 << 16)
        if output == "float32":
            means = [0.0] * channels if mean is None else _numbers(mean, channels, "mean")
            deviations = [1.0] * channels if std is None else _numbers(std, channels, "std")
            result = self._floats(batch, order, key, output_layout, means, deviations, used, out)
            return out if out is not None else _arrays.like(result, images)
        if output != "uint8":
            raise UsageError(f'output "{output}"; expected "uint8" or "float32"')
        colour = _hole(hole, mean, channels)
        shape = _arrays.as_numpy(images, "images").shape
        result = _arrays.empty(shape, np.uint8) if out is None else _arrays.output_of(out, shape, np.uint8)
        target = _arrays.in_engine_axes(result, batch.layout)
        if _arrays.overlap(target, batch.images):
            batch = _arrays.Batch(batch.images.copy(), batch.layout)
        self.engine().bytes(batch.images, order, *key, target, colour, used)
        return out if out is not None else _arrays.like(result, images)

    def _floats(
        self,
        batch: _arrays.Batch,
        samples: NDArray[np.uint64],
        key: tuple[int, int, int],
        output_layout: str,
        mean: list[float],
        std: list[float],
        threads: int,
        out: Any,
    ) -> NDArray[np.float32]:
        count, height, width, channels = batch.images.shape
        shapes = {"nchw": (count, channels, height, width), "nhwc": (count, height, width, channels)}
        if output_layout not in shapes:
            raise UsageError(f'output_layout "{output_layout}"; expected "nchw" or "nhwc"')
        shape = shapes[output_layout]
        single = not batch.layout.startswith("n")
        if out is None:
            result = _arrays.empty(shape, np.float32)
        else:
            result = _arrays.output_of(out, shape[1:] if single else shape, np.float32)
            result = result[None] if single else result
        view = result.transpose(0, 2, 3, 1) if output_layout == "nchw" else result
        self.engine().floats(batch.images, samples, *key, view, mean, std, threads)
        return result[0] if single else result

    def _pillow(self, image: Any, *, output: str, **arguments: Any) -> Any:
        if image.mode not in ("RGB", "L"):
            raise UsageError(f'a Pillow image of mode {image.mode}; expected RGB or L: use .convert("RGB")')
        pixels = np.asarray(image)
        result = self(pixels, output=output, layout="hw" if image.mode == "L" else "hwc", **arguments)
        if output == "float32":
            return result
        return type(image)() if result is None else _pillow_image(result)

    def draws(self, sample: int, epoch: int = 0, seed: int = 0, member: int = 0) -> list[tuple[str, int, bool]]:
        """The ops that one image gets, in order: (op, level, negated)."""
        return self.engine().draws(seed, member, epoch, sample)

    def engine(self) -> _core.Engine:
        """The engine behind calls, made at the first one."""
        if self._engine is None:
            self._engine = _core.Engine(self._text, self._name)
        return self._engine

    # --- as a Python object ---------------------------------------------------------------------

    def __reduce__(self) -> Any:
        return Schedule._from_text, (self._text, self._name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        count = len(self._value["segments"])
        segments = f"{count} segment" + ("s" if count != 1 else "")
        return (
            f"Schedule({self._name!r}: {segments} over {self.epochs} epochs, "
            f"space {self._value['space']['name']!r}, rule {self._value['rule']['kind']!r})"
        )

    def _repr_html_(self) -> str:
        from popaug._html import heat_map

        return heat_map(self)


def _pillow_image(pixels: NDArray[np.uint8]) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)


def _samples(samples: Any, count: int) -> NDArray[np.uint64]:
    limit = 1 << 40
    if type(samples) is int and 0 <= samples < limit - count:
        return np.arange(samples, samples + count, dtype=np.uint64)
    if np.ndim(samples) == 0 and not _arrays.is_tensor(samples):
        first = _whole(samples, "the first sample", limit - count)
        return np.arange(first, first + count, dtype=np.uint64)
    array = _arrays.as_numpy(samples, "samples")
    if array.ndim == 0:
        return _samples(int(array), count)
    if array.dtype.kind not in "iu" or array.shape != (count,):
        raise UsageError(
            f"samples are of type {array.dtype} and shape {array.shape}; expected {count} whole numbers, one per image"
        )
    if count and (int(array.min()) < 0 or int(array.max()) >= limit):
        raise UsageError(f"samples reach from {array.min()} to {array.max()}; expected 0 .. {limit - 1}")
    return np.ascontiguousarray(array, dtype=np.uint64)


def _hole(hole: Any, mean: Any, channels: int) -> list[int]:
    if hole is None and mean is None:
        return [125, 122, 113] if channels == 3 else [122]
    if hole is None:
        hole = [round(255 * m) for m in _numbers(mean, channels, "mean")]
    colour = [_whole(int(c), "a hole's colour", 256) for c in np.atleast_1d(np.asarray(hole))]
    if len(colour) != channels:
        raise UsageError(f"hole has {len(colour)} bytes; the images have {channels} channels")
    return colour


class _Baseline(Schedule):
    def _take(self, text: str, name: str, base: Base | str | None) -> None:
        chosen = Base.load(base) if isinstance(base, str) else base or Base()
        value = json.loads(text) | {"base": chosen.to_json()}
        self._set(_core.check_schedule(json.dumps(value)), name)

    def __repr__(self) -> str:
        return self._name


class TrivialAugment(_Baseline):
    """TrivialAugment Wide (2103.10158) over torchvision's space: one op per image at a uniform level.

    base: base transforms around it, a Base or a name ("flipcrop", ...); by default none.
    strength: 1 is the paper's; 0.5 halves every range.
    """

    def __init__(self, base: Base | str | None = None, strength: float = 1.0) -> None:
        value = json.loads(_core.trivial_schedule())
        if strength != 1.0:
            value["space"] = json.loads(_core.load_space(f"trivial:{strength:g}"))
        arguments = "" if strength == 1.0 else f"strength={strength:g}"
        self._take(json.dumps(value), f"TrivialAugment({arguments})", base)


class RandAugment(_Baseline):
    """RandAugment (1909.13719) over torchvision's space: `count` ops with replacement at bin `level` of 0..30.

    base: base transforms around it, a Base or a name ("flipcrop", ...); by default none.
    """

    def __init__(self, count: int = 2, level: int = 9, base: Base | str | None = None) -> None:
        text = _core.randaugment_schedule(count, level)
        self._take(text, f"RandAugment(count={count}, level={level})", base)


class AutoAugment(_Baseline):
    """AutoAugment's published policies (1805.09501), "cifar10" or "svhn": one sub-policy per image.

    base: base transforms around it, a Base or a name ("cifar", "svhn", ...); by default none.
    """

    def __init__(self, policy: str = "cifar10", base: Base | str | None = None) -> None:
        if policy not in ("cifar10", "svhn"):
            raise UsageError(f'AutoAugment policy "{policy}"; expected "cifar10" or "svhn"')
        text = _core.baseline_schedule(f"autoaugment-{policy}")[1]
        self._take(text, f"AutoAugment({policy!r})", base)
