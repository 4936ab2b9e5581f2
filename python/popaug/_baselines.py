"""Free baselines and published policies, called as a Schedule is."""

from __future__ import annotations

import json

from popaug import _core
from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug._values import Base


class _Baseline(Schedule):
    def _take(self, text: str, name: str, base: Base | str | None) -> None:
        chosen = Base.load(base) if isinstance(base, str) else base or Base()
        value = json.loads(text) | {"base": chosen.to_json()}
        self._set(_core.check_schedule(json.dumps(value)), name)

    def __repr__(self) -> str:
        return self._name


class TrivialAugment(_Baseline):
    """TrivialAugment Wide (2103.10158) over torchvision's space: one op per image at a uniform level.

    base: base transforms around it, a Base or a name ("flipcrop", ...); by default none.
    strength: 1 is the paper's; 0.5 halves every range.
    """

    def __init__(self, base: Base | str | None = None, strength: float = 1.0) -> None:
        value = json.loads(_core.trivial_schedule())
        if strength != 1.0:
            value["space"] = json.loads(_core.load_space(f"trivial:{strength:g}"))
        arguments = "" if strength == 1.0 else f"strength={strength:g}"
        self._take(json.dumps(value), f"TrivialAugment({arguments})", base)


class RandAugment(_Baseline):
    """RandAugment (1909.13719) over torchvision's space: `count` ops with replacement at bin `level` of 0..30.

    base: base transforms around it, a Base or a name ("flipcrop", ...); by default none.
    """

    def __init__(self, count: int = 2, level: int = 9, base: Base | str | None = None) -> None:
        text = _core.randaugment_schedule(count, level)
        self._take(text, f"RandAugment(count={count}, level={level})", base)


class AutoAugment(_Baseline):
    """AutoAugment's published policies (1805.09501), "cifar10" or "svhn": one sub-policy per image.

    base: base transforms around it, a Base or a name ("cifar", "svhn", ...); by default none.
    """

    def __init__(self, policy: str = "cifar10", base: Base | str | None = None) -> None:
        if policy not in ("cifar10", "svhn"):
            raise UsageError(f'AutoAugment policy "{policy}"; expected "cifar10" or "svhn"')
        text = _core.baseline_schedule(f"autoaugment-{policy}")[1]
        self._take(text, f"AutoAugment({policy!r})", base)
