"""Recipes of other libraries, and transforms of your own, as arms of the program's experiments.

The program knows baselines by name and ops by their rows. A recipe becomes a baseline under its own name: a schedule of
one op, which is a Python function around the library. So everything that knows baselines knows recipes.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import tomllib
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popaug import _core
from popaug._core import Error, UsageError
from popaug._own_transform import OwnTransform
from popaug._recipes import is_recipe, recipe
from popaug._results import Choice
from popaug._run import Run
from popaug._schedule import Schedule
from popaug._seeding import seeded_each
from popaug._values import Entry, Policy, Rule, Segment, Space, SpaceOp, op

# What may follow the name of an arm.
_WORDS = re.compile(r"((\+(noflip|dihedral|clean|(cutmix|mixup)(-[0-9.]+)?))*)(@\d+)?$")
# Flip and crop around the recipes whose own libraries keep them apart, as around the baselines.
_BASES = {"timm": "flipcrop", "torchvision": "flipcrop"}
_registered: dict[str, str] = {}  # the identity of each, by its name
# Whether the program runs, which can only say a sentence: a traceback is then printed first.
in_program = False


def base_name(arm: str) -> str:
    """The name of an arm without words such as +noflip."""
    return _WORDS.sub("", arm)


def recipes_among(names: Iterable[str]) -> list[str]:
    """The recipes of other libraries among arms, without their words."""
    return list(dict.fromkeys(base_name(name) for name in names if is_recipe(name)))


def register(name: str, value: Any) -> None:
    """Makes `name` an arm: value is a Schedule, a Run or Choice, the name of a baseline or a recipe, or a transform."""
    if isinstance(value, str):
        value = recipe(value) if is_recipe(value) else Schedule.baseline(value)
    if isinstance(value, (Run, Choice)):
        value = value.schedule
    kind = name.partition(":")[0]
    if isinstance(value, Schedule) and not isinstance(value, OwnTransform):
        made = value.with_base(_BASES[kind]) if kind in _BASES else value
    else:
        own = value if isinstance(value, OwnTransform) else OwnTransform(value, name)
        if _registered.get(name) == own.identity:
            return
        made = _schedule_of(own, name).with_base(_BASES.get(kind, "none"))
        _registered[name] = own.identity
    _core.register_baseline(name, json.dumps(made.to_json()))


def _schedule_of(own: OwnTransform, name: str) -> Schedule:
    """A schedule that calls the transform for every image. Its op is named after the transform and what it is, so that
    another one makes another schedule."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:48]
    called = f"{plain}-{hashlib.sha256(own.identity.encode()).hexdigest()[:12]}"
    called = called if called[0].isalpha() else f"arm_{called}"[:64]
    op(called, summary=f"the recipe {name}")(_as_op(own, name))
    space = Space("recipe", (SpaceOp(called),), levels=1, search_levels=1)
    return Schedule(space, Rule(count_weights=(0.0, 1.0)), [Segment(1, Policy([Entry(called, 1.0, 0)]))], name=name)


def _as_op(own: OwnTransform, name: str) -> Callable[[NDArray[np.uint8], float, Callable[[], float]], None]:
    def run(image: NDArray[np.uint8], value: float, uniform: Callable[[], float]) -> None:
        try:
            apply(image, uniform)
        except Error:
            raise
        except Exception as error:
            if not in_program:
                raise
            traceback.print_exc()
            raise Error(f"the recipe {name} failed on an image: {error!r}; its traceback is above") from error

    def apply(image: NDArray[np.uint8], uniform: Callable[[], float]) -> None:
        pixels = image[..., :3]
        grey = bool((pixels[..., :1] == pixels).all())
        with seeded_each() as seed:
            drawn = seed(int(uniform() * 2**53), int(uniform() * 2**53))
            if hasattr(own.transform, "set_random_seed"):  # albumentations draws from generators of its own
                own.transform.set_random_seed(drawn % (1 << 32))
            erased = getattr(own.transform, "with_holes", None)
            if erased is None:
                pixels[...] = own._one(pixels[..., :1] if grey else pixels)
            else:
                image[...] = erased(pixels, grey)

    return run


def register_arms(arms: Mapping[str, Any] | Sequence[Any] | str) -> list[str]:
    """Registers what is not the program's own among arms, and gives the names of all."""
    if isinstance(arms, Mapping):
        pairs = list(arms.items())
    else:
        listed = arms.split(",") if isinstance(arms, str) else arms
        pairs = [(arm.name if isinstance(arm, Schedule) else arm, arm) for arm in listed]
    for name, value in pairs:
        if not isinstance(name, str):
            raise UsageError(f'{name!r} has no name to be an arm by: give arms as a dictionary, {{"mine": ...}}')
        if isinstance(value, str) and value == name:
            if is_recipe(name):
                register(base_name(name), base_name(name))
            continue
        if re.search(r"[,@+]", name) or not name.isprintable():
            raise UsageError(f'the arm "{name}": a name of your own has no comma, @ or + in it')
        register(name, value)
    return [name for name, _ in pairs]


def register_recorded(values: Mapping[str, Any], config: str | None, resumed: str | os.PathLike[str] | None) -> None:
    """Registers the recipes that settings name: those given, those of a config file, and those of a run that is
    resumed."""
    names = [str(values.get(key, "")) for key in ("augment", "arms", "recipe")]
    files = [] if config is None else [pathlib.Path(config)]
    if resumed is not None:
        files += [pathlib.Path(resumed) / "config.toml", pathlib.Path(resumed) / "plan.json"]
    names += [text for file in files for text in recorded(file)]
    for name in recipes_among(word for text in names for word in text.split(",")):
        register(name, name)


def recorded(file: pathlib.Path) -> list[str]:
    """Names of arms in a config.toml or a plan.json. Nothing where it cannot be read: the program says why."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            return [str(arm) for arm in json.loads(text)["arms"]]
        tables = tomllib.loads(text)
    except (OSError, ValueError, KeyError, TypeError):
        return []
    places = (("augment", "augment"), ("choose", "arms"), ("audit", "recipe"))
    return [str(tables[table][key]) for table, key in places if key in tables.get(table, {})]
