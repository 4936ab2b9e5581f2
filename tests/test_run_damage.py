"""A run whose files are damaged while it is stopped: a flipped bit, a file that is cut or gone. The resume sees it and
ends with a sentence, or the run ends with the same files as one that nothing happened to."""

from __future__ import annotations

import os
import pathlib
import random
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from popaug_program import PROGRAM, done, popaug, refused
from small_runs import VERBS, assert_same_run, make_data, start

FLIPS = 40 if os.environ.get("POPAUG_LONG") == "1" else 3
# Where a run is stopped so that it has many files to damage.
STOPS = {
    "search": "append.sync=stop@3",
    "train": "file.rename=stop@5",
    "compare": "append.sync=stop@3",
    "choose": "append.sync=stop@{lines}",  # in the first epoch of the final training
    "audit": "append.sync=stop@3",
}
EXPECTED = {
    "search": {"journal.jsonl", "split.json", "progress.csv"},
    "train": {"checkpoint.safetensors", "best.safetensors", "used.schedule.json", "progress.csv"},
    "compare": {"plan.json", "runs.jsonl"},
    "choose": {"split.json", "runs.jsonl", "choose.json", "checkpoint.safetensors"},
    "audit": {"split.json", "runs.jsonl", "clean-3.safetensors"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return make_data(tmp_path_factory.mktemp("data"))


Runs = Callable[[str], tuple[pathlib.Path, pathlib.Path]]


@pytest.fixture(scope="module")
def runs(data: pathlib.Path) -> Runs:
    """(a whole run, a stopped one) of a verb."""

    def make(verb: str) -> tuple[pathlib.Path, pathlib.Path]:
        whole, stopped = data / verb, data / f"{verb}-stopped"
        if not whole.exists():
            done(*start(verb, data, whole))
            record = whole / "runs.jsonl"
            lines = record.read_bytes().count(b"\n") if record.exists() else 0
            stop = {"POPAUG_FAILPOINTS": STOPS[verb].format(lines=lines)}
            refused(130, *start(verb, data, stopped), env=stop)
            assert EXPECTED[verb] <= {path.name for path in stopped.iterdir()}
        return whole, stopped

    return make


def resume(verb: str, run: pathlib.Path, whole: pathlib.Path, what: str) -> None:
    """Either a sentence, or the files of the whole run. What people may edit keeps their edit."""
    process = popaug(verb, "--out", run, "--resume")
    assert process.returncode in {0, 1, 2}, (what, process.returncode, process.stderr)
    if process.returncode != 0:
        assert "popaug: " in process.stderr, what
        return
    try:
        assert_same_run(run, whole, but={"config.toml"})
    except AssertionError as error:
        raise AssertionError(f"{what} went unseen") from error


def files(run: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for path in run.rglob("*") if path.is_file())


@pytest.mark.parametrize("verb", VERBS)
def test_a_flipped_bit_is_seen_or_mended(verb: str, runs: Runs, tmp_path: pathlib.Path) -> None:
    whole, stopped = runs(verb)
    draw = random.Random(verb)
    for path in files(stopped):
        for trial in range(FLIPS):
            copy = tmp_path / f"{path.name}-{trial}"
            shutil.copytree(stopped, copy)
            target = copy / path.relative_to(stopped)
            damaged = bytearray(target.read_bytes())
            if not damaged:
                continue
            place, bit = draw.randrange(len(damaged)), draw.randrange(8)
            damaged[place] ^= 1 << bit
            target.write_bytes(damaged)
            resume(verb, copy, whole, f"bit {bit} of byte {place} of {path.name}")
            shutil.rmtree(copy)


@pytest.mark.parametrize("verb", VERBS)
def test_a_cut_or_lost_file_is_seen_or_mended(verb: str, runs: Runs, tmp_path: pathlib.Path) -> None:
    whole, stopped = runs(verb)
    for path in files(stopped):
        for how in ("cut", "emptied", "gone"):
            copy = tmp_path / f"{path.name}-{how}"
            shutil.copytree(stopped, copy)
            target = copy / path.relative_to(stopped)
            target.write_bytes(target.read_bytes()[: len(path.read_bytes()) // 2 if how == "cut" else 0])
            if how == "gone":
                target.unlink()
            resume(verb, copy, whole, f"{path.name} {how}")
            shutil.rmtree(copy)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", ["it's;touch pwned;", "$(touch pwned) `touch pwned`", 'a "b"\nc\u202ed'])
def test_the_command_that_resumes_can_be_pasted(
    name: str, verb: str, data: pathlib.Path, runs: Runs, tmp_path: pathlib.Path
) -> None:
    whole, _ = runs(verb)
    out = tmp_path / name
    stop = {"POPAUG_FAILPOINTS": STOPS[verb].format(lines=3)}
    said = refused(130, *start(verb, data, out), env=stop)
    assert name.isprintable() or name not in said
    found = re.search(rf"popaug {verb} --out .*", said.splitlines()[-1])
    assert found, said
    script = f'popaug() {{ "{PROGRAM}" "$@"; }}; {found[0]}'
    process = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, (script, process.stderr)
    assert not list(tmp_path.rglob("pwned"))
    assert_same_run(out, whole)


@pytest.mark.parametrize("verb", ["search", "choose", "audit"])
def test_a_changed_division_is_written_again_only_by_its_own_run(verb: str, runs: Runs, tmp_path: pathlib.Path) -> None:
    whole, stopped = runs(verb)
    copy = tmp_path / "copy"
    shutil.copytree(stopped, copy)
    split = copy / "split.json"
    text = split.read_text()
    split.write_text(text.replace('"validation":[', '"validation":[0,', 1))
    damaged = split.read_text()
    assert damaged != text
    refused(1 if verb == "search" else 2, verb, "--out", copy, "--resume", "--seed", 9)
    assert split.read_text() == damaged
    done(verb, "--out", copy, "--resume")
    assert split.read_text() == text
    assert_same_run(copy, whole)
