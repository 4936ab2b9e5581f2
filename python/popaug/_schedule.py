"""Schedules and baselines as values that augment images when called."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popaug import _arrays, _core
from popaug._arguments import (
    NOT_GIVEN,
    CallOptions,
    Layout,
    Numbers,
    OutputLayout,
    OutputType,
    Samples,
    check_scale,
    hole_of,
    numbers,
    pillow_image,
    samples_of,
    whole,
)
from popaug._core import UsageError
from popaug._movement import Movement
from popaug._values import Base, Json, Policy, Rule, Segment, Space

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from popaug._arguments import Images

_NUMBERS: dict[str, type] = {"float32": np.float32, "bfloat16": np.uint16}  # how they are written: bfloat16 as bits
_LOCK = threading.Lock()  # a Geometry keeps what it made for the last size


class Schedule:
    """A policy per epoch: space, rule, base transforms and segments. Immutable; safe to share.

    Calling it augments a batch: `schedule(images, epoch=3, seed=1, samples=0)`. Equal arguments give equal bytes, on any
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
            "version": 2,
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
        self._geometry: _core.Geometry | None = None
        self._mixes = any((segment.base or self.base).mixes for segment in self.segments)

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
        """A free baseline or published policy with its base transforms: "none", "crop",
        "flipcrop", "dihedral", "flipcrop-cutout", "randaugment", "trivial", "trivial-standard",
        "autoaugment-cifar10", "autoaugment-svhn"."""
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
        return Space._read(self._value["space"])

    @property
    def rule(self) -> Rule:
        return Rule.from_json(self._value["rule"])

    @property
    def base(self) -> Base:
        """What every image gets around the ops; a segment may have its own (Segment.base)."""
        return Base.from_json(self._value["base"])

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(Segment.from_json(segment) for segment in self._value["segments"])

    @property
    def provenance(self) -> Json:
        return json.loads(self._text).get("provenance", {})

    @property
    def epochs(self) -> int:
        """The length of the training that it describes."""
        return sum(s["epochs"] for s in self._value["segments"])

    def at(self, epoch: int) -> Policy:
        """The policy of an epoch, counted from 0; past the end, the last one."""
        left = whole(epoch, "the epoch", 1 << 24)
        for segment in self._value["segments"]:
            if left < segment["epochs"]:
                break
            left -= segment["epochs"]
        return Policy.from_json(segment["policy"])

    # --- others made from it --------------------------------------------------------------------

    def stretch(self, epochs: int) -> Schedule:
        """The same schedule over another number of epochs (boundaries move in proportion)."""
        return Schedule._from_text(_core.stretch(self._text, whole(epochs, "epochs", 1 << 24)), self._name)

    def with_base(self, base: Base | str) -> Schedule:
        """The same with other base transforms in all segments, a Base or a name that Base.load knows."""
        chosen = Base.load(base) if isinstance(base, str) else base
        segments = [{k: v for k, v in s.items() if k != "base"} for s in self._value["segments"]]
        return Schedule.from_json(self.to_json() | {"base": chosen.to_json(), "segments": segments}, self._name)

    def without_mixing(self) -> Schedule:
        """The same without CutMix and mixup, in all segments."""
        value = self.to_json()
        for part in (value, *value["segments"]):
            if "base" in part:
                part["base"] = Base.from_json(part["base"]).without_mixing().to_json()
        return Schedule.from_json(value, self._name)

    # --- the engine -----------------------------------------------------------------------------

    @overload
    def __call__(
        self, images: NDArray[Any], epoch: int | None = ..., seed: int = ..., *,
        output: Literal["uint8"] = ..., out: None = ..., **options: Unpack[CallOptions],
    ) -> NDArray[np.uint8]: ...  # fmt: skip
    @overload
    def __call__(
        self, images: NDArray[Any], epoch: int | None = ..., seed: int = ..., *,
        output: Literal["float32"], out: None = ..., **options: Unpack[CallOptions],
    ) -> NDArray[np.float32]: ...  # fmt: skip
    @overload
    def __call__(
        self, images: torch.Tensor, epoch: int | None = ..., seed: int = ..., *,
        output: OutputType = ..., out: torch.Tensor | None = ..., **options: Unpack[CallOptions],
    ) -> torch.Tensor: ...  # fmt: skip
    @overload
    def __call__(
        self, images: Image.Image, epoch: int | None = ..., seed: int = ..., *,
        output: Literal["uint8"] = ..., out: None = ..., **options: Unpack[CallOptions],
    ) -> Image.Image: ...  # fmt: skip
    @overload
    def __call__(
        self, images: Images, epoch: int | None = ..., seed: int = ..., *,
        output: OutputType = ..., out: Any = ..., **options: Unpack[CallOptions],
    ) -> Any: ...  # fmt: skip
    def __call__(
        self,
        images: Any,
        epoch: int | None = None,
        seed: int = 0,
        *,
        samples: Samples = NOT_GIVEN,
        member: int = 0,
        output: OutputType = "uint8",
        output_layout: OutputLayout = "nchw",
        mean: Numbers | None = None,
        std: Numbers | None = None,
        hole: ArrayLike | None = None,
        layout: Layout | None = None,
        threads: int = 1,
        out: Any = None,
    ) -> Any:
        """Augments a batch of images, or one.

        images: uint8, [images, height, width, channels], [images, channels, height, width],
            [images, height, width] or one image; channels 1 or 3. A NumPy array, a torch tensor on the CPU,
            anything with the array protocol (used where it lies; images with gaps or in planes are copied
            first), or a Pillow image of mode RGB or L. Sides 1 .. 16384 pixels.
        epoch: which policy of the schedule; past its end, the last one. Required where the schedule has more
            than one policy, else 0. seed, member: further parts of the key.
        samples: required. The number of each image in its data set, [images], or that of the first of
            consecutive ones: an image's draws depend on (seed, member, epoch, sample) alone, not on its place
            in a batch. Or "random": new draws at every call, from torch's global generator for a tensor and
            from NumPy's for anything else; seed that generator to repeat them.
        output: "uint8" gives bytes of the same shape and type as the input; "float32" gives normalised floats
            (byte / 255 - mean) / std in output_layout "nchw" or "nhwc". Without mean and std: byte / 255.
            "bfloat16" gives the same floats, each rounded to the nearest, ties to even, as Tensor.bfloat16()
            rounds. NumPy has no such type: the images must be a tensor, or out a bfloat16 tensor.
        mean, std: one number per channel, on the scale 0..1. Numbers on the scale 0..255 are refused, and so is
            std for "uint8" output, where it has no effect.
        hole: the colour of holes in "uint8" output, one byte per channel; by default the mean colour if `mean`
            is given, else (125, 122, 113), and 122 for grey. In normalised output a hole is 0.
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
        if output not in ("uint8", "float32", "bfloat16"):
            raise UsageError(f'output "{output}"; expected "uint8", "float32" or "bfloat16"')
        if output == "bfloat16" and out is None and not _arrays.is_tensor(images):
            raise UsageError(
                'NumPy has no bfloat16: give the images as a torch tensor, or a bfloat16 tensor as out=, or use "float32"'
            )
        check_scale(mean, std)
        if output == "uint8" and std is not None:
            raise UsageError('std has no effect on bytes: leave it out, or use output="float32"')
        self.refuse_mixing()
        batch = _arrays.batch_of(images, layout)
        count, channels = batch.images.shape[0], batch.images.shape[3]
        key = (
            whole(seed, "the seed", 1 << 64),
            whole(member, "the member", 1 << 24),
            whole(self._epoch(epoch), "the epoch", 1 << 24),
        )
        order = samples_of(samples, count, batch.layout, _arrays.is_tensor(images))
        used = whole(threads, "threads", 1 << 16)
        if output != "uint8":
            means = [0.0] * channels if mean is None else numbers(mean, channels, "mean")
            deviations = [1.0] * channels if std is None else numbers(std, channels, "std")
            floats = self._floats(batch, order, key, output, output_layout, means, deviations, used, out)
            if out is not None:
                return out
            return _arrays.bfloat16_tensor(floats) if output == "bfloat16" else _arrays.like(floats, images)
        colour = hole_of(hole, mean, channels)
        shape = _arrays.as_numpy(images, "images").shape
        result = _arrays.empty(shape, np.uint8) if out is None else _arrays.output_of(out, shape, np.uint8)
        target = _arrays.in_engine_axes(result, batch.layout)
        if _arrays.overlap(target, batch.images):
            batch = _arrays.Batch(batch.images.copy(), batch.layout)
        self.engine().bytes(batch.images, order, *key, target, colour, used)
        return out if out is not None else _arrays.like(result, images)

    @property
    def mixes(self) -> bool:
        """Whether its base transforms mix images (CutMix, mixup), so that an image may have two labels."""
        return self._mixes

    def refuse_mixing(self) -> None:
        """Raises UsageError if it mixes images: for callers that have one image, or no labels."""
        if self.mixes:
            raise UsageError(
                f"{self._name} mixes images (CutMix or mixup), which changes their labels: use popaug.torch.loader, or "
                "popaug.torch.Collate with data=; or leave mixing out with .without_mixing()"
            )

    @property
    def changes_with_epoch(self) -> bool:
        """Whether it has more than one policy, so that an augmentation must know its epoch."""
        return len(self._value["segments"]) > 1

    def _epoch(self, epoch: int | None) -> int:
        if epoch is not None:
            return epoch
        if self.changes_with_epoch:
            raise UsageError(f"the policy of {self._name} depends on the epoch: give epoch=, counted from 0")
        return 0

    def _floats(
        self,
        batch: _arrays.Batch,
        samples: NDArray[np.uint64],
        key: tuple[int, int, int],
        output: str,
        output_layout: str,
        mean: list[float],
        std: list[float],
        threads: int,
        out: Any,
    ) -> NDArray[Any]:
        """Normalised float32, or the bits of bfloat16."""
        count, height, width, channels = batch.images.shape
        shapes = {"nchw": (count, channels, height, width), "nhwc": (count, height, width, channels)}
        if output_layout not in shapes:
            raise UsageError(f'output_layout "{output_layout}"; expected "nchw" or "nhwc"')
        shape = shapes[output_layout]
        single = not batch.layout.startswith("n")
        result: NDArray[Any]
        if out is None:
            result = _arrays.empty(shape, _NUMBERS[output])
        else:
            wanted = shape[1:] if single else shape
            bits = output == "bfloat16"
            result = _arrays.output_bits_of(out, wanted) if bits else _arrays.output_of(out, wanted, np.float32)
            result = result[None] if single else result
        view = result.transpose(0, 2, 3, 1) if output_layout == "nchw" else result
        self.engine().floats(batch.images, samples, *key, view, mean, std, threads)
        return result[0] if single else result

    def _pillow(self, image: Any, *, output: OutputType, **arguments: Any) -> Any:
        pixels = _arrays.pixels_of_pillow(image)
        layout: Layout = "hw" if image.mode == "L" else "hwc"
        result = self(pixels, output=output, layout=layout, **arguments)
        return result if output == "float32" else pillow_image(result)

    def mixed(
        self,
        images: NDArray[np.uint8],
        others: NDArray[np.uint8],
        places: Sequence[int],
        key: tuple[int, int, int],
        samples: NDArray[np.uint64],
        other_samples: NDArray[np.uint64],
        *,
        mean: Numbers | None,
        std: Numbers | None,
        hole: ArrayLike | None,
        output: OutputType,
        threads: int,
    ) -> Any:
        """Images [n, height, width, channels], image i mixed with row places[i] of `others` (below 0: with nothing).

        key: seed, member, epoch. The partners are those that engine().partners() draws. Gives float32 [n, channels,
        height, width], a bfloat16 tensor of that shape or bytes of the images' shape. popaug.torch.Collate is its user.
        """
        count, height, width, channels = images.shape
        engine, used = self.engine(), whole(threads, "threads", 1 << 16)
        if output == "uint8":
            result = _arrays.empty(images.shape, np.uint8)
            colour = hole_of(hole, mean, channels)
            engine.mixed_bytes(images, samples, others, other_samples, places, *key, result, colour, used)
            return result
        means = [0.0] * channels if mean is None else numbers(mean, channels, "mean")
        deviations = [1.0] * channels if std is None else numbers(std, channels, "std")
        planes = _arrays.empty((count, channels, height, width), _NUMBERS[output])
        view = planes.transpose(0, 2, 3, 1)
        engine.mixed_floats(images, samples, others, other_samples, places, *key, view, means, deviations, used)
        return _arrays.bfloat16_tensor(planes) if output == "bfloat16" else planes

    def draws(self, sample: int, epoch: int = 0, seed: int = 0, member: int = 0) -> list[tuple[str, int, bool]]:
        """The ops that one image gets, in order: (op, level, negated)."""
        return self.engine().draws(seed, member, epoch, sample)

    def movement(
        self, width: int, height: int, *, sample: int, epoch: int | None = None, seed: int = 0, member: int = 0
    ) -> Movement:
        """Where one image of this size moves under its key, for what must move with it: masks, boxes, points.

            moved = schedule.movement(width, height, sample=7, epoch=3)
            moved.mask(mask, fill=255), moved.boxes(boxes), moved.points(points)

        The ops that move pixels take the nearest one, and so does a mask. (A random resized crop and CropBilinear blend
        neighbours in the image; a mask takes the nearest.) Raises UsageError where an op is not built in, and for a
        schedule that mixes images.
        """
        self.refuse_mixing()
        if self._geometry is None:
            self._geometry = _core.Geometry(self._text, self._name)
        key = (
            whole(seed, "the seed", 1 << 64),
            whole(member, "the member", 1 << 24),
            whole(self._epoch(epoch), "the epoch", 1 << 24),
            whole(sample, "the sample", 1 << 40),
        )
        size = (whole(width, "the width", 1 << 15), whole(height, "the height", 1 << 15))
        with _LOCK:
            return Movement(*self._geometry.movement(*key, *size))

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
