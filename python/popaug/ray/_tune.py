"""For those who keep Ray Tune's PopulationBasedTraining: PBA's numbers and its explore rule (docs/ray-tune.md)."""

from __future__ import annotations

import random
from typing import Any

from popaug._core import UsageError
from popaug._settings import DEFAULTS
from popaug._values import Entry, Policy, Space

KEY = "popaug_policy"


def start_config(space: Space, copies: int = DEFAULTS["copies"]) -> dict[str, Any]:
    """The part of a trial's config that holds the policy: p1, m1, p2, m2, ... (p in tenths), all zero."""
    return {KEY: [0] * (2 * copies * len(space.ops))}


def policy_of(config: dict[str, Any], space: Space) -> Policy:
    """The policy of a trial's config, every op `copies` times in the space's order."""
    numbers = config.get(KEY)
    if not isinstance(numbers, list) or len(numbers) % (2 * len(space.ops)):
        raise UsageError(
            f'the config has no "{KEY}" of {2 * len(space.ops)} numbers per copy; start from start_config(space)'
        )
    names = [op.op for op in space.ops]
    return Policy(
        tuple(Entry(names[i % len(names)], numbers[2 * i] / 10, numbers[2 * i + 1]) for i in range(len(numbers) // 2))
    )


class Explore:
    """custom_explore_fn for PopulationBasedTraining: each number is redrawn with probability 0.2, else moved by 0 to 3
    with a fair sign and clipped (docs/pba.md#search). Tune seeds nothing and restores nothing, so neither can this: the draws
    start from `seed` and depend on the order in which Tune calls."""

    def __init__(
        self,
        space: Space,
        seed: int = 0,
        reset: float = DEFAULTS["explore"]["reset"],
        amounts: tuple[int, ...] = tuple(DEFAULTS["explore"]["amounts"]),
    ) -> None:
        self.highest = space.search_levels - 1
        self.random = random.Random(seed)
        self.reset, self.amounts = reset, amounts

    def __call__(self, config: dict[str, Any]) -> dict[str, Any]:
        numbers = [self._move(n, 10 if i % 2 == 0 else self.highest) for i, n in enumerate(config[KEY])]
        return config | {KEY: numbers}

    def _move(self, number: int, high: int) -> int:
        if self.random.random() < self.reset:
            return self.random.randint(0, high)
        amount = self.random.choice(self.amounts)
        return min(max(number + (amount if self.random.random() < 0.5 else -amount), 0), high)
