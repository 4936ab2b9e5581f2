"""popaug choose: a race under a budget, then one training with the winner, the same bytes from its config.toml."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import tomllib

import pytest
from popaug_program import PROGRAM, ROOT, done, refused

TINY = ["--network", "wrn-10-1", "--conv", "fast", "--batch", 32, "--val-size", 60]
BUDGET = ["--budget-images", 10000, "--share", 0.8]
DETERMINED = ("choose.json", "used.schedule.json", "best.safetensors", "split.json")


@pytest.fixture(scope="module")
def shoes(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Labels that tell left from right: every arm with flips must lose to none."""
    folder = tmp_path_factory.mktemp("shoes")
    command = [sys.executable, ROOT / "bench" / "results" / "make-set", "orientation", folder / "set.npz"]
    subprocess.run([*command, "--train", "180", "--test", "60"], check=True)
    return folder


@pytest.fixture(scope="module")
def chosen(shoes: pathlib.Path) -> pathlib.Path:
    done("choose", "--data", shoes / "set.npz", *TINY, *BUDGET, "--out", shoes / "chosen")
    return shoes / "chosen"


def test_the_race_and_the_network(chosen: pathlib.Path, shoes: pathlib.Path) -> None:
    race = json.loads((chosen / "choose.json").read_text())
    assert race["format"] == "popaug-choose"
    arms = {arm["name"]: arm for arm in race["arms"]}
    assert len(arms) == 9
    assert all(len(arm["accuracy"]) >= 2 for arm in arms.values())
    assert race["winner"] in arms
    assert "dropped_after" not in arms[race["winner"]]
    assert race["race_images"] <= 0.8 * 10000
    assert (chosen / "runs.jsonl").read_bytes().count(b"\n") == 1 + sum(len(arm["accuracy"]) for arm in arms.values())
    # All labels: the validation images are trained on as well.
    rows = (chosen / "progress.csv").read_text().splitlines()
    assert len(rows) - 1 == race["final_epochs"] == int(2000 / (180 // 32 * 32))
    result = json.loads(done("eval", chosen, "--data", shoes / "set.npz", "--json"))
    assert result["images"] == 60


@pytest.mark.skipif(not os.environ.get("POPAUG_LONG"), reason="long form: POPAUG_LONG=1")
def test_arms_with_flips_lose_where_flips_change_labels(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, ROOT / "bench" / "results" / "make-set", "orientation", tmp_path / "set.npz"]
    subprocess.run([*command, "--train", "600", "--test", "60"], check=True)
    tiny = [*TINY[:-1], 200]
    done("choose", "--data", tmp_path / "set.npz", *tiny, "--budget-images", 250000, "--out", tmp_path / "chosen")
    race = json.loads((tmp_path / "chosen" / "choose.json").read_text())
    arms = {arm["name"]: arm for arm in race["arms"]}
    assert race["winner"] == "none"
    assert arms["flipcrop"]["dropped_after"] >= 2
    assert arms["flipcrop"]["confidence"] >= 95
    assert json.loads((tmp_path / "chosen" / "used.schedule.json").read_text())["base"]["flip"] == 0


def test_its_config_gives_the_same_bytes_on_other_workers(chosen: pathlib.Path, tmp_path: pathlib.Path) -> None:
    text = done("choose", "--config", chosen / "config.toml", "--workers", 1, "--out", tmp_path / "again")
    assert "chosen: " in text
    for name in DETERMINED:
        assert (tmp_path / "again" / name).read_bytes() == (chosen / name).read_bytes(), name


def test_a_stopped_race_goes_on(chosen: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "stopped"
    command = [PROGRAM, "choose", "--config", chosen / "config.toml", "--out", out]
    process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
    runs = out / "runs.jsonl"
    while process.poll() is None and (not runs.exists() or runs.read_bytes().count(b"\n") < 5):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert f"popaug choose --out {out} --resume" in said
    assert "choose another --out" in refused(2, "choose", "--config", chosen / "config.toml", "--out", out)
    done("choose", "--out", out, "--resume")
    for name in DETERMINED:
        assert (out / name).read_bytes() == (chosen / name).read_bytes(), name


def test_a_stopped_final_training_goes_on(chosen: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for attempt in range(5):  # the training is short: it may end before it is told to
        out = tmp_path / f"stopped-{attempt}"
        command = [PROGRAM, "choose", "--config", chosen / "config.toml", "--out", out]
        process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
        rows = out / "progress.csv"  # of the final training
        while process.poll() is None and (not rows.exists() or rows.read_bytes().count(b"\n") < 2):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
        if process.returncode != 0:
            break
    assert process.returncode == 130, said
    assert f"popaug choose --out {out} --resume" in said
    assert not (out / "result.json").exists()
    done("choose", "--out", out, "--resume")
    for name in DETERMINED:
        assert (out / name).read_bytes() == (chosen / name).read_bytes(), name


def test_a_time_becomes_images(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    said = refused(2, "choose", "--data", shoes / "set.npz", *TINY, "--budget", "1s", "--out", tmp_path / "a")
    assert "--budget: the shortest race of 9 arms and its final training take about " in said
    assert not (tmp_path / "a" / "config.toml").exists()
    command = ["choose", "--data", shoes / "set.npz", *TINY, "--out", tmp_path / "b"]
    for _ in range(8):  # the machine may become slower between two measurements
        least = re.search(r"take about (\d+):(\d\d),", said)
        assert least, said
        budget = f"{2 * (60 * int(least[1]) + int(least[2]))}s"
        process = subprocess.run(
            [str(word) for word in (PROGRAM, *command, "--budget", budget)], capture_output=True, text=True, check=False
        )
        if process.returncode == 0:
            break
        said = process.stderr
    assert process.returncode == 0, said
    config = tomllib.loads((tmp_path / "b" / "config.toml").read_text())["choose"]
    race = json.loads((tmp_path / "b" / "choose.json").read_text())
    raced = json.loads((tmp_path / "b" / "runs.jsonl").read_text().splitlines()[0])
    assert raced["budget_images"] == config["budget_images"]
    assert race["race_images"] <= config["share"] * config["budget_images"]


def test_refusals(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    data = ["--data", shoes / "set.npz", *TINY]
    assert "--budget is missing" in refused(2, "choose", *data, "--out", tmp_path / "a")
    few = refused(2, "choose", *data, "--budget-images", 1000, "--out", tmp_path / "b")
    assert "the budget of 1000 images is too small" in few
    assert "need at least " in few
    missing = refused(1, "choose", *data, *BUDGET, "--schedule", tmp_path / "no.json", "--out", tmp_path / "c")
    assert "no.json" in missing
    both = refused(2, "choose", *data, *BUDGET, "--budget", "1h", "--out", tmp_path / "d")
    assert "give one of them" in both
    assert "there is no race in" in refused(2, "choose", "--out", tmp_path / "e", "--resume")
    whole = refused(2, "choose", "--data", shoes / "set.npz", "--val-size", 180, *BUDGET, "--out", tmp_path / "f")
    assert "popaug: " in whole
