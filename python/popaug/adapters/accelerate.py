"""accelerate: the loop over epochs, which accelerate saves and restores with the rest of the training.

epoch = popaug.torch.Epoch(total=30)
loader = popaug.torch.loader(data, schedule, epoch, batch_size=64, shuffle=True, num_workers=2)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for number in popaug.adapters.accelerate.Epochs(accelerator, epoch, loader):
    for images, labels in loader:
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from popaug._core import UsageError
from popaug.torch._epoch import Epoch, check_epoch


class Epochs:
    """The numbers of the epochs, from 0 or from where accelerator.load_state() continues.

    A loader of accelerate counts its passes itself, from 0, and sets the epoch to that at each pass. So an epoch that is
    set alone would be lost, and a resumed training would begin its schedule again; this sets both.
    """

    def __init__(self, accelerator: Any, epoch: Epoch, loader: Any) -> None:
        """loader: as accelerator.prepare() returned it. Registers itself with the accelerator, so make it before
        load_state(). The state that save_state() saves after a pass over the loader continues with the next epoch; that
        of the middle of a pass with the same epoch."""
        check_epoch(epoch)
        if epoch.total is None:
            raise UsageError("Epoch() does not say how many epochs to train: make it Epoch(total=N)")
        if not hasattr(loader, "iteration"):
            raise UsageError(
                f"the loader is a {type(loader).__name__}; expected what accelerator.prepare(loader) returns"
            )
        self.epoch, self.loader = epoch, loader
        self.total: int = epoch.total
        accelerator.register_for_checkpointing(self)

    def __iter__(self) -> Iterator[int]:
        for number in range(int(self.loader.iteration), self.total):
            self.loader.set_epoch(number)
            self.epoch.set(number)
            yield number

    def __len__(self) -> int:
        return self.total

    def state_dict(self) -> dict[str, int]:
        """The epoch to continue with: accelerate counts a pass when it is complete."""
        return {"epoch": int(self.loader.iteration)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.loader.iteration = int(state["epoch"])


__all__ = ["Epochs"]
