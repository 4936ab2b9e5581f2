"""Schedules inside other people's training code: a module for each library, imported when it is first used.

popaug.adapters.lightning, .transformers, .accelerate, .timm, .torchvision. Each needs the library that it is named
after, and docs/adapters has a page on each that starts with the lines to add.
"""

import importlib
from types import ModuleType

_MODULES = ("accelerate", "lightning", "timm", "torchvision", "transformers")


def __getattr__(name: str) -> ModuleType:
    if name in _MODULES:
        return importlib.import_module(f"popaug.adapters.{name}")
    raise AttributeError(f"module 'popaug.adapters' has no attribute {name!r}")


__all__: list[str] = []
