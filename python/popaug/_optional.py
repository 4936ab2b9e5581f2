"""Packages that popaug uses where they are installed."""

from __future__ import annotations

import importlib
from typing import Any

from popaug._core import UsageError


def needed(module: str, package: str, sentence: str) -> Any:
    """The module. Where it is not installed, raises UsageError: the sentence, and the command that installs its package."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise UsageError(f"{sentence}: pip install {package}") from None
