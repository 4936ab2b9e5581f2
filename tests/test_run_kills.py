"""A search, training, comparison, screening or audit that is killed at any instant and resumed leaves the same set of
files as one that was not, and the same bytes in every file that seed, data and settings determine."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import time

import pytest
from popaug_program import PROGRAM, done, popaug, refused
from small_runs import VERBS, assert_same_run, make_data, start

LONG = os.environ.get("POPAUG_LONG") == "1"
PLACES = ["file.write", "file.rename", "append.write", *(["file.sync", "append.sync"] if LONG else [])]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return make_data(tmp_path_factory.mktemp("data"))


def command(verb: str, data: pathlib.Path, out: pathlib.Path) -> list[str]:
    """As a user would: a run that has begun is resumed."""
    if (out / "config.toml").exists():
        return [verb, "--out", str(out), "--resume"]
    return start(verb, data, out)


@pytest.fixture(scope="module")
def whole(data: pathlib.Path) -> dict[str, pathlib.Path]:
    runs = {}
    for verb in VERBS:
        runs[verb] = data / verb
        done(*command(verb, data, runs[verb]))
    return runs


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("place", PLACES)
def test_kills_inside_writes(
    verb: str, place: str, data: pathlib.Path, whole: dict[str, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    out = tmp_path / "run"
    killed = 0
    for visit in range(1, 30) if LONG else (1, 2, 3, 6):
        process = subprocess.run(
            [PROGRAM, *command(verb, data, out)],
            env={**os.environ, "POPAUG_FAILPOINTS": f"{place}=kill@{visit}"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if process.returncode == 0 or "is finished" in process.stderr:
            break
        assert process.returncode == -signal.SIGKILL, process.stderr
        killed += 1
    if place.startswith("append.") and verb == "train":
        assert killed == 0  # it appends to nothing that a resume reads
    else:
        assert killed > 0, f"{verb} never reached {place}"
    if not (out / "result.json").exists():  # a training under way, or any other verb
        done(*command(verb, data, out))
    assert_same_run(out, whole[verb])


@pytest.mark.parametrize("verb", VERBS)
def test_kills_at_random_instants(
    verb: str, data: pathlib.Path, whole: dict[str, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    draw = random.Random(verb)
    out = tmp_path / "run"
    for _ in range(40 if LONG else 4):
        process = subprocess.Popen(
            [PROGRAM, *command(verb, data, out)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        begun = out / "config.toml"
        while process.poll() is None and not begun.exists():
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.4))
        process.kill()
        if process.wait() == 0:
            break
    if not (out / "result.json").exists():
        done(*command(verb, data, out))
    assert_same_run(out, whole[verb])


@pytest.mark.parametrize("verb", VERBS)
def test_a_second_start_changes_nothing(verb: str, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        [PROGRAM, *start(verb, data, out)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not (out / "config.toml").exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)  # so that only the second start could change anything
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        for again in (start(verb, data, out, seed=9), [verb, "--out", str(out), "--resume"]):
            assert f"in use by another process (pid {process.pid})" in refused(1, *again)
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("verb", VERBS)
def test_a_new_run_takes_no_folder_of_others(verb: str, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "own"
    (out / "members").mkdir(parents=True)
    for name in ("thesis.doc", ".draft.tmp", ".result.json.tmp", "members/thesis.doc", "members/.draft.tmp"):
        (out / name).write_text("precious")
    before = {str(path.relative_to(out)): path.is_file() and path.read_text() for path in out.rglob("*")}
    toy = ["search", "--trainer", "toy", "--epochs", 3, "--out", out]
    refused(2, *(toy if verb == "search" else start(verb, data, out)))
    refused(2, verb, "--out", out, "--resume")
    assert {str(p.relative_to(out)): p.is_file() and p.read_text() for p in out.rglob("*")} == before


@pytest.mark.parametrize("place", ["file.write", "file.sync", "file.rename"])
def test_a_search_killed_before_its_config_starts_again(place: str, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "run"
    toy = ["search", "--trainer", "toy", "--epochs", 3, "--out", out]
    killed = popaug(*toy, env={"POPAUG_FAILPOINTS": f"{place}=kill@1"})
    assert killed.returncode == -signal.SIGKILL and not (out / "config.toml").exists()
    assert "there is no search in" in refused(2, "search", "--out", out, "--resume")
    done(*toy)
    assert not list(out.glob(".*"))


def test_a_run_that_never_began_leaves_no_folder(tmp_path: pathlib.Path) -> None:
    for verb in VERBS:
        out = tmp_path / verb
        refused(1, *start(verb, tmp_path, out))
        assert not out.exists(), verb
        refused(2, verb, "--out", out, "--resume")
        assert not out.exists(), verb


def test_a_search_leaves_foreign_files_in_members(tmp_path: pathlib.Path) -> None:
    out, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    toy = ["search", "--trainer", "toy", "--population", 4, "--epochs", 9, "--out", out]
    done(*toy)
    members = out / "members"
    (members / ".snapshot" / "x").mkdir(parents=True)
    (members / "notes.txt").write_text("precious")
    (members / ".notes.txt.7.0.tmp").write_text("precious")
    elsewhere.mkdir()
    (elsewhere / "r0000-m0000.safetensors").write_text("precious")
    (members / "r0000-m0000.safetensors").symlink_to(elsewhere / "r0000-m0000.safetensors")
    (members / ".r0000-m0001.try-1-1-0.7.0.tmp").write_text("left by a kill")
    done("search", "--out", out, "--resume")
    assert {path.name for path in members.iterdir()} == {
        ".snapshot", "notes.txt", ".notes.txt.7.0.tmp", "r0000-m0000.safetensors",
    }  # fmt: skip
    for path in members.rglob("*"):
        if path.is_symlink():
            path.unlink()
    (members / ".snapshot" / "x").rmdir()
    (members / ".snapshot").rmdir()
    for path in members.iterdir():
        path.unlink()
    members.rmdir()
    members.symlink_to(elsewhere)
    assert "symbolic link" in refused(1, "search", "--out", out, "--resume")
    assert (elsewhere / "r0000-m0000.safetensors").read_text() == "precious"
