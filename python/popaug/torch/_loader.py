"""A DataLoader whose batches are augmented."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypedDict, Unpack, cast

import torch
from numpy.typing import ArrayLike
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler, SequentialSampler

from popaug._arguments import Numbers
from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug.torch._augment import BatchOutput
from popaug.torch._collate import Collate
from popaug.torch._epoch import Epoch
from popaug.torch._keys import EpochSampler, Indexed, Repeats


class LoaderOptions(TypedDict, total=False):
    """The arguments of torch's DataLoader that loader() passes on."""

    num_workers: int
    pin_memory: bool
    drop_last: bool
    timeout: float
    worker_init_fn: Callable[[int], None] | None
    multiprocessing_context: Any
    generator: torch.Generator | None
    prefetch_factor: int | None
    persistent_workers: bool
    pin_memory_device: str


def loader(
    data: Dataset[Any] | Sequence[Any],
    schedule: Schedule,
    epoch: Epoch,
    seed: int | None = None,
    *,
    batch_size: int = 1,
    shuffle: bool = False,
    sampler: Iterable[int] | None = None,
    batch_sampler: Iterable[Sequence[int]] | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    output: BatchOutput = "float32",
    hole: ArrayLike | None = None,
    member: int = 0,
    repeats: Repeats = "new",
    image_key: str | None = None,
    threads: int = 1,
    classes: int | None = None,
    mask_fill: float = 0,
    **options: Unpack[LoaderOptions],
) -> DataLoader[Any]:
    """A DataLoader over `data` with augmented batches: Indexed, EpochSampler and Collate put together.

    data: images, (image, label ...) or dictionaries with an image. batch_size, shuffle, sampler, batch_sampler and
    options: as for torch's DataLoader. seed, mean, std, output, hole, member, repeats, image_key, threads, classes,
    mask_fill: as for Collate. A schedule that mixes images gives batches (images, MixedLabels).
    The epoch and the repeats of an image travel with its index, so a batch does not depend on when a worker starts. (An
    IterableDataset has no indices: set the epoch before the loop over the loader.)
    """
    collate = Collate(schedule, epoch, seed, mean=mean, std=std, output=output, hole=hole, member=member,
                      repeats=repeats, image_key=image_key, threads=threads, data=data, classes=classes,
                      mask_fill=mask_fill)  # fmt: skip
    indexed: Dataset[Any] = Indexed(cast("Dataset[Any]", data), epoch)  # accelerate sets the epoch of both
    if isinstance(data, IterableDataset):
        if shuffle or sampler is not None or batch_sampler is not None:
            raise UsageError("an IterableDataset decides its own order: leave out shuffle, sampler and batch_sampler")
        return DataLoader(indexed, batch_size=batch_size, collate_fn=collate, **options)
    if batch_sampler is not None:
        if shuffle or sampler is not None or batch_size != 1 or options.get("drop_last"):
            raise UsageError("batch_sampler decides the batches: leave out batch_size, shuffle, sampler and drop_last")
        keyed = EpochSampler(batch_sampler, epoch, repeats=repeats)
        return DataLoader(indexed, batch_sampler=keyed, collate_fn=collate, **options)
    if sampler is None:
        sized = cast("Sequence[Any]", indexed)
        order: Iterable[int] = (
            RandomSampler(sized, generator=options.get("generator")) if shuffle else SequentialSampler(sized)
        )
    elif shuffle:
        raise UsageError("sampler decides the order: leave out shuffle")
    else:
        order = sampler
    keyed = EpochSampler(order, epoch, repeats=repeats)
    return DataLoader(indexed, batch_size=batch_size, sampler=keyed, collate_fn=collate, **options)
