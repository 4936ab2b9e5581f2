"""Baselines under torchvision's names and with its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from popaug import _baselines
from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug._values import Base
from popaug.torch._augment import Transform


class _DropIn(Transform):
    """A baseline under torchvision's name and with its parameters: what comes in goes out, with bytes augmented."""

    def __init__(self, schedule: Schedule, interpolation: Any, fill: ArrayLike | None) -> None:
        name = getattr(interpolation, "value", interpolation)
        if name not in (None, "nearest", 0):
            raise UsageError(
                f"interpolation {name!r}; the engine's ops take the nearest pixel, as torchvision's default"
            )
        self.fill = fill
        if fill is not None:  # the ops leave holes, which get the colour at the end
            schedule = Schedule.from_json(
                schedule.to_json() | {"space": schedule.to_json()["space"] | {"fill": "hole"}}, schedule.name
            )
        super().__init__(schedule, output="same", hole=None)

    def _hole(self, channels: int) -> ArrayLike | None:
        fill = 0 if self.fill is None else self.fill  # torchvision's None is black
        return [int(value) for value in np.broadcast_to(np.asarray(fill), (channels,))]

    def _parts(self) -> list[tuple[str, Any]]:
        return [("schedule", self.schedule), ("fill", self.fill)]


class TrivialAugmentWide(_DropIn):
    """torchvision.transforms.v2.TrivialAugmentWide by popaug's engine: a Pillow image in, a Pillow image out.

    Draws come from torch's generator, as torchvision's do, but are other draws than torchvision's.
    """

    def __init__(self, num_magnitude_bins: int = 31, interpolation: Any = None, fill: ArrayLike | None = None) -> None:
        """num_magnitude_bins: only 31, the published number. interpolation: only NEAREST. fill: the colour of uncovered
        pixels; None is black."""
        _check_bins(num_magnitude_bins)
        super().__init__(Schedule.baseline("trivial").with_base(Base()), interpolation, fill)


class RandAugment(_DropIn):
    """torchvision.transforms.v2.RandAugment by popaug's engine."""

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: Any = None,
        fill: ArrayLike | None = None,
    ) -> None:
        """num_ops: ops per image. magnitude: the level, 0 .. 30. The rest as for TrivialAugmentWide."""
        _check_bins(num_magnitude_bins)
        super().__init__(_baselines.RandAugment(num_ops, magnitude), interpolation, fill)


class AutoAugment(_DropIn):
    """torchvision.transforms.v2.AutoAugment by popaug's engine, for the policies "cifar10" and "svhn"."""

    def __init__(self, policy: Any = "cifar10", interpolation: Any = None, fill: ArrayLike | None = None) -> None:
        """policy: "cifar10", "svhn" or torchvision's AutoAugmentPolicy of these."""
        super().__init__(_baselines.AutoAugment(str(getattr(policy, "value", policy))), interpolation, fill)


def _check_bins(bins: int) -> None:
    if bins != 31:
        raise UsageError(f"num_magnitude_bins={bins}; the space has 31 levels, as published")
