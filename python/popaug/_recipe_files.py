"""Reads the files that recipes of other libraries are in."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable
from typing import Any

from popaug._core import UsageError
from popaug._optional import needed


def with_nearest(name: str, known: Iterable[str]) -> str:
    """A quoted name with the nearest one that is known, if any is near."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f'"{name}" (nearest: "{near[0]}")' if near else f'"{name}"'


def read_recipe(name: str, path: str, writer: str) -> dict[str, Any]:
    """The keys and values of a YAML or JSON file. name: that of the recipe; writer: what writes such files. Raises
    UsageError where the file cannot be read or contains something else."""
    if path.endswith(".json"):
        kind, parse, wrong = "JSON", json.loads, ValueError
    else:
        yaml = needed("yaml", "pyyaml", f'the recipe "{name}" needs pyyaml')
        kind, parse, wrong = "YAML", yaml.safe_load, yaml.YAMLError
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise UsageError(f'recipe "{name}": {path}: {os.strerror(error.errno or 0)}') from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file: {error}") from None
    try:
        values = parse(text)
    except (wrong, RecursionError) as error:
        raise UsageError(f"{path} is not {kind}: {error}") from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise UsageError(f"{path}: expected keys and values, as {writer}")
    return values
