"""PyTorch: schedules inside a Dataset or a DataLoader, with the epoch known to every worker process.

    epoch = popaug.torch.Epoch()
    data = popaug.torch.Augmented(dataset, schedule, epoch, seed=1, mean=mean, std=std)
    loader = DataLoader(data, batch_size=128, shuffle=True, num_workers=2, persistent_workers=True)
    for number in range(first_epoch, epochs):
        epoch.set(number)            # the one line
        for images, labels in loader:
            ...

An Epoch lives in memory that worker processes share, so one set() in the training loop reaches workers that
are already running (persistent_workers=True), those started later, and a run that resumes at a later epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from popaug import _arrays
from popaug._core import UsageError
from popaug._schedule import Schedule

__all__ = ["Augmented", "Collate", "Epoch", "Indexed", "Transform"]

T = TypeVar("T")


class Epoch:
    """The current epoch, shared with all worker processes of a DataLoader, whatever their start method.

    Until set() is called, reading it raises UsageError: a schedule that stays at epoch 0 for ever would be a
    silent failure.
    """

    def __init__(self) -> None:
        self._value = torch.full((1,), -1, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]

    def set(self, epoch: int) -> None:
        """Call it at the start of every epoch, before iterating over the loader; counted from 0."""
        if epoch < 0:
            raise UsageError(f"epoch {epoch}; epochs count from 0")
        self._value[0] = epoch

    def get(self) -> int:
        """The epoch last set. Raises UsageError if none was."""
        epoch = int(self._value[0])
        if epoch < 0:
            raise UsageError(
                "the epoch was never set: call epoch.set(n) at the start of each epoch, before the loop over the loader"
            )
        return epoch

    def __repr__(self) -> str:
        return f"Epoch({int(self._value[0])})"


class Indexed(Dataset[tuple[int, T]]):
    """A data set whose items are (index, item): what Collate needs to key an image's draws."""

    def __init__(self, data: Dataset[T]) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]  # as PyTorch's own Subset does

    def __getitem__(self, index: int) -> tuple[int, T]:
        return index, self.data[index]

    def __getitems__(self, indices: list[int]) -> list[tuple[int, T]]:
        return [(i, self.data[i]) for i in indices]


class _Augmenting:
    def __init__(
        self,
        schedule: Schedule,
        epoch: Epoch,
        seed: int = 0,
        *,
        mean: Any = None,
        std: Any = None,
        output: str = "float32",
        member: int = 0,
    ) -> None:
        if not isinstance(epoch, Epoch):
            raise UsageError(f"epoch is a {type(epoch).__name__}; expected a popaug.torch.Epoch, which workers share")
        self.schedule = schedule
        self.epoch = epoch
        self.seed = seed
        self.member = member
        self.options: dict[str, Any] = {"mean": mean, "std": std, "output": output}

    def augment(self, images: Any, samples: Any, layout: str, threads: int = 1) -> Any:
        return self.schedule(
            images,
            self.epoch.get(),
            self.seed,
            samples=samples,
            member=self.member,
            layout=layout,
            threads=threads,
            **self.options,
        )


def _as_pixels(image: Any) -> NDArray[np.uint8]:
    """One image, a Pillow image, a CHW tensor or an HWC or HW array, as HWC."""
    if _arrays.is_pillow(image):
        if image.mode not in ("RGB", "L"):
            raise UsageError(f'a Pillow image of mode {image.mode}; expected RGB or L: use .convert("RGB")')
        pixels = np.asarray(image)
        return pixels if pixels.ndim == 3 else pixels[..., None]
    if isinstance(image, Tensor):
        layout = "chw" if image.dim() == 3 else "hw"
        return _first(_arrays.batch_of(image, layout))
    array = _arrays.as_numpy(image, "the image")
    return _first(_arrays.batch_of(array, "hwc" if array.ndim == 3 else "hw"))


def _first(batch: _arrays.Batch) -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = batch.images[0]
    return image


class Augmented(Dataset[tuple[Tensor, Any]]):
    """A data set of (image, rest ...) whose images are augmented one by one, keyed by their index.

    Images are Pillow images, uint8 tensors [channels, height, width] or uint8 arrays [height, width, channels].
    Items become (tensor, rest ...): float32 [channels, height, width], normalised by mean and std, or uint8
    with output="uint8". Batches are faster through Indexed and Collate.
    """

    def __init__(self, data: Dataset[Any], schedule: Schedule, epoch: Epoch, seed: int = 0, **options: Any) -> None:
        """seed: of the draws. options: mean, std, output, member, as for Transform."""
        self.data = data
        self.transform = Transform(schedule, epoch, seed, **options)

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        image, *rest = self.data[index]
        return (self.transform(image, index), *rest)


class Transform(_Augmenting):
    """A transform of one image, for use inside a Dataset: transform(image, index) gives a tensor.

    index: of the image in its data set, which keys its draws. Where a pipeline (torchvision's transforms) calls
    transform(image) without one, draws are keyed by a random number from torch's generator instead: seeded by
    the loader for each worker, repeatable only with the same number of workers.
    """

    def __call__(self, image: Any, index: int | None = None) -> Tensor:
        sample = int(torch.randint(1 << 39, ())) if index is None else int(index)
        pixels = _as_pixels(image)
        if self.options["output"] == "uint8":
            result = self.augment(pixels, sample, "hwc")
            return torch.from_numpy(np.ascontiguousarray(result.transpose(2, 0, 1)))
        return torch.from_numpy(self.augment(pixels, sample, "hwc"))


class Collate(_Augmenting):
    """A collate function for a DataLoader over an Indexed data set: augments a whole batch at once.

    Items are (index, (image, label ...)); all images of one size. Gives (images, labels ...): images float32
    [n, channels, height, width] or uint8 with output="uint8", the rest collated as PyTorch does.
    """

    def __init__(self, schedule: Schedule, epoch: Epoch, seed: int = 0, *, threads: int = 1, **options: Any) -> None:
        super().__init__(schedule, epoch, seed, **options)
        self.threads = threads

    def __call__(self, items: Sequence[tuple[int, Any]]) -> tuple[Any, ...]:
        if not items or not isinstance(items[0], tuple) or len(items[0]) != 2:
            raise UsageError("Collate needs (index, item) pairs: wrap the data set in popaug.torch.Indexed")
        pixels = [_as_pixels(item[0]) for _, item in items]
        shapes = {p.shape for p in pixels}
        if len(shapes) > 1:
            raise UsageError(
                f"images of {len(shapes)} sizes in one batch, among them {sorted(shapes)[:2]}; "
                "resize them first, or use popaug.torch.Augmented"
            )
        samples = np.array([index for index, _ in items], dtype=np.uint64)
        images = self.augment(np.stack(pixels), samples, "nhwc", self.threads)
        if self.options["output"] == "uint8":
            images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        rest = [torch.utils.data.default_collate(list(column)) for column in
                zip(*(item[1:] for _, item in items), strict=True)]  # fmt: skip
        return (torch.from_numpy(images), *rest)
