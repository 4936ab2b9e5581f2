"""examples/own_op from end to end: a plugin op in an own space, searched on real images, in the schedule
file, and trained with."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess

import pytest

BUILD = pathlib.Path(os.environ["POPAUG_BUILD"])
SOURCE = pathlib.Path(os.environ["POPAUG_SOURCE"])
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
EXAMPLE = SOURCE / "examples/own_op"


def popaug(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [str(BUILD / "popaug"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)
    assert found
    out = tmp_path_factory.mktemp("plugin") / "my_ops.so"
    flags = ["-O2", "-fPIC", "-shared", f"-I{SOURCE}"]
    subprocess.run([found[1], *flags, EXAMPLE / "my_ops.cc", "-o", out], check=True)
    return out


def test_own_op_from_search_to_training(plugin: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = tmp_path / "run"
    small = ("--network", "wrn-10-1", "--batch", 50, "--workers", 2)
    search = (
        "search", "--data", FASHION, "--space", EXAMPLE / "space.toml", "--plugin", plugin,
        "--population", 4, "--rounds", 3, "--epochs-per-round", 1, "--train-size", 200, "--val-size", 100, *small,
    )  # fmt: skip
    popaug(*search, "--out", run)
    # Worker processes get the plugin by a flag of their own.
    worker = f"{BUILD}/popaug worker --plugin {plugin}"
    popaug(*search, "--worker-cmd", worker, "--out", tmp_path / "processes")
    assert (tmp_path / "processes/journal.jsonl").read_bytes() == (run / "journal.jsonl").read_bytes()
    schedule_file = run / "best.schedule.json"
    schedule = json.loads(schedule_file.read_text())
    ops = {op["op"]: op for op in schedule["space"]["ops"]}
    assert set(ops) == {"ShearX", "TranslateX", "Rotate", "Gamma", "Speckle"}
    assert ops["Gamma"]["values"][0] == 0.4 and ops["Gamma"]["values"][10] == 2.5
    named = {entry["op"] for segment in schedule["segments"] for entry in segment["policy"]}
    assert {"Gamma", "Speckle"} <= named

    # Who uses the schedule passes the plugin too, and is told so.
    refused = popaug("schedule", "show", schedule_file, code=1)
    assert '"Gamma"' in refused.stderr and "--plugin" in refused.stderr
    assert "Gamma" in popaug("schedule", "show", schedule_file, "--plugin", plugin).stdout
    final = ("train", "--data", FASHION, "--schedule", schedule_file, "--train-size", 200, "--epochs", 2, *small)
    popaug(*final, "--plugin", plugin, "--out", tmp_path / "final")
    assert (tmp_path / "final" / "best.safetensors").stat().st_size > 0
    popaug(*final, "--out", tmp_path / "without", code=1)
