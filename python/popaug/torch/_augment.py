"""Transform, Augmented and Collate: a schedule for one image, for a data set, for a batch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from popaug._arguments import Numbers, check_scale, sample_of
from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug.torch._epoch import Epoch, check_epoch, outside, whole
from popaug.torch._items import (
    as_given,
    as_pixels,
    as_tensor,
    has_targets,
    image_place,
    like_tensor,
    moved,
    planes,
    replaced,
)
from popaug.torch._keys import Counts, Key, Repeats, check_repeats, numbered, plain

Output = Literal["float32", "bfloat16", "uint8", "same"]
BatchOutput = Literal["float32", "bfloat16", "uint8"]


class Augmenting:
    """What Transform, Augmented and Collate have in common."""

    def __init__(
        self,
        schedule: Schedule,
        epoch: Epoch | None,
        seed: int | None,
        mean: Numbers | None,
        std: Numbers | None,
        output: Output,
        hole: ArrayLike | None,
        member: int,
        repeats: Repeats,
        mask_fill: float,
    ) -> None:
        if not isinstance(schedule, Schedule):
            raise UsageError(f"schedule is a {type(schedule).__name__}; expected a popaug.Schedule or a baseline")
        epoch = Epoch() if epoch is None else epoch
        check_epoch(epoch)
        check_repeats(repeats)
        if output not in ("float32", "bfloat16", "uint8", "same"):
            raise UsageError(f'output "{output}"; expected "float32", "bfloat16", "uint8" or "same"')
        check_scale(mean, std)
        if output in ("uint8", "same") and std is not None:
            raise UsageError(f'std has no effect with output="{output}": leave it out, or use output="float32"')
        self.schedule = epoch.fit(schedule)
        self.epoch = epoch
        # From torch's generator, so that the seeds of a study differ here too.
        self.seed = int(torch.randint(1 << 62, ())) if seed is None else whole(seed, "seed")
        self.member, self.repeats, self.output = member, repeats, output
        self.mean, self.std, self.hole, self.mask_fill = mean, std, hole, mask_fill
        self._counts, self._pass = Counts(), (0, 0)

    def set_epoch(self, epoch: int) -> None:
        """Sets the Epoch; the same as epoch.set()."""
        self.epoch.set(epoch)

    def evaluation(self) -> Self:
        """The same without augmentation: for the data of validation and test."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.schedule = Schedule.baseline("none")
        twin.epoch = Epoch()
        twin.epoch.set(0)
        twin.repeats = "same"
        return twin

    def _key(self, index: int, count: bool = True) -> tuple[int, int]:
        """The epoch and the sample that key this image's draws. count: whether a plain index counts as drawn again."""
        if isinstance(index, Key):
            repeat = index.repeat if self.repeats == "new" else 0
            return index.epoch, sample_of(int(index), repeat)
        epoch = self.epoch.get()
        worker = get_worker_info()
        if self.repeats == "same" or not (count or worker):
            return epoch, int(index)
        current = (os.getpid(), self.epoch.passes)
        if current != self._pass:
            self._counts, self._pass = Counts(), current
        repeat = self._counts.next(int(index))
        if repeat and worker is not None and worker.num_workers > 1:
            warnings.warn(
                f"image {int(index)} was drawn again in epoch {epoch}. Only the sampler can count that across "
                f"{worker.num_workers} worker processes: use popaug.torch.loader(), or "
                'sampler=popaug.torch.EpochSampler(sampler, epoch); or say repeats="same". (Call epoch.set() before '
                "each pass over the data.)",
                UserWarning,
                stacklevel=outside(),
            )
        return epoch, sample_of(int(index), repeat if count else 0)

    def _augment(self, images: NDArray[np.uint8], epoch: int, samples: Any, layout: Any, threads: int = 1) -> Any:
        """The augmented images: an array, or for "bfloat16", which NumPy does not have, a tensor."""
        out = None
        if self.output == "bfloat16":
            *count, height, width, channels = images.shape
            out = torch.empty((*count, channels, height, width), dtype=torch.bfloat16)
        return self.schedule(
            images,
            epoch,
            self.seed,
            samples=samples,
            member=self.member,
            layout=layout,
            threads=threads,
            mean=self.mean,
            std=self.std,
            hole=self._hole(images.shape[-1]),
            output=self._engine_output,
            out=out,
        )

    @property
    def _engine_output(self) -> BatchOutput:
        return "uint8" if self.output == "same" else self.output

    def _hole(self, channels: int) -> ArrayLike | None:
        return self.hole

    def _one(self, image: Any, epoch: int, sample: int) -> Any:
        """One image, in the form that `output` says."""
        result = self._augment(as_pixels(image), epoch, sample, "hwc")
        if self.output == "same":
            return as_given(result, image)
        return like_tensor(planes(result) if self.output == "uint8" else as_tensor(result), image)

    def _item(self, item: Any, place: Any, epoch: int, sample: int) -> Any:
        """An item with its image augmented, and what belongs to places in the image moved with it."""
        image = item if place is None else item[place]
        return replaced(item, place, self._one(image, epoch, sample), self._mover(image, epoch, sample))

    def _mover(self, image: Any, epoch: int, sample: int) -> Callable[[Any], Any]:
        """Moves masks, boxes and key points as this image; worked out where there are some."""

        def move(value: Any) -> Any:
            if not has_targets(value):
                return value
            height, width = as_pixels(image).shape[:2]
            movement = self.schedule.movement(
                width, height, sample=sample, epoch=epoch, seed=self.seed, member=self.member
            )
            return moved(value, movement, self.mask_fill)

        return move

    def _parts(self) -> list[tuple[str, Any]]:
        parts = [("schedule", self.schedule), ("epoch", self.epoch), ("seed", self.seed), ("output", self.output)]
        more = [("mean", self.mean), ("std", self.std), ("hole", self.hole)]
        return parts + [(name, value) for name, value in more if value is not None]

    def __repr__(self) -> str:
        lines = "".join(f"  {name}={value!r},\n" for name, value in self._parts())
        return f"{type(self).__name__}(\n{lines})"


class Transform(Augmenting):
    """A transform of one image: transform(image), or transform(image, index=i) in a Dataset.

    index: the image's number in its data set, which keys its draws together with the epoch; an image that a sampler draws
    again in an epoch gets new draws if the index is a Key of EpochSampler. Without an index, as torchvision calls its transforms, draws come from torch's generator: seeded by the loader for each worker, repeatable only with
    the same number of workers.

    Further inputs pass through: transform(image, label) gives (image, label), and an item (image, label) or a dictionary
    with an image gives the same with the image augmented. An image is a Pillow image, a uint8 tensor [channels, height,
    width] or a uint8 array [height, width, channels].

    torchvision's Mask, BoundingBoxes and KeyPoints beside the image, also inside dictionaries and lists, move with it:
    masks by the nearest pixel, boxes and points by the matrix of the movement. Boxes are clipped to the image; those
    without area are left in (v2.SanitizeBoundingBoxes removes them).
    """

    def __init__(
        self,
        schedule: Schedule,
        epoch: Epoch | None = None,
        seed: int | None = None,
        *,
        mean: Numbers | None = None,
        std: Numbers | None = None,
        output: Output = "float32",
        hole: ArrayLike | None = None,
        member: int = 0,
        repeats: Repeats = "new",
        image_key: str | None = None,
        mask_fill: float = 0,
    ) -> None:
        """schedule: a Schedule or a baseline. epoch: not needed by a schedule of one policy without index. seed: of the
        draws keyed by index; None draws it from torch's generator now. mean, std: one number per channel on the scale
        0..1. output: "float32" gives normalised tensors [channels, height, width], "bfloat16" the same rounded to the
        nearest, "uint8" tensors of bytes, "same" what was given: a Pillow image for a Pillow image. hole: the colour of holes in bytes, as for a Schedule. member: a
        further part of the key. repeats: whether an index that comes again in the same epoch gets "new" draws or the
        "same". image_key: the key of the image in dictionaries; found by itself if it is "image", "img" or
        "pixel_values". mask_fill: the value of a mask where no part of the image is, for example the label that a loss
        ignores.
        """
        super().__init__(schedule, epoch, seed, mean, std, output, hole, member, repeats, mask_fill)
        self.schedule.refuse_mixing()
        self.image_key = image_key

    def __call__(self, *inputs: Any, index: int | None = None) -> Any:
        if not inputs:
            raise UsageError("a Transform needs an image: transform(image)")
        item, place = (inputs[0], image_place(inputs[0], self.image_key)) if len(inputs) == 1 else (inputs, 0)
        if index is not None:
            return self._item(item, place, *self._key(index, count=False))
        epoch = self.epoch.get() if self.schedule.changes_with_epoch else 0
        return self._item(item, place, epoch, int(torch.randint(1 << 39, ())))


class Augmented(Augmenting, Dataset[Any]):
    """A data set whose images are augmented one by one, keyed by their index.

    Items are images, (image, label ...) or dictionaries with an image, and keep their form. Images are Pillow images,
    uint8 tensors [channels, height, width] or uint8 arrays [height, width, channels]; they become tensors, as `output`
    says. Batches are faster through loader(), or Indexed and Collate.
    """

    def __new__(cls, data: Any, *_: Any, **__: Any) -> Augmented:
        kind = _AugmentedStream if cls is Augmented and isinstance(data, IterableDataset) else cls
        return object.__new__(kind)

    def __init__(
        self,
        data: Dataset[Any] | Sequence[Any],
        schedule: Schedule,
        epoch: Epoch | None = None,
        seed: int | None = None,
        *,
        mean: Numbers | None = None,
        std: Numbers | None = None,
        output: Output = "float32",
        hole: ArrayLike | None = None,
        member: int = 0,
        repeats: Repeats = "new",
        image_key: str | None = None,
        mask_fill: float = 0,
    ) -> None:
        """data: a Dataset, an IterableDataset or a sequence; the rest as for Transform."""
        Augmenting.__init__(self, schedule, epoch, seed, mean, std, output, hole, member, repeats, mask_fill)
        self.schedule.refuse_mixing()
        self.data = data
        self.image_key = image_key

    def set_epoch(self, epoch: int) -> None:
        """Sets the Epoch, and the epoch of the wrapped data set if it has one."""
        self.epoch.set(epoch)
        inner = getattr(self.data, "set_epoch", None)
        if inner is not None:
            inner(epoch)

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Any:
        return self._augmented(self.data[plain(index)], *self._key(index, count=False))

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """What a DataLoader calls: images that come again in an epoch are counted."""
        return [self._augmented(self.data[plain(index)], *self._key(index)) for index in indices]

    def _augmented(self, item: Any, epoch: int, sample: int) -> Any:
        return self._item(item, image_place(item, self.image_key), epoch, sample)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.data,)

    def _parts(self) -> list[tuple[str, Any]]:
        return [("data", self.data), *super()._parts()]


class _AugmentedStream(Augmented, IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        for number, item in numbered(cast("Iterable[Any]", self.data)):
            yield self._augmented(item, self.epoch.get(), number)
