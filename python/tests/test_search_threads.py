"""Searches in several threads of one process: the same journal as with one, or a warning; Ctrl-C; lower is better."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import popaug

HERE = pathlib.Path(__file__).parent
SMALL: dict[str, Any] = {"population": 4, "epochs": 6, "epochs_per_round": 2, "seed": 5, "show": False}
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 3), dtype=np.uint8)
LABELS = torch.from_numpy((IMAGES[..., 0].mean(axis=(1, 2)) > 127).astype(np.int64))


def train(member: popaug.Member, network: torch.nn.Module, generator: torch.Generator) -> float:
    """A round of a small network on small images; gives the loss on them."""
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    state = member.load()
    if state is not None:
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
    for epoch in member:
        for rows in torch.randperm(64, generator=generator).reshape(4, 16):
            x = member.augment(IMAGES[rows.numpy()], epoch, samples=rows.numpy(), output="float32")
            loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(x)), LABELS[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    member.save({"network": network.state_dict(), "optimiser": optimiser.state_dict()})
    with torch.no_grad():
        x = torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255
        return float(torch.nn.functional.cross_entropy(network(x), LABELS))


def make_network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))


def seeded_round(member: popaug.Member) -> float:
    with member.seeded():
        network = make_network()
        generator = torch.Generator().manual_seed(int(torch.randint(1 << 62, ())))
    return -train(member, network, generator)


def careless_round(member: popaug.Member) -> float:
    torch.manual_seed(member.seed * 1000 + member.index)
    time.sleep(0.001)
    network = make_network()
    generator = torch.Generator().manual_seed(member.index)
    return -train(member, network, generator)


def journal(folder: pathlib.Path) -> bytes:
    return (folder / "journal.jsonl").read_bytes()


def test_a_training_in_torch_gives_the_same_journal_for_any_number_of_threads(tmp_path: pathlib.Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for workers in (1, 2, 3):
            popaug.search(seeded_round, out=tmp_path / str(workers), workers=workers, **SMALL)
    assert journal(tmp_path / "1") == journal(tmp_path / "2") == journal(tmp_path / "3")
    weights = [(tmp_path / str(w) / "best.schedule.json").read_bytes() for w in (1, 2, 3)]
    assert weights[0] == weights[1] == weights[2]


def test_draws_from_a_generator_of_all_threads_are_noticed(tmp_path: pathlib.Path) -> None:
    with pytest.warns(UserWarning, match=r"global generator of torch, which all threads share.*member\.seeded\(\)"):
        popaug.search(careless_round, out=tmp_path / "run", workers=2, **SMALL)
    assert '"unrepeatable"' in (tmp_path / "run" / "run.log").read_text()


@pytest.mark.parametrize(
    ("name", "draw"),
    [("Python", random.random), ("NumPy", np.random.rand), ("torch", lambda: torch.rand(1))],
)
def test_each_generator_is_watched(name: str, draw: Any, tmp_path: pathlib.Path) -> None:
    def train_round(member: popaug.Member) -> popaug.Result:
        draw()
        return popaug.toy_round(member)

    with pytest.warns(UserWarning, match=f"global generator of {name}, "):
        popaug.search(train_round, out=tmp_path / "run", workers=2, trainer={"kind": "toy"}, **SMALL)


def test_one_worker_may_draw_as_it_likes(tmp_path: pathlib.Path) -> None:
    """Each round begins with the generators seeded for it: dropout and shuffle=True repeat, also after a resume."""

    def train_round(member: popaug.Member) -> float:
        if stop and member.round == 1 and member.index == 2:
            raise KeyError("stopped")
        drawn = random.random() + np.random.rand() + float(torch.rand(1))
        member.save(f"{drawn}".encode())
        return drawn

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stop = False
        popaug.search(train_round, out=tmp_path / "whole", **SMALL)
        stop = True
        with pytest.raises(KeyError):
            popaug.search(train_round, out=tmp_path / "parts", **SMALL)
        stop = False
        random.seed(99)
        torch.manual_seed(99)
        popaug.search(train_round, out=tmp_path / "parts", resume=True, **SMALL)
    assert journal(tmp_path / "whole") == journal(tmp_path / "parts")
    assert len({r["score"] for r in popaug.Run.load(tmp_path / "whole").results}) == 12


def test_seeded_puts_the_generators_back(tmp_path: pathlib.Path) -> None:
    drawn: list[tuple[float, ...]] = []

    def draw() -> tuple[float, ...]:
        return random.random(), float(np.random.rand()), float(torch.rand(1))

    with popaug.Search(tmp_path / "run", **{k: v for k, v in SMALL.items() if k != "show"}) as search:
        member, other = search.ask(), search.ask()
        assert member is not None and other is not None
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        want = draw()
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        for one in (member, member, other):
            with one.seeded():
                drawn.append(draw())
        assert draw() == want
    assert drawn[0] == drawn[1] != drawn[2]


def test_only_one_thread_is_seeded_at_a_time(tmp_path: pathlib.Path) -> None:
    inside: list[int] = []

    def train_round(member: popaug.Member) -> popaug.Result:
        with member.seeded():
            inside.append(1)
            assert len(inside) == 1
            time.sleep(0.002)
            inside.pop()
        return popaug.toy_round(member)

    popaug.search(train_round, out=tmp_path / "run", workers=3, trainer={"kind": "toy"}, **SMALL)


def test_a_search_in_a_thread(tmp_path: pathlib.Path) -> None:
    """As a notebook does that stays responsive."""
    runs: list[popaug.Run] = []

    def work() -> None:
        for workers in (1, 2):
            out = tmp_path / str(workers)
            runs.append(popaug.search(popaug.toy_round, out=out, workers=workers, trainer={"kind": "toy"}, **SMALL))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [run.finished for run in runs] == [True, True]


# --- Ctrl-C --------------------------------------------------------------------------------------------

SCRIPT = """
import sys, time, popaug
def train_round(member):
    print(member.round, flush=True)
    for epoch in member:
        time.sleep(0.02)
    return popaug.toy_round(member)
popaug.search(train_round, out=sys.argv[1], workers=2, population=6, epochs=40, epochs_per_round=2, seed=1,
              resume=sys.argv[2:] == ["resume"], trainer={"kind": "toy", "validation": 50, "state": 16})
"""


def start(out: pathlib.Path, *more: str) -> "subprocess.Popen[str]":
    # A shell's background job starts with SIGINT ignored, and then Python leaves it so.
    return subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + SCRIPT,
         str(out), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip


def test_ctrl_c_with_two_workers_ends_well_and_says_how_to_resume(tmp_path: pathlib.Path) -> None:
    whole = start(tmp_path / "whole")
    whole.communicate()
    assert whole.returncode == 0
    for attempt in range(4):
        process = start(tmp_path / "stopped", *(["resume"] if attempt else []))
        assert process.stdout is not None
        for _ in range(3 + 5 * attempt):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
        assert process.returncode in (1, 130, -signal.SIGINT), said  # Python's own end after KeyboardInterrupt
        assert f"popaug.search(..., out='{tmp_path / 'stopped'}', resume=True)" in said
        assert "stopping after the epochs in work" in said
    last = start(tmp_path / "stopped", "resume")
    last.communicate()
    assert journal(tmp_path / "stopped") == journal(tmp_path / "whole")


def test_ctrl_c_between_rounds_says_how_to_resume(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one worker the interrupt may arrive in popaug's own code."""
    told: list[int] = []
    tell = popaug.Search._tell

    def interrupted(self: popaug.Search, *arguments: Any) -> None:
        tell(self, *arguments)
        told.append(1)
        if len(told) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    monkeypatch.setattr(popaug.Search, "_tell", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            popaug.search(popaug.toy_round, out=tmp_path / "run", trainer={"kind": "toy"}, **SMALL)
    finally:
        signal.signal(signal.SIGINT, before)
    assert any("resume=True" in note for note in caught.value.__notes__)


# --- lower is better -----------------------------------------------------------------------------------


def loss_round(member: popaug.Member) -> float:
    assert member.mode == "min"
    member.save(b"weights")
    return float(member.index)  # the lowest number always wins


def test_a_lower_score_can_be_better(tmp_path: pathlib.Path) -> None:
    run = popaug.search(loss_round, out=tmp_path / "run", mode="min", **SMALL)
    assert (run.mode, run.settings["metric"], run.winner, run.best_score) == ("min", "loss", 0, 0.0)
    assert {c["donor"] for c in run.copies} == {0} and {c["target"] for c in run.copies} == {3}
    assert {(r["member"], r["score"]) for r in run.results} == {(i, float(i)) for i in range(4)}
    best = popaug.search(popaug.toy_round, out=tmp_path / "toy", mode="min", trainer={"kind": "toy"}, **SMALL)
    same = popaug.search(popaug.toy_round, out=tmp_path / "max", trainer={"kind": "toy"}, **SMALL)
    assert best.schedule.segments == same.schedule.segments


def test_lower_is_better_in_processes_too(tmp_path: pathlib.Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import popaug.worker\ndef round(member):\n    member.save(b'w')\n    return float(member.index)\n"
        "popaug.worker.serve(round)\n"
    )
    command = f"{sys.executable} {worker}"
    run = popaug.search(worker_command=command, out=tmp_path / "run", workers=2, mode="min", **SMALL)
    assert (run.winner, run.best_score) == (0, 0.0)


def test_which_way_is_better_cannot_contradict_itself() -> None:
    assert popaug.settings(mode="max")["metric"] == "accuracy"
    assert popaug.settings(metric="loss")["metric"] == "loss"
    with pytest.raises(popaug.UsageError, match="a lower loss is better"):
        popaug.settings(metric="loss", mode="max")
    with pytest.raises(popaug.UsageError, match="a higher accuracy is better"):
        popaug.settings(metric="accuracy", mode="min")
    with pytest.raises(popaug.UsageError, match='expected "max"'):
        popaug.settings(mode="lowest")  # type: ignore[arg-type]


# --- processes -----------------------------------------------------------------------------------------

PROCESSES = """
import random, sys
import numpy as np, torch, popaug

def train_round(member):
    network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))
    score = float(network(torch.rand(8, 4)).mean()) + random.random() + np.random.rand()
    member.save({"score": score})
    return score

if __name__ == "__main__":
    popaug.search(train_round, "pba", 4, epochs=6, epochs_per_round=2, seed=5, out=sys.argv[1], workers=int(sys.argv[2]),
                  processes=sys.argv[3] == "processes", show=False)
"""


def test_processes_may_draw_as_they_like(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "training.py"
    script.write_text(PROCESSES)
    for name, workers, kind in (("one", "1", "threads"), ("two", "2", "processes"), ("three", "3", "processes")):
        subprocess.run([sys.executable, str(script), str(tmp_path / name), workers, kind], check=True, cwd=tmp_path)
    assert journal(tmp_path / "one") == journal(tmp_path / "two") == journal(tmp_path / "three")


def test_what_a_process_cannot_import_is_refused(tmp_path: pathlib.Path) -> None:
    for function in (lambda member: 0.5, popaug.Member.load):
        with pytest.raises(popaug.UsageError, match="cannot be imported by a worker process"):
            popaug.search(function, out=tmp_path / "run", processes=True, **SMALL)
    done = subprocess.run([sys.executable, "-m", "popaug.worker", "popaug:nothing"], capture_output=True, text=True)
    assert done.returncode == 1 and 'popaug has no function "nothing"' in done.stderr
