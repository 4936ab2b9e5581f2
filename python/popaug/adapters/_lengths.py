"""The check that all adapters share."""

from __future__ import annotations

from popaug._core import UsageError
from popaug.torch._epoch import Epoch, check_epoch


def check_length(epoch: Epoch, epochs: int, said_by: str) -> None:
    """Raises UsageError if `epoch` was made for a training of another length than `epochs`."""
    check_epoch(epoch)
    if epoch.total is not None and epoch.total != epochs:
        raise UsageError(
            f"Epoch(total={epoch.total}), but {said_by} says {epochs} epochs: the schedule is stretched to `total`, so "
            f"make it Epoch(total={epochs})"
        )
