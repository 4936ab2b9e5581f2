"""Recipes that albumentations.save wrote, by albumentations itself: its pixels, and what is refused before a training."""

from __future__ import annotations

import json
import os
import pathlib
import pickle
import subprocess
import sys
from typing import Any

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # importing it would ask a host for its newest release

import albumentations as A
import albumentations.pytorch
import numpy as np
import pytest

import popaug
from popaug import _recipe_arms
from popaug._seeding import seeded_each

IMAGES = np.random.default_rng(3).integers(0, 256, (6, 20, 20, 3), dtype=np.uint8)
NESTED = A.Compose(
    [
        A.OneOf([A.HorizontalFlip(p=1), A.Sequential([A.RandomBrightnessContrast(p=1), A.Blur(3, p=1)], p=1)], p=0.7),
        A.SomeOf([A.Affine(rotate=(-20, 20), p=1), A.ColorJitter(p=1), A.GaussNoise(p=1)], n=2, p=0.9),
        A.RandomOrder([A.ToGray(p=0.2), A.Posterize(p=0.3)], n=2),
        A.CoarseDropout(num_holes_range=(1, 2), p=0.5),
    ]
)
NUMBERS = [A.Normalize(), albumentations.pytorch.ToTensorV2()]


def saved(folder: pathlib.Path, pipeline: Any, name: str = "recipe.yaml") -> str:
    A.save(pipeline, folder / name, data_format=name.rsplit(".", maxsplit=1)[-1])
    return f"albumentations:{folder / name}"


def by_hand(pipeline: Any, images: Any, seed: int, first: int) -> np.ndarray:
    """Each image as albumentations makes it after the seeding that OwnTransform promises."""
    made = []
    with seeded_each() as seeds:
        for number, image in enumerate(images):
            pipeline.set_random_seed(seeds(seed, 0, 0, first + number) % (1 << 32))
            made.append(pipeline(image=image)["image"])
    return np.stack(made)


@pytest.mark.parametrize(
    "pipeline",
    [
        NESTED,
        A.ReplayCompose([A.RandomRotate90(p=0.5), A.HueSaturationValue(p=1)]),
        A.OneOrOther(A.VerticalFlip(p=1), A.CLAHE(p=1)),
        A.ElasticTransform(p=1),  # no Compose around it
    ],
    ids=["nested", "replay", "one or other", "single"],
)
@pytest.mark.parametrize("name", ["recipe.yaml", "recipe.json"])
def test_a_file_gives_albumentations_pixels(pipeline: Any, name: str, tmp_path: pathlib.Path) -> None:
    recipe = popaug.recipe(saved(tmp_path, pipeline, name))
    assert isinstance(recipe, popaug.OwnTransform)
    got = recipe(IMAGES, seed=4, samples=50)
    assert not np.array_equal(got, IMAGES) and np.array_equal(got, by_hand(pipeline, IMAGES, 4, 50))
    other = pickle.loads(pickle.dumps(recipe))
    assert other == recipe and np.array_equal(other(IMAGES, seed=4, samples=50), got)
    assert recipe.identity == other.identity == popaug.recipe(saved(tmp_path, pipeline, name)).identity
    assert recipe.identity != popaug.recipe(saved(tmp_path, A.Compose([pipeline, A.Blur()]), "other.json")).identity


def test_what_follows_the_augmentation_is_left_out(tmp_path: pathlib.Path) -> None:
    """Normalisation at the end, and what concerns boxes and points."""
    boxes = A.BboxParams("pascal_voc", label_fields=["labels"])
    whole = A.Compose([*NESTED.transforms, *NUMBERS], bbox_params=boxes, keypoint_params=A.KeypointParams("xy"), p=1.0)
    got = popaug.recipe(saved(tmp_path, whole))(IMAGES, seed=4, samples=50)
    assert np.array_equal(got, by_hand(A.Compose(NESTED.transforms), IMAGES, 4, 50))
    kept = [
        A.Compose([A.Normalize(), A.HorizontalFlip()]),
        A.Compose([A.Normalize()], p=0.5),
        A.Compose([A.Normalize(p=0.5)]),
        A.OneOf([A.HorizontalFlip(), A.Normalize()]),
    ]
    for pipeline in kept:
        with pytest.raises(
            popaug.UsageError, match="Normalize: a recipe gives bytes, and popaug normalises afterwards"
        ):
            popaug.recipe(saved(tmp_path, pipeline))


def test_grey_images(tmp_path: pathlib.Path) -> None:
    """By one channel; where a transform refuses that, by three equal ones, and grey again."""
    grey = np.ascontiguousarray(IMAGES[..., :1])
    got = popaug.recipe(saved(tmp_path, NESTED))(grey, seed=4, samples=50)
    assert got.shape == grey.shape and np.array_equal(got, by_hand(NESTED, grey, 4, 50))
    colours = A.Compose([A.ISONoise(p=1), A.RandomFog(p=1)])
    recipe = popaug.recipe(saved(tmp_path, colours))
    assert recipe(grey, samples=0).shape == grey.shape
    assert np.array_equal(recipe(IMAGES, seed=4, samples=50), by_hand(colours, IMAGES, 4, 50))


@pytest.mark.parametrize(
    ("pipeline", "sentence"),
    [
        (A.Mosaic(p=1), "Mosaic needs mosaic_metadata, and an arm has images alone"),
        (A.MaskDropout(p=1), "MaskDropout needs mask, and an arm has images alone"),
        (A.RandomSizedBBoxSafeCrop(16, 16), "RandomSizedBBoxSafeCrop: these need boxes, and an arm has images alone"),
        (A.CubicSymmetry(), "CubicSymmetry needs a volume, and an arm has images alone"),
        (A.Lambda(image=np.flip, name="mine"), "mine: the function of a Lambda is not in the file"),
    ],
)
def test_transforms_that_need_more_than_images(pipeline: Any, sentence: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.UsageError) as caught:
        popaug.recipe(saved(tmp_path, A.Compose([A.HorizontalFlip(), A.OneOf([pipeline, A.Blur()])])))
    assert sentence in str(caught.value)


def test_files_of_other_kinds(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "recipe.json"
    replay = A.ReplayCompose([A.HorizontalFlip(p=1)])(image=IMAGES[0])["replay"]
    for text, sentence in (
        (json.dumps(replay), "this one is a replay, which repeats the draws of one image"),
        ('{"transform": {}}', "a transform without"),
        ("[1]", "expected keys and values, as albumentations.save writes them"),
        ("{", "is not JSON"),
    ):
        path.write_text(text)
        with pytest.raises(popaug.UsageError, match=sentence):
            popaug.recipe(f"albumentations:{path}")
    unknown = {"__class_fullname__": "Compose", "transforms": [{"__class_fullname__": "HorizontalFlop", "p": 1},
               {"__class_fullname__": "OneOf", "transforms": [{"__class_fullname__": "my.package.Mine"}]}]}  # fmt: skip
    path.write_text(json.dumps({"transform": unknown}))
    with pytest.raises(popaug.UsageError) as caught:
        popaug.recipe(f"albumentations:{path}")
    assert 'does not have "HorizontalFlop" (nearest: "HorizontalFlip"), "my.package.Mine"' in str(caught.value)


def test_a_file_of_another_release(tmp_path: pathlib.Path) -> None:
    """albumentations takes its defaults in the place of arguments that it does not know: another recipe."""
    old = {"__class_fullname__": "GaussNoise", "always_apply": False, "p": 1.0, "var_limit": [10.0, 50.0], "mean": 0}
    flip = {"__class_fullname__": "HorizontalFlip", "always_apply": False, "p": 1.0}
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({"__version__": "1.3.1", "transform": {"__class_fullname__": "Compose", "p": 1.0,
                                "transforms": [flip, old]}}))  # fmt: skip
    with pytest.raises(popaug.UsageError) as caught:
        popaug.recipe(f"albumentations:{path}")
    assert f"written by albumentations 1.3.1, and albumentations {A.__version__} would pass over" in str(caught.value)
    assert "'var_limit, mean' are not valid for transform GaussNoise" in str(caught.value)
    path.write_text(json.dumps({"__version__": "1.3.1", "transform": flip}))
    assert np.array_equal(popaug.recipe(f"albumentations:{path}")(IMAGES, samples=0), IMAGES[:, :, ::-1])
    path.write_text(json.dumps({"__version__": A.__version__, "transform": {**flip, "p": "often"}}))
    with pytest.raises(popaug.UsageError, match=f"albumentations {A.__version__} refuses it: "):
        popaug.recipe(f"albumentations:{path}")


def test_an_arm_of_a_comparison(tmp_path: pathlib.Path) -> None:
    """In the command, beside others; the file's own flips are its only ones."""
    labels = np.arange(40) % 2
    random = np.random.default_rng(0)
    images = (random.integers(0, 120, (40, 16, 16, 3)) + 100 * labels[:, None, None, None]).astype(np.uint8)
    images[::8] = images[::8, :, :, :1]  # pictures that happen to be grey, in a set of colours
    np.savez(tmp_path / "set.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    arm = saved(tmp_path, A.Compose([A.ISONoise(p=0.5), *NESTED.transforms, *NUMBERS]))
    _recipe_arms.register(arm, arm)
    base = popaug.Schedule.baseline(arm).base
    assert (base.pad, base.flip) == (0, 0)
    words = ["--network", "wrn-10-1", "--batch", "20", "--epochs", "1", "--seeds", "2", "--out", str(tmp_path / "out")]
    script = "import sys; from popaug._program import main; sys.argv[0] = 'popaug'; main()"
    build = pathlib.Path(os.environ.get("POPAUG_BUILD", "build")).resolve()
    done = subprocess.run(
        [sys.executable, "-c", script, "compare", "--data", str(tmp_path / "set.npz"), "--arms", f"{arm},none", *words],
        capture_output=True, text=True, check=False, env=os.environ | {"PATH": f"{build}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{arm} " in done.stdout and (tmp_path / "out" / "compare.json").is_file()
