"""A search that is killed at any instant and resumed gives the bytes of one that was not."""

from __future__ import annotations

import json
import pathlib
import random
import signal
import subprocess
import time

import pytest
from search_runs import LONG, TOOL, WORKER, assert_same_run, run_folder, search, settings_file

TOY = {"milliseconds": 4, "unequal": True}
PLACES = [
    "append.write",
    "append.sync",
    "file.write",
    "file.sync",
    "file.rename",
    "checkpoint.rename",
    "checkpoint.delete",
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = settings_file(tmp_path_factory.mktemp("whole"), "run", trainer=TOY)
    search(path)
    return run_folder(path)


def kill_at_random(path: pathlib.Path, seed: int, kills: int) -> int:
    """Starts the search again and again, kills it each time; the last start runs to its end."""
    draw = random.Random(seed)
    killed = 0
    while killed < kills:
        process = subprocess.Popen([TOOL, path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(draw.uniform(0.02, 0.35))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        killed += 1
    search(path)
    return killed


def random_kills(tmp_path: pathlib.Path, whole: pathlib.Path, command: str, first_seed: int) -> None:
    """Search after search until enough kills fell inside one, however fast the machine is."""
    wanted = 150 if LONG else 12
    killed = searches = 0
    while killed < wanted:
        path = settings_file(tmp_path, f"run{searches}", trainer=TOY, worker_command=command)
        killed += kill_at_random(path, first_seed + searches, 15)
        assert_same_run(run_folder(path), whole)
        searches += 1
        assert searches <= 10 * wanted, f"only {killed} kills fell inside a search"


def test_random_kills_with_process_workers(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    random_kills(tmp_path, whole, WORKER, first_seed=0)


def test_random_kills_with_thread_workers(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    random_kills(tmp_path, whole, "", first_seed=100)


@pytest.mark.parametrize("place", PLACES)
def test_kills_inside_writes_renames_and_deletions(tmp_path: pathlib.Path, whole: pathlib.Path, place: str) -> None:
    """Thread workers: checkpoints are written by the process that is killed."""
    visits = range(1, 40, 3) if LONG else (1, 4, 17)
    path = settings_file(tmp_path, "run", trainer=TOY)
    for visit in visits:
        kill = {"POPAUG_FAILPOINTS": f"{place}=kill@{visit}"}
        done = search(path, expect=None, **kill)
        if done.returncode == 0:  # what was left of the search held fewer visits: another from its beginning
            assert_same_run(run_folder(path), whole)
            path = settings_file(tmp_path, f"run{visit}", trainer=TOY)
            done = search(path, expect=None, **kill)
        assert done.returncode == -signal.SIGKILL, f"{place} was not visited {visit} times"
    search(path)
    assert_same_run(run_folder(path), whole)


@pytest.mark.parametrize("place", ["append.write", "checkpoint.rename", "checkpoint.delete"])
def test_kills_of_a_master_of_processes_inside_its_writes(
    tmp_path: pathlib.Path, whole: pathlib.Path, place: str
) -> None:
    path = settings_file(tmp_path, "run", trainer=TOY, worker_command=WORKER)
    for visit in (1, 3, 9):
        done = search(path, expect=None, POPAUG_FAILPOINTS=f"{place}=kill@{visit}")
        assert done.returncode == -signal.SIGKILL
    search(path)
    assert_same_run(run_folder(path), whole)


def test_workers_killed_inside_their_checkpoints(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    """Each worker process kills itself inside its fifth write; the search continues without a resume."""
    command = f"env POPAUG_FAILPOINTS=file.write=kill@5 {WORKER}"
    path = settings_file(tmp_path, "run", trainer=TOY, worker_command=command)
    search(path)
    assert_same_run(run_folder(path), whole)
    result = json.loads((run_folder(path) / "result.json").read_text())
    assert result["failed_attempts"] >= 5


def test_a_killed_worker_costs_its_round_only(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    # More attempts than kills: on a busy machine several may meet the same work.
    path = settings_file(tmp_path, "run", trainer={**TOY, "milliseconds": 4}, worker_command=WORKER, attempts=8)
    process = subprocess.Popen([TOOL, path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    draw = random.Random(3)
    killed = 0
    while process.poll() is None and killed < 6:
        time.sleep(draw.uniform(0.05, 0.15))
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            pids = children.read_text().split()
            victim = int(draw.choice(pids))
        except (OSError, IndexError):
            continue
        subprocess.run(["kill", "-9", str(victim)], check=False, stderr=subprocess.DEVNULL)
        killed += 1
    assert process.wait(timeout=120) == 0, process.stderr.read() if process.stderr else ""
    assert killed >= 3
    assert_same_run(run_folder(path), whole)


def test_workers_die_with_their_master(tmp_path: pathlib.Path) -> None:
    path = settings_file(tmp_path, "run", trainer={"milliseconds": 200}, worker_command=WORKER)
    process = subprocess.Popen([TOOL, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    pids: list[str] = []
    while len(pids) < 2:
        assert process.poll() is None
        time.sleep(0.02)
        pids = children.read_text().split()
    process.kill()
    process.wait()
    while any(is_running(pid) for pid in pids):
        time.sleep(0.02)  # ends, or the test runs into its time limit


def is_running(pid: str) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_clean_stop_says_how_to_resume(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    for name, command in (("threads", ""), ("processes", WORKER)):
        path = settings_file(tmp_path, name, trainer=TOY, worker_command=command)
        ctrl_c = search(path, expect=130, POPAUG_FAILPOINTS="append.sync=stop@2")
        assert f"search_tool {path}" in ctrl_c.stderr
        process = subprocess.Popen([TOOL, path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        journal = run_folder(path) / "journal.jsonl"
        begun = journal.stat().st_size
        while process.poll() is None and journal.stat().st_size <= begun:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0 or (process.returncode == 130 and f"search_tool {path}" in error), error
        search(path)
        assert_same_run(run_folder(path), whole)


def test_clock_jumps_change_nothing(tmp_path: pathlib.Path, whole: pathlib.Path) -> None:
    for name, command in (("threads", ""), ("processes", WORKER)):
        path = settings_file(tmp_path, name, trainer=TOY, worker_command=command, silence=30)
        preload = TOOL.parent / "libjumping_clock.so"
        assert preload.exists()
        search(path, LD_PRELOAD=str(preload))
        assert_same_run(run_folder(path), whole)
        days = {line.split('"time":"')[1][:10] for line in (run_folder(path) / "run.log").read_text().splitlines()}
        assert len(days) > 10, "the clock did not jump"
