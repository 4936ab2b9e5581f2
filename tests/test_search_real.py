"""Searches with the real trainer and a small network: workers, kills and resumes change no byte."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import time

import pytest
from search_runs import BUILD, LONG, WORKER, assert_same_run

DATA = "/usr/share/datasets/fashion-mnist"
FLAGS = [
    *("--data", DATA, "--network", "wrn-10-1", "--train-size", "256", "--val-size", "100", "--batch", "64"),
    *("--population", "4", "--rounds", "4", "--epochs-per-round", "1", "--seed", "3"),
]


def popaug(*flags: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BUILD / "popaug", "search", *flags], capture_output=True, text=True, check=False, env={**os.environ, **extra}
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    done = popaug(*FLAGS, "--workers", "1", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


def without_config(run: pathlib.Path) -> None:
    """config.toml tells the number and the command of the workers."""
    (run / "config.toml").unlink(missing_ok=True)


def journal_size(out: pathlib.Path) -> int:
    path = out / "journal.jsonl"
    return path.stat().st_size if path.exists() else 0


def resume_flags(out: pathlib.Path, flags: list[str]) -> list[str]:
    started = (out / "config.toml").exists()
    return ["--out", str(out), *(["--resume"] if started else flags)]


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_kills_of_a_real_search(tmp_path: pathlib.Path, whole: pathlib.Path, kind: str) -> None:
    out = tmp_path / "run"
    flags = [*FLAGS, "--workers", "2"]
    if kind == "processes":
        flags += ["--worker-cmd", WORKER]
    draw = random.Random(kind)
    killed = 0
    while killed < (30 if LONG else 4):
        process = subprocess.Popen(
            [BUILD / "popaug", "search", *resume_flags(out, flags)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        before = journal_size(out)
        while process.poll() is None and journal_size(out) <= before and killed % 2 == 0:
            time.sleep(0.02)  # every other kill falls after some work was done
        time.sleep(draw.uniform(0.05, 1.5))
        process.send_signal(signal.SIGKILL)
        _, error = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, error
        killed += 1
    assert killed >= 2
    for place in ("append.write", "checkpoint.rename", "checkpoint.delete"):
        popaug(*resume_flags(out, flags), POPAUG_FAILPOINTS=f"{place}=kill@2")
    done = popaug(*resume_flags(out, flags))
    assert done.returncode == 0, done.stderr
    without_config(out)
    without_config(whole)
    assert_same_run(out, whole)
