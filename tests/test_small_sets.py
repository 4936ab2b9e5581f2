"""Defaults and presets fit the set: a photographs folder of any size works without a word about sizes."""

import json
import pathlib
import re
import tomllib

import numpy as np
import pytest
from PIL import Image
from popaug_program import done, popaug, refused

SHORT = ["--network", "wrn-10-1", "--size", 16, "--epochs", 2]
SCREENED = ("best", "photos", "finetune", "finetune-224")


def make_set(folder: pathlib.Path, sizes: dict[str, int]) -> pathlib.Path:
    """Noise in as many classes as `sizes` has, with two test images each."""
    random = np.random.default_rng(5)
    for label, count in sizes.items():
        for split, images in (("train", count), ("test", 2)):
            place = folder / split / label
            place.mkdir(parents=True)
            for i in range(images):
                Image.fromarray(random.integers(0, 256, (20, 18, 3), dtype=np.uint8)).save(place / f"{i}.jpg")
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return make_set(tmp_path_factory.mktemp("tiny") / "photos", {"cat": 2, "dog": 2})


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return make_set(tmp_path_factory.mktemp("uneven") / "photos", {"cat": 300, "dog": 90, "owl": 2})


def preset_names(verb: str) -> list[str]:
    known = re.search(r"known: ([^)]*)\)", refused(2, verb, "--preset", "?????????????????"))
    assert known
    return known[1].split(", ")


PRESETS = preset_names("search")


def search(data: pathlib.Path, out: pathlib.Path, *flags: object) -> str:
    preset = str(flags[flags.index("--preset") + 1])
    small = ["--trainings", 4] if preset in SCREENED else ["--population", 2, "--epochs-per-round", 1]
    process = popaug("search", "--data", data, *SHORT, *small, *flags, "--out", out)
    assert process.returncode == 0, process.stderr
    return process.stderr


def parts(run: pathlib.Path) -> tuple[int, int]:
    split = json.loads((run / "split.json").read_text())
    return len(split["train"]), len(split["validation"])


def test_there_are_presets() -> None:
    assert {"best", "pba", "photos", "finetune", "paper-rcifar10"} <= set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_works_on_two_images_a_class(preset: str, tiny: pathlib.Path, tmp_path: pathlib.Path) -> None:
    # Without pretrained weights there is nothing to train a classifier on.
    scratch = ["--head-epochs", 0] if preset.startswith("finetune") else []
    said = search(tiny, tmp_path / "run", "--preset", preset, *scratch)
    assert parts(tmp_path / "run") == (2, 2)
    if preset not in SCREENED:  # with folds, every image validates
        assert "2 of the 4 labelled images validate" in said
    train = ["train", "--data", tiny, "--preset", preset, "--network", "wrn-10-1", "--size", 16, "--epochs", 1]
    done(*train, *scratch, "--augment", "flipcrop", "--out", tmp_path / "network")


def test_a_quarter_validates_in_every_class(uneven: pathlib.Path, tmp_path: pathlib.Path) -> None:
    said = search(uneven, tmp_path / "run", "--preset", "pba")
    assert said.count("98 of the 392 labelled images validate") == 1
    split = json.loads((tmp_path / "run" / "split.json").read_text())
    # Classes come in the order of their names, and so do the images of a folder.
    labels = np.repeat(np.arange(3), [300, 90, 2])
    assert np.bincount(labels[split["validation"]]).tolist() == [75, 22, 1]
    assert np.bincount(labels[split["train"]]).tolist() == [225, 68, 1]


def test_a_preset_keeps_its_sizes_where_the_set_has_them(uneven: pathlib.Path, tmp_path: pathlib.Path) -> None:
    said = search(uneven, tmp_path / "run", "--preset", "paper-rcifar10", "--train-size", 60, "--val-size", 40)
    assert parts(tmp_path / "run") == (60, 40)
    assert "the preset asks" not in said
    said = search(uneven, tmp_path / "other", "--preset", "paper-rcifar10", "--train-size", 60)
    assert parts(tmp_path / "other") == (60, 98)
    assert "the preset asks for 46000 validation images" in said


@pytest.mark.parametrize(
    ("flags", "batch", "said"),
    [
        (["--preset", "best"], 16, True),  # an epoch has at least sixteen steps
        (["--preset", "best", "--batch", 100], 100, False),
        (["--preset", "paper-rsvhn-wrn-28-10"], 128, False),  # published numbers stay
        (["--preset", "finetune", "--head-epochs", 0, "--train-size", 60], 8, True),
    ],
)
def test_a_batch_that_was_not_asked_for_fits_the_set(
    flags: list[object], batch: int, said: bool, uneven: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    short = ["--augment", "none", "--epochs", 1, "--size", 8, "--network", "wrn-10-1"]
    process = popaug("train", "--data", uneven, *flags, *short, "--out", tmp_path / "run")
    assert process.returncode == 0, process.stderr
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert config["training"]["batch"] == batch
    assert (f"the batch is {batch} images instead of" in process.stderr) == said


@pytest.mark.parametrize(("flags", "batch"), [([], 16), (["--batch", 128], 128)])
def test_the_next_command_trains_with_the_batch_of_the_search(
    flags: list[object], batch: int, uneven: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    screen = ["search", "--data", uneven, *SHORT, "--preset", "best", "--trainings", 4, *flags]
    said = done(*screen, "--out", tmp_path / "run")
    assert re.search(rf"popaug train .* --batch {batch} --out", said)


def test_a_run_that_was_fitted_resumes(tiny: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "run"
    said = search(tiny, out, "--preset", "paper-rcifar10")
    assert "the batch is 2 images instead of 128" in said
    config = tomllib.loads((out / "config.toml").read_text())
    assert (config["data"]["train_size"], config["data"]["val_size"], config["training"]["batch"]) == (0, 0, 2)
    before = (out / "journal.jsonl").read_bytes()
    done("search", "--out", out, "--resume")
    assert (out / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "works"),
    [
        (["--val-size", 392], ["--val-size", 98]),
        (["--train-size", 300, "--val-size", 200], ["--val-size", 98]),
        (["--train-size", 392], ["--train-size", 294]),
        (["--val-size", 2], ["--val-size", 3]),
        (["--batch", 400], ["--batch", 294]),
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_an_error_names_the_flag_and_a_value_that_works(
    flags: list[object], works: list[object], uneven: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    command = ["search", "--data", uneven, *SHORT]
    said = refused(2, *command, *flags, "--out", tmp_path / "run")
    assert f"give {works[0]} {works[1]}" in said
    done(*command, *works, "--out", tmp_path / "run")
