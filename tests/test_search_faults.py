"""Misbehaving workers, full disks, damaged files: a round at most is lost, and a sentence says why."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest
from search_runs import BUILD, SOURCE, TOOL, WORKER, assert_same_run, run_folder, search, settings_file

BAD = f"{sys.executable} {SOURCE}/tests/bad_worker.py"
NOBODY = 65534


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = settings_file(tmp_path_factory.mktemp("whole"), "run", trainer={})
    search(path)
    return run_folder(path)


def failures(run: pathlib.Path) -> list[str]:
    events = [json.loads(line) for line in (run / "run.log").read_text().splitlines()]
    return [e["reason"] for e in events if e["event"] == "failed"]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("crash", "ended with signal 6"),
        ("hang", "has been silent"),
        ("nan", "nonsense"),
        ("infinite", "nonsense"),
        ("half", "the checkpoint has 4 bytes, but the worker says 8"),
        ("missing", "no checkpoint was written"),
        ("shrinks", "gave a result that is not accepted: the checkpoint"),  # was changed, or is empty by then
        ("nonsense", "answered nonsense"),
        ("failed", "out of memory"),
    ],
)
def test_one_fault_costs_one_round(tmp_path: pathlib.Path, whole: pathlib.Path, how: str, reason: str) -> None:
    path = settings_file(tmp_path, "run", trainer={}, worker_command=f"{BAD} {how} {tmp_path}", silence=4)
    search(path)
    assert_same_run(run_folder(path), whole)
    seen = failures(run_folder(path))
    assert len(seen) == 1
    assert reason in seen[0], seen


def test_a_worker_that_always_crashes_stops_the_search_with_its_last_words(
    tmp_path: pathlib.Path, whole: pathlib.Path
) -> None:
    path = settings_file(tmp_path, "run", trainer={}, worker_command=f"{BAD} crash-always {tmp_path}")
    error = search(path, expect=1).stderr
    assert "failed 3 times" in error
    assert "ended with status 7" in error
    assert "the disk of the worker is on fire" in error
    assert f"search_tool {path}" in error
    settings_file(tmp_path, "run", trainer={}, worker_command=WORKER)  # resumed with a good one
    search(path)
    assert_same_run(run_folder(path), whole)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("version", "speaks protocol version 2, this program version 1"),
        ("mute", "failed 3 times in a row: the worker ended with status 3"),
        ("early", "failed 3 times in a row: the worker answered without being asked"),
    ],
)
def test_workers_that_cannot_begin(tmp_path: pathlib.Path, how: str, sentence: str) -> None:
    path = settings_file(tmp_path, "run", trainer={}, worker_command=f"{BAD} {how} {tmp_path}", silence=5)
    assert sentence in search(path, expect=1).stderr


def test_a_command_that_is_no_program(tmp_path: pathlib.Path) -> None:
    path = settings_file(tmp_path, "run", trainer={}, worker_command="no-such-program --fast")
    assert 'cannot start "no-such-program"' in search(path, expect=2).stderr


def test_processes_give_the_bytes_of_threads(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    for workers in (1, 2, 7):
        path = settings_file(tmp_path, f"run{workers}", trainer={}, worker_command=WORKER, workers=workers)
        search(path)
        assert_same_run(run_folder(path), whole)


def test_significant_selection_through_processes(tmp_path: pathlib.Path) -> None:
    trainer = {"validation": 500, "noise": 0.01}
    one = settings_file(tmp_path, "threads", trainer=trainer, selection="significant")
    two = settings_file(tmp_path, "processes", trainer=trainer, selection="significant", worker_command=WORKER)
    search(one)
    search(two)
    assert_same_run(run_folder(one), run_folder(two))
    assert '"declined"' in (run_folder(one) / "journal.jsonl").read_text()


@pytest.mark.parametrize("place", ["append.write", "append.sync", "file.write", "file.sync", "file.rename"])
def test_full_disk_by_failpoint(tmp_path: pathlib.Path, whole: pathlib.Path, place: str) -> None:
    path = settings_file(tmp_path, "run", trainer={})
    for visit in (1, 2, 30):
        error = search(path, expect=1, POPAUG_FAILPOINTS=f"{place}=enospc*@{visit}").stderr
        assert "No space left on device" in error
        assert "Free some space" in error
        assert error.count("\n") == 1, error
    search(path)
    assert_same_run(run_folder(path), whole)


def test_full_disk_for_real(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        return  # no right to mount here: the failpoints above cover it
    try:
        path = settings_file(tmp_path, "run", trainer={}, directory=str(disk / "run"))
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (160 << 10))
        error = search(path, expect=1).stderr
        assert "No space left on device" in error
        ballast.unlink()
        search(path)
        assert_same_run(disk / "run", whole)
    finally:
        subprocess.run(["umount", disk], check=True)


def as_nobody(path: pathlib.Path) -> subprocess.CompletedProcess[str]:
    def drop() -> None:
        if os.getuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    return subprocess.run([TOOL, path], capture_output=True, text=True, check=False, preexec_fn=drop)


def test_read_only_directory(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = pathlib.Path("/tmp") / f"popaug-read-only-{os.getpid()}"
    folder.mkdir()
    try:
        inside = folder / "closed"
        inside.mkdir(mode=0o755)
        path = settings_file(folder, "run", trainer={}, directory=str(inside / "run"))
        path.chmod(0o644)
        folder.chmod(0o755)
        if os.getuid() != 0:
            inside.chmod(0o555)
        done = as_nobody(path)
        assert done.returncode == 1, done.stderr
        assert "Permission denied" in done.stderr
        assert str(inside / "run") in done.stderr
    finally:
        folder.joinpath("closed").chmod(0o755)
        shutil.rmtree(folder)


def stopped_run(tmp_path: pathlib.Path) -> pathlib.Path:
    """A run that was killed in the middle."""
    path = settings_file(tmp_path, "run", trainer={})
    done = search(path, expect=None, POPAUG_FAILPOINTS="append.sync=kill@25")
    assert done.returncode == -signal.SIGKILL
    return path


def test_torn_journal_at_every_length_of_its_last_lines(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    path = stopped_run(tmp_path)
    kept = tmp_path / "kept"
    shutil.copytree(run_folder(path), kept)
    journal = (kept / "journal.jsonl").read_bytes()
    last = journal.rstrip(b"\n").rfind(b"\n") + 1
    for cut in (last + 1, (last + len(journal)) // 2, len(journal) - 1):
        shutil.rmtree(run_folder(path))
        shutil.copytree(kept, run_folder(path))
        (run_folder(path) / "journal.jsonl").write_bytes(journal[:cut])
        search(path)
        assert_same_run(run_folder(path), whole)


def test_corrupted_journal_names_the_line(tmp_path: pathlib.Path) -> None:
    path = stopped_run(tmp_path)
    journal = run_folder(path) / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    for number in (1, 2, 5, len(lines) - 1):
        damaged = list(lines)
        at = len(damaged[number - 1]) // 2
        line = damaged[number - 1]
        damaged[number - 1] = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
        journal.write_bytes(b"".join(damaged))
        error = search(path, expect=1).stderr
        assert f"journal.jsonl:{number}: the line is damaged" in error
    journal.write_bytes(b"".join(lines[:3] + lines[4:]))
    assert "journal.jsonl:4: the line is damaged" in search(path, expect=1).stderr
    journal.write_bytes(b"".join(lines))
    search(path)


def test_corrupted_checkpoint_is_refused_by_name(tmp_path: pathlib.Path) -> None:
    path = stopped_run(tmp_path)
    # All of them: a kill can leave some that the resume does not need, and which is a matter of timing.
    good = {file: file.read_bytes() for file in (run_folder(path) / "members").glob("*.safetensors")}
    for file, content in good.items():
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    error = search(path, expect=1).stderr
    assert any(f"{file} is damaged" in error for file in good)
    for file in good:
        file.unlink(missing_ok=True)
    error = search(path, expect=1).stderr
    assert any(f"{file} is missing" in error for file in good)
    for file, content in good.items():
        file.write_bytes(content)
    search(path)


def test_foreign_and_empty_journals(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    path = settings_file(tmp_path, "run", trainer={})
    run_folder(path).mkdir()
    journal = run_folder(path) / "journal.jsonl"
    journal.write_text("round,score\n1,0.5\n")
    assert "journal.jsonl:1: the line is damaged" in search(path, expect=1).stderr
    journal.write_bytes(b"")  # killed before the header was there
    search(path)
    assert_same_run(run_folder(path), whole)


def test_two_searches_on_one_directory(tmp_path: pathlib.Path) -> None:
    path = settings_file(tmp_path, "run", trainer={"milliseconds": 50})
    first = subprocess.Popen([TOOL, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (run_folder(path) / "journal.jsonl").exists():
            assert first.poll() is None
        error = search(path, expect=1).stderr
        assert f"in use by another process (pid {first.pid})" in error
    finally:
        first.kill()
        first.wait()


def test_the_judge_passes_good_workers_and_fails_bad_ones(tmp_path: pathlib.Path) -> None:
    popaug = BUILD / "popaug"

    def judge(command: str, *extra: str) -> tuple[int, dict[str, bool]]:
        done = subprocess.run(
            [popaug, "worker", "--check", command, "--json", *extra], capture_output=True, text=True, check=False
        )
        return done.returncode, {c["rule"]: c["passed"] for c in json.loads(done.stdout)["checks"]}

    for good in (WORKER, f"{sys.executable} {SOURCE}/examples/worker/toy_worker.py"):
        code, rules = judge(good)
        assert code == 0
        assert len(rules) == 12
    code, rules = judge(f"{BAD} version {tmp_path}", "--silence", "5")
    assert code == 1
    assert rules == {"starts, and sends hello of protocol 1 first": False}
    code, rules = judge(f"{BAD} crash-always {tmp_path}", "--silence", "5")
    assert code == 1
    assert not rules["trains a fresh round: checkpoint on disk, of the stated size"]


def test_worker_in_plain_python_runs_a_search(tmp_path: pathlib.Path) -> None:
    worker = f"{sys.executable} {SOURCE}/examples/worker/toy_worker.py"
    path = settings_file(tmp_path, "run", trainer={}, worker_command=worker)
    search(path)
    again = settings_file(tmp_path, "again", trainer={}, worker_command=worker, workers=1)
    search(again)
    assert_same_run(run_folder(path), run_folder(again))
