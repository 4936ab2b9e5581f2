"""Ops, spaces, policies and rules as plain, immutable values."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from popaug import _core

Json = Any  # what json.loads gives
_RULE: Json = json.loads(_core.default_rule())
_COPIES: int = json.loads(_core.search_defaults())["copies"]


@dataclass(frozen=True)
class SpaceOp:
    """An op of a space with the value of each of its levels.

    values: one per level, in the op's unit and without sign; empty for an op that ignores its level.
    signed: the value is negated with probability 1/2 per image.
    scale: which side of the image scales a value in pixels: "none", "width", "height", "shorter" (values
        are for a side of 32), "width-truncated", "height-truncated" (torchvision's own rule).
    centre: the op gets centre + value, or centre - value.
    """

    op: str
    values: tuple[float, ...] = ()
    signed: bool = False
    scale: str = "none"
    centre: float = 0.0

    def to_json(self) -> Json:
        found: dict[str, Json] = {"op": self.op, "signed": self.signed}
        if self.scale != "none":
            found["scale"] = self.scale
        if self.centre:
            found["centre"] = self.centre
        return found | {"values": list(self.values)}

    @staticmethod
    def from_json(value: Json) -> SpaceOp:
        return SpaceOp(
            value["op"],
            tuple(value.get("values", ())),
            value.get("signed", False),
            value.get("scale", "none"),
            value.get("centre", 0.0),
        )


@dataclass(frozen=True)
class Space:
    """A named list of ops with their level to value maps.

    levels: levels are 0 .. levels - 1; a search draws 0 .. search_levels - 1.
    fill: what ops leave where they uncover pixels: "hole" (the mean colour after normalisation) or "black".
    Raises Error where an op is unknown or has another number of values than levels.
    """

    name: str
    ops: tuple[SpaceOp, ...]
    levels: int = 11
    search_levels: int = 10
    fill: str = "hole"

    def __post_init__(self) -> None:
        _core.check_space(json.dumps(self.to_json()))

    @staticmethod
    def load(name: str) -> Space:
        """A built-in space ("pba", "autoaugment", "randaugment", "trivial", ...) or a TOML file of one."""
        return Space.from_json(json.loads(_core.load_space(str(name))))

    @staticmethod
    def names() -> list[str]:
        """The built-in spaces."""
        return _core.space_names()

    def for_grey(self) -> Space:
        """The space without the ops that cannot change a grey image."""
        return Space.from_json(json.loads(_core.space_for_grey(json.dumps(self.to_json()))[0]))

    def only(self, ops: Sequence[str]) -> Space:
        """The space with these ops alone, in the space's own order."""
        unknown = sorted(set(ops) - {op.op for op in self.ops})
        if unknown:
            known = ", ".join(op.op for op in self.ops)
            raise _core.UsageError(f'space "{self.name}" has no op "{unknown[0]}"; it has {known}')
        kept = tuple(op for op in self.ops if op.op in ops)
        return Space(self.name, kept, self.levels, self.search_levels, self.fill)

    def with_values(self, values: Mapping[str, Sequence[float]]) -> Space:
        """The space with other values of the levels of some ops, as Segment.values has them."""
        ops = tuple(replace(op, values=tuple(values.get(op.op, op.values))) for op in self.ops)
        return replace(self, ops=ops) if values else self

    def to_json(self) -> Json:
        return {
            "name": self.name,
            "levels": self.levels,
            "search_levels": self.search_levels,
            "fill": self.fill,
            "ops": [op.to_json() for op in self.ops],
        }

    @staticmethod
    def from_json(value: Json) -> Space:
        _core.check_space(json.dumps(value))
        return Space._read(value)

    @staticmethod
    def _read(value: Json) -> Space:
        """Without a check of the ops, for what was checked, or is only looked at."""
        space = object.__new__(Space)
        parts = {
            "name": value["name"],
            "ops": tuple(SpaceOp.from_json(op) for op in value["ops"]),
            "levels": value["levels"],
            "search_levels": value["search_levels"],
            "fill": value.get("fill", "hole"),
        }
        for name, found in parts.items():
            object.__setattr__(space, name, found)
        return space

    def __repr__(self) -> str:
        return f"Space({self.name!r}, {len(self.ops)} ops, levels 0..{self.levels - 1})"


@dataclass(frozen=True)
class Entry:
    """An op with the probability (0..1) and the level with which a policy tries it."""

    op: str
    probability: float
    level: int

    def to_json(self) -> Json:
        return {"op": self.op, "probability": self.probability, "level": self.level}


def _entry(value: Any) -> Entry:
    if isinstance(value, Entry):
        return value
    if isinstance(value, (tuple, list)) and len(value) == 3 and isinstance(value[0], str):
        return Entry(value[0], float(value[1]), operator.index(value[2]))
    raise _core.UsageError(f"{value!r} is not an entry of a policy; expected popaug.Entry(op, probability, level)")


@dataclass(frozen=True, init=False)
class Policy(Sequence[Entry]):
    """Entries (op, probability, level), in order; for sub-policies they stand in consecutive groups."""

    entries: tuple[Entry, ...]

    def __init__(self, entries: Iterable[Entry | tuple[str, float, int]]) -> None:
        """entries: each an Entry or a tuple (op, probability, level)."""
        object.__setattr__(self, "entries", tuple(_entry(entry) for entry in entries))

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        return self.entries[index]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @staticmethod
    def zero(space: Space, copies: int = _COPIES) -> Policy:
        """Every op `copies` times with probability 0: the start of a search (docs/pba.md#search)."""
        return Policy(tuple(Entry(op.op, 0.0, 0) for _ in range(copies) for op in space.ops))

    def to_json(self) -> Json:
        return [entry.to_json() for entry in self.entries]

    @staticmethod
    def from_json(value: Json) -> Policy:
        return Policy(tuple(Entry(e["op"], float(e["probability"]), int(e["level"])) for e in value))

    def __repr__(self) -> str:
        active = [e for e in self.entries if e.probability > 0]
        shown = ", ".join(f"{e.op} {e.probability:g}@{e.level}" for e in active[:6])
        more = f", {len(active) - 6} more" if len(active) > 6 else ""
        return f"Policy({len(self.entries)} entries; {shown or 'all off'}{more})"

    def _repr_html_(self) -> str:
        from popaug._html import policy_table

        return policy_table(self)


@dataclass(frozen=True)
class Rule:
    """How a policy's entries are drawn for one image.

    kind: "none", "pba" (a count by count_weights, then entries in random order until it is used up),
    "sub-policies" (one group of `group` entries), "randaugment" (`count` entries with replacement),
    "trivial" (one op at a uniform level).
    mixture: for a flattened schedule, weights that sum to 1: the entries are as many equal parts, each a policy, and an
    image first draws its part. Empty: the entries are one policy.
    """

    kind: str = "pba"
    count_weights: tuple[float, ...] = tuple(_RULE["count_weights"])
    group: int = _RULE["group"]
    count: int = _RULE["count"]
    mixture: tuple[float, ...] = ()

    def to_json(self) -> Json:
        parts: dict[str, dict[str, Json]] = {
            "pba": {"count_weights": list(self.count_weights)},
            "sub-policies": {"group": self.group},
            "randaugment": {"count": self.count},
        }
        mixture = {"mixture": list(self.mixture)} if self.mixture else {}
        return {"kind": self.kind} | parts.get(self.kind, {}) | mixture

    @staticmethod
    def from_json(value: Json) -> Rule:
        return Rule(
            value["kind"],
            tuple(value.get("count_weights", _RULE["count_weights"])),
            value.get("group", _RULE["group"]),
            value.get("count", _RULE["count"]),
            tuple(value.get("mixture", ())),
        )


@dataclass(frozen=True)
class Base:
    """What every image gets around the policy; pixels are for a side of 32 and scale with the image.

    pad: holes on each side before a random crop (0: no crop). flip: probability of a horizontal flip.
    cutout: side of a square of holes (0: none). scale_pixels: False keeps pixels as they are. resized_crop: least share
    of the area of a random resized crop before the ops (0: none). vflip: probability of a vertical flip. turn:
    probability of a turn by 90, 180 or 270 degrees, for square images. erase: probability of random erasing, of
    erase_least .. erase_most of the area, with a ratio of the sides from erase_ratio to its inverse; erase_fill: "hole",
    "mean" (the mean colour of the image) or "noise". cutmix, mixup: probability that an image is mixed with another one,
    with a share from Beta(alpha, alpha); popaug.torch.loader gives such images their two labels.
    """

    pad: int = 0
    flip: float = 0.0
    cutout: int = 0
    scale_pixels: bool = True
    resized_crop: float = 0.0
    vflip: float = 0.0
    turn: float = 0.0
    erase: float = 0.0
    erase_least: float = 0.02
    erase_most: float = 0.33
    erase_ratio: float = 0.3
    erase_fill: Literal["hole", "mean", "noise"] = "hole"
    cutmix: float = 0.0
    cutmix_alpha: float = 1.0
    mixup: float = 0.0
    mixup_alpha: float = 0.2

    @property
    def mixes(self) -> bool:
        """Whether an image may be mixed with another one, so that it has two labels."""
        return self.cutmix > 0 or self.mixup > 0

    def without_mixing(self) -> Base:
        """The same without CutMix and mixup."""
        return replace(self, cutmix=0.0, mixup=0.0)

    @staticmethod
    def load(name: str) -> Base:
        """By name: "none", "crop", "flipcrop", "dihedral" (flips and turns, crop), "cifar" (flip, crop, cutout
        16), "svhn" (cutout 20)."""
        return Base.from_json(json.loads(_core.base_by_name(name)))

    def to_json(self) -> Json:
        always = ("pad", "flip", "cutout", "scale_pixels")
        usual = Base()
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if name in always or value != getattr(usual, name)}

    @staticmethod
    def from_json(value: Json) -> Base:
        return Base(**value)


@dataclass(frozen=True, init=False)
class Segment:
    """A policy and the number of epochs (at least 1) that it lasts.

    base: its base transforms; None: those of the schedule. values: its values of the levels, of the ops whose values
    are not those of the space: {op: one number per level}. A search with genes writes both.
    """

    epochs: int
    policy: Policy
    base: Base | None
    values: tuple[tuple[str, tuple[float, ...]], ...]

    def __init__(
        self,
        epochs: int,
        policy: Policy | Iterable[Entry | tuple[str, float, int]],
        base: Base | None = None,
        values: Mapping[str, Sequence[float]] | Iterable[tuple[str, Sequence[float]]] = (),
    ) -> None:
        """policy: a Policy, or its entries."""
        pairs = values.items() if isinstance(values, Mapping) else values
        object.__setattr__(self, "epochs", epochs)
        object.__setattr__(self, "policy", policy if isinstance(policy, Policy) else Policy(policy))
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "values", tuple((op, tuple(map(float, each))) for op, each in pairs))

    def to_json(self) -> Json:
        own: dict[str, Json] = {}
        if self.base is not None:
            own["base"] = self.base.to_json()
        if self.values:
            own["values"] = {op: list(each) for op, each in self.values}
        return {"epochs": self.epochs, **own, "policy": self.policy.to_json()}

    @staticmethod
    def from_json(value: Json) -> Segment:
        base = Base.from_json(value["base"]) if "base" in value else None
        return Segment(value["epochs"], Policy.from_json(value["policy"]), base, value.get("values", {}))


@dataclass(frozen=True)
class Op:
    """A row of the table of ops: what the op does, in which unit its value is, which values it accepts.

    group: "geometry", "colour", "tone" or "other", as a searched strength counts it. uses_value: False where the level is
    ignored. mirrors: a negative value is meaningful. changes_grey: False where it cannot change a grey image. origin:
    "built-in", "Python" or a plugin's file.
    """

    name: str
    summary: str
    unit: str
    uses_value: bool
    mirrors: bool
    changes_grey: bool
    low: float
    high: float
    origin: str = "built-in"
    group: str = "other"


def ops() -> list[Op]:
    """All ops known to this process, built-in ones first."""
    names = [field.name for field in fields(Op)]
    return [Op(**{name: getattr(row, name) for name in names}) for row in _core.op_rows()]


def load_plugin(path: str | os.PathLike[str]) -> list[str]:
    """Registers the ops of a plugin, a shared object (docs/formats/plugin.md), and gives their names.

    The same file again registers nothing more. A plugin is code, which can do whatever this process can. Raises Error
    for a file that is not a plugin of this version, or an op whose name is taken.
    """
    return _core.load_plugin(os.fspath(path))


_functions: list[Any] = []  # the table of ops holds them without owning them
OpFunction = Callable[[NDArray[np.uint8], float, Callable[[], float]], None]


def op(
    name: str,
    *,
    low: float = 0.0,
    high: float = 0.0,
    unit: str = "",
    summary: str = "an op of the user's own",
    mirrors: bool = False,
) -> Callable[[OpFunction], OpFunction]:
    """Registers a Python function as an op of your own, for spaces, schedules and searches.

        @popaug.op("Dim", low=0, high=1, unit="factor")
        def dim(image, value, uniform):
            image[..., :3] = image[..., :3] * value

    image: uint8 array [height, width, 4], RGB and alpha (0: a hole), to be changed in place. value: the
    level's value, between low and high; low == high means that the op has no value. uniform(): the next
    uniform number in [0, 1) for this image: draw from it alone, and results repeat.
    An op in Python holds the interpreter's lock: images are then augmented one after the other, and a
    hundred times slower than by a built-in op. Registering a name again replaces the op, as running a cell of a
    notebook again does. Raises Error where the name belongs to a built-in op or to a plugin.
    """
    if not isinstance(name, str):
        raise _core.UsageError('@popaug.op needs the name of the op in brackets: @popaug.op("Dim", low=0, high=1)')

    def register(function: OpFunction) -> OpFunction:
        _core.register_op(name, function, summary, unit, low != high, mirrors, low, high)
        _functions.append(function)
        return function

    return register
