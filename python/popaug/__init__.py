"""Learned image augmentation: schedules, the engine that applies them, and the search that finds them.

    schedule = popaug.Schedule.load("my.schedule.json")
    batch = schedule(images, epoch=3, samples=0)          # uint8 in, uint8 out
    popaug.TrivialAugment()(images, samples="random")     # baselines are called the same way

    run = popaug.search(data="photos", preset="best")     # as the program; train, evaluate, compare, audit, choose too

popaug.data: image sets as arrays, and any data set as a packed file. popaug.torch: transforms and collate
functions for PyTorch. popaug.search and popaug.compare also go around your own training code. popaug.worker: the
same as a process worker. popaug.ray: on a Ray cluster. popaug.models: our networks.
"""

import importlib
from typing import TYPE_CHECKING, Any

from popaug._core import Error, Interrupted, UsageError
from popaug._core import version as __version__

if TYPE_CHECKING:
    from popaug._baselines import AutoAugment, RandAugment, TrivialAugment
    from popaug._comparison import Comparison, Training
    from popaug._dispatch import compare, search
    from popaug._member import Member, Result, toy_round
    from popaug._movement import Movement
    from popaug._own_transform import OwnTransform
    from popaug._recipes import recipe
    from popaug._results import Audit, Choice, Evaluation, TrainedNetwork
    from popaug._run import Run
    from popaug._schedule import Schedule
    from popaug._search import Search
    from popaug._settings import Gene, settings
    from popaug._values import Base, Entry, Op, Policy, Rule, Segment, Space, SpaceOp, load_plugin, op, ops
    from popaug.experiment import audit, choose, evaluate, train

__all__ = [
    "Audit",
    "AutoAugment",
    "Base",
    "Choice",
    "Comparison",
    "Entry",
    "Error",
    "Evaluation",
    "Gene",
    "Interrupted",
    "Member",
    "Movement",
    "Op",
    "OwnTransform",
    "Policy",
    "RandAugment",
    "Result",
    "Rule",
    "Run",
    "Schedule",
    "Search",
    "Segment",
    "Space",
    "SpaceOp",
    "TrainedNetwork",
    "Training",
    "TrivialAugment",
    "UsageError",
    "__version__",
    "audit",
    "choose",
    "compare",
    "evaluate",
    "load_plugin",
    "op",
    "ops",
    "recipe",
    "search",
    "settings",
    "toy_round",
    "train",
]

_MODULES = ("adapters", "data", "experiment", "models", "ray", "torch", "track", "worker")
# Where each name is defined. It is imported when it is first used, so that a program that needs little starts quickly.
_NAMES = {
    "_baselines": ("AutoAugment", "RandAugment", "TrivialAugment"),
    "_comparison": ("Comparison", "Training"),
    "_dispatch": ("compare", "search"),
    "_member": ("Member", "Result", "toy_round"),
    "_movement": ("Movement",),
    "_own_transform": ("OwnTransform",),
    "_recipes": ("recipe",),
    "_results": ("Audit", "Choice", "Evaluation", "TrainedNetwork"),
    "_run": ("Run",),
    "_schedule": ("Schedule",),
    "_search": ("Search",),
    "_settings": ("Gene", "settings"),
    "_values": ("Base", "Entry", "Op", "Policy", "Rule", "Segment", "Space", "SpaceOp", "load_plugin", "op", "ops"),
    "experiment": ("audit", "choose", "evaluate", "train"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"popaug.{name}")
    if name in _HOME:
        found = globals()[name] = getattr(importlib.import_module(f"popaug.{_HOME[name]}"), name)
        return found
    raise AttributeError(f"module 'popaug' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
