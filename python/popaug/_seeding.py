"""The global generators of this process: seeded for a member, and watched for draws that nobody can repeat."""

from __future__ import annotations

import contextlib
import hashlib
import random
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# Python, NumPy and torch have one global generator for all threads of a process.
_LOCK = threading.RLock()


def _states() -> dict[str, Any]:
    found: dict[str, Any] = {"Python": random.getstate(), "NumPy": np.random.get_state()}
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        found["torch"] = torch.get_rng_state()
    return found


def _restore(states: dict[str, Any]) -> None:
    random.setstate(states["Python"])
    np.random.set_state(states["NumPy"])
    if "torch" in states:
        sys.modules["torch"].set_rng_state(states["torch"])


def _seed(*parts: int) -> int:
    digest = hashlib.sha256(" ".join(str(part) for part in parts).encode()).digest()
    seed = int.from_bytes(digest[:8], "little")
    random.seed(seed)
    np.random.seed([int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)])
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)
    return seed


@contextlib.contextmanager
def seeded(*parts: int) -> Iterator[None]:
    """Seeds the global generators by `parts` for the block, and restores them afterwards. One thread at a
    time is inside."""
    with _LOCK:
        before = _states()
        _seed(*parts)
        try:
            yield
        finally:
            after = _states()
            _restore(before | {name: state for name, state in after.items() if name not in before})


@contextlib.contextmanager
def seeded_each() -> Iterator[Callable[..., int]]:
    """Gives the function that seeds the global generators by its arguments, and returns that seed; puts the generators
    back at the end. One thread at a time is inside."""
    with seeded():
        yield _seed


class Watch:
    """Notices that code outside seeded() has drawn from a global generator."""

    def __init__(self) -> None:
        with _LOCK:
            self._known = _states()

    def drawn(self) -> list[str]:
        """The generators that were used since the last call."""
        with _LOCK:
            now = _states()
        found = [name for name, state in now.items() if name in self._known and not _same(state, self._known[name])]
        self._known = now
        return found


def _same(one: Any, two: Any) -> bool:
    if hasattr(one, "numpy"):
        return bool((one == two).all())
    if isinstance(one, tuple):
        return len(one) == len(two) and all(_same(a, b) for a, b in zip(one, two, strict=True))
    return bool(np.array_equal(one, two))
