"""Learned image augmentation: schedules, the engine that applies them, and the search that finds them.

    schedule = popaug.Schedule.load("my.schedule.json")
    batch = schedule(images, epoch=3, seed=1)             # uint8 in, uint8 out
    popaug.TrivialAugment()(images, epoch=0, seed=1)      # baselines are called the same way

popaug.torch: transforms and collate functions for PyTorch. popaug.search: a search around your own training
code. popaug.worker: the same as a process worker. popaug.ray: on a Ray cluster. popaug.models: our networks.
"""

from popaug._core import Error, Interrupted, UsageError
from popaug._core import version as __version__
from popaug._member import Member, Result, toy_round
from popaug._run import Run
from popaug._schedule import AutoAugment, RandAugment, Schedule, Segment, TrivialAugment
from popaug._search import Search, search
from popaug._settings import Gene, settings
from popaug._values import Base, Entry, Op, Policy, Rule, Space, SpaceOp, op, ops

__all__ = [
    "AutoAugment",
    "Base",
    "Entry",
    "Error",
    "Gene",
    "Interrupted",
    "Member",
    "Op",
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
    "TrivialAugment",
    "UsageError",
    "__version__",
    "op",
    "ops",
    "search",
    "settings",
    "toy_round",
]
