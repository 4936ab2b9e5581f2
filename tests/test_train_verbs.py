"""train, eval and predict on a folder of JPEGs; checkpoints in Python; a network of the user."""

import csv
import html
import io
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from popaug_program import PROGRAM, ROOT, done, refused
from popaug_program import popaug as program
from safetensors import safe_open
from safetensors.torch import load_file

import popaug.models

LIGHT = 'light, "bright" <größe>'
TINY = ["--network", "wrn-10-1", "--batch", 16, "--lr", 0.05]


def random_image(random: np.random.Generator, low: int) -> Image.Image:
    return Image.fromarray(random.integers(low, low + 128, (16, 16, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Two classes, told apart by brightness: 32 training and 8 test images of each, and 3 new ones."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(1)
    for split, count in (("train", 32), ("test", 8)):
        for label, low in (("dark", 0), (LIGHT, 128)):
            place = folder / "set" / split / label
            place.mkdir(parents=True)
            for i in range(count):
                random_image(random, low).save(place / f"{i}.jpg", quality=95)
    (folder / "new").mkdir()
    for name, low in (("night", 0), ("noon", 128)):
        random_image(random, low).resize((40, 40)).save(folder / "new" / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def network(photos: pathlib.Path) -> pathlib.Path:
    done("train", "--data", photos / "set", "--augment", "none", "--epochs", 8, *TINY, "--out", photos / "network")
    return photos / "network"


def test_eval_says_the_error(photos: pathlib.Path, network: pathlib.Path, tmp_path: pathlib.Path) -> None:
    result = json.loads(
        done("eval", network, "--data", photos / "set", "--json", "--confusion-csv", tmp_path / "c.csv")
    )
    assert result["images"] == 16
    rows = list(csv.reader((tmp_path / "c.csv").open()))
    assert rows[0][1:] == ["dark", LIGHT]
    matrix = np.array([[int(n) for n in row[1:]] for row in rows[1:]])
    assert matrix.sum(axis=1).tolist() == [8, 8]
    wrong = int(matrix.sum() - np.trace(matrix))
    assert wrong <= 2  # brightness alone tells the classes apart
    assert f"{100 * wrong / 16:.2f}" in done("eval", network, "--data", photos / "set")


def test_eval_says_how_far_confidence_is_from_accuracy(
    photos: pathlib.Path, network: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The expected calibration error, over 15 bins, from what predict says of every test image."""
    done("train", "--data", photos / "set", "--augment", "none", "--epochs", 1, *TINY, "--out", tmp_path / "weak")
    for run in (network, tmp_path / "weak"):
        rows = list(csv.DictReader(io.StringIO(done("predict", run, photos / "set" / "test"))))
        assert len(rows) == 16
        confidence = np.array([float(row["probability"]) for row in rows])
        right = np.array([row["class"] == pathlib.Path(row["file"]).parent.name for row in rows])
        bins = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
        gaps = [abs(float(np.sum(right[bins == b]) - np.sum(confidence[bins == b]))) for b in range(15)]
        said = json.loads(done("eval", run, "--data", photos / "set", "--json"))
        assert said["wrong"] == 16 - right.sum()
        assert said["calibration_error"] == pytest.approx(sum(gaps) / 16, abs=1e-4)
    assert sum(gaps) / 16 > 0.01  # the weak network is not calibrated, so the figure says something


def test_predict_labels_new_files(photos: pathlib.Path, network: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = done("predict", network, photos / "new")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [pathlib.Path(row["file"]).name for row in rows] == ["night.png", "noon.png"]
    assert [row["class"] for row in rows] == ["dark", LIGHT]
    assert all(0.5 <= float(row["probability"]) <= 1 for row in rows)
    done("predict", network, photos / "new", "--out", tmp_path / "labels.csv")
    assert (tmp_path / "labels.csv").read_text() == out
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    assert "broken.jpg" in refused(1, "predict", network, tmp_path / "broken.jpg")


def test_class_names_travel_everywhere(photos: pathlib.Path, network: pathlib.Path, tmp_path: pathlib.Path) -> None:
    metadata = safe_open(network / "best.safetensors", "pt").metadata()  # type: ignore[no-untyped-call]
    assert json.loads(metadata["popaug"])["classes"] == ["dark", LIGHT]
    run = tmp_path / "run"
    shutil.copytree(network, run)
    evaluate = ["eval", run, "--data", photos / "set"]
    told = done(*evaluate, "--json")
    assert [row["class"] for row in json.loads(told)["classes"]] == ["dark", LIGHT]
    assert LIGHT[:24] in done(*evaluate, "--confusion-svg", tmp_path / "c.svg")
    words = xml.etree.ElementTree.parse(tmp_path / "c.svg").getroot().itertext()
    assert any(word == LIGHT[:18] for word in words)
    (run / "eval.json").write_text(told)
    done("report", run)
    assert html.escape(LIGHT) in (run / "report.html").read_text()


def test_a_checkpoint_works_in_pytorch(photos: pathlib.Path, network: pathlib.Path) -> None:
    """Names, shapes, classes and normalisation: PyTorch gives the labels that predict gave."""
    path = network / "best.safetensors"
    about = json.loads(safe_open(path, "pt").metadata()["popaug"])  # type: ignore[no-untyped-call]
    model = popaug.models.build(about["network"], len(about["classes"]), about["channels"])
    model.load_state_dict(load_file(path))  # strict
    model.eval()
    rows = list(csv.DictReader(io.StringIO(done("predict", network, photos / "set" / "test"))))
    images = np.stack([np.asarray(Image.open(row["file"]).convert("RGB")) for row in rows])
    mean, std = (np.array(about["normalisation"][key], np.float32) for key in ("mean", "std"))
    x = torch.from_numpy(((images / np.float32(255) - mean) / std).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        probability, index = model(x).softmax(1).max(1)
    assert [about["classes"][i] for i in index.tolist()] == [row["class"] for row in rows]
    assert np.allclose(probability.numpy(), [float(row["probability"]) for row in rows], atol=1e-4)


def test_interrupted_training_goes_on_to_the_same_bytes(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    command = ["train", "--data", photos / "set", "--augment", "flipcrop", "--epochs", 150, *TINY]
    done(*command, "--out", tmp_path / "whole")
    out = tmp_path / "cut"
    assert "--resume" in refused(130, *command, "--out", out, env={"POPAUG_FAILPOINTS": "file.rename=stop@10"})
    assert 1 < (out / "progress.csv").read_text().count("\n") < 151
    done("train", "--out", out, "--resume")
    for name in ("best.safetensors", "progress.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (out / name).read_bytes(), name


def test_settings_of_photographs_are_a_runs_own(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Both change the training, stand in config.toml, and a resumed training keeps them."""
    base = ["train", "--data", photos / "set", "--augment", "flipcrop", "--epochs", 2, *TINY, "--size", 8]
    runs = {
        "plain": [],
        "crop": ["--resized-crop", 0.35],
        "tighter": ["--resized-crop", 0.08],
        "scaled": ["--scaled-decoding"],
    }
    weights = set()
    for name, flags in runs.items():
        done(*base, *flags, "--out", tmp_path / name)
        weights.add((tmp_path / name / "best.safetensors").read_bytes())
    assert len(weights) == len(runs)
    done(*base, "--resized-crop", 0.35, "--out", tmp_path / "again")
    assert (tmp_path / "again" / "best.safetensors").read_bytes() in weights
    configs = {name: tomllib.loads((tmp_path / name / "config.toml").read_text()) for name in runs}
    assert [configs[name]["augment"]["resized_crop"] for name in runs] == [0, 0.35, 0.08, 0]
    assert [configs[name]["data"]["scaled_decoding"] for name in runs] == [False, False, False, True]
    (tmp_path / "crop" / "result.json").unlink()  # as if killed before it was written
    resume = ["train", "--out", tmp_path / "crop", "--resume"]
    for other in (["--resized-crop", 0.5], ["--scaled-decoding"]):
        assert "other settings or data" in refused(1, *resume, *other)
    done(*resume)
    done("eval", tmp_path / "scaled", "--data", photos / "set", "--scaled-decoding")
    labels = ["predict", tmp_path / "scaled", photos / "set" / "test"]
    assert done(*labels) != done(*labels, "--scaled-decoding")
    for flags, sentence in (
        (["--resized-crop", 1.01], "--resized-crop: 1.01 is not in 0 .. 1"),
        (["--resized-crop", "nan"], "--resized-crop: nan is not in 0 .. 1"),
    ):
        assert sentence in refused(2, *base, *flags, "--out", tmp_path / "x")
    assert "give --size too" in refused(2, *base[:-2], "--scaled-decoding", "--out", tmp_path / "x")


def test_a_resized_crop_of_the_schedule_is_cut_from_the_larger_images_too(
    photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The weights are those of the same crop by --resized-crop."""
    base = ["train", "--data", photos / "set", "--epochs", 2, *TINY, "--size", 8]
    done(*base, "--augment", "flipcrop", "--resized-crop", 0.35, "--out", tmp_path / "by_flag")
    schedule = tmp_path / "by_flag" / "used.schedule.json"
    assert json.loads(schedule.read_text())["base"]["resized_crop"] == 0.35
    done(*base, "--schedule", schedule, "--out", tmp_path / "by_schedule")
    flag, own = (load_file(tmp_path / run / "best.safetensors") for run in ("by_flag", "by_schedule"))
    assert flag.keys() == own.keys()
    assert all(torch.equal(flag[name], own[name]) for name in flag)


def test_a_network_of_ones_own(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    script = ROOT / "examples" / "own-network" / "make_network.py"
    subprocess.run([sys.executable, script, "--classes", "2", tmp_path / "net.pt"], check=True)
    command = ["train", "--data", photos / "set", "--augment", "none", "--epochs", 6, "--model", tmp_path / "net.pt"]
    done(*command, "--batch", 16, "--out", tmp_path / "own")
    (tmp_path / "net.pt").unlink()  # the checkpoint carries it
    result = json.loads(done("eval", tmp_path / "own", "--data", photos / "set", "--json"))
    assert result["wrong"] <= 3
    subprocess.run([sys.executable, script, "--classes", "5", tmp_path / "five.pt"], check=True)
    text = refused(1, *command[:-1], tmp_path / "five.pt", "--batch", 16, "--out", tmp_path / "x")
    assert "5 numbers per image" in text
    (tmp_path / "bad.pt").write_bytes(os.urandom(100))
    assert "TorchScript" in refused(1, *command[:-1], tmp_path / "bad.pt", "--out", tmp_path / "y")


def test_bad_input_is_a_sentence(photos: pathlib.Path, network: pathlib.Path, tmp_path: pathlib.Path) -> None:
    data = photos / "set"
    command = ["train", "--data", data, "--augment", "none", "--epochs", 60]
    text = refused(1, *command, *TINY[:4], "--lr", 1000, "--clip", 0, "--lr-rule", "constant", "--out", tmp_path / "a")
    # Which of the two overflows first depends on the processor.
    what = r"diverged: the (loss|norm of the gradient) is .* at epoch \d+, step \d+"
    assert re.search(what + ", learning rate 1000; try a lower --lr", text)
    assert 'device "gpu" is not known' in refused(2, *command, *TINY, "--device", "gpu", "--out", tmp_path / "b")
    text = refused(1, *command, *TINY, "--device", "cuda:7", "--out", tmp_path / "c")
    assert "torch sees" in text
    # Another list of classes than the checkpoint's, another number of channels, a torn file.
    other = tmp_path / "other"
    shutil.copytree(data, other)
    (other / "train" / "dark").rename(other / "train" / "dim")
    (other / "test" / "dark").rename(other / "test" / "dim")
    text = refused(1, "eval", network, "--data", other)
    assert "of the class dim, which the network" in text and f"it knows dark, {LIGHT}" in text
    weights = (network / "best.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(weights[: len(weights) // 2])
    text = refused(1, "eval", tmp_path / "cut.safetensors", "--data", data)
    assert "cut.safetensors" in text
    text = refused(1, *command, *TINY, "--init", tmp_path / "cut.safetensors", "--out", tmp_path / "d")
    assert "cut.safetensors" in text


def test_too_little_memory_is_said_before_the_start(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Under a limit of address space that the program fits into, but not a batch of large images."""
    verbs: list[list[object]] = [
        ["train", "--augment", "none"],
        ["search", "--val-size", 16, "--population", 2],
        ["compare", "--arms", "none,flipcrop", "--seeds", 2],
        ["audit", "--val-size", 16, "--network", "wrn-28-2"],
        ["choose", "--val-size", 16, "--budget-images", 100000],
    ]
    for verb in verbs:
        command = [PROGRAM, *verb, "--data", photos / "set", "--size", 512, "--epochs", 1, "--batch", 32]
        process = subprocess.run(
            ["prlimit", f"--as={4 << 30}", *map(str, command), "--out", str(tmp_path / str(verb[0]))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert process.returncode == 1, process.stderr
        assert re.search(r"needs about .* of memory, but .* are free here; choose a smaller --batch", process.stderr)
        assert not (tmp_path / str(verb[0])).exists()


def test_a_worker_process_says_too_little_memory(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """It asks for itself, where it runs; the search ends with its sentence."""
    command = ["search", "--data", photos / "set", "--val-size", 16, "--population", 2, "--rounds", 1]
    command += ["--epochs-per-round", 1, "--size", 512, "--batch", 32, "--workers", 1, "--attempts", 1]
    worker = f"prlimit --as={4 << 30} {PROGRAM} worker"
    error = refused(1, *command, "--worker-cmd", worker, "--out", tmp_path / "run")
    assert re.search(r"training wrn-28-2 at batch 32 needs about .* of memory, but .* are free here", error)


@pytest.mark.parametrize("visit", range(1, 9))
def test_no_space_is_a_sentence(photos: pathlib.Path, tmp_path: pathlib.Path, visit: int) -> None:
    """Every write of a training in turn finds the disk full, and the training continues once there is space."""
    command = ["train", "--data", photos / "set", "--augment", "none", "--epochs", 2, *TINY, "--val-size", 16]
    full = {"POPAUG_FAILPOINTS": f"file.write=enospc*@{visit}"}
    process = program(*command, "--out", tmp_path / "run", env=full)
    if process.returncode == 0:
        assert visit > 6  # config, schedule, progress and weights were all written
        return
    assert process.returncode == 1, process.stderr
    assert "No space left on device. Free some space" in process.stderr.splitlines()[-1]
    assert process.stderr.count("popaug: ") == 1
    assert not list((tmp_path / "run").glob(".*.tmp"))
    resume = ["--resume"] if (tmp_path / "run/config.toml").exists() else []
    done(*command, "--out", tmp_path / "run", *resume)


def test_a_full_disk_for_real(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A small disk of its own, in a name space of its own, so that nothing stays mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = shlex.join(
        map(str, [PROGRAM, "train", "--data", photos / "set", "--augment", "none", "--epochs", 1, *TINY])
    )
    script = f"mount -t tmpfs -o size=256k tmpfs {disk} && touch {tmp_path}/mounted && {command} --out {disk}/run"
    process = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if not (tmp_path / "mounted").exists():
        return  # no right to mount here: the failpoints above cover it
    assert process.returncode == 1, process.stderr
    assert "safetensors: cannot write: No space left on device. Free some space" in process.stderr
