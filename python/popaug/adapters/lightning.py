"""Lightning: a callback that gives a schedule the epoch of the trainer.

epoch = popaug.torch.Epoch(total=30)
loader = popaug.torch.loader(data, schedule, epoch, batch_size=64, shuffle=True, num_workers=2)
trainer = lightning.Trainer(max_epochs=30, callbacks=[popaug.adapters.lightning.ScheduleEpoch(epoch)])
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from popaug._core import UsageError
from popaug.adapters._lengths import check_length
from popaug.torch._epoch import Epoch, check_epoch

try:
    from lightning.pytorch.callbacks import Callback
except ModuleNotFoundError:  # the same library under its older name
    try:
        from pytorch_lightning.callbacks import Callback
    except ModuleNotFoundError:
        raise UsageError("popaug.adapters.lightning needs Lightning: pip install lightning") from None


class ScheduleEpoch(Callback):
    """Lets an Epoch follow the trainer, from the first batch of a fit, also of a resumed one.

    Lightning starts the workers of the first pass before any hook of the epoch, so the callback does not set the epoch
    in a hook: the Epoch asks the trainer when a pass begins. Under several processes it also checks that all of them
    shuffle alike, because Lightning deals out the one order that it expects in each of them.
    """

    def __init__(self, epoch: Epoch) -> None:
        check_epoch(epoch)
        self.epoch = epoch

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if stage != "fit":
            return
        if trainer.max_epochs is not None and trainer.max_epochs >= 0:
            check_length(self.epoch, trainer.max_epochs, "Trainer(max_epochs=)")
        self.epoch.follow(lambda: trainer.current_epoch)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.world_size == 1:
            return
        for sampler in _samplers(trainer.train_dataloader):
            if type(sampler).__name__ == "RandomSampler" and sampler.generator is None:
                raise UsageError(
                    f"each of the {trainer.world_size} processes shuffles in an order of its own, so images would be "
                    "left out: give popaug.torch.loader a generator=torch.Generator().manual_seed(1)"
                )


def _samplers(loader: Any) -> Iterator[Any]:
    """The sampler of a DataLoader, and what it wraps: DistributedSamplerWrapper, EpochSampler, RandomSampler."""
    sampler = getattr(loader, "sampler", None)
    while sampler is not None:
        yield sampler
        inner = getattr(sampler, "dataset", None)  # Lightning wraps a sampler as if it were a data set
        sampler = getattr(sampler, "sampler", None) or getattr(inner, "_sampler", None)


__all__ = ["ScheduleEpoch"]
