"""What a run directory has to say to a tracker: its settings, rows of numbers, files. Reads, never writes."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import pathlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from popaug._core import UsageError
from popaug._values import Json

Kind = Literal["search", "screen", "train", "compare"]
# What the steps of the rows are.
STEPS: dict[Kind, str] = {"search": "round", "screen": "fold", "train": "epoch", "compare": "seed"}
RESULTS = (
    "result.json",
    "choose.json",
    "compare.json",
    "compare.md",
    "best.schedule.json",
    "used.schedule.json",
    "config.toml",
)


@dataclass(frozen=True)
class Row:
    """Numbers of one step. `step` counts rounds, folds, epochs or seeds from 0."""

    step: int
    numbers: dict[str, float]


def kind_of(run: pathlib.Path) -> Kind | None:
    """What writes this directory; None while nothing says so. Raises UsageError for an audit."""
    if (run / "journal.jsonl").exists():
        return "search"
    if lines := _whole_lines(run / "runs.jsonl"):
        written = json.loads(lines[0]).get("format", "popaug-compare")
        if written == "popaug-compare":
            return "compare"
        if written == "popaug-screening":
            return "screen"
        raise UsageError(f"{run} is a {written}; expected a search, a screening, a training or a comparison")
    return "train" if (run / "progress.csv").exists() else None


def rows_of(run: pathlib.Path, kind: Kind) -> list[Row]:
    """Every row so far. A later call gives the same rows, then new ones."""
    readers = {"search": _search_rows, "screen": _screen_rows, "train": _train_rows, "compare": _compare_rows}
    return list(readers[kind](run))


def settings_of(run: pathlib.Path) -> dict[str, str | int | float | bool]:
    """config.toml as "table.key": value; lists and tables as JSON."""
    path = run / "config.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    flat: dict[str, str | int | float | bool] = {}
    for table, values in tables.items():
        for key, value in values.items() if isinstance(values, dict) else [("", values)]:
            plain = isinstance(value, (str, int, float, bool))
            flat[f"{table}.{key}".rstrip(".")] = value if plain else json.dumps(value, default=str)
    return flat


def identity_of(run: pathlib.Path) -> str:
    """32 hexadecimal digits that only this run has: of its place and of the first thing that it wrote."""
    digest = hashlib.sha256(os.fsencode(run.resolve()))
    for name in ("run.log", "runs.jsonl"):
        if (run / name).is_file():
            with (run / name).open("rb") as file:
                digest.update(file.readline())
            break
    return digest.hexdigest()[:32]


def in_use(run: pathlib.Path) -> bool:
    """Whether a process of this machine uses the directory: whether its lock is held. Never takes the lock."""
    try:
        inode = (run / "lock").stat().st_ino
        locks = pathlib.Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return False
    return any(line.split()[1] == "FLOCK" and line.split()[5].endswith(f":{inode}") for line in locks.splitlines())


def _whole_lines(path: pathlib.Path) -> list[str]:
    """The lines of a growing file without a torn last one."""
    text = path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def _finite(numbers: Json) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in numbers.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    }


def _search_rows(run: pathlib.Path) -> Iterator[Row]:
    """A row for each result, and after the last result of a round one for the population."""
    lines = [json.loads(line) for line in _whole_lines(run / "journal.jsonl")]
    if len(lines) < 2:
        return
    settings, genes = lines[0]["settings"], [member["genes"] for member in lines[1]["start"]]
    sign = -1 if settings["metric"] == "loss" else 1  # the journal's scores are better where higher
    rounds: dict[int, list[float]] = {}
    for line in lines[2:]:
        if "decision" in line:
            for copy in line["copies"]:
                genes[copy["target"]] = copy["genes"]
            continue
        number, member, score = line["round"], line["member"], line["score"]
        name = f"member-{member:02}"
        told = {"score": None if score is None else sign * score, **line["metrics"], **_named("gene", genes[member])}
        yield Row(number, {f"{name}/{key}": value for key, value in _finite(told).items()})
        scores = rounds.setdefault(number, [])
        scores.append(math.nan if score is None else score)
        if len(scores) == settings["population"]:
            yield Row(number, _finite(_population(scores, sign, len(scores))))


def _population(scores: list[float], sign: int, members: int) -> dict[str, float]:
    known = [score for score in scores if not math.isnan(score)]
    numbers: dict[str, float] = {"population/diverged": members - len(known)}
    if known:
        best, worst, mean = max(known), min(known), sum(known) / len(known)
        numbers |= {"score/best": sign * best, "score/mean": sign * mean, "score/worst": sign * worst}
    return numbers


def _named(prefix: str, values: Json) -> dict[str, float]:
    return {f"{prefix}/{name}": value for name, value in values.items()}


def _train_rows(run: pathlib.Path) -> Iterator[Row]:
    for values in csv.DictReader(_whole_lines(run / "progress.csv")):
        numbers = {key: float(text) for key, text in values.items() if key != "epoch" and text}
        yield Row(int(float(values["epoch"])), _finite(numbers))


def _screen_rows(run: pathlib.Path) -> Iterator[Row]:
    """A row for each training. Outside fold k trains under the run's seed plus k."""
    lines = _whole_lines(run / "runs.jsonl")
    first = int(json.loads(lines[0])["seed"]) if lines else 0
    for row in _compare_rows(run):
        yield Row(row.step - first, row.numbers)


def _compare_rows(run: pathlib.Path) -> Iterator[Row]:
    """A row for each training of a comparison or a screening: with its judge, or with its metric where the user's own code
    trained."""
    metric = "score"
    for line in _whole_lines(run / "runs.jsonl"):
        told = json.loads(line)
        if "arm" not in told:
            metric = told.get("metric", metric)
        elif "judge" in told:
            of = f"{told['judge']}/{told['arm']}"
            yield Row(told["seed"], {f"accuracy/{of}": told["accuracy"], f"seconds/{of}": told["seconds"]})
        else:
            numbers = {f"{metric}/{told['arm']}": told["score"], f"seconds/{told['arm']}": told["seconds"]}
            yield Row(told["seed"], _finite(numbers))
