"""Ray itself, or one sentence."""

from __future__ import annotations

from typing import Any

from popaug._core import UsageError

OLDEST = (2, 40)


def require_ray() -> Any:
    """The module ray. Raises UsageError where it is missing or too old."""
    try:
        import ray
    except ModuleNotFoundError:
        raise UsageError('popaug.ray needs Ray, which is not installed: pip install "popaug[ray]"') from None
    version = str(ray.__version__)
    try:
        found = tuple(int(part) for part in version.split(".")[:2])
    except ValueError:
        found = OLDEST  # a build of Ray's own; it is tried
    if found < OLDEST:
        raise UsageError(f"popaug.ray needs Ray {OLDEST[0]}.{OLDEST[1]} or newer; Ray {version} is installed")
    return ray
