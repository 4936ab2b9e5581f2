"""Training, searching and evaluating on a GPU. Skipped where torch sees none."""

import json
import pathlib

import numpy as np
import pytest
import torch
from PIL import Image
from popaug_program import PROGRAM, done, refused
from safetensors.numpy import load_file

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")

TINY = ["--network", "wrn-10-1", "--batch", 16, "--lr", 0.05]
PLAIN = {"NVIDIA_TF32_OVERRIDE": "0"}  # float32 throughout, as a CPU computes


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Two classes, told apart by brightness: 64 training and 16 test images of each."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(1)
    for split, count in (("train", 64), ("test", 16)):
        for label, low in (("dark", 0), ("light", 100)):
            (folder / split / label).mkdir(parents=True)
            for i in range(count):
                image = random.integers(low, low + 128, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(image).save(folder / split / label / f"{i}.png")
    return folder


def weights(run: pathlib.Path) -> dict[str, np.ndarray]:
    return {name: value for name, value in load_file(run / "last.safetensors").items() if value.dtype == np.float32}


def flat(tensors: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([tensors[name].ravel().astype(np.float64) for name in sorted(tensors)])


@pytest.mark.parametrize(
    "network", ["wrn-10-1", "resnet-20", "resnet-18", "shake-shake-26-2x32d", "pyramidnet-272", "wrn-published-28-2"]
)
def test_a_step_is_the_cpus(network: str, photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The first step moves the weights as on a CPU: the same start, images and draws."""
    flags = ["train", "--data", photos, "--network", network, "--batch", 16, "--train-size", 16, "--epochs", 1]
    flags += ["--lr-rule", "constant", "--warmup-steps", 0, "--conv", "exact", "--augment", "flipcrop"]
    moved = {}
    for device, env in (("cpu", {}), ("cuda", PLAIN)):
        done(*flags, "--lr", 1e-9, "--device", device, "--out", tmp_path / f"start-{device}", env=env)
        done(*flags, "--lr", 0.1, "--device", device, "--out", tmp_path / f"step-{device}", env=env)
        start, step = flat(weights(tmp_path / f"start-{device}")), flat(weights(tmp_path / f"step-{device}"))
        moved[device] = step - start
        assert np.linalg.norm(moved[device]) > 0
    # Another order of adding turns a ReLU here and there; over 16 images that has moved a step by half a percent.
    assert np.linalg.norm(moved["cuda"] - moved["cpu"]) < 1e-2 * np.linalg.norm(moved["cpu"])


@pytest.mark.parametrize("flags", [[], ["--mixed-precision"], ["--shards", 2]], ids=["float32", "mixed", "shards"])
def test_trains_and_says_the_same_everywhere(flags: list[object], photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = tmp_path / "run"
    train = ["train", "--data", photos, *TINY, "--augment", "trivial", "--epochs", 8, "--device", "cuda"]
    done(*train, *flags, "--out", run)
    said = {
        device: json.loads(done("eval", run, "--data", photos, "--json", "--device", device))
        for device in ("cpu", "cuda")
    }
    assert said["cuda"]["images"] == 32
    assert said["cuda"]["wrong"] <= 3  # brightness alone tells the classes apart
    assert abs(said["cuda"]["wrong"] - said["cpu"]["wrong"]) <= 1
    assert said["cuda"]["loss"] == pytest.approx(said["cpu"]["loss"], rel=0.02, abs=0.005)


def test_a_finished_training_is_left_alone(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = tmp_path / "run"
    done("train", "--data", photos, *TINY, "--augment", "none", "--epochs", 3, "--device", "cuda", "--out", run)
    first = (run / "progress.csv").read_text()
    assert len(first.splitlines()) == 4
    assert "finished" in refused(1, "train", "--resume", "--out", run)


@pytest.mark.parametrize(
    ("workers", "ways"),
    [(1, []), (3, ["--workers", 3]), (2, ["--workers", 2, "--worker-cmd", f"{PROGRAM} worker"])],
    ids=["one", "turns", "processes"],
)
def test_members_share_a_gpu(workers: int, ways: list[object], photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = tmp_path / "run"
    flags = ["search", "--data", photos, *TINY, "--train-size", 64, "--val-size", 64, "--population", 4, "--rounds", 3]
    flags += ["--epochs", 6, "--epochs-per-round", 2, "--start", "random", "--device", "cuda"]
    done(*flags, *ways, "--out", run)
    assert json.loads((run / "best.schedule.json").read_text())["segments"]
    rows = [json.loads(line) for line in (run / "run.log").read_text().splitlines()]
    assert sum(row["event"] == "result" for row in rows) == 12
    assert [row["workers"] for row in rows if row["event"] == "workers"] == [workers]
    done("train", "--data", photos, *TINY, "--schedule", run / "best.schedule.json", "--epochs", 2, "--device", "cuda",
         "--out", tmp_path / "net")  # fmt: skip


def test_two_devices_are_spread_over(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """One GPU named twice is two places."""
    flags = ["search", "--data", photos, *TINY, "--train-size", 64, "--val-size", 64, "--population", 4, "--rounds", 2]
    flags += ["--epochs", 2, "--epochs-per-round", 1, "--workers", 2, "--mixed-precision"]
    done(*flags, "--device", "cuda:0,cuda:0", "--out", tmp_path / "run")


def test_a_network_of_ones_own(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 2),
    )
    torch.jit.script(net).save(str(tmp_path / "net.pt"))
    run = tmp_path / "run"
    flags = ["--model", tmp_path / "net.pt", "--augment", "none", "--epochs", 12, "--batch", 16, "--lr", 0.05]
    done("train", "--data", photos, *flags, "--device", "cuda", "--out", run)
    assert json.loads(done("eval", run, "--data", photos, "--json", "--device", "auto"))["wrong"] <= 6


def test_diverged_training_is_said(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    flags = ["--network", "wrn-10-1", "--batch", 16, "--lr", 1e20, "--clip", 0, "--epochs", 4, "--device", "cuda"]
    assert "training diverged" in refused(1, "train", "--data", photos, *flags, "--out", tmp_path / "run")


def test_a_gpu_that_is_not_there(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    many = torch.cuda.device_count()
    text = refused(1, "train", "--data", photos, *TINY, "--device", f"cuda:{many}", "--out", tmp_path / "run")
    assert f"torch sees {many} CUDA devices" in text
