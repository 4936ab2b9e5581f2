"""All that determines a search, checked, and how it is carried out."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from popaug import _core
from popaug._core import UsageError
from popaug._values import Base, Json, Policy, Rule, Space


@dataclass(frozen=True)
class Gene:
    """A number searched beside the policy, for example Gene("lr", 0.01, 0.3, log=True).

    start: where every member begins; None draws it uniformly from the range. log: steps and draws are uniform
    in the logarithm. integer: whole numbers. "flip", "pad" and "cutout" mean the base transforms.
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


def settings(
    space: Space | str = "pba",
    population: int = 16,
    epochs: int = 30,
    epochs_per_round: int = 3,
    seed: int = 0,
    *,
    base: Base | str | None = None,
    rule: Rule | None = None,
    selection: str = "truncation",
    fraction: float = 0.25,
    significance: float = 0.05,
    genes: Sequence[Gene] = (),
    start: str | Policy = "zero",
    metric: str = "accuracy",
    asynchronous: bool = False,
    data: str = "",
    trainer: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    **more: Any,
) -> Json:
    """All that determines a search's journal, as JSON, checked; defaults as `popaug search`.

    population: members, at least 2. epochs: that each trains. selection: "truncation" (the paper's), "significant",
    "none" (the drift control). fraction: of the population that copies, and that is copied. trainer: settings for
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
        "genes": [gene.to_json() for gene in genes],
        "metric": metric,
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
        raise UsageError(f'"{min(unknown)}" is no setting of a search; known: {", ".join(sorted(value))}')
    value |= more
    checked: Json = json.loads(_core.check_settings(json.dumps(value)))
    return checked


@dataclass(frozen=True)
class Prepared:
    """What a search does, with the text of its config.toml and what its workers need besides ("run" in their messages)."""

    settings: Json
    config_toml: str
    worker_settings: Json = field(default_factory=dict)

    @staticmethod
    def of(**arguments: Any) -> Prepared:
        """From arguments as for popaug.settings; config.toml holds the settings, the space's values included."""
        value = settings(**arguments)
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
