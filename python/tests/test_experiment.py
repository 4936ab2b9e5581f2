"""The recipes in this process: the files and the result of the program, and its refusals with names of settings."""

from __future__ import annotations

import inspect
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

import popaug
import popaug.experiment
from popaug import _core

PROGRAM = pathlib.Path(os.environ.get("POPAUG_BUILD", "build")) / "popaug"
TOY = {"trainer": "toy", "population": 4, "rounds": 3, "seed": 7, "ops": "Rotate,ShearX"}


def flags(values: dict[str, object]) -> list[str]:
    return [word for key, value in values.items() for word in ("--" + key.replace("_", "-"), str(value))]


def program(*words: object) -> None:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_search_has_the_bytes_of_the_programs(tmp_path: pathlib.Path) -> None:
    run = popaug.experiment.search(tmp_path / "here", show=False, **TOY)
    program("search", *flags(TOY), "--out", tmp_path / "there")
    for name in ("journal.jsonl", "config.toml", "best.schedule.json"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes(), name
    assert run.schedule.epochs == 9
    with pytest.raises(popaug.UsageError, match="contains a search, which is never overwritten: add resume=True"):
        popaug.experiment.search(tmp_path / "here", show=False, **TOY)
    popaug.experiment.search(tmp_path / "here", resume=True, show=False)


def test_settings_are_refused_by_their_names(tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.UsageError, match=r'setting "population": 1 is not in 2 \.\. 100000'):
        popaug.experiment.search(tmp_path / "run", show=False, population=1)
    with pytest.raises(popaug.UsageError, match=r'unknown setting "popluation" \(nearest: "population"\)'):
        popaug.experiment.search(tmp_path / "run", show=False, popluation=4)
    with pytest.raises(popaug.UsageError, match='setting "lr": expected a number, found "fast"'):
        popaug.experiment.train(tmp_path / "run", show=False, lr="fast")
    assert not (tmp_path / "run").exists()


def test_a_search_is_prepared_without_the_program(tmp_path: pathlib.Path) -> None:
    images = (np.arange(60 * 8 * 8 * 3) % 251).astype(np.uint8).reshape(60, 8, 8, 3)
    np.savez(tmp_path / "set.npz", train_images=images, train_labels=(np.arange(60) % 3).astype(np.uint8))
    values = {"data": str(tmp_path / "set.npz"), "rounds": 2, "val_size": 12, "device": "cuda:9"}
    request = {"out": str(tmp_path / "run"), "values": values}
    prepared = json.loads(_core.prepare_search(json.dumps(request)))
    assert sorted(os.listdir(tmp_path / "run")) == ["lock", "split.json"]
    assert prepared["settings"]["trainer"]["train_images"] == 48
    assert "device = 'cuda:9'" in prepared["config"]
    assert prepared["worker_settings"]["config"] == prepared["config"]
    assert prepared["worker_command"] == ""


def test_the_defaults_that_signatures_show_are_those_of_the_library() -> None:
    library = json.loads(_core.default_settings(json.dumps(popaug.Space.load("pba").to_json())))
    shown = {name: p.default for name, p in inspect.signature(popaug.settings).parameters.items()}
    names = ["population", "epochs_per_round", "seed", "selection", "fraction", "significance", "start", "asynchronous"]
    assert {name: shown[name] for name in names} == {name: library[name] for name in names}
