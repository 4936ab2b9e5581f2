"""Which draws an image gets: its index with the epoch and the repeat, from the sampler to the worker."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeVar, cast

import numpy as np
from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info

from popaug._core import UsageError
from popaug.torch._epoch import Epoch, check_epoch

T = TypeVar("T")
Repeats = Literal["new", "same"]


class Key(int):
    """The number of an image in its data set, with the epoch and how often the image was drawn before in it."""

    epoch: int
    repeat: int

    def __new__(cls, index: int, epoch: int, repeat: int = 0) -> Key:
        self = super().__new__(cls, index)
        self.epoch, self.repeat = epoch, repeat
        return self

    def __reduce__(self) -> Any:
        return Key, (int(self), self.epoch, self.repeat)

    def __repr__(self) -> str:
        return f"Key({int(self)}, epoch={self.epoch}, repeat={self.repeat})"


class Counts:
    """How often each number was seen."""

    def __init__(self) -> None:
        self.seen = np.zeros(1024, np.uint32)

    def next(self, index: int) -> int:
        """How often `index` was seen before."""
        if index >= len(self.seen):
            self.seen = np.concatenate(
                [self.seen, np.zeros(max(index + 1 - len(self.seen), len(self.seen)), np.uint32)]
            )
        before = int(self.seen[index])
        self.seen[index] = before + 1
        return before


class EpochSampler(Sampler[Any]):
    """A sampler whose indices carry the epoch and count repeats: DataLoader(Indexed(data), sampler=EpochSampler(...)).

    Wraps a sampler, or a batch sampler (anything that gives indices or lists of them). The epoch is read once, in the
    main process, when a pass begins. A sampler that draws an image again in the same pass (WeightedRandomSampler,
    repeated augmentation) gets another picture of it each time.
    """

    def __init__(self, sampler: Iterable[Any], epoch: Epoch, *, repeats: Repeats = "new") -> None:
        """repeats: "new" draws anew for each repeat of an image within the epoch, "same" repeats the picture."""
        check_epoch(epoch)
        check_repeats(repeats)
        self.sampler, self.epoch, self.repeats = sampler, epoch, repeats

    def __iter__(self) -> Iterator[Any]:
        epoch, counts = self.epoch.get(), Counts()

        def key(index: Any) -> Key:
            number = _index(index)
            return Key(number, epoch, counts.next(number) if self.repeats == "new" else 0)

        for drawn in self.sampler:
            yield [key(index) for index in drawn] if isinstance(drawn, (list, tuple)) else key(drawn)

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]

    @property
    def generator(self) -> Any:
        """The generator of the wrapped sampler, if it has one: accelerate keeps it equal in all processes."""
        return self.sampler.generator  # type: ignore[attr-defined]

    @generator.setter
    def generator(self, generator: Any) -> None:
        self.sampler.generator = generator  # type: ignore[attr-defined]

    def set_epoch(self, epoch: int) -> None:
        """Sets the Epoch, and the epoch of the wrapped sampler if it has one (DistributedSampler)."""
        self.epoch.set(epoch)
        inner = getattr(self.sampler, "set_epoch", None)
        if inner is not None:
            inner(epoch)

    def __repr__(self) -> str:
        return f"EpochSampler({type(self.sampler).__name__}, {self.epoch!r}, repeats={self.repeats!r})"


def _index(value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise UsageError(
            f"the sampler gave {value!r}; expected whole numbers, the images' numbers in their data set"
        ) from None


def check_repeats(repeats: Any) -> None:
    if repeats not in ("new", "same"):
        raise UsageError(f'repeats="{repeats}"; expected "new" or "same"')


class Indexed(Dataset[tuple[int, T]]):
    """A data set whose items are (index, item): what Collate needs to key an image's draws.

    An IterableDataset is numbered as it comes: item k of worker w among n workers has the number k * n + w, so its
    draws depend on the number of workers.
    """

    def __new__(cls, data: Any, epoch: Epoch | None = None) -> Indexed[T]:
        kind = _IndexedStream if cls is Indexed and isinstance(data, IterableDataset) else cls
        return cast("Indexed[T]", object.__new__(kind))

    def __init__(self, data: Dataset[T] | Sequence[T], epoch: Epoch | None = None) -> None:
        """epoch: where a framework calls set_epoch() on the data set, the Epoch that this sets."""
        if epoch is not None:
            check_epoch(epoch)
        self.data = data
        self.epoch = epoch

    def set_epoch(self, epoch: int) -> None:
        """Sets the Epoch, and the epoch of the wrapped data set if it has one."""
        inner = getattr(self.data, "set_epoch", None)
        if self.epoch is not None:
            self.epoch.set(epoch)
        elif inner is None:
            raise UsageError("this Indexed has no Epoch to set: make it as Indexed(data, epoch)")
        if inner is not None:
            inner(epoch)

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]  # as PyTorch's own Subset does

    def __getitem__(self, index: int) -> tuple[int, T]:
        return index, self.data[plain(index)]

    def __getitems__(self, indices: list[int]) -> list[tuple[int, T]]:
        return [self[i] for i in indices]

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.data, self.epoch)

    def __repr__(self) -> str:
        return f"Indexed({type(self.data).__name__})"


class _IndexedStream(Indexed[T], IterableDataset[tuple[int, T]]):
    def __iter__(self) -> Iterator[tuple[int, T]]:
        return numbered(cast("Iterable[T]", self.data))


def numbered(stream: Iterable[T]) -> Iterator[tuple[int, T]]:
    """The items of a stream with numbers that no other worker gives."""
    worker = get_worker_info()
    first, step = (worker.id, worker.num_workers) if worker is not None else (0, 1)
    for count, item in enumerate(stream):
        yield count * step + first, item


def plain(index: int) -> int:
    """The index as the wrapped data set should see it: some look at the exact type."""
    return int(index) if isinstance(index, Key) else index
