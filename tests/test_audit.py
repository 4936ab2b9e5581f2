"""popaug audit on a set where a horizontal flip turns one class into another (bench/studies/sets/make_set.py orientation)."""

import json
import os
import pathlib
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from popaug_program import ROOT, done, refused

# Seconds on a core: few cells, few images, networks of ten layers.
SHORT = ["--levels", 1, "--seeds", 2, "--epochs", 8, "--batch", 32, "--val-size", 180]
SPACE = """name = "few"
ops = ["TranslateY", "AutoContrast"]
"""


@pytest.fixture(scope="module")
def shoes(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("shoes")
    command = [sys.executable, ROOT / "bench" / "studies" / "sets" / "make_set.py", "orientation", folder / "set.npz"]
    subprocess.run([*command, "--train", "540", "--test", "60"], check=True)
    (folder / "few.toml").write_text(SPACE)
    return folder


@pytest.fixture(scope="module")
def audit(shoes: pathlib.Path) -> tuple[pathlib.Path, str]:
    text = done("audit", "--data", shoes / "set.npz", "--space", shoes / "few.toml", *SHORT, "--out", shoes / "audit")
    return shoes / "audit", text


def test_the_set_is_what_its_rule_says(shoes: pathlib.Path) -> None:
    data = np.load(shoes / "set.npz")
    assert data["train_images"].shape == (540, 28, 28)
    assert np.bincount(data["train_labels"][:, 0]).tolist() == [90] * 6
    names = (shoes / "classes.txt").read_text().split()
    assert names[4:] == ["ankle-boot-left", "ankle-boot-right"]
    # An ankle boot's shaft is at the heel: with the toe to the left, the upper right is bright.
    boots = data["train_images"].astype(float)[:, :10]
    for label, name in enumerate(names[4:], start=4):
        mean = boots[data["train_labels"][:, 0] == label].mean(axis=0)
        right_minus_left = mean[:, 14:].mean() - mean[:, :14].mean()
        assert (right_minus_left > 10) == name.endswith("left")


def test_flips_are_found_to_turn_one_class_into_another(audit: tuple[pathlib.Path, str]) -> None:
    folder, text = audit
    result = json.loads((folder / "audit.json").read_text())
    assert result["format"] == "popaug-audit"
    decisions = {op["op"]: op["decision"] for op in result["ops"]}
    assert decisions["FlipLR"] == "leave out"
    assert result["flip_hurts"]
    assert decisions["AutoContrast"] == "keep"
    flip = next(cell for cell in result["cells"] if cell["op"] == "FlipLR")
    assert not flip["in_space"]
    assert flip["affinity"] < -40
    assert flip["gain"] < -10
    assert flip["diversity"] > 1
    assert "FlipLR turns " in text
    assert "search and train with flip = 0" in text


def test_the_pictures_and_the_space(audit: tuple[pathlib.Path, str], shoes: pathlib.Path) -> None:
    folder, _ = audit
    assert "FlipLR" in (folder / "audit.svg").read_text()
    assert (folder / "audit.png").read_bytes().startswith(b"\x89PNG")
    space = tomllib.loads((folder / "audited.space.toml").read_text())
    assert [op["name"] for op in space["op"]][-1:] == ["AutoContrast"]
    plan = done(
        "search", "--data", shoes / "set.npz", "--space", folder / "audited.space.toml", "--flip", 0, "--network",
        "wrn-10-1", "--population", 2, "--rounds", 1, "--epochs-per-round", 1, "--val-size", 60, "--batch", 32,
        "--out", shoes / "searched",
    )  # fmt: skip
    assert "best.schedule.json" in plan
    schedule = json.loads((shoes / "searched" / "best.schedule.json").read_text())
    assert schedule["space"]["name"] == "audited"
    assert schedule["base"]["flip"] == 0


def test_a_stopped_audit_goes_on_to_the_same_result(
    audit: tuple[pathlib.Path, str], shoes: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    out = tmp_path / "stopped"
    command = [
        "audit", "--data", shoes / "set.npz", "--space", shoes / "few.toml", *SHORT, "--out", out, "--workers", 1,
    ]  # fmt: skip
    said = refused(130, *command, env={"POPAUG_FAILPOINTS": "append.sync=stop@4"})
    assert (out / "runs.jsonl").read_bytes().count(b"\n") == 4
    assert f"popaug audit --out {out} --resume" in said
    assert "choose another --out" in refused(2, *command)
    done("audit", "--out", out, "--resume")
    for name in ("audit.json", "audited.space.toml", "audit.svg"):
        assert (out / name).read_bytes() == (audit[0] / name).read_bytes()
    assert "made with epochs = 8, now it is 9" in refused(2, "audit", "--out", out, "--resume", "--epochs", 9)


def test_refusals(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    data = ["--data", shoes / "set.npz"]
    assert "--data is missing" in refused(2, "audit", "--out", tmp_path / "a")
    assert "--seeds: 1 is not in 2 .. 100" in refused(2, "audit", *data, "--seeds", 1, "--out", tmp_path / "b")
    assert "there is no audit in" in refused(2, "audit", "--out", tmp_path / "c", "--resume")
    assert "unknown space" in refused(2, "audit", *data, "--space", "pbaa", "--out", tmp_path / "d")


@pytest.mark.skipif(not os.environ.get("POPAUG_LONG"), reason="long form: POPAUG_LONG=1")
def test_the_whole_space_on_the_whole_set(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, ROOT / "bench" / "studies" / "sets" / "make_set.py", "orientation", tmp_path / "set.npz"]
    subprocess.run(command, check=True)
    done("audit", "--data", tmp_path / "set.npz", "--out", tmp_path / "audit")
    result = json.loads((tmp_path / "audit" / "audit.json").read_text())
    decisions = {op["op"]: op["decision"] for op in result["ops"]}
    assert decisions["FlipLR"] == "leave out"
    assert sum(decision == "leave out" for decision in decisions.values()) <= 4
