"""Runs whose data were moved since they began, and the commands that popaug prints, in paths that a shell would split."""

import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from sets import PROGRAM, popaug, refusal

TRAIN = ("--network", "wrn-10-1", "--augment", "none", "--epochs", 200, "--batch", 6, "--device", "cpu")


def photos(folder: pathlib.Path, first: int = 0) -> pathlib.Path:
    for split in ("train", "test"):
        for label, name in enumerate(("cat", "dog")):
            (folder / split / name).mkdir(parents=True)
            for i in range(6):
                seed = first + 100 * label + 10 * (split == "test") + i
                pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{i}.png")
    return folder


def stopped(root: pathlib.Path, data: str, out: str) -> None:
    """A training in `root` that was interrupted after some epochs, and so wrote a checkpoint."""
    words = ["train", "--data", data, *map(str, TRAIN), "--out", out]
    stop = {**os.environ, "POPAUG_FAILPOINTS": "file.rename=stop@6"}
    run = subprocess.run(
        [PROGRAM.resolve(), *words], cwd=root, env=stop, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert run.returncode == 130, run.stderr
    assert (root / out / "checkpoint.safetensors").exists()


@pytest.fixture
def run(tmp_path: pathlib.Path) -> pathlib.Path:
    root = tmp_path / "a folder's $HOME"
    root.mkdir()
    photos(root / "my photos")
    stopped(root, "my photos", "my net")
    return root


def shell(command: str, cwd: pathlib.Path) -> "subprocess.CompletedProcess[str]":
    """As if pasted: `popaug` is found on the path."""
    env = {**os.environ, "PATH": f"{PROGRAM.resolve().parent}:{os.environ['PATH']}"}
    return subprocess.run(["bash", "-c", command], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def commands(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("  popaug ")]


def test_what_is_moved_together_is_found(run: pathlib.Path) -> None:
    new = run.parent / "elsewhere"
    run.rename(new)
    popaug("train", "--out", new / "my net", "--resume")
    assert str(new / "my photos") in (new / "my net" / "config.toml").read_text()


def test_the_new_place_is_asked_for_and_kept(run: pathlib.Path) -> None:
    moved = run.parent / "other name"
    (run / "my photos").rename(moved)
    said = refusal("train", "--out", run / "my net", "--resume", code=2)
    assert "are not there" in said
    command = re.search(r"popaug train --out .* --data NEW-PLACE", said)
    assert command is not None
    done = shell(command[0].replace("NEW-PLACE", f"'{moved}'"), run)
    assert done.returncode == 0, done.stderr
    assert f"{moved}" in (run / "my net" / "config.toml").read_text()
    again = shell(command[0].replace(" --data NEW-PLACE", ""), run)
    assert "the training there is finished" in again.stderr  # and the data are found


def test_other_data_are_refused_and_not_kept(run: pathlib.Path) -> None:
    config = (run / "my net" / "config.toml").read_text()
    other = photos(run / "other", 5000)
    refusal("train", "--out", run / "my net", "--resume", "--data", other)
    assert (run / "my net" / "config.toml").read_text() == config
    shutil.rmtree(run / "my photos")
    other.rename(run / "my photos")
    refusal("train", "--out", run / "my net", "--resume")
    assert (run / "my net" / "config.toml").read_text() == config


def test_printed_commands_run(tmp_path: pathlib.Path) -> None:
    root = tmp_path / 'it\'s `a` folder with "quotes"'
    root.mkdir()
    photos(root / "my $photos")
    short = tuple(2 if word == 200 else word for word in TRAIN)
    data, out = root / "my $photos", root / "-my net"
    found = commands(popaug("train", "--data", data, *short, "--out", out).stdout)
    assert found
    for command in found:
        done = shell(command, tmp_path)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    small = ("--size", 8, "--memory", 1e-6)
    said = refusal("data", "info", "--data", data, *small)
    command = re.search(r"popaug data convert .*", said)
    assert command is not None
    assert shell(command[0], tmp_path).returncode == 0 and (tmp_path / "set.popaug").exists()
