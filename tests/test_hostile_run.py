"""A run directory in which anything may lie under the names of a run: a worker, a disk or another user put it there.
A resume and a report end with a sentence, wait for nothing, and never write through a link or show what it leads to."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from popaug_program import PROGRAM, done, popaug

SECRET = "the combination is 1234\n"


def fifo(path: pathlib.Path, _: pathlib.Path) -> None:
    os.mkfifo(path)


def folder(path: pathlib.Path, _: pathlib.Path) -> None:
    path.mkdir()
    (path / "thesis.doc").write_text(SECRET)


def circle(path: pathlib.Path, _: pathlib.Path) -> None:
    path.symlink_to(path.name)


def dangling(path: pathlib.Path, elsewhere: pathlib.Path) -> None:
    path.symlink_to(elsewhere / "nowhere")


def endless(path: pathlib.Path, _: pathlib.Path) -> None:
    path.symlink_to("/dev/zero")


def foreign(path: pathlib.Path, elsewhere: pathlib.Path) -> None:
    path.symlink_to(elsewhere / "secret.txt")


def moved(path: pathlib.Path, elsewhere: pathlib.Path) -> None:
    """The file itself, moved away and linked to."""
    shutil.copy(kept(path), elsewhere / "moved")
    path.symlink_to(elsewhere / "moved")


def kept(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f"{path.name}.kept")


WAYS = [fifo, folder, circle, dangling, endless, foreign, moved]
Way = Callable[[pathlib.Path, pathlib.Path], None]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """A search that is finished, and one that was killed on its way."""
    runs = {name: tmp_path_factory.mktemp("search") / name for name in ("finished", "killed")}
    toy = ["search", "--trainer", "toy", "--population", 4, "--epochs", 9, "--epochs-per-round", 3, "--out"]
    done(*toy, runs["finished"])
    killed = popaug(*toy, runs["killed"], env={"POPAUG_FAILPOINTS": "append.sync=kill@8"})
    assert killed.returncode == -signal.SIGKILL
    return runs


NETWORK = ["--network", "wrn-10-1", "--batch", 20, "--val-size", 10]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("images")
    draw = np.random.default_rng(5)
    parts = {}
    for part, count in (("train", 40), ("test", 10)):
        parts[f"x_{part}"] = draw.integers(0, 256, (count, 16, 16, 3)).astype(np.uint8)
        parts[f"y_{part}"] = np.arange(count) % 2
    np.savez(out / "set.npz", **parts)
    return out / "set.npz"


@pytest.fixture(scope="module")
def training(images: pathlib.Path) -> pathlib.Path:
    run = images.parent / "training"
    done("train", "--data", images, *NETWORK, "--epochs", 2, "--augment", "trivial", "--out", run)
    return run


@pytest.fixture(scope="module")
def comparison(images: pathlib.Path) -> pathlib.Path:
    """With a screened arm, so that it has folders of screenings."""
    run = images.parent / "comparison"
    words = ["--epochs", 2, "--arms", "flipcrop,choose", "--trainings", 4, "--seeds", 1]
    done("compare", "--data", images, *NETWORK, *words, "--out", run)
    return run


def files(place: pathlib.Path) -> dict[str, object]:
    """What lies below a folder, links and FIFOs by their kind."""
    found: dict[str, object] = {}
    for path in place.rglob("*"):
        regular = path.is_file() and not path.is_symlink()
        found[str(path.relative_to(place))] = path.read_bytes() if regular else path.lstat().st_mode
    return found


def exchange(run: pathlib.Path, name: str, way: Way, place: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A copy of the run with something else under the name, and a folder with what a link leads to."""
    copy, elsewhere = place / "copy", place / "elsewhere"
    for old in (copy, elsewhere):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(run, copy)
    elsewhere.mkdir()
    (elsewhere / "secret.txt").write_text(SECRET)
    if (copy / name).exists():
        (copy / name).rename(kept(copy / name))
    else:  # a run has it only while it is under way
        kept(copy / name).touch()
    way(copy / name, elsewhere)
    kept(copy / name).unlink()
    return copy, elsewhere


def ends_with_a_sentence(*words: object) -> subprocess.CompletedProcess[str]:
    process = popaug(*words)
    assert process.returncode in {0, 1}, (words, process.returncode, process.stderr)
    assert process.returncode == 0 or "popaug: " in process.stderr, words
    return process


@pytest.mark.parametrize("state", ["finished", "killed"])
@pytest.mark.parametrize("way", WAYS)
def test_a_search_resumes_or_refuses(
    way: Way, state: str, search: dict[str, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    for name in sorted(path.name for path in search[state].iterdir() if path.is_file()):
        copy, elsewhere = exchange(search[state], name, way, tmp_path)
        before = files(elsewhere)
        process = ends_with_a_sentence("search", "--out", copy, "--resume")
        assert files(elsewhere) == before, name
        if way is folder:
            assert (copy / name / "thesis.doc").read_text() == SECRET
        elif name != "lock":
            assert process.returncode == 1, name
            assert name in process.stderr


@pytest.mark.parametrize("way", WAYS)
def test_a_report_shows_only_the_runs_own_files(
    way: Way,
    search: dict[str, pathlib.Path],
    training: pathlib.Path,
    comparison: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    for run in (search["finished"], training, comparison):
        for name in sorted(path.name for path in run.iterdir() if path.is_file()):
            copy, elsewhere = exchange(run, name, way, tmp_path)
            before = files(elsewhere), files(copy)
            for form in ("html", "md"):
                page = tmp_path / f"page.{form}"
                page.unlink(missing_ok=True)
                ends_with_a_sentence("report", copy, "--format", form, "-o", page)
                assert not page.exists() or SECRET.strip() not in page.read_text(), name
            assert (files(elsewhere), files(copy)) == before, name


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "run.log", "progress.csv", "config.toml"])
@pytest.mark.parametrize("way", [fifo, dangling, foreign])
def test_a_training_refuses(way: Way, name: str, training: pathlib.Path, tmp_path: pathlib.Path) -> None:
    copy, elsewhere = exchange(training, name, way, tmp_path)
    before = files(elsewhere)
    for file in ("last.safetensors", "result.json"):
        (copy / file).unlink()  # as if it were still under way
    process = ends_with_a_sentence("train", "--out", copy, "--resume")
    assert process.returncode == 1
    assert name in process.stderr
    assert files(elsewhere) == before


def test_a_damaged_schedule_of_a_training_is_written_again(training: pathlib.Path, tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(training, copy)
    for file in ("last.safetensors", "result.json"):
        (copy / file).unlink()
    used = copy / "used.schedule.json"
    whole = used.read_text()
    used.write_text(whole.replace('"probability":0.', '"probability":1.', 1).replace("Contrast", "COntrast", 1))
    assert used.read_text() != whole
    done("train", "--out", copy, "--resume")
    assert used.read_text() == whole
    assert (copy / "last.safetensors").read_bytes() == (training / "last.safetensors").read_bytes()


@pytest.mark.parametrize("way", [fifo, endless])
def test_a_network_of_a_run_is_read_without_waiting(
    way: Way, training: pathlib.Path, images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    copy, _ = exchange(training, "best.safetensors", way, tmp_path)
    Image.new("RGB", (16, 16)).save(tmp_path / "new.png")
    for words in (["predict", copy, tmp_path / "new.png"], ["eval", copy, "--data", images]):
        process = popaug(*words)
        assert process.returncode == 1, words
        assert "is not a regular file but a FIFO or a device" in process.stderr, words


@pytest.mark.parametrize("way", [fifo, endless])
def test_the_schedule_of_a_search_is_read_without_waiting(
    way: Way, search: dict[str, pathlib.Path], images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    copy, _ = exchange(search["finished"], "best.schedule.json", way, tmp_path)
    words = ["compare", "--data", images, *NETWORK, "--epochs", 1, "--run", copy, "--out", tmp_path / "out"]
    process = popaug(*words)
    assert process.returncode == 1
    assert "is not a regular file but a FIFO or a device" in process.stderr
    assert not (tmp_path / "out").exists()


def test_the_screenings_of_a_comparison_stay_in_its_folder(comparison: pathlib.Path, tmp_path: pathlib.Path) -> None:
    copy, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    shutil.copytree(comparison, copy)
    elsewhere.mkdir()
    (elsewhere / "flipcrop-1-validation-0.safetensors").write_text("precious")
    screening = next((copy / "screenings").iterdir())
    shutil.rmtree(screening)
    screening.symlink_to(elsewhere)
    process = popaug("compare", "--out", copy, "--resume")
    assert process.returncode == 1
    assert "is a symbolic link, but a run keeps its files in folders of its own" in process.stderr
    assert files(elsewhere) == {"flipcrop-1-validation-0.safetensors": b"precious"}


def test_the_events_of_a_search_stay_in_its_folder(search: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    copy, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    shutil.copytree(search["finished"], copy)
    words = ["report", copy, "--format", "tensorboard", "--no-images"]
    done(*words)
    (copy / "tensorboard").rename(elsewhere)
    (copy / "tensorboard").symlink_to(elsewhere)
    before = files(elsewhere)
    process = popaug(*words)
    assert process.returncode == 1
    assert "is a symbolic link" in process.stderr
    assert files(elsewhere) == before
    done(*words, "-o", copy / "tensorboard")  # which the user named


def fetch(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read(), "utf-8")


def test_the_live_page_shows_no_foreign_file(search: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    copy, elsewhere = exchange(search["finished"], "config.toml", foreign, tmp_path)
    (copy / "result.json").unlink()
    os.mkfifo(copy / "result.json")
    server = subprocess.Popen([PROGRAM, "serve", copy, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        url = server.stdout.readline().strip()
        page = fetch(f"{url}main.html")
        assert "The search is finished" in page
        assert "config.toml was left out" in page
        assert SECRET.strip() not in page
        for name in ("config.toml", "result.json"):
            with pytest.raises(urllib.error.HTTPError):
                fetch(f"{url}files/{name}")
    finally:
        server.terminate()
        assert server.wait() == 0
    assert (elsewhere / "secret.txt").read_text() == SECRET
