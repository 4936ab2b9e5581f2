"""All that determines a search, checked, and how it is carried out."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, Unpack

from popaug import _core
from popaug._core import UsageError
from popaug._values import Base, Json, Policy, Rule, Space

Metric = Literal["accuracy", "balanced-accuracy", "loss"]
Mode = Literal["max", "min"]
Selection = Literal["truncation", "significant", "none"]
Start = Literal["zero", "random"]

# The library's own defaults, so that they are written once, there.
DEFAULTS: Json = json.loads(_core.search_defaults())
RUN: Json = json.loads(_core.run_defaults())
SPACE: str = DEFAULTS["space"]["name"]
EPOCHS = 30  # where a call names no length: short, as trying a training function asks for
SHARES = ("accuracy", "balanced-accuracy")  # scores of 0..1, which are shown in percent


@dataclass(frozen=True)
class Gene:
    """A number searched beside the policy, for example Gene("lr", 0.01, 0.3, log=True).

    start: where every member begins; None draws it uniformly from the range. log: steps and draws are uniform
    in the logarithm. integer: whole numbers. "flip", "vflip", "turn", "pad" and "cutout" mean the base
    transforms.
    """

    name: str
    low: float
    high: float
    start: float | None = None
    log: bool = False
    integer: bool = False

    def to_json(self) -> Json:
        value: dict[str, Json] = {"name": self.name, "low": self.low, "high": self.high}
        if self.start is not None:
            value["start"] = self.start
        return value | {"log": self.log, "integer": self.integer}


Genes = Sequence[Gene] | Mapping[str, tuple[float, float]]


class MoreSettings(TypedDict, total=False):
    """Settings of a search that are rarely changed (docs/formats/journal.md).

    explore: {"reset": probability, "amounts": [...]}. limits: {op: [lowest level, highest level]}. copies: how often each
    op is in the policy.
    """

    explore: Mapping[str, Any]
    limits: Mapping[str, Any]
    copies: int


class SearchSettings(MoreSettings, total=False):
    """All settings of a search but space and population, as keyword arguments of popaug.settings."""

    epochs: int
    epochs_per_round: int
    seed: int
    base: Base | str | None
    rule: Rule | None
    selection: Selection
    fraction: float
    significance: float
    genes: Genes
    start: Start | Policy
    metric: Metric | None
    mode: Mode | None
    asynchronous: bool
    data: str
    trainer: Mapping[str, Any] | None
    provenance: Mapping[str, Any] | None


def settings(
    space: Space | str = SPACE,
    population: int = DEFAULTS["population"],
    epochs: int = EPOCHS,
    epochs_per_round: int = DEFAULTS["epochs_per_round"],
    seed: int = DEFAULTS["seed"],
    *,
    base: Base | str | None = None,
    rule: Rule | None = None,
    selection: Selection = DEFAULTS["selection"],
    fraction: float = DEFAULTS["fraction"],
    significance: float = DEFAULTS["significance"],
    genes: Genes = (),
    start: Start | Policy = DEFAULTS["start"],
    metric: Metric | None = None,
    mode: Mode | None = None,
    asynchronous: bool = DEFAULTS["asynchronous"],
    data: str = "",
    trainer: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    **more: Unpack[MoreSettings],
) -> dict[str, Any]:
    """All that determines a search's journal, as JSON, checked; defaults as `popaug search`.

    population: members, at least 2. epochs: that each trains. genes: numbers that are searched beside the policy, Gene
    values or {name: (low, high)}. selection: "truncation" (the paper's), "significant",
    "none" (the drift control). fraction: of the population that copies, and that is copied. mode: "max" (the default):
    a higher score is better, or "min": a lower one, as of a loss. metric: what the score is called: "accuracy",
    "balanced-accuracy" or, and that is mode "min", "loss". trainer: settings for
    train_round. data: a fingerprint of your data. more: explore, limits, copies, as in docs/formats/journal.md.
    Raises UsageError for what cannot be searched.
    """
    chosen = Space.load(space) if isinstance(space, str) else space
    value = json.loads(_core.default_settings(json.dumps(chosen.to_json())))
    value |= {
        "population": population,
        "epochs": epochs,
        "epochs_per_round": epochs_per_round,
        "seed": seed,
        "selection": selection,
        "fraction": fraction,
        "significance": significance,
        "genes": [gene.to_json() for gene in _genes(genes)],
        "metric": metric_of(metric, mode)[0],
        "asynchronous": asynchronous,
        "data": data,
        "trainer": dict(trainer or {}),
        "provenance": dict(provenance or {}),
    }
    if base is not None:
        value["base"] = (Base.load(base) if isinstance(base, str) else base).to_json()
    if rule is not None:
        value["rule"] = rule.to_json()
    if isinstance(start, Policy):
        value |= {"start": "policy", "start_policy": start.to_json()}
    else:
        value["start"] = start
    unknown = set(more) - set(value)
    if unknown:
        raise UsageError(f'"{min(unknown)}" is not a setting of a search; known: {", ".join(sorted(value))}')
    value |= more
    checked: dict[str, Any] = json.loads(_core.check_settings(json.dumps(value)))
    return checked


def _genes(genes: Genes) -> Sequence[Gene]:
    if isinstance(genes, Mapping):
        return [_gene(name, bounds) for name, bounds in genes.items()]
    for gene in genes:
        if not isinstance(gene, Gene):
            raise UsageError(f"{gene!r} is not a gene; expected popaug.Gene(name, low, high)")
    return genes


def _gene(name: str, bounds: Any) -> Gene:
    try:
        low, high = bounds
        return Gene(name, float(low), float(high))
    except (TypeError, ValueError):
        raise UsageError(f'gene "{name}" is {bounds!r}; expected its range, {{"{name}": (low, high)}}') from None


def metric_of(metric: str | None, mode: str | None) -> tuple[str, Mode]:
    """What the score is called, and which side is better."""
    if mode not in (None, "max", "min"):
        raise UsageError(f'mode="{mode}"; expected "max" (a higher score is better) or "min" (a lower one)')
    if metric is None:
        return ("loss", "min") if mode == "min" else (DEFAULTS["metric"], "max")
    known: Mode | None = "min" if metric == "loss" else "max" if metric in SHARES else None
    if known is not None and mode not in (None, known):
        better = "lower" if known == "min" else "higher"
        raise UsageError(f'metric="{metric}" and mode="{mode}" contradict each other: a {better} {metric} is better')
    return metric, known or ("min" if mode == "min" else "max")


@dataclass(frozen=True)
class Prepared:
    """What a search does, with the text of its config.toml and what its workers need besides ("run" in their messages)."""

    settings: Json
    config_toml: str
    worker_settings: Json = field(default_factory=dict)

    @staticmethod
    def of(
        space: Space | str = SPACE, population: int = DEFAULTS["population"], **more: Unpack[SearchSettings]
    ) -> Prepared:
        """From arguments as for popaug.settings; config.toml holds the settings, the space's values included."""
        value = settings(space, population, **more)
        return Prepared(value, _core.to_toml(json.dumps({k: v for k, v in value.items() if v is not None and v != {}})))

    def options(
        self,
        out: str | os.PathLike[str],
        resume: bool,
        attempts: int,
        resume_command: str,
        checkpoints: bool = True,
    ) -> str:
        """How it is carried out, as the extension module takes it."""
        if not 1 <= attempts <= 1000:
            raise UsageError(f"attempts={attempts}; expected 1 .. 1000")
        value = {
            "directory": os.fspath(out),
            "resume": bool(resume),
            "config_toml": self.config_toml,
            "resume_command": resume_command,
            "attempts": attempts,
            "checkpoints": checkpoints,
            "machine": machine(),
            "worker_settings": self.worker_settings,
        }
        return json.dumps(value)


def machine() -> Json:
    """For result.json: what the results may depend on, and what the times do."""
    found = {"host": platform.node(), "python": platform.python_version(), "cores": _core.available_cores()}
    torch = sys.modules.get("torch")
    return found | ({"torch": str(torch.__version__)} if torch is not None else {})
