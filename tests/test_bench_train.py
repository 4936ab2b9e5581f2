"""popaug bench train: its rows, and the paced form that bench/studies/train/compare.py drives."""

import json
import os
import subprocess
from pathlib import Path

PROGRAM = str(Path(os.environ["POPAUG_BUILD"]) / "popaug")
SMALL = ["--network", "wrn-10-1", "--batch", "3", "--side", "12", "--channels", "1"]


def bench(*flags: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "bench", "train", *SMALL, *flags],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def test_rows_are_complete_and_fast_comes_first() -> None:
    done = bench("--steps", "2", "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    names = [row["name"] for row in rows]
    training = ["train-fast", "train-auto", "train-auto-ema", "train-exact"]
    assert names == [*training, "evaluate-auto", "evaluate-fast", "evaluate-exact", "evaluate-exact-unfolded"]
    for row in rows:
        assert row["lowest"] <= row["images_per_second"] <= row["highest"]
        assert row["images_per_cpu_second"] > 0
        assert row["network"] == "wrn-10-1"
        assert row["workers"] == 2


def test_paced_makes_a_step_per_line() -> None:
    done = bench("--paced", "--only", "train-exact", text="a\nb\n")
    assert done.returncode == 0, done.stderr
    first, *steps = done.stdout.splitlines()
    assert first == "ready"
    assert len(steps) == 2
    assert all(json.loads(step)["wall"] > 0 for step in steps)


def test_mistakes_are_named() -> None:
    done = bench("--only", "train-fasst")
    assert done.returncode == 2
    assert 'nearest: "train-fast"' in done.stderr
    done = subprocess.run(
        [PROGRAM, "bench", "train", "--network", "wrn-11-1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "6n+4" in done.stderr
