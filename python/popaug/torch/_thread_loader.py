"""Loader: batches that threads of C++ make ahead of the training loop, without worker processes."""

from __future__ import annotations

import json
import operator
import os
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from popaug import _core
from popaug._arguments import Numbers, check_scale, hole_of, numbers, whole
from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug.torch._augment import BatchOutput
from popaug.torch._epoch import outside
from popaug.torch._loader_data import FileOptions, LoaderData, loader_data
from popaug.torch._mixing import MixedLabels

_MOST_EPOCHS = 1 << 24
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "uint8": torch.uint8}


class Loader:
    """Batches (images, labels) of a data set, augmented by a schedule, for a training loop.

        loader = popaug.torch.Loader("photos", schedule, 64, epochs=30, size=224, shuffle=True, seed=1)
        for epoch in range(30):
            for images, labels in loader:
                ...

    Threads of C++ read, decode, crop, augment and mix ahead of the loop; there are no worker processes, and the
    interpreter's lock is free meanwhile. Each loop over the Loader is the next epoch of the schedule, which begins with its
    first batch.

    images: a tensor [n, channels, height, width], float32, bfloat16 or uint8. labels: int64 [n], or labels[i] of what was given as
    labels. A schedule that mixes images gives MixedLabels, or with `classes` float32 [n, classes]. Without labels a batch
    is the images alone. They are the bytes that Collate gives for the same images, indices, epoch and seed.

    A batch belongs to you: its memory is used again only when the last tensor or array over it is gone. (Pinned memory
    comes from PyTorch's own allocator, which also waits for copies to a GPU.)

    An image file that cannot be read raises popaug.Error with the name of the file, at its batch. After any exception,
    and when the loop is left, the threads end.
    """

    def __init__(
        self,
        data: Any,
        schedule: Schedule | None,
        batch_size: int = 1,
        *,
        epochs: int | None = None,
        epoch: int = 0,
        seed: int | None = None,
        shuffle: bool = False,
        drop_last: bool = False,
        rank: int | None = None,
        world_size: int | None = None,
        mean: Numbers | None = None,
        std: Numbers | None = None,
        output: BatchOutput = "float32",
        hole: ArrayLike | None = None,
        channels_last: bool = False,
        member: int = 0,
        classes: int | None = None,
        split: str = "train",
        size: int | str | None = None,
        fit: Literal["stretch", "crop", "pad"] = "stretch",
        scaled_decoding: bool = False,
        range: str = "full",
        background: str = "black",
        keep_going: bool = False,
        threads: int | None = None,
        prefetch: int = 2,
        pin_memory: bool | None = None,
    ) -> None:
        """data: the path of any set that popaug reads (a packed file, a folder of class folders, a CSV, .npz, IDX, CIFAR);
            (images, labels), images uint8 [n, height, width, channels] or [n, channels, height, width] with 1 or 3
            channels, as arrays or tensors; images alone; or an image set of popaug.data.
        schedule: a Schedule or a baseline; None: no augmentation.
        batch_size: images in a batch, at least 1; the last batch of an epoch may be smaller, or is left out by drop_last.
        epochs: the length of your training, to which the schedule is stretched; one epoch more raises UsageError.
            Without it the schedule is used as it is, and its last policy stays.
        epoch: the number of the first epoch, from 0.
        seed: of order and draws; None draws it from torch's generator now. Several processes need the same one.
        shuffle: a new order in each epoch, by (seed, member, epoch).
        rank, world_size: this process, 0 .. world_size - 1, and the number of processes that share the images; by default
            those of torch.distributed where it runs, else 0 and 1. All get the same number of images: some are repeated, as
            DistributedSampler does, or left out by drop_last.
        mean, std: of "float32" and "bfloat16", one number per channel on the scale 0..1. hole: the colour of holes in
            "uint8". output: "bfloat16" is "float32" rounded to the nearest, in half the memory. As for a Schedule.
        channels_last: the batch lies in PyTorch's memory format of that name; its shape and values are the same.
        member: a further part of the key of draws. classes: their number, for dense labels of mixed images.
        split: which part of a set, "train", "val" or "test".
        size: of images in files, such as 224 or "64x48" (width x height), sides 1 .. 16384. A schedule with a random
            resized crop cuts it from all pixels of the file; else the image is resized as `fit` says.
        scaled_decoding: JPEGs are reduced while they are decoded, as long as `size` pixels are left: faster, other pixels.
        range, background: how 16-bit samples and transparent pixels become bytes, as in popaug.data.open.
        keep_going: decodes every file once at the start, leaves out those that cannot be read and lists them in `left_out`.
        threads: default: the cores of this process, shared among the processes that torchrun started on the machine.
        prefetch: how many batches are made ahead of the one that the loop uses, at least 1.
        pin_memory: whether batches are in pinned memory; default: if torch sees a CUDA device.
        """
        if schedule is not None and not isinstance(schedule, Schedule):
            raise UsageError(f"schedule is a {type(schedule).__name__}; expected a popaug.Schedule, a baseline or None")
        if output not in _TYPES:
            raise UsageError(f'output "{output}"; a batch is "float32", "bfloat16" or "uint8"')
        check_scale(mean, std)
        if output == "uint8" and std is not None:
            raise UsageError('std has no effect with output="uint8": leave it out, or use output="float32"')
        self.batch_size, self.shuffle, self.drop_last = (
            _at_least_1(batch_size, "batch_size"),
            bool(shuffle),
            bool(drop_last),
        )
        self.epochs = None if epochs is None else _at_least_1(epochs, "epochs")
        self.schedule = _fitted(Schedule.baseline("none") if schedule is None else schedule, self.epochs)
        self.rank, self.world_size = _place(rank, world_size)
        self.seed, self._seed_given = _seed(seed, self.world_size), seed is not None
        self.member = whole(member, "the member", 1 << 24)
        self._data = loader_data(data, FileOptions(split, size, fit, scaled_decoding, range, background, keep_going))
        self.output, self.channels_last, self.classes = output, bool(channels_last), classes
        _check_labels(self._data, self.schedule, classes)
        self.threads = _default_threads() if threads is None else _at_least_1(threads, "threads")
        self.prefetch = _at_least_1(prefetch, "prefetch")
        self.pin_memory = torch.cuda.is_available() if pin_memory is None else bool(pin_memory)
        self._core = self._make_core(mean, std, hole, {"size": _size_text(self._data), "fit": fit,
                                                       "scaled_decoding": bool(scaled_decoding)})  # fmt: skip
        self._position = (0, 0)  # the epoch, and the number of its batches that were given
        self._running: object = None  # the newest iterator, which moves the position
        self.set_epoch(epoch)

    def _make_core(
        self, mean: Numbers | None, std: Numbers | None, hole: ArrayLike | None, reading: dict[str, Any]
    ) -> _core.BatchLoader:
        channels = self._data.shape[2]
        is_bytes = self.output == "uint8"
        centre = hole_of(hole, mean, channels) if is_bytes else _or(mean, 0.0, channels, "mean")
        options = json.dumps({
            "output": self.output,
            "channels_last": self.channels_last,
            "mean": centre,
            "std": [1.0] * channels if is_bytes else _or(std, 1.0, channels, "std"),
            "rank": self.rank,
            "world": self.world_size,
            "batch": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "threads": self.threads,
            "prefetch": self.prefetch,
        })  # fmt: skip
        text = json.dumps(self.schedule.to_json())
        if self._data.files is None:
            return _core.BatchLoader.of_arrays(text, self.schedule.name, self._data.images, options)
        files, split = self._data.files
        return _core.BatchLoader.of_files(text, self.schedule.name, files, split, json.dumps(reading), options)

    # --- what it is -----------------------------------------------------------------------------

    def __len__(self) -> int:
        """The number of batches of an epoch, on every process."""
        return self._core.batches()

    @property
    def images(self) -> int:
        """The number of images of the set; an epoch of this process has `world_size` times fewer."""
        return self._data.count

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of a set that was read from a path, in the order of their numbers."""
        return self._data.class_names

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading a path noted, in sentences."""
        return self._data.notes

    @property
    def left_out(self) -> tuple[str, ...]:
        """The images that keep_going left out: why, with the name of the file."""
        return self._data.left_out

    def __repr__(self) -> str:
        count, (height, width, channels) = self._data.count, self._data.shape
        return (
            f"Loader({count} images of {width}x{height}x{channels}, {self.schedule!r}, batch_size={self.batch_size}, "
            f"epoch={self.epoch}, seed={self.seed}, threads={self.threads})"
        )

    # --- epochs and resuming --------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The number of the epoch that the next loop will be."""
        epoch, batch = self._position
        return epoch if self._running is None or batch == 0 else epoch + 1

    def set_epoch(self, epoch: int) -> None:
        """Makes the next loop this epoch, from its first batch; or from where load_state_dict() put it, in the same epoch."""
        number = whole(epoch, "the epoch", _MOST_EPOCHS)
        self._check_epoch(number)
        if self._running is None and self._position[0] == number:
            return
        self._position, self._running = (number, 0), None

    def _check_epoch(self, number: int) -> None:
        if self.epochs is not None and number >= self.epochs:
            raise UsageError(
                f"epoch {number} of a training of {self.epochs} epochs; epochs count from 0 to {self.epochs - 1}. For a "
                "longer training, give its length to Loader(epochs=...)"
            )

    def state_dict(self) -> dict[str, Any]:
        """The place in the training, for load_state_dict() of a Loader of the same data: the epoch and how many of its
        batches were given. It is the same on all processes."""
        epoch, batch = self._position
        if batch == len(self) > 0:
            epoch, batch = epoch + 1, 0
        return {"epoch": epoch, "batch": batch, "seed": self.seed, **self._identity()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Makes the next loop continue where state_dict() was called. Raises UsageError if the state is of a Loader that
        makes other batches."""
        needed = {"epoch", "batch", "seed", *self._identity()}
        if not isinstance(state, Mapping) or not needed <= set(state):
            raise UsageError(f"the state is not of Loader.state_dict(): expected the keys {', '.join(sorted(needed))}")
        mine = self._identity() | ({"seed": self.seed} if self._seed_given else {})
        for name, value in mine.items():
            if state[name] != value:
                raise UsageError(f"the state is of a Loader with {name}={state[name]}; this one has {name}={value}")
        epoch = whole(state["epoch"], "the epoch of the state", _MOST_EPOCHS)
        batch = whole(state["batch"], "the batch of the state", len(self) + 1)
        self.seed = whole(state["seed"], "the seed of the state", 1 << 64)
        self._position, self._running = (epoch, batch), None

    def _identity(self) -> dict[str, Any]:
        """What decides which images a batch has, beside the seed."""
        return {
            "images": self._data.count,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "world_size": self.world_size,
            "member": self.member,
        }

    # --- batches --------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        return _Batches(self)

    def _begin(self, batches: _Batches) -> tuple[_core.BatchRun, int, int]:
        """Begins the next epoch, or continues one that was loaded: the run, the epoch and its first batch."""
        epoch, batch = self.epoch, self._position[1] if self._running is None else 0
        if batch == len(self) > 0:
            epoch, batch = epoch + 1, 0
        self._check_epoch(epoch)
        self._position, self._running = (epoch, batch), batches.token
        return self._core.run(self.seed, self.member, epoch, batch), epoch, batch

    def _given(self, token: object, epoch: int, batches: int) -> None:
        """Notes how many batches of an epoch were given, by the newest iterator."""
        if token is self._running:
            self._position = (epoch, batches)

    def _memory(self) -> tuple[Tensor, Any]:
        """A tensor for a whole batch, and what keeps its memory."""
        height, width, channels = self._data.shape
        images = min(self.batch_size, self._core.images())
        kind = _TYPES[self.output]
        shape = (images, height, width, channels) if self.channels_last else (images, channels, height, width)
        if self.pin_memory:
            batch = torch.empty(shape, dtype=kind, pin_memory=True)
        else:
            batch = torch.from_numpy(self._core.memory()).view(kind).view(shape)
        return (batch.permute(0, 3, 1, 2) if self.channels_last else batch), batch

    def _batch(self, images: Tensor, made: tuple[Any, Any, Any]) -> Any:
        """A batch as the loop gets it."""
        indices, partners, shares = (torch.from_numpy(part) for part in made)
        labels = self._data.labels
        if labels is None:
            return images
        first = labels.index_select(0, indices)
        if not self.schedule.mixes:
            return images, self._pinned(first)
        mixed = MixedLabels(first, labels.index_select(0, partners), shares)
        if self.classes is not None:
            return images, self._pinned(mixed.dense(self.classes))
        return images, MixedLabels(*(self._pinned(part) for part in mixed))

    def _pinned(self, labels: Tensor) -> Tensor:
        return labels.pin_memory() if self.pin_memory else labels


class _Batches(Iterator[Any]):
    """The batches of one epoch; what iter(loader) gives. The epoch begins with its first batch."""

    def __init__(self, loader: Loader) -> None:
        self.token = object()
        self._loader = loader
        self._run: _core.BatchRun | None = None
        self._asked: deque[Tensor] = deque()  # the batches that the threads make
        self._ended = False
        self._epoch = self._count = 0
        self._lock = threading.RLock()

    def __next__(self) -> Any:
        with self._lock:
            return self._next()

    def _next(self) -> Any:
        if self._ended:
            raise StopIteration
        try:
            if self._run is None:
                self._run, self._epoch, self._count = self._loader._begin(self)
                # Also at the end of the program, before the interpreter is torn down.
                self._finalizer = weakref.finalize(self, self._run.stop)
            self._ask(self._run)
            if not self._asked:
                raise StopIteration
            made = self._run.take()
            images = self._asked.popleft()[: len(made[0])]
            self._ask(self._run)
            batch = self._loader._batch(images, made)
        except BaseException:
            self.close()
            raise
        self._count += 1
        self._loader._given(self.token, self._epoch, self._count)
        return batch

    def _ask(self, run: _core.BatchRun) -> None:
        while len(self._asked) < self._loader.prefetch and run.left() > 0:
            batch, owner = self._loader._memory()
            run.submit(owner, owner.data_ptr())
            self._asked.append(batch)

    def close(self) -> None:
        """Ends the threads. The epoch counts as over."""
        with self._lock:
            self._ended = True
            if self._run is not None:
                self._finalizer()
            self._asked.clear()


def _fitted(schedule: Schedule, epochs: int | None) -> Schedule:
    """The schedule for a training of `epochs` epochs."""
    if epochs is not None:
        return schedule.stretch(epochs) if schedule.epochs != epochs else schedule
    if schedule.changes_with_epoch:
        warnings.warn(
            f"{schedule.name} describes a training of {schedule.epochs} epochs, and how long yours is was not said: "
            f"Loader(epochs=N) stretches the schedule to N epochs (epochs={schedule.epochs} uses it as it is)",
            UserWarning,
            stacklevel=outside(),
        )
    return schedule


def _at_least_1(value: Any, what: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"{what} is {value!r}; expected a whole number") from None
    if not 1 <= number < 1 << 31:
        raise UsageError(f"{what}={number}; expected a whole number of at least 1")
    return number


def _place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Which of how many processes this is."""
    if (rank is None) != (world_size is None):
        raise UsageError("rank and world_size belong together: give both, or neither")
    if rank is None or world_size is None:
        distributed = torch.distributed
        if not (distributed.is_available() and distributed.is_initialized()):
            return 0, 1
        rank, world_size = distributed.get_rank(), distributed.get_world_size()
    processes = _at_least_1(world_size, "world_size")
    return whole(rank, "the rank", processes), processes


def _seed(seed: int | None, processes: int) -> int:
    if seed is not None:
        return whole(seed, "the seed", 1 << 64)
    if processes > 1:
        raise UsageError(
            f"{processes} processes share the images, so they need the same order: give all the same seed="
        )
    return int(torch.randint(1 << 62, ()))  # so that the seeds of a study differ here too


def _check_labels(data: LoaderData, schedule: Schedule, classes: int | None) -> None:
    if not schedule.mixes:
        if classes is not None:
            raise UsageError(
                f"classes= gives dense labels of mixed images, but {schedule.name} mixes none: leave it out"
            )
        return
    if data.labels is None or data.labels.dtype != torch.int64 or data.labels.ndim != 1:
        found = "no labels" if data.labels is None else f"labels of type {data.labels.dtype}"
        raise UsageError(
            f"{schedule.name} mixes images, and their labels with them: expected the number of a class for each image, found "
            f"{found}. Leave mixing out with .without_mixing()"
        )
    if data.count < 2:
        raise UsageError(
            f"{schedule.name} mixes an image with another one, but the data set has {data.count}: give more"
        )


def _default_threads() -> int:
    try:
        processes = max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    except ValueError:
        processes = 1
    return max(1, _core.available_cores() // processes)


def _or(values: Numbers | None, usual: float, channels: int, what: str) -> list[float]:
    return [usual] * channels if values is None else numbers(values, channels, what)


def _size_text(data: LoaderData) -> str:
    height, width, _ = data.shape
    return f"{width}x{height}"
