"""A search as the program sees it: a config file of `popaug search`, resolved and checked by the recipe of the program."""

from __future__ import annotations

import json
import os
import pathlib

from popaug import _core
from popaug._core import UsageError
from popaug._settings import Gene, Prepared
from popaug._values import Base, Json, Policy, Rule, Space

TABLES = {"data", "training", "augment", "search", "run"}


def read(path: str | os.PathLike[str]) -> Json:
    """A TOML file as JSON. Raises UsageError where it cannot be read."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{os.fspath(path)}: {reason}") from None
    return json.loads(_core.parse_toml(text, os.fspath(path)))


def is_programs(value: Json) -> bool:
    """Whether it has the program's tables ([data], [training], ...); else it holds arguments of popaug.settings."""
    return any(isinstance(value.get(table), dict) for table in TABLES)


def prepare(config: str | os.PathLike[str], out: pathlib.Path, resume: bool) -> tuple[Prepared, str]:
    """(what `popaug search --config` would search, its worker_cmd). Writes `out`/split.json as the program does.

    Raises UsageError or Error, as the program would say it.
    """
    request = {"config": os.fspath(config), "out": str(out), "resume": resume}
    told = json.loads(_core.prepare_search(json.dumps(request)))
    return Prepared(told["settings"], told["config"], told["worker_settings"]), told["worker_command"]


def arguments(value: Json) -> dict[str, Json]:
    """A TOML file's keys as arguments of popaug.settings; a space, rule or start may be a table or list."""
    given: dict[str, Json] = dict(value)
    if isinstance(given.get("space"), dict):
        given["space"] = Space.from_json(given["space"])
    if "rule" in given:
        given["rule"] = Rule.from_json(given["rule"])
    if "start_policy" in given:
        given["start"] = Policy.from_json(given.pop("start_policy"))
    if isinstance(given.get("base"), dict):
        given["base"] = Base.from_json(given["base"])
    if "genes" in given:
        given["genes"] = [Gene(**gene) for gene in given["genes"]]
    return given
