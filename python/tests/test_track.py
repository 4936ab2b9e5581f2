"""popaug.track: what a run directory says, in TensorBoard, MLflow and wandb; and that no tracker can harm a run."""

import importlib
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import popaug
from popaug import _program, track
from popaug.track import _rows, _trackers
from popaug.track._rows import Row, in_use, rows_of

BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", pathlib.Path(__file__).parents[2] / "build"))


def search(out: pathlib.Path, **more: Any) -> popaug.Run:
    return popaug.search(
        popaug.toy_round, "pba", population=3, epochs=6, epochs_per_round=2, seed=4, genes={"lr": (0.01, 0.3)}, out=out,
        show=False, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> popaug.Run:
    return search(tmp_path_factory.mktemp("runs") / "finished")


@pytest.fixture
def run(finished: popaug.Run, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of its own."""
    shutil.copytree(finished.directory, tmp_path / "run")
    return tmp_path / "run"


def points(rows: Sequence[Row]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, number in row.numbers.items():
            found.setdefault(name, []).append((row.step, number))
    return found


# --- what a directory says -----------------------------------------------------------------------


def test_the_rows_of_a_search_are_its_results(finished: popaug.Run) -> None:
    rows = rows_of(finished.directory, "search")
    assert len(rows) == 3 * (3 + 1)
    said = points(rows)
    for member in range(3):
        scores = [(r["round"], r["score"]) for r in finished.results if r["member"] == member]
        assert said[f"member-{member:02}/score"] == scores
    for number in range(3):
        scores = [r["score"] for r in finished.results if r["round"] == number]
        assert said["score/best"][number] == (number, max(scores))
        assert said["score/mean"][number] == (number, pytest.approx(sum(scores) / 3))
    # A member that copied has another gene in the next round; the others keep theirs.
    genes = {m: dict(said[f"member-{m:02}/gene/lr"]) for m in range(3)}
    copied = {(c["round"], c["target"]) for c in finished.copies}
    assert copied
    for member, values in genes.items():
        for number in (0, 1):
            if (number, member) not in copied:
                assert values[number + 1] == values[number]


def test_a_loss_is_sent_as_the_user_returned_it(tmp_path: pathlib.Path) -> None:
    run = search(tmp_path / "loss", mode="min")
    said = points(rows_of(run.directory, "search"))
    lowest = min(r["score"] for r in run.results if r["round"] == 0)
    assert said["score/best"][0] == (0, lowest)
    assert said["score/worst"][0][1] > lowest


def test_a_journal_that_grows_gives_the_same_rows_first(run: pathlib.Path) -> None:
    journal = run / "journal.jsonl"
    whole, everything = journal.read_bytes(), rows_of(run, "search")
    counts = []
    for size in range(0, len(whole), 97):
        journal.write_bytes(whole[:size])
        rows = rows_of(run, "search")
        assert rows == everything[: len(rows)]
        counts.append(len(rows))
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] >= len(everything) - 2


def test_the_rows_of_a_training_and_of_a_comparison(tmp_path: pathlib.Path) -> None:
    (tmp_path / "progress.csv").write_text(
        "epoch,steps,lr,train_loss,validation_loss,validation_accuracy\n1,10,0.1,2.5,,\n2,20,0.05,1.5,1.25,0.5\n3,30,0."
    )
    assert _rows.kind_of(tmp_path) == "train"
    assert rows_of(tmp_path, "train") == [
        Row(1, {"steps": 10, "lr": 0.1, "train_loss": 2.5}),
        Row(2, {"steps": 20, "lr": 0.05, "train_loss": 1.5, "validation_loss": 1.25, "validation_accuracy": 0.5}),
    ]
    line = {"arm": "trivial", "seed": 2, "judge": "test", "accuracy": 0.75, "seconds": 3.5, "check": "00000000"}
    (tmp_path / "runs.jsonl").write_text(json.dumps({"format": "popaug-compare"}) + "\n" + json.dumps(line) + "\n")
    assert _rows.kind_of(tmp_path) == "compare"
    assert rows_of(tmp_path, "compare") == [Row(2, {"accuracy/test/trivial": 0.75, "seconds/test/trivial": 3.5})]
    line |= {"judge": "validation", "seed": 9}
    (tmp_path / "runs.jsonl").write_text(
        json.dumps({"format": "popaug-screening", "seed": 7}) + "\n" + json.dumps(line) + "\n"
    )
    assert _rows.kind_of(tmp_path) == "screen"
    assert rows_of(tmp_path, "screen") == [
        Row(2, {"accuracy/validation/trivial": 0.75, "seconds/validation/trivial": 3.5})
    ]
    assert not track._finished(tmp_path)
    (tmp_path / "choose.json").write_text("{}")
    assert track._finished(tmp_path)
    (tmp_path / "runs.jsonl").write_text(json.dumps({"format": "popaug-audit"}) + "\n")
    with pytest.raises(
        popaug.UsageError, match="is a popaug-audit; expected a search, a screening, a training or a comparison"
    ):
        _rows.kind_of(tmp_path)


def test_a_run_in_use_is_seen_without_taking_its_lock(tmp_path: pathlib.Path) -> None:
    assert not in_use(tmp_path)
    with popaug.Search(tmp_path / "run", population=2, epochs=2, trainer={"kind": "toy"}):
        assert in_use(tmp_path / "run")
    assert not in_use(tmp_path / "run")


# --- the trackers ---------------------------------------------------------------------------------


def test_tensorboard(run: pathlib.Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # the second time has nothing new
        assert track.follow(run, "tensorboard") == 12
        events = EventAccumulator(str(run / "tensorboard"))
        events.Reload()
        want = points(rows_of(run, "search"))
        assert set(events.Tags()["scalars"]) == set(want)
        for name, numbers in want.items():
            assert [(e.step, e.value) for e in events.Scalars(name)] == [(s, pytest.approx(n)) for s, n in numbers]
    assert events.Tags()["images"] in ([], ["schedule"])  # with rsvg-convert and the program on the PATH


def test_mlflow_in_a_local_folder(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    import mlflow

    for _ in range(2):
        assert track.follow(run, "mlflow", project="flowers", folder=tmp_path / "mlruns") == 12
    client = mlflow.MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    experiment = client.get_experiment_by_name("flowers")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "FINISHED" and found.info.run_name == "run"
    assert found.data.params["population"] == "3"
    for name, numbers in points(rows_of(run, "search")).items():
        assert [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, name)] == numbers
    files = {artifact.path for artifact in client.list_artifacts(found.info.run_id)}
    assert {"best.schedule.json", "result.json", "config.toml"} <= files


def log_records(log: bytes) -> Iterator[bytes]:
    """The records of a file in the log format of LevelDB, in which wandb keeps what it has not sent."""
    at, record = 7, b""  # after wandb's own header
    while at + 7 <= len(log):
        left = 32768 - at % 32768
        if left < 7:  # the end of a block is filled up
            at += left
            continue
        size, part = int.from_bytes(log[at + 4 : at + 6], "little"), log[at + 6]
        record += log[at + 7 : at + 7 + size]
        at += 7 + size
        if part in (1, 4):  # whole, or the last part
            yield record
            record = b""


def wandb_records(folder: pathlib.Path) -> list[Any]:
    """All records of an offline run. wandb's own process may still write when finish() returns: the last one is `exit`."""
    from wandb.proto.wandb_internal_pb2 import Record

    for _ in range(300):
        records = []
        for data in (data for file in folder.rglob("*.wandb") for data in log_records(file.read_bytes())):
            records.append(Record())
            records[-1].ParseFromString(data)
        if any(record.HasField("exit") for record in records):
            return records
        time.sleep(0.1)
    raise AssertionError(f"no record of the end in {folder}")


def test_wandb_offline(run: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert track.follow(run, "wandb", project="flowers", folder=tmp_path / "kept") == 12
    rows, projects, artifacts = [], [], []
    for record in wandb_records(tmp_path / "kept"):
        if record.HasField("history"):
            told = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
            rows.append(Row(told["round"], {k: v for k, v in told.items() if "/" in k}))
        if record.HasField("run"):
            projects.append(record.run.project)
        if record.HasField("request") and record.request.HasField("log_artifact"):
            artifacts += [entry.path for entry in record.request.log_artifact.artifact.manifest.contents]
        if record.HasField("artifact"):
            artifacts += [entry.path for entry in record.artifact.manifest.contents]
    assert rows == rows_of(run, "search")
    assert projects[0] == "flowers"
    assert "best.schedule.json" in artifacts


class Faulty:
    """A tracker whose network fails now and then, or always."""

    fail_at: tuple[int, ...] = ()
    calls = 0

    def __init__(self, *_: Any) -> None:
        self.sent, self.got, self.files = 0, [], []  # type: ignore[var-annotated]

    def _call(self) -> None:
        Faulty.calls += 1
        if Faulty.calls in Faulty.fail_at:
            raise ConnectionError("no route to the tracker")

    def send(self, rows: Sequence[Row]) -> None:
        self._call()
        self.got += rows

    def finish(self, files: Sequence[pathlib.Path], finished: bool) -> None:
        self._call()
        Faulty.done = self.got, [file.name for file in files], finished  # type: ignore[attr-defined]


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> type[Faulty]:
    monkeypatch.setattr(Faulty, "calls", 0)
    monkeypatch.setitem(_trackers.TRACKERS, "faulty", Faulty)  # type: ignore[arg-type]
    return Faulty


def bytes_of(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_network_that_fails_now_and_then_loses_nothing(
    run: pathlib.Path, faulty: type[Faulty], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faulty, "fail_at", (1, 3))
    before, warnings = bytes_of(run), []
    assert track.follow(run, "faulty", poll=0, warn=warnings.append) == 12
    rows, files, finished = faulty.done  # type: ignore[attr-defined]
    assert rows == rows_of(run, "search") and finished and "best.schedule.json" in files
    assert warnings == ["faulty: no route to the tracker; the run is not affected, trying again"] * 2
    assert bytes_of(run) == before


def test_a_network_that_stays_away_ends_the_follower_alone(
    run: pathlib.Path, faulty: type[Faulty], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faulty, "fail_at", range(1, 100))
    before = bytes_of(run)
    with pytest.raises(ConnectionError):
        track.follow(run, "faulty", poll=0)
    assert faulty.calls == track.ATTEMPTS
    assert bytes_of(run) == before


def test_beside_a_search_of_this_process(tmp_path: pathlib.Path, finished: popaug.Run) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with track.following(tmp_path / "run", "tensorboard", patience=300):
        search(tmp_path / "run")
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == (finished.directory / "journal.jsonl").read_bytes()
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert len(events.Scalars("score/best")) == 3
    with track.following(tmp_path / "none", None):
        pass
    assert not (tmp_path / "none").exists()


def test_a_follower_ends_after_the_process_that_started_it(tmp_path: pathlib.Path) -> None:
    """Its standard input closes, which also happens when that process is killed."""
    command = [
        sys.executable,
        "-m",
        "popaug.track",
        str(tmp_path / "never"),
        "--to",
        "tensorboard",
        "--wait",
        "--poll",
        "0.1",
    ]
    follower = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _, message = follower.communicate("")
    assert follower.returncode == 2
    assert message.endswith("never is not the directory of a search, a training or a comparison\n")


# --- the argument track=, and --track of the program ----------------------------------------------


def scalars(folder: pathlib.Path, name: str) -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [event.value for event in events.Scalars(name)]


def test_the_argument_of_a_search(tmp_path: pathlib.Path, finished: popaug.Run) -> None:
    run = search(tmp_path / "run", track={"to": "tensorboard", "folder": tmp_path / "events"})
    assert (run.directory / "journal.jsonl").read_bytes() == (finished.directory / "journal.jsonl").read_bytes()
    best = [max(r["score"] for r in run.results if r["round"] == number) for number in range(3)]
    assert scalars(tmp_path / "events", "score/best") == pytest.approx(best)
    # A run that is refused is not sent again, nor is what is there instead.
    before = sorted((tmp_path / "events").iterdir())
    with pytest.raises(popaug.UsageError, match="resume=True"):
        search(run.directory, track={"to": "tensorboard", "folder": tmp_path / "events"})
    assert sorted((tmp_path / "events").iterdir()) == before


def test_the_argument_of_processes_and_of_a_comparison(tmp_path: pathlib.Path) -> None:
    search(tmp_path / "run", track="tensorboard", processes=True, workers=2)
    assert len(scalars(tmp_path / "run" / "tensorboard", "score/best")) == 3
    popaug.compare(
        lambda training: 0.25 * (1 + training.seed), arms=["none"], seeds=2, epochs=1, out=tmp_path / "compared",
        show=False, track="tensorboard",
    )  # fmt: skip
    rows = rows_of(tmp_path / "compared", "compare")
    assert [(row.step, row.numbers["accuracy/none"]) for row in rows] == [(0, 0.25), (1, 0.5)]
    assert scalars(tmp_path / "compared" / "tensorboard", "accuracy/none") == [0.25, 0.5]


def test_a_search_that_fails_is_sent_as_far_as_it_came(tmp_path: pathlib.Path) -> None:
    def fails(member: popaug.Member) -> popaug.Result:
        if member.round == 1:
            raise ZeroDivisionError("my own mistake")
        return popaug.toy_round(member)

    with pytest.raises(ZeroDivisionError, match="my own mistake"):
        popaug.search(
            fails, "pba", 3, epochs=6, epochs_per_round=2, out=tmp_path / "run", show=False, track="tensorboard"
        )
    assert len(scalars(tmp_path / "run" / "tensorboard", "score/best")) == 1


@pytest.mark.parametrize(
    ("track_", "sentence"),
    [
        ("neptune", 'tracker "neptune"; expected tensorboard, mlflow, wandb'),
        (3, "track=3; expected a tracker"),
        ({"project": "mine"}, 'track has no "to"'),
        ({"to": "wandb", "entity": "me"}, 'track has "entity"'),
    ],
)
def test_what_track_cannot_be_is_said_before_the_run(track_: Any, sentence: str, tmp_path: pathlib.Path) -> None:
    for call in (lambda: search(tmp_path / "run", track=track_),
                 lambda: popaug.compare(popaug.toy_round, out=tmp_path / "run", track=track_),
                 lambda: popaug.experiment.train(tmp_path / "run", data="none", track=track_)):  # fmt: skip
        with pytest.raises(popaug.UsageError) as caught:
            call()
        assert sentence in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_is_not_installed_is_said_before_the_run(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(popaug.UsageError, match="tracking with mlflow needs the package mlflow: pip install mlflow"):
        search(tmp_path / "run", track="mlflow")
    assert not (tmp_path / "run").exists()


def program(*words: object, folder: pathlib.Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PATH": os.pathsep.join([str(BUILD), os.environ["PATH"]]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "popaug", *map(str, words)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_flag_of_the_program(tmp_path: pathlib.Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8)
    splits = {name: [(image, k % 2) for k, image in enumerate(images)] for name in ("train", "test")}
    popaug.data.pack(splits, tmp_path / "set.popaug")
    train = [
        "train",
        "--data",
        "set.popaug",
        "--network",
        "wrn-10-1",
        "--epochs",
        2,
        "--batch",
        16,
        "--augment",
        "none",
    ]
    done = program(*train, "--out=run", "--track", "tensorboard", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "train_loss" in (tmp_path / "run" / "progress.csv").read_text()
    assert len(scalars(tmp_path / "run" / "tensorboard", "train_loss")) == 2
    again = program(*train, "--out", "run", "--track=tensorboard", folder=tmp_path)
    assert again.returncode == 2  # the program's own refusal and status
    assert "--resume" in again.stderr


def test_the_flag_where_it_cannot_be(tmp_path: pathlib.Path) -> None:
    for words, sentence in (
        (["eval", "x", "--track", "wandb"], "--track goes with search, train, compare"),
        (["train", "--track", "neptune"], 'tracker "neptune"; expected tensorboard, mlflow, wandb'),
        (["train", "--track"], "--track needs a tracker"),
    ):
        done = program(*words, folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"popaug: {sentence}")
    assert list(tmp_path.iterdir()) == []


def test_the_run_directories_that_the_flag_knows_are_the_programs(tmp_path: pathlib.Path) -> None:
    for verb, directory in _program.TRACKED.items():
        out = next(line for line in program(verb, "--help", folder=tmp_path).stdout.splitlines() if "--out " in line)
        assert f"={directory} " in out


# --- what is refused ------------------------------------------------------------------------------


def test_what_is_refused(run: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(popaug.UsageError, match='tracker "neptune"; expected tensorboard, mlflow, wandb'):
        track.follow(run, "neptune")
    with pytest.raises(popaug.UsageError, match='tracker "neptune"'), track.following(run, "neptune"):
        pass
    with pytest.raises(popaug.UsageError, match="is not the directory of a search"):
        track.follow(tmp_path, "tensorboard")

    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    for tracker in ("tensorboard", "mlflow", "wandb"):
        with pytest.raises(popaug.UsageError, match=f"{tracker} needs the package {tracker}: pip install {tracker}"):
            track.follow(run, tracker)
