"""Collate: a schedule for a batch of a DataLoader."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, default_collate

from popaug._arguments import Numbers
from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug.torch._augment import Augmenting, BatchOutput
from popaug.torch._epoch import Epoch
from popaug.torch._items import as_pixels, as_tensor, has_targets, image_place, replaced
from popaug.torch._keys import Key, Repeats
from popaug.torch._mixing import draw_partners, label_key, label_of, mixed_labels


class Collate(Augmenting):
    """A collate function for a DataLoader over an Indexed data set: augments a whole batch at once.

    Items are (index, item), the images of a batch all of one size. Images become float32 [n, channels, height, width], or
    bfloat16 or uint8 with that output; the rest is collated as PyTorch does. Items (image, label ...) give (images, labels ...),
    dictionaries give a dictionary, bare images give the images alone.

    A schedule that mixes images (CutMix, mixup) needs `data`, from which the partners are read, and items (image, label)
    or dictionaries with a "label". The labels then are MixedLabels, or with `classes` a float32 tensor [n, classes];
    popaug.torch.mixed_cross_entropy(logits, labels) takes both.
    """

    def __init__(
        self,
        schedule: Schedule,
        epoch: Epoch | None = None,
        seed: int | None = None,
        *,
        mean: Numbers | None = None,
        std: Numbers | None = None,
        output: BatchOutput = "float32",
        hole: ArrayLike | None = None,
        member: int = 0,
        repeats: Repeats = "new",
        image_key: str | None = None,
        threads: int = 1,
        data: Any = None,
        classes: int | None = None,
        mask_fill: float = 0,
    ) -> None:
        """threads: of the engine, in this process or in each worker. data: the data set without Indexed, for schedules
        that mix images. classes: their number, for dense labels of mixed images. The rest as for Transform."""
        super().__init__(schedule, epoch, seed, mean, std, output, hole, member, repeats, mask_fill)
        if self.output == "same":
            raise UsageError(f'output "{output}"; a batch is "float32", "bfloat16" or "uint8"')
        self.image_key = image_key
        self.threads = threads
        self.data, self.classes = data, classes
        if self.schedule.mixes:
            check_mixing_data(self.schedule.name, data)

    def __call__(self, items: Sequence[tuple[int, Any]]) -> Any:
        pairs = [self._pair(item) for item in items]
        if not pairs:
            raise UsageError("an empty batch; expected (index, item) pairs")
        place = image_place(pairs[0][1], self.image_key)
        if any(image_place(item, self.image_key) != place for _, item in pairs):
            raise UsageError(
                "the items of a batch have different forms; expected all images, all tuples or all dictionaries"
            )
        given = [item if place is None else item[place] for _, item in pairs]
        epoch, samples = self._keys([index for index, _ in pairs])
        if self.schedule.mixes:
            return self._mixed([item for _, item in pairs], given, [i for i, _ in pairs], place, epoch, samples)
        images = self._tensor(self._augment(self._pixels(given), epoch, samples, "nhwc", self.threads))
        pairs = [
            (index, self._with_targets(item, place, image, epoch, int(sample)))
            for (index, item), image, sample in zip(pairs, given, samples, strict=True)
        ]
        if place is None:
            return images
        if isinstance(pairs[0][1], Mapping):
            rest = default_collate([{k: v for k, v in i.items() if k != place} for _, i in pairs])
            return {key: images if key == place else rest[key] for key in pairs[0][1]}
        columns = zip(*(item[1:] for _, item in pairs), strict=True)
        return (images, *(default_collate(list(column)) for column in columns))

    def _with_targets(self, item: Any, place: Any, image: Any, epoch: int, sample: int) -> Any:
        """The item with its masks and boxes moved; its image stays as it is."""
        if place is None or not has_targets(item):
            return item
        return replaced(item, place, image, self._mover(image, epoch, sample))

    def _pair(self, item: Any) -> tuple[int, Any]:
        with contextlib.suppress(TypeError):
            if isinstance(item, tuple) and len(item) == 2:
                return (item[0] if isinstance(item[0], Key) else operator.index(item[0])), item[1]
        raise UsageError(
            "Collate needs (index, item) pairs: wrap the data set in popaug.torch.Indexed, or use popaug.torch.loader"
        )

    def _pixels(self, given: list[Any]) -> NDArray[np.uint8]:
        pixels = [as_pixels(image) for image in given]
        shapes = {p.shape for p in pixels}
        if len(shapes) > 1:
            raise UsageError(
                f"images of {len(shapes)} sizes in one batch, among them {sorted(shapes)[:2]}; "
                "resize them first, or use popaug.torch.Augmented"
            )
        return np.stack(pixels)

    def _keys(self, indices: list[int]) -> tuple[int, NDArray[np.uint64]]:
        keys = [self._key(index) for index in indices]
        epochs = {epoch for epoch, _ in keys}
        if len(epochs) > 1:
            raise UsageError(f"a batch with images of the epochs {sorted(epochs)}; a batch has one epoch")
        return epochs.pop(), np.array([sample for _, sample in keys], dtype=np.uint64)

    def _tensor(self, images: Any) -> Tensor:
        if self.output == "uint8":
            images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        return as_tensor(images)

    def _mixed(
        self,
        items: list[Any],
        given: list[Any],
        indices: list[int],
        place: Any,
        epoch: int,
        samples: NDArray[np.uint64],
    ) -> Any:
        """A batch of mixed images with the labels of both."""
        labels = [label_of(item, place) for item in items]
        pixels = self._pixels(given)
        key = (self.seed, self.member, epoch)
        own = [int(index) for index in indices]
        partners = draw_partners(self.schedule, key, samples, own, self.data, pixels.shape[1:])
        others = self._pixels([*given[:1], *(item[place] for item in partners.items)])[1:]
        images = self.schedule.mixed(
            pixels, others, partners.places, key, samples, partners.samples, threads=self.threads,
            mean=self.mean, std=self.std, hole=self._hole(pixels.shape[-1]), output=self._engine_output,
        )  # fmt: skip
        mixed = mixed_labels(labels, partners, place, self.classes)
        if place == 0:
            return self._tensor(images), mixed
        label = label_key(items[0])
        rest = default_collate([{k: v for k, v in item.items() if k not in (place, label)} for item in items])
        return {k: self._tensor(images) if k == place else mixed if k == label else rest[k] for k in items[0]}


def check_mixing_data(name: str, data: Any) -> None:
    """Raises UsageError where partners cannot be read from `data`."""
    if data is None or isinstance(data, IterableDataset):
        what = "an IterableDataset, which cannot be indexed" if data is not None else "not given"
        raise UsageError(
            f"{name} mixes images, whose partners are read from the data set by index, but data is {what}: give "
            "Collate data=, use popaug.torch.loader with a data set that can be indexed, or leave mixing out with "
            ".without_mixing()"
        )
    if len(data) < 2:
        raise UsageError(f"{name} mixes an image with another one, but the data set has {len(data)}: give more images")
