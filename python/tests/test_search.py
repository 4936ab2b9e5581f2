"""Searches around Python code: the bytes of C++, whatever executes the rounds and whatever happens."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
import torch

import popaug

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", HERE.parents[1] / "build"))
TOY = {"kind": "toy", "validation": 50, "state": 16}
SMALL: dict[str, Any] = {"population": 6, "epochs": 24, "epochs_per_round": 3, "seed": 1, "trainer": TOY}
DETERMINED = ["journal.jsonl", "best.schedule.json", "progress.csv"]


def determined(run: pathlib.Path) -> dict[str, bytes]:
    """What seed, data and settings alone determine."""
    found = {name: (run / name).read_bytes() for name in DETERMINED}
    (best,) = (path for name in ("safetensors", "checkpoint") if (path := run / f"best.{name}").exists())
    found["best"] = best.read_bytes()
    logs = sorted(run.glob("pbt_policy_*.txt"))
    assert logs
    return found | {log.name: log.read_bytes() for log in logs}


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same search by the C++ program."""
    folder = tmp_path_factory.mktemp("cpp")
    names = {"population": 6, "epochs": 24, "epochs_per_round": 3, "seed": 1, "trainer": TOY, "workers": 2}
    (folder / "s.json").write_text(json.dumps(names | {"directory": str(folder / "run")}))
    subprocess.run([str(BUILD / "search_tool"), str(folder / "s.json")], check=True, capture_output=True)
    return determined(folder / "run")


@pytest.mark.parametrize("workers", [1, 3])
def test_the_same_bytes_as_from_cpp(workers: int, tmp_path: pathlib.Path, reference: dict[str, bytes]) -> None:
    run = popaug.search(popaug.toy_round, out=tmp_path / "run", workers=workers, show=False, **SMALL)
    assert determined(tmp_path / "run") == reference
    assert run.finished
    assert run.schedule.epochs == 24
    assert run.checkpoint.read_bytes() == reference["best"]


def test_ask_and_tell_in_any_order(tmp_path: pathlib.Path, reference: dict[str, bytes]) -> None:
    with popaug.Search(tmp_path / "run", **SMALL) as search:
        while not search.finished:
            members = []
            while (member := search.ask()) is not None:
                members.append(member)
            for member in reversed(members):
                search.tell(member, popaug.toy_round(member))
        search.finish()
    assert determined(tmp_path / "run") == reference


def test_process_workers_in_python(tmp_path: pathlib.Path, reference: dict[str, bytes]) -> None:
    command = f"{sys.executable} {HERE / 'toy_worker.py'}"
    popaug.search(worker_command=command, workers=2, out=tmp_path / "run", show=False, **SMALL)
    assert determined(tmp_path / "run") == reference
    assert "training Member(" in (tmp_path / "run" / "worker-0.log").read_text()


def test_our_worker_keeps_every_rule_of_the_protocol() -> None:
    command = f"{sys.executable} {HERE / 'toy_worker.py'}"
    done = subprocess.run(
        [str(BUILD / "popaug"), "worker", "--check", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_process_worker_that_fails_says_why(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_MODE", "fault")
    command = f"{sys.executable} {HERE / 'toy_worker.py'}"
    with pytest.raises(popaug.Error, match="my own mistake"):
        popaug.search(worker_command=command, workers=1, out=tmp_path / "run", show=False, **SMALL)
    assert "in train_round" in (tmp_path / "run" / "worker-0.log").read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_keeps_its_traceback_and_the_search(
    workers: int, tmp_path: pathlib.Path, reference: dict[str, bytes]
) -> None:
    def train_round(member: popaug.Member) -> popaug.Result:
        if member.round == 2 and member.index == 3:
            raise ZeroDivisionError("my own mistake")
        return popaug.toy_round(member)

    with pytest.raises(ZeroDivisionError, match="my own mistake") as caught:
        popaug.search(train_round, out=tmp_path / "run", workers=workers, show=False, **SMALL)
    assert any(entry.name == "train_round" for entry in caught.traceback)
    assert any("member 3, round 2" in note and "resume=True" in note for note in caught.value.__notes__)
    with pytest.raises(popaug.Error, match="resume"):
        popaug.search(popaug.toy_round, out=tmp_path / "run", show=False, **SMALL)
    popaug.search(popaug.toy_round, out=tmp_path / "run", resume=True, show=False, **SMALL)
    assert determined(tmp_path / "run") == reference


SCRIPT = """
import sys, popaug
def train_round(member):
    print(member.round, flush=True)
    return popaug.toy_round(member)
popaug.search(train_round, out=sys.argv[1], resume=True, show=False, population=6, epochs=24, epochs_per_round=3, seed=1,
              trainer={"kind": "toy", "validation": 50, "state": 16, "milliseconds": 5})
"""


def test_killed_and_resumed(tmp_path: pathlib.Path) -> None:
    def start(name: str) -> "subprocess.Popen[str]":
        environment = os.environ | {"PYTHONPATH": str(pathlib.Path(popaug.__file__).parents[1])}
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path / name)], stdout=subprocess.PIPE, text=True, env=environment
        )

    whole = start("whole")
    assert whole.communicate()[0].count("\n") == 48
    for kill_at in ("1", "4"):
        process = start("killed")
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == kill_at:
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
    last = start("killed")
    last.communicate()
    assert last.returncode == 0
    assert determined(tmp_path / "killed") == determined(tmp_path / "whole")


def test_ctrl_c_stops_and_resumes(tmp_path: pathlib.Path, reference: dict[str, bytes]) -> None:
    def train_round(member: popaug.Member) -> popaug.Result:
        if member.round == 1 and member.index == 4:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        return popaug.toy_round(member)

    # A shell's background job starts with SIGINT ignored, and then Python leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            popaug.search(train_round, out=tmp_path / "run", show=False, **SMALL)
    finally:
        signal.signal(signal.SIGINT, before)
    popaug.search(popaug.toy_round, out=tmp_path / "run", resume=True, show=False, **SMALL)
    assert determined(tmp_path / "run") == reference


def test_weights_travel_with_the_donor(tmp_path: pathlib.Path) -> None:
    """Tensors, optimiser state and plain values come back as they were saved, from the donor after an exploit."""
    histories: dict[tuple[int, int], list[int]] = {}

    def train_round(member: popaug.Member) -> float:
        state = member.load({"steps": torch.zeros(1), "path": []})
        state["steps"] += member.epochs
        state["path"] = [*state["path"], member.index]
        assert int(state["steps"]) == member.first_epoch + member.epochs
        histories[member.round, member.index] = state["path"]
        member.save(state)
        return float(member.index)  # the highest number always wins

    popaug.search(train_round, "pba", 4, epochs=9, out=tmp_path / "run", show=False)
    assert histories[1, 0] == [3, 0]
    assert histories[2, 0] == [3, 3, 0]  # the donor's second round, then its own third
    assert histories[2, 3] == [3, 3, 3]


def test_members_augment_under_their_policy_and_key() -> None:
    search_settings = popaug.settings(
        genes=[popaug.Gene("flip", 0, 1, start=1.0), popaug.Gene("lr", 0.1, 1, log=True)],
        base=popaug.Base(cutout=4, resized_crop=0.3),
    )
    population = popaug._core.Population(json.dumps(search_settings))
    message = json.loads(population.work(2))
    message["to"] = "/nowhere"
    message["policy"][0] |= {"probability": 1.0, "level": 9}
    member = popaug.Member(message)
    assert member.base == popaug.Base(flip=1.0, cutout=4, resized_crop=0.3)
    assert 0.1 <= member.genes["lr"] <= 1
    assert list(member) == [0, 1, 2]
    x = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    want = popaug.Schedule(member.space, member.rule, [popaug.Segment(1, member.policy)], member.base)(
        x, 1, member.seed, member=2, samples=5
    )
    assert np.array_equal(member.augment(x, 1, samples=5), want)


def test_strengths_scale_the_space_of_a_member() -> None:
    genes = {"strength": (0.5, 0.9), "strength_geometry": (0.5, 1), "resized_crop": (0.3, 0.9)}
    message = json.loads(popaug._core.Population(json.dumps(popaug.settings(genes=genes))).work(1))
    message["genes"] |= {"strength": 0.5, "strength_geometry": 0.5, "resized_crop": 0.4}
    member = popaug.Member({**message, "to": "/nowhere"})
    full = {op.op: op for op in popaug.Space.load("pba").ops}
    values = {op.op: op.values for op in member.space.ops}
    assert values["Rotate"] == pytest.approx([value / 4 for value in full["Rotate"].values])
    assert values["Cutout"] == pytest.approx([value / 2 for value in full["Cutout"].values])
    assert member.base.resized_crop == 0.4 and member.base.pad == 0
    assert {op.name: op.group for op in popaug.ops()}["Posterize"] == "tone"


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [(float("nan"), "all 6 members diverged"), ("good", "returned a str"), (None, "returned a NoneType")],
)
def test_scores_that_cannot_be(returned: Any, sentence: str, tmp_path: pathlib.Path) -> None:
    def train_round(member: popaug.Member) -> Any:
        member.save(b"weights")
        return returned

    with pytest.raises(popaug.Error, match=sentence):
        popaug.search(train_round, out=tmp_path / "run", show=False, **SMALL)


def test_a_forgotten_checkpoint_is_said(tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.Error, match=r"call member\.save"):
        popaug.search(lambda member: 0.5, out=tmp_path / "run", show=False, **SMALL)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"population": 1}, "population"),
        ({"epochs": 0}, "epochs"),
        ({"space": "pbaa"}, 'nearest|"pba"'),
        ({"genes": [popaug.Gene("lr", 1, 1)]}, "lr"),
        ({"selection": "best"}, "selection"),
        ({"colour": 3}, '"colour" is not a setting'),
        ({"trainer": {"x": float("nan")}}, "nan|NaN|JSON|invalid"),
        ({"workers": 0}, "at least 1"),
    ],
)
def test_settings_are_checked_before_work(arguments: dict[str, Any], sentence: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.Error, match=sentence):
        popaug.search(popaug.toy_round, out=tmp_path / "run", show=False, **(SMALL | arguments))
    assert not (tmp_path / "run" / "journal.jsonl").exists()


def test_another_process_is_refused(tmp_path: pathlib.Path) -> None:
    with popaug.Search(tmp_path / "run", **SMALL) as search:
        assert search.ask() is not None
        with pytest.raises(popaug.Error, match=str(os.getpid())):
            popaug.Search(tmp_path / "run", resume=True, **SMALL)
    with pytest.raises(popaug.UsageError, match="closed"):
        search.ask()


def test_a_run_as_a_table(tmp_path: pathlib.Path) -> None:
    run = popaug.search(popaug.toy_round, out=tmp_path / "run", show=False, **SMALL)
    frame = run.to_dataframe()
    assert len(frame) == 48
    assert frame["score"].max() == run.best_score
    assert frame["copied_from"].notna().sum() == len(run.copies) == 7 * 1
    assert {"round", "member", "epochs", "train_loss", "quality"} <= set(frame.columns)
    assert "winner" in repr(run)
    assert "<svg" in run._repr_html_()
    with pytest.raises(popaug.Error, match="contains no search"):
        popaug.Run.load(tmp_path)


def test_threads_do_train_at_the_same_time(tmp_path: pathlib.Path) -> None:
    meeting = threading.Barrier(2, timeout=60)

    def train_round(member: popaug.Member) -> popaug.Result:
        if member.round == 0 and member.index < 2:
            meeting.wait()
        return popaug.toy_round(member)

    popaug.search(train_round, out=tmp_path / "run", workers=2, show=False, **SMALL)


@pytest.mark.parametrize(
    ("state", "name"),
    [({"a": [1, 2]}, "best.checkpoint"), (b"anything", "best.checkpoint"), ("safetensors", "best.safetensors")],
)
def test_the_winners_checkpoint_has_the_name_of_its_format(state: Any, name: str, tmp_path: pathlib.Path) -> None:
    header = json.dumps({"__metadata__": {}}).encode()
    saved = len(header).to_bytes(8, "little") + header if state == "safetensors" else state

    def train_round(member: popaug.Member) -> float:
        assert member.round == 0 or member.load() == saved
        member.save(saved)
        return float(member.index)

    small: dict[str, Any] = {"population": 4, "epochs": 6, "out": tmp_path / "run", "show": False}
    for resume in (False, True):  # a finished search, opened again
        run = popaug.search(train_round, resume=resume, **small)
        assert run.checkpoint == tmp_path / "run" / name
        assert run.state() == saved
        assert {path.name for path in (tmp_path / "run").glob("best.*") if path.suffix != ".json"} == {name}


def test_genes_as_a_dictionary() -> None:
    assert popaug.settings(genes={"lr": (0.1, 1)}) == popaug.settings(genes=[popaug.Gene("lr", 0.1, 1)])
    with pytest.raises(popaug.UsageError, match=r"'lr' is not a gene; expected popaug\.Gene"):
        popaug.settings(genes=["lr"])  # type: ignore[list-item]
    for wrong in (0.1, (0.1,), ("low", 1)):
        with pytest.raises(popaug.UsageError, match=r'gene "lr" is .*; expected its range, \{"lr": \(low, high\)\}'):
            popaug.settings(genes={"lr": wrong})  # type: ignore[dict-item]


def paused(member: popaug.Member) -> popaug.Result:
    """A Result that says no seconds."""
    member.save(b"weights")
    time.sleep(0.01)
    return popaug.Result(0.5)


def told(out: pathlib.Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((out / "result.json").read_text())
    return result


@pytest.mark.parametrize(("workers", "used"), [(1, 1), (2, 2), (9, 3)])
def test_costs_of_threads_are_known(workers: int, used: int, tmp_path: pathlib.Path) -> None:
    popaug.search(paused, population=3, epochs=3, workers=workers, out=tmp_path / "run", show=False)
    result = told(tmp_path / "run")
    assert result["worker_seconds"] >= 0.03
    assert (result["workers"], result["worker_kind"]) == (used, "thread")


def test_costs_of_processes_are_known(tmp_path: pathlib.Path) -> None:
    command = f"{sys.executable} {HERE / 'toy_worker.py'}"
    popaug.search(worker_command=command, workers=2, out=tmp_path / "run", show=False, **SMALL)
    result = told(tmp_path / "run")
    assert result["worker_seconds"] > 0
    assert (result["workers"], result["worker_kind"]) == (2, "process")


def test_costs_of_a_loop_of_ones_own_are_known(tmp_path: pathlib.Path) -> None:
    with popaug.Search(tmp_path / "run", population=2, epochs=3) as search:
        while (member := search.ask()) is not None:
            search.tell(member, paused(member))
        search.finish()
    result = told(tmp_path / "run")
    assert result["worker_seconds"] >= 0.02
    assert (result["workers"], result["worker_kind"]) == (1, "caller")
