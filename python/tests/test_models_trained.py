"""popaug.models on what `popaug train` wrote: the logits of C++, and those of ONNX, for every family that trains in seconds."""

import csv
import io
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

import popaug.models as models

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", ROOT / "build"))
CLASSES = ("dark", "light", "red")
FAMILIES = ["wrn-10-1", "wrn-published-10-1", "resnet-20", "resnet-20-published", "resnet-18", "shake-shake-26-2x8d",
            "shake-shake-published-26-2x8d"]  # fmt: skip
if os.environ.get("POPAUG_LONG") == "1":
    FAMILIES += ["resnet-34", "resnet-50", "pyramidnet-272", "pyramidnet-published-272"]
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning"),
]


def popaug(*words: object) -> str:
    done = subprocess.run([str(BUILD / "popaug"), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(4)
    for split, count in (("train", 24), ("test", 4)):
        for name, light in zip(CLASSES, ((20, 20, 20), (120, 120, 120), (120, 20, 20)), strict=True):
            (folder / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(0, 128, (20, 20, 3)) + np.array(light)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / split / name / f"{i}.png")
    return folder


def trained(photos: pathlib.Path, out: pathlib.Path, *network: object) -> pathlib.Path:
    popaug("train", "--data", photos, "--augment", "flipcrop", "--epochs", 2, "--batch", 24, "--lr", 0.05, *network,
           "--out", out)  # fmt: skip
    return out / "best.safetensors"


def pixels_of(files: list[str], info: models.CheckpointInfo) -> Tensor:
    images = np.stack([np.asarray(Image.open(file)) for file in files]).transpose(0, 3, 1, 2)
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (info.mean, info.std))
    return (torch.from_numpy(images.copy()) / 255 - mean) / std


def logits_of_cpp(name: str, weights: dict[str, Tensor], x: Tensor, folder: pathlib.Path) -> dict[str, Tensor]:
    """The C++ network's logits under these weights, as "evaluation", after a step that only moves batch norm's averages,
    and these with all weights."""
    request = {"network": name, "classes": len(CLASSES), "lr": 0.0, "momentum": 0.0, "weight_decay": 0.0, "clip": 0.0,
               "label_smoothing": 0.0, "conv": "exact", "shards": 1}  # fmt: skip
    (folder / "request.json").write_text(json.dumps(request))
    inputs = {"images": x[None].contiguous(), "labels": torch.zeros(1, len(x), dtype=torch.int64)}
    kept = {k: v for k, v in weights.items() if not k.startswith("optimizer.") and not k.endswith("tracked")}
    save_file(inputs | kept, folder / "in")
    command = [BUILD / "network_trace", folder / "request.json", folder / "in", folder / "out"]
    subprocess.run(command, check=True)
    return load_file(folder / "out")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_trained_network_gives_the_same_logits(name: str, photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = trained(photos, tmp_path / "run", "--network", name)
    network, info = models.load(path)
    assert (info.network, info.classes, info.channels, info.height) == (name, CLASSES, 3, 20)
    rows = list(csv.DictReader(io.StringIO(popaug("predict", path, photos / "test"))))
    x = pixels_of([row["file"] for row in rows], info)
    with torch.no_grad():
        logits = network(x)
    probability, label = logits.softmax(1).max(1)
    assert [info.classes[i] for i in label] == [row["class"] for row in rows]
    assert np.allclose(probability, [float(row["probability"]) for row in rows], atol=1e-5, rtol=0)

    models.export_onnx(network, tmp_path / "n.onnx", info)
    session = onnxruntime.InferenceSession(str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"])
    (by_onnx,) = session.run(["logits"], {"images": x.numpy()})
    assert np.allclose(by_onnx, logits, atol=1e-5, rtol=1e-5)

    cpp = logits_of_cpp(name, load_file(path), x, tmp_path)
    moved = {k: v for k, v in cpp.items() if k in network.state_dict()}
    assert set(moved) == {k for k in network.state_dict() if not k.endswith("tracked")}
    assert all(torch.equal(moved[k], p) for k, p in network.named_parameters())  # the step had no size
    network.load_state_dict(moved, strict=False)
    with torch.no_grad():
        assert torch.allclose(network(x), cpp["evaluation"], atol=1e-5, rtol=1e-5)


def test_how_files_became_images_is_told(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """From the training to every file that the network is handed on in."""
    path = trained(photos, tmp_path / "run", "--network", "resnet-18", "--size", 16, "--fit", "crop")
    network, info = models.load(path)
    assert (info.fit, info.range, info.background, info.height) == ("crop", "full", "black", 16)
    models.save_weights(network, tmp_path / "weights.safetensors")
    assert models.load(tmp_path / "weights.safetensors")[1].fit == "crop"
    models.export_onnx(network, tmp_path / "n.onnx", info)
    metadata = onnxruntime.InferenceSession(str(tmp_path / "n.onnx")).get_modelmeta().custom_metadata_map
    assert json.loads(metadata["popaug"])["images"]["fit"] == "crop"


def test_the_member_of_a_search_is_loaded(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    popaug("search", "--data", photos, "--network", "wrn-10-1", "--population", 2, "--epochs", 1, "--epochs-per-round", 1,
           "--batch", 24, "--train-size", 36, "--val-size", 18, "--workers", 1, "--out", tmp_path / "run")  # fmt: skip
    network, info = models.load(tmp_path / "run" / "best.safetensors")
    (row,) = csv.DictReader(io.StringIO(popaug("predict", tmp_path / "run", photos / "test" / "red" / "0.png")))
    with torch.no_grad():
        probability = network(pixels_of([row["file"]], info)).softmax(1).max()
    assert float(probability) == pytest.approx(float(row["probability"]), abs=1e-5)


def test_a_network_of_ones_own_is_loaded(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    script = ROOT / "examples" / "own-network" / "make_network.py"
    subprocess.run([sys.executable, script, "--classes", "3", tmp_path / "net.pt"], check=True)
    path = trained(photos, tmp_path / "run", "--model", tmp_path / "net.pt")
    network, info = models.load(path)
    rows = list(csv.DictReader(io.StringIO(popaug("predict", path, photos / "test"))))
    with torch.no_grad():
        probability = network(pixels_of([row["file"] for row in rows], info)).softmax(1).max(1).values
    assert np.allclose(probability, [float(row["probability"]) for row in rows], atol=1e-5, rtol=0)
