"""examples/own_op from end to end: a plugin op in a user's space, searched on real images, in the schedule
file, and trained with."""

from __future__ import annotations

import html
import json
import os
import pathlib
import re
import shlex
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
    said = popaug(*search, "--out", run).stdout
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

    # Who looks at the schedule needs no plugin; who trains with it does, and is told so.
    assert "Gamma" in popaug("schedule", "show", schedule_file).stdout
    assert "Gamma" in popaug("schedule", "show", schedule_file, "--plugin", plugin).stdout
    final = ("train", "--data", FASHION, "--schedule", schedule_file, "--train-size", 200, "--epochs", 2, *small)
    refused = popaug(*final, "--out", tmp_path / "without", code=1)
    assert '"Gamma"' in refused.stderr and "--plugin" in refused.stderr

    # The next command that the search names carries the plugin, and so does that of its report.
    (line,) = re.findall(r"^Next:\n  popaug (train .*)$", said, re.MULTILINE)
    words = shlex.split(line)
    assert words[words.index("--plugin") + 1] == str(plugin)
    words[words.index("--out") + 1] = str(tmp_path / "final")
    assert words[words.index("--network") + 1] == "wrn-10-1"  # what the search trained
    popaug(*words, "--train-size", 200, "--epochs", 2, "--workers", 2)
    assert (tmp_path / "final" / "best.safetensors").stat().st_size > 0
    popaug("report", run, "--no-images")
    page = html.unescape((run / "report.html").read_text())
    assert f"popaug compare --config {run}/config.toml --run {run} --plugin {plugin}</pre>" in page
    # Looking at the network needs no plugin.
    popaug("report", tmp_path / "final", "--no-images")
    assert "error" in json.loads(popaug("eval", tmp_path / "final", "--data", FASHION, "--json").stdout)
