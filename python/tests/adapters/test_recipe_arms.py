"""Recipes of other libraries as arms of the program: its command, its experiments, and what they refuse."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

import popaug
from popaug import _core, _program, _recipe_arms
from popaug._ultralytics import Classification

PROGRAM = pathlib.Path(os.environ.get("POPAUG_BUILD", "build")) / "popaug"
SMALL = {"network": "wrn-10-1", "batch": 20, "workers": 1}
# The command of the wheel, where torchvision can be imported.
WHEEL = "import sys, torchvision_operators; from popaug._program import main; sys.argv[0] = 'popaug'; main()"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    random = np.random.default_rng(0)
    labels = np.arange(64) % 2
    images = (random.integers(0, 120, (64, 16, 16, 3)) + 100 * labels[:, None, None, None]).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "set.npz"
    np.savez(
        path, train_images=images[:40], train_labels=labels[:40].astype(np.uint8), test_images=images[40:],
        test_labels=labels[40:].astype(np.uint8),
    )  # fmt: skip
    return path


def wheel(*words: object) -> subprocess.CompletedProcess[str]:
    """As the command popaug of the wheel."""
    here = os.fspath(pathlib.Path(__file__).parent)
    path = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", WHEEL, *map(str, words)], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": path, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"},
    )  # fmt: skip


def lines(out: pathlib.Path) -> dict[tuple[str, int], Any]:
    read = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()[1:]]
    return {
        (line["arm"], line["seed"]): {k: v for k, v in line.items() if k not in ("seconds", "check")} for line in read
    }


def test_the_command_compares_recipes_as_python_does(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    arms = ["timm:rand-m9-mstd0.5-inc1", "torchvision:augmix-2+noflip", "flipcrop"]
    flags = ["--data", data, "--seeds", 2, "--epochs", 2, "--network", "wrn-10-1", "--batch", 20]
    done = wheel("compare", *flags, "--arms", ",".join(arms), "--workers", 2, "--out", tmp_path / "there")
    assert done.returncode == 0, done.stderr
    assert "timm:rand-m9-mstd0.5-inc1" in done.stdout and "compare.json" in done.stdout
    found = popaug.compare(data=data, arms=arms, seeds=2, epochs=2, out=tmp_path / "here", show=False, **SMALL)
    # The same networks, whatever the number of workers and whoever asks.
    assert lines(tmp_path / "here") == lines(tmp_path / "there") and len(lines(tmp_path / "here")) == 6
    assert {arm["name"] for arm in found.arms} == set(arms)
    schedules = {arm: line["schedule"] for (arm, _), line in lines(tmp_path / "here").items()}
    assert len(set(schedules.values())) == 3
    # A resume finds the recipes in plan.json, and adds a seed.
    popaug.compare(out=tmp_path / "there", resume=True, seeds=3, show=False)
    assert len(lines(tmp_path / "there")) == 9


def test_an_arm_is_what_the_library_makes_of_an_image() -> None:
    """The op of an arm gets the pixels and gives those of the library after the same seeding."""
    _recipe_arms.register("torchvision:augmix-4", "torchvision:augmix-4")
    schedule = popaug.Schedule.baseline("torchvision:augmix-4")
    assert (schedule.base.pad, schedule.base.flip) == (4, 0.5)
    bare = schedule.with_base("none")
    images = np.random.default_rng(1).integers(0, 256, (6, 20, 20, 3), dtype=np.uint8)
    got = bare(images, samples=3)
    assert got.shape == images.shape and not np.array_equal(got, images)
    assert np.array_equal(got, bare(images, samples=3)) and not np.array_equal(got, bare(images, samples=4))
    grey = bare(np.ascontiguousarray(images[..., :1]), samples=3)
    assert grey.shape == (6, 20, 20, 1)
    by_hand = []
    own = popaug.recipe("torchvision:augmix-4")
    assert isinstance(own, popaug.OwnTransform)
    seen: list[np.ndarray] = []
    _recipe_arms.register("copy", lambda image: (seen.append(image.copy()), image)[1])
    popaug.Schedule.baseline("copy")(images, samples=0)
    for image, came in zip(images, seen, strict=True):
        by_hand.append(np.array_equal(image, came))
    assert all(by_hand)


@pytest.mark.parametrize("verb", ["compare", "choose", "audit", "train"])
def test_the_plain_program_says_how_to_run_them(verb: str, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    flag = {"compare": "--arms", "choose": "--arms", "audit": "--recipe", "train": "--augment"}[verb]
    names = "timm:rand-m9" if verb == "train" else "timm:rand-m9,flipcrop"
    done = subprocess.run(
        [PROGRAM, verb, "--data", data, flag, names, "--epochs", "1", "--network", "wrn-10-1", "--out", tmp_path / "run"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert '"timm:rand-m9" is a recipe of another library' in done.stderr and "Python package" in done.stderr


def test_the_command_refuses_by_the_recipes_own_sentences(
    data: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["popaug", "compare", "--data", data, "--arms", "timm:rand-m9-q3,flipcrop", "--out", tmp_path / "run"]
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    monkeypatch.setenv("PATH", os.fspath(PROGRAM.parent), prepend=os.pathsep)
    monkeypatch.setattr(_recipe_arms, "in_program", False)
    with pytest.raises(SystemExit) as caught:
        _program.main()
    assert caught.value.code == 2
    assert 'popaug: "rand-m9-q3": the part "q3" means nothing to timm' in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_which_commands_name_recipes(tmp_path: pathlib.Path) -> None:
    of = _program.recipes_of
    assert of(["compare", "--arms", "trivial-0.5,timm:rand-m9+cutmix-0.3+clean@20,timm:rand-m9"]) == ["timm:rand-m9"]
    assert of(["train", "--augment=torchvision:augmix"]) == ["torchvision:augmix"]
    assert of(["audit", "--recipe", "augmix-m5,none"]) == ["augmix-m5"]
    assert of(["search", "--arms", "timm:rand-m9"]) == of([]) == of(["compare", "--arms"]) == []
    (tmp_path / "config.toml").write_text("[choose]\narms = 'timm:3a,flipcrop'\n")
    assert of(["choose", "--out", str(tmp_path), "--resume"]) == ["timm:3a"]
    assert of(["choose", "--config", str(tmp_path / "config.toml")]) == ["timm:3a"]
    (tmp_path / "plan.json").write_text("not JSON")
    assert of(["compare", "--out", str(tmp_path), "--resume"]) == ["timm:3a"]


def test_recipes_are_audited_and_chosen(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    options: dict[str, Any] = {"data": data, "show": False, **SMALL}
    audit = popaug.audit(
        tmp_path / "audit", recipe=["timm:rand-m9", "trivial"], seeds=2, epochs=1, val_size=10, **options
    )
    cell = audit.cells[0]
    assert cell["op"] == "timm:rand-m9" and cell["diversity"] != 1
    names = ["flipcrop", "timm:augmix-m3"]
    chosen = popaug.choose(tmp_path / "chosen", arms=names, trainings=4, epochs=1, **options)
    assert chosen.winner in names
    # A finished screening is read again; the recipe comes from its config.toml.
    assert popaug.choose(tmp_path / "chosen", resume=True, show=False).to_json() == chosen.to_json()


# --- Ultralytics -----------------------------------------------------------------------------------


def write(path: pathlib.Path, **values: Any) -> str:
    usual = {
        "task": "classify",
        "mode": "train",
        "epochs": 100,
        "imgsz": 64,
        "translate": 0.1,
        "mosaic": 1.0,
        "mixup": 0.0,
    }
    (path / "args.yaml").write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in (usual | values).items()))
    return f"ultralytics:{path / 'args.yaml'}"


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ({"auto_augment": "randaugment"}, transforms.RandAugment),
        ({"auto_augment": "augmix", "scale": 0.2}, transforms.AugMix),
        ({"auto_augment": "autoaugment", "flipud": 0.3}, transforms.AutoAugment),
        ({"auto_augment": "", "hsv_h": 0.1, "fliplr": 0}, None),
    ],
)
def test_ultralytics_steps_are_torchvisions(values: dict[str, Any], step: Any, tmp_path: pathlib.Path) -> None:
    chosen = {"scale": 0.5, "fliplr": 0.5, "flipud": 0.0, "hsv_h": 0.015, "hsv_s": 0.7, "hsv_v": 0.4} | values
    mode = transforms.InterpolationMode.BILINEAR
    steps = [transforms.RandomResizedCrop((24, 18), scale=(1 - chosen["scale"], 1.0), interpolation=mode)]
    steps += [transforms.RandomHorizontalFlip(chosen["fliplr"])] * (chosen["fliplr"] > 0)
    steps += [transforms.RandomVerticalFlip(chosen["flipud"])] * (chosen["flipud"] > 0)
    steps.append(step(interpolation=mode) if step else transforms.ColorJitter(0.4, 0.4, 0.7, chosen["hsv_h"]))
    by_hand = transforms.Compose(steps)
    recipe = popaug.recipe(write(tmp_path, erasing=0.0, **values))
    assert isinstance(recipe, popaug.OwnTransform)
    images = np.random.default_rng(2).integers(0, 256, (4, 24, 18, 3), dtype=np.uint8)
    for number, image in enumerate(images):
        torch.manual_seed(number)
        want = np.asarray(by_hand(Image.fromarray(image)))
        torch.manual_seed(number)
        assert np.array_equal(recipe.transform(image), want)
    assert recipe(images[..., :1], samples=0).shape == (4, 24, 18, 1)


def test_ultralytics_erases_to_the_mean(tmp_path: pathlib.Path) -> None:
    """As after normalisation: torchvision's rectangle is 0, so here it is a hole."""
    name = write(tmp_path, erasing=1.0, scale=0.0, fliplr=0.0, auto_augment=None, hsv_h=0, hsv_s=0, hsv_v=0)
    _recipe_arms.register(name, name)
    images = np.full((64, 20, 20, 3), 200, np.uint8)
    made = popaug.Schedule.baseline(name)(images, samples=0, output="float32", mean=[0.5] * 3, std=[0.25] * 3)
    shares = [(image == 0).mean() for image in made]
    assert np.allclose(made[made != 0], (200 / 255 - 0.5) / 0.25)
    assert min(shares) > 0.005 and max(shares) < 0.4
    torch.manual_seed(0)
    erase = transforms.RandomErasing(p=1.0)
    theirs = [(erase(torch.ones(3, 20, 20)) == 0).float().mean().item() for _ in range(1000)]
    assert abs(np.mean(shares) - np.mean(theirs)) < 4 * np.std(theirs) / 8
    with pytest.raises(popaug.UsageError, match=r"erasing: 1.0: Ultralytics erases after normalisation"):
        popaug.recipe(name)(images, samples=0)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"degrees": 10, "mixup": 0.2}, "does not apply degrees: 10, mixup: 0.2 when it trains a classifier"),
        (
            {"flplr": 0.5, "hsvh": 0.1},
            'not arguments of Ultralytics 8.4: "flplr" (nearest: "fliplr"), "hsvh" (nearest: "hsv_h")',
        ),
        ({"task": "detect"}, "is of the task detect; expected classify"),
        ({"auto_augment": "randaug"}, 'auto_augment: "randaug" (nearest: "randaugment")'),
        ({"hsv_s": 7}, "hsv_s: 7; expected a number in 0 .. 1"),
        ({"erasing": "a lot"}, "erasing: a lot; expected a number in 0 .. 1"),
        ({"scale": 1.0}, "scale: 1 crops parts without area"),
    ],
)
def test_what_ultralytics_would_not_do_is_refused(
    values: dict[str, Any], sentence: str, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(popaug.UsageError) as caught:
        popaug.recipe(write(tmp_path, **values))
    assert sentence in str(caught.value)


def test_a_file_that_ultralytics_wrote() -> None:
    """The args.yaml of a training of one epoch by Ultralytics 8.4.190, with all that it writes."""
    recipe = popaug.recipe(f"ultralytics:{pathlib.Path(__file__).parent / 'ultralytics_args.yaml'}")
    assert isinstance(recipe, popaug.OwnTransform)
    assert "'erasing': 0.4, 'auto_augment': 'randaugment'" in repr(recipe)


def test_files_that_are_none(tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.UsageError, match="No such file"):
        popaug.recipe(f"ultralytics:{tmp_path / 'args.yaml'}")
    for text, sentence in (("- a\n", "expected keys and values"), ("a: [\n", "is not YAML"), ("\x00", "is not YAML")):
        (tmp_path / "args.yaml").write_text(text)
        with pytest.raises(popaug.UsageError, match=sentence):
            popaug.recipe(f"ultralytics:{tmp_path / 'args.yaml'}")
    with pytest.raises(popaug.UsageError, match=r"expected the args.yaml"):
        popaug.recipe("ultralytics:args.json")
    assert repr(Classification("x", {"scale": 0.1})) != repr(Classification("x", {"scale": 0.2}))


def test_built_in_names_are_kept() -> None:
    with pytest.raises(popaug.UsageError, match=r'baseline "trivial-0.5" is a built-in one'):
        _core.register_baseline("trivial-0.5", json.dumps(popaug.TrivialAugment().to_json()))
