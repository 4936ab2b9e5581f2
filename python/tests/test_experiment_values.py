"""popaug.search(data=...), train, evaluate, compare, audit and choose: the values, the two ways of two names, threads, stops."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch  # noqa: F401  (its libraries are then found)

import popaug
from popaug import _progress

PROGRAM = pathlib.Path(os.environ.get("POPAUG_BUILD", "build")) / "popaug"
SMALL: dict[str, Any] = {"network": "wrn-10-1", "batch": 20, "workers": 1, "show": False}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """60 images for training and 24 for testing, of three classes that differ by brightness."""
    random = np.random.default_rng(0)
    labels = np.arange(84) % 3
    images = (random.integers(0, 90, (84, 12, 12, 3)) + 60 * labels[:, None, None, None]).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "set.npz"
    np.savez(
        path, train_images=images[:60], train_labels=labels[:60].astype(np.uint8), test_images=images[60:],
        test_labels=labels[60:].astype(np.uint8),
    )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def trained(data: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> popaug.TrainedNetwork:
    out = tmp_path_factory.mktemp("trained") / "network"
    return popaug.train(out, data=data, augment="trivial", epochs=2, size=12, **SMALL)


def program(*words: object) -> str:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_training_and_its_evaluation_are_the_programs(
    trained: popaug.TrainedNetwork, data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    program("train", "--data", data, "--augment", "trivial", "--epochs", 2, "--network", "wrn-10-1", "--batch", 20,
            "--workers", 1, "--size", 12, "--out", tmp_path / "there")  # fmt: skip
    assert trained.checkpoint.read_bytes() == (tmp_path / "there" / "best.safetensors").read_bytes()
    assert trained["train_images"] == 60 and trained.schedule.epochs == 2
    module, info = trained.network()
    assert info.classes == ("0", "1", "2") and sum(p.numel() for p in module.parameters()) > 1000

    found = popaug.evaluate(trained, data=data, show=False)
    said = json.loads(program("eval", tmp_path / "there", "--data", data, "--json"))
    assert {k: v for k, v in found.to_json().items() if k in said} == said
    assert found.images == 24 and np.sum(found.confusion) == 24
    assert found.interval[0] <= found.error <= found.interval[1] and found.accuracy == 1 - found.error
    assert popaug.evaluate(trained.directory, data=data, split="train", show=False).images == 60
    assert "error" in repr(found) and "<table>" in found._repr_html_() and len(found.to_dataframe()) == 3
    assert "wrn-10-1, 2 epochs with 'trivial'" in repr(trained) and "<svg" in trained._repr_html_()
    again = popaug.TrainedNetwork.load(trained.directory)
    assert again.to_json() == trained.to_json()


def test_a_search_a_comparison_and_a_choice(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = popaug.search(data=data, population=2, epochs=2, epochs_per_round=1, val_size=15, genes={"lr": (0.01, 0.2)},
                        out=tmp_path / "run", **SMALL)  # fmt: skip
    assert run.finished and run.settings["genes"][0]["name"] == "lr"

    def darker(image: Any) -> Any:
        assert image.dtype == np.uint8 and image.shape == (12, 12, 3)
        return (image * np.random.uniform(0.5, 1)).astype(np.uint8)

    arms = {"crop": "crop", "mine": darker, "schedule": "schedule", "half": popaug.TrivialAugment(strength=0.5)}
    options: dict[str, Any] = {"data": data, "arms": arms, "run": run, "epochs": 2, "out": tmp_path / "arms", **SMALL}
    found = popaug.compare(seeds=2, **options)
    assert isinstance(found, popaug.Comparison) and found.arm("mine")["seeds"] == 2
    assert found.to_json() == popaug.Comparison.load(tmp_path / "arms").to_json()
    # A resume trains nothing again; with another transform under the same name it is refused.
    lines = (tmp_path / "arms" / "runs.jsonl").read_text()
    assert popaug.compare(seeds=2, resume=True, **options).verdict == found.verdict
    assert (tmp_path / "arms" / "runs.jsonl").read_text() == lines
    options["arms"] = arms | {"mine": lambda image: image // 2}
    with pytest.raises(popaug.UsageError, match='trained the arm "mine" under another schedule'):
        popaug.compare(seeds=2, resume=True, **options)

    screened = popaug.search(data=data, preset="best", trainings=4, epochs=1, out=tmp_path / "screened", **SMALL)
    assert isinstance(screened, popaug.Choice) and screened.schedule.name == "best"
    # It is a schedule wherever one is expected, and the search behind a comparison.
    trained = popaug.train(tmp_path / "trained", data=data, schedule=screened, epochs=1, **SMALL)
    assert trained.schedule.segments == screened.schedule.segments
    options_of_run: dict[str, Any] = {"data": data, "seeds": 1, "epochs": 1, "out": tmp_path / "of-run", **SMALL}
    found = popaug.compare(run=screened, arms=["schedule", "flipcrop"], **options_of_run)
    assert [arm["name"] for arm in found.arms] == ["schedule", "flipcrop"]
    assert (screened.directory / "compare.json").exists()
    own = popaug.compare(lambda training: 0.5, run=screened.directory, seeds=1, out=tmp_path / "own", show=False)
    assert "schedule" in [arm["name"] for arm in own.arms] and "drift" not in [arm["name"] for arm in own.arms]
    with pytest.raises(popaug.UsageError, match='"genes" belongs to setting "method" pba'):
        popaug.search(data=data, preset="best", genes={"flip": (0, 1)}, out=tmp_path / "no", **SMALL)
    chosen = popaug.choose(
        data=data, arms=["crop", "flipcrop"], trainings=4, epochs=1, out=tmp_path / "chosen", **SMALL
    )
    assert chosen.winner in ("crop", "flipcrop") and chosen.checkpoint.exists()
    assert chosen.winner in repr(chosen) and "<table>" in chosen._repr_html_() and len(chosen.to_dataframe()) == 2
    assert popaug.evaluate(chosen, data=data, show=False).images == 24


def test_a_transform_that_fails_shows_its_own_error_and_the_comparison_continues(
    data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    options: dict[str, Any] = {"data": data, "seeds": 1, "epochs": 1, "out": tmp_path / "arms", **SMALL}

    def breaks(image: Any) -> Any:
        raise ZeroDivisionError("of my own")

    with pytest.raises(ZeroDivisionError, match="of my own") as caught:
        popaug.compare(arms={"none": "none", "mine": breaks}, **options)
    assert any(entry.name == "breaks" for entry in caught.traceback)
    with pytest.raises(popaug.UsageError, match=r"mine returned uint8 of shape \(6, 12, 3\) for an image of uint8"):
        popaug.compare(arms={"none": "none", "mine": lambda image: image[::2]}, resume=True, **options)
    found = popaug.compare(arms={"none": "none", "mine": lambda image: image}, resume=True, **options)
    # The draws and the pixels are those of no augmentation: so is the network.
    assert found.arm("mine")["error"] == found.arm("none")["error"]


def test_an_audit_of_ops_and_of_recipes(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "two.toml").write_text('name = "two"\nops = ["Invert", "Brightness"]\n')
    settings = SMALL | {"epochs": 2, "seeds": 2, "val_size": 15, "data": data}
    found = popaug.audit(tmp_path / "ops", space=tmp_path / "two.toml", levels=1, **settings)
    assert {cell["op"] for cell in found.cells} == {"Invert", "Brightness", "FlipLR", "FlipUD"}
    assert found.sentences and "affinity" in repr(found) and "<svg" in found._repr_html_()
    assert {op.op for op in found.space.ops} <= {"Invert", "Brightness"}

    recipes = popaug.audit(tmp_path / "recipes", recipe=["none", "trivial"], **settings)
    names = [cell["op"] for cell in recipes.cells]
    assert names == ["none", "trivial", "FlipLR", "FlipUD"] and len(recipes.to_dataframe()) == 4
    none, trivial = recipes.cells[:2]
    # No augmentation is the training that all are compared with; TrivialAugment leads away from the images.
    assert (none["affinity"], none["gain"], none["diversity"]) == (0, 0, 1) and trivial["diversity"] != 1
    assert not (tmp_path / "recipes" / "audited.space.toml").exists()
    with pytest.raises(popaug.UsageError, match="is an audit of recipes, which has no space"):
        print(recipes.space)
    with pytest.raises(popaug.UsageError, match=r'recipe": "flipcrop[+]cutmix" mixes images'):
        popaug.audit(tmp_path / "other", recipe=["flipcrop+cutmix"], **settings)
    with pytest.raises(popaug.UsageError, match='"choose" cannot be audited'):
        popaug.audit(tmp_path / "other", recipe="choose", **settings)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda p: popaug.search(popaug.toy_round, preset="best"), r"search with train_round trains with your own code, and preset="),
        (lambda p: popaug.compare(len, data="x", train_size=4), r"compare with train trains with your own code, and train_size="),
        (lambda p: popaug.search(data="x", processes=True), r"search with data= .* and processes= goes with training code"),
        (lambda p: popaug.compare(data="x", processes=True, mode="min"), r"and mode=, processes= goes with training code"),
        (lambda p: popaug.search(), r"needs train_round or worker_command= .*, or data="),
        (lambda p: popaug.compare(arms=["trivial"]), r"popaug.compare needs train \(training code of your own\), or data="),
        (lambda p: popaug.search("photos"), r"train_round is a str; expected your training function \(images are data=, the run"),
        (lambda p: popaug.train(popaug.toy_round), r"the run directory is a function; expected a path"),
        (lambda p: popaug.train(data=np.zeros(3)), r"data= is a ndarray; expected the path of a set; popaug.data.pack"),
        (lambda p: popaug.train(data="x", schedule=popaug.TrivialAugment()), r"schedule= is a TrivialAugment; .* schedule.save"),
        (lambda p: popaug.search(out=p / "run", data="x", popluation=4), r'unknown setting "popluation" \(nearest: "population"\)'),
        (lambda p: popaug.evaluate(3, data="x"), r"the network is a int; expected a checkpoint"),
        (lambda p: popaug.evaluate(p / "nothing", data="x", show=False), r"nothing"),
        (lambda p: popaug.Audit.load(p), r"contains no finished audit: there is no audit.json in it"),
        (lambda p: popaug.compare(data="x", arms=[popaug.toy_round]), r"has no name to be an arm by"),
        (lambda p: popaug.compare(data="x", arms={"a+b": "trivial"}), r'the arm "a\+b": a name of your own has no comma, @ or \+'),
        (lambda p: popaug.compare(data="x", arms={"trivial": "mild"}), r'baseline "trivial" is a built-in one'),
        (lambda p: popaug.compare(out=p / "c", data="x", epochs=1, arms=["trival"]), r'unknown arm "trival" \(nearest: "trivial"\)'),
    ],
)  # fmt: skip
def test_mistakes_are_sentences(call: Any, sentence: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.Error) as caught:
        call(tmp_path)
    assert re.search(sentence, str(caught.value)), caught.value


def test_an_experiment_runs_in_another_thread_while_others_do(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        found[number] = popaug.train(tmp_path / str(number), data=data, augment="none", epochs=1, seed=number, **SMALL)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    work(2)  # the main thread's own, with its signals
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2] and signal.getsignal(signal.SIGINT) is before


STOPPED = """
import signal, sys, threading, time, torch, popaug
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
out, data, where = sys.argv[1:]
class Told:
    def update(self, done, total, note): print("going", flush=True)
    def line(self, text): pass
    event = line
    def close(self): pass
import popaug.experiment
popaug.experiment.shown = lambda *_: Told()
def work():
    try:
        popaug.train(out, data=data, augment="none", network="wrn-10-1", batch=20, epochs=4000, workers=1)
    except popaug.Interrupted as error:
        print("stopped:", error, flush=True)
if where == "main":
    work()
else:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        while where == "thread" and thread.is_alive():
            time.sleep(0.02)
        thread.join()
    except KeyboardInterrupt:
        print("main has ended", flush=True)
"""


@pytest.mark.parametrize("where", ["main", "thread", "lost"])
def test_ctrl_c_stops_it_cleanly(where: str, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """In the main thread at once; in another one when the main thread ends. lost: Python 3.11 does not wait for a thread
    whose join() was interrupted."""
    child = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(tmp_path / "run"), str(data), where], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "going\n"
    child.send_signal(signal.SIGINT)
    said = child.stdout.read()
    assert child.wait() == 0
    assert ("main has ended" in said) == (where != "main")
    if where != "lost":
        assert "stopped:" in said and "resume=True" in said
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_what_progress_raises_stops_the_work(
    data: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks:
        def update(self, done: float, total: float, note: str) -> None:
            raise LookupError("no screen")

        def line(self, text: str) -> None: ...

        event = line

        def close(self) -> None: ...

    monkeypatch.setattr("popaug.experiment.shown", lambda *_: Breaks())
    with pytest.raises(LookupError, match="no screen"):
        popaug.train(tmp_path / "run", data=data, augment="none", epochs=4000, **SMALL)


class Terminal:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _progress.shown("train", False) is None
    plain = _progress.shown("train", True)
    assert isinstance(plain, _progress.Plain)
    for done in range(5):
        plain.update(done, 4, f"step {done}")
    plain.event("left out")
    plain.line("note: small set")
    plain.close()
    assert capsys.readouterr().err == "train   0 %, step 0\nnote: small set\ntrain 100 %, step 4\n"

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = _progress.shown("train", True)
    assert isinstance(bar, _progress.Bar)
    bar.update(1, 4, "step 1")
    bar.line("note: small set")
    bar.update(4, 4, "step 4")
    bar.update(0, 2, "another piece")
    bar.close()
    assert "train  25 %|" in terminal.text.replace("train 25%", "train  25 %") or "25%|" in terminal.text
    assert "step 4" in terminal.text and "note: small set\n" in terminal.text

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # tqdm is not installed
    assert isinstance(_progress.shown("train", True), _progress.Plain)


def test_pandas_missing_is_a_sentence(
    trained: popaug.TrainedNetwork, data: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = popaug.search(popaug.toy_round, population=2, epochs=3, out=tmp_path / "run", show=False)
    values = [
        popaug.evaluate(trained, data=data, show=False), run, popaug.Audit(tmp_path, {"cells": []}),
        popaug.Choice(tmp_path, {"arms": []}), popaug.Comparison(tmp_path, {"arms": []}),
    ]  # fmt: skip
    monkeypatch.setitem(sys.modules, "pandas", None)
    for value in values:
        with pytest.raises(
            popaug.UsageError, match=rf"{type(value).__name__}\.to_dataframe needs pandas: pip install pandas"
        ):
            value.to_dataframe()


def test_import_is_quick() -> None:
    """By what is imported, not by a clock: NumPy, and nothing heavy until it is used."""
    code = "import sys, popaug; print(sorted({m.split('.')[0] for m in sys.modules} & {'torch','pandas','tqdm','IPython','ray'}))"
    code += "; popaug.search, popaug.train, popaug.compare; print(any(m in sys.modules for m in ('torch', 'pandas', 'tqdm')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nFalse\n"
