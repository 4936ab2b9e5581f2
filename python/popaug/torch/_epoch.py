"""The current epoch, in memory that worker processes share."""

from __future__ import annotations

import multiprocessing.reduction
import operator
import os
import sys
import uuid
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from popaug._core import UsageError
from popaug._schedule import Schedule


class Epoch:
    """The current epoch, shared with all worker processes of a DataLoader, whatever their start method.

    Until set() is called, reading it raises UsageError: a schedule that stays at epoch 0 for ever would be a silent
    failure. Copies, deep copies and pickles that are read in the same process are the same Epoch. A pickle that is
    read in an unrelated process is an Epoch that was never set.
    """

    def __init__(self, total: int | None = None, *, source: Callable[[], int] | None = None) -> None:
        """total: the number of epochs of your training; schedules are stretched to it. Without it they are used as
        they are, with a warning where a schedule has several policies. source: instead of set(), a function that
        gives the current epoch, called in the main process when a pass over the data begins, for example
        `lambda: trainer.current_epoch` in Lightning."""
        if total is not None and whole(total, "total") < 1:
            raise UsageError(f"total={total}; expected the number of epochs of your training, at least 1")
        self.total = total
        self._source = source
        self._name = uuid.uuid4().hex
        # The epoch (-1: never set) and how often it was set.
        self._value = torch.tensor([-1, 0], dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        _EPOCHS[self._name] = self

    def set(self, epoch: int) -> None:
        """Call it at the start of every epoch, before the loop over the loader. Counted from 0."""
        number = whole(epoch, "epoch")
        if number < 0:
            raise UsageError(f"epoch {number}; epochs count from 0")
        if self.total is not None and number >= self.total:
            raise UsageError(
                f"epoch {number} of a training of {self.total} epochs; epochs count from 0 to {self.total - 1}. "
                "For a longer training, give its length to Epoch(total=...)"
            )
        self._value[1] += 1
        self._value[0] = number

    def follow(self, source: Callable[[], int]) -> None:
        """Asks `source` from now on, as Epoch(source=...) does; for the adapter of a library that knows the epoch."""
        self._source = source

    def get(self) -> int:
        """The epoch last set. Raises UsageError if none was."""
        if self._source is not None and get_worker_info() is None and self._source() != int(self._value[0]):
            self.set(self._source())
        number = int(self._value[0])
        if number < 0:
            raise UsageError(
                "the epoch was never set: call epoch.set(n) at the start of each epoch, before the loop over the loader"
            )
        return number

    @property
    def passes(self) -> int:
        """How often the epoch was set: repeats are counted anew after each time."""
        return int(self._value[1])

    def fit(self, schedule: Schedule) -> Schedule:
        """The schedule for a training of `total` epochs."""
        if self.total is not None:
            return schedule.stretch(self.total) if schedule.epochs != self.total else schedule
        if schedule.changes_with_epoch:
            warnings.warn(
                f"{schedule.name} describes a training of {schedule.epochs} epochs, and how long yours is was not "
                f"said: Epoch(total=N) stretches the schedule to N epochs (Epoch(total={schedule.epochs}) uses it as "
                "it is)",
                UserWarning,
                stacklevel=outside(),
            )
        return schedule

    def __copy__(self) -> Epoch:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Epoch:
        return self

    def __reduce__(self) -> Any:
        return _known_epoch, (self._name, self.total)

    def __repr__(self) -> str:
        number = int(self._value[0])
        total = "" if self.total is None else f", total={self.total}"
        return f"Epoch({number if number >= 0 else 'never set'}{total})"


_EPOCHS: weakref.WeakValueDictionary[str, Epoch] = weakref.WeakValueDictionary()


def _known_epoch(name: str, total: int | None) -> Epoch:
    """The Epoch of this name in this process, else a new one, which was never set."""
    found = _EPOCHS.get(name)
    if found is None:
        found = Epoch(total)
        found._name = name
        _EPOCHS[name] = found
    return found


def _shared_epoch(name: str, total: int | None, value: Tensor) -> Epoch:
    found = _known_epoch(name, total)
    found._value = value
    return found


def _reduce_for_worker(epoch: Epoch) -> Any:
    return _shared_epoch, (epoch._name, epoch.total, epoch._value)


# What travels to a worker process keeps the shared memory; torch registers its tensors in the same way.
multiprocessing.reduction.ForkingPickler.register(Epoch, _reduce_for_worker)


def whole(value: Any, what: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise UsageError(f"{what} is {value!r}; expected a whole number") from None


def outside() -> int:
    """The stack level of the first caller outside this package, for warnings."""
    level, frame = 1, sys._getframe(1)
    here = os.path.dirname(__file__)
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == here:
        level, frame = level + 1, frame.f_back
    return level


def check_epoch(epoch: Any) -> None:
    if not isinstance(epoch, Epoch):
        raise UsageError(f"epoch is a {type(epoch).__name__}; expected a popaug.torch.Epoch, which workers share")
