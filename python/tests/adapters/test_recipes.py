"""Recipes of other libraries as arms and as schedules: the pixels are those of the library itself."""

import json
import pathlib
import random
import sys
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from recipe_training import IMAGES, SIDE, train
from timm.data.transforms_factory import create_transform
from torchvision.transforms import v2

import popaug
from popaug._recipes import check_timm
from popaug._seeding import seeded


def by_hand(transform: Any, seed: int, samples: range, images: Any = IMAGES) -> np.ndarray:
    """Each image as the library makes it after the seeding that OwnTransform promises."""
    made = []
    for sample, image in zip(samples, images, strict=True):
        with seeded(seed, 0, 0, sample):
            made.append(np.asarray(transform(Image.fromarray(image))))
    return np.stack(made)


@pytest.mark.parametrize(
    "text",
    [
        "rand-m9-mstd0.5-inc1", "rand-m9-n3-p0.75", "rand-m20-mmax30-n1", "rand-m7-mstd101", "rand-tweights-m5", "rand",
        "rand-t3aw-m4", "augmix-m5-w4-d2", "augmix-mstd0.3-a0.5-b1", "original-mstd0.5", "originalr", "v0", "v0r", "3a",
    ],
)  # fmt: skip
def test_timms_strings_give_timms_pixels(text: str) -> None:
    # create_transform() with the defaults of timm's training script, of which the augmentation alone is taken.
    _, augment, _ = create_transform(
        SIDE, is_training=True, auto_augment=text, separate=True, interpolation="random", mean=timm.data.IMAGENET_DEFAULT_MEAN,
        scale=(1, 1), color_jitter=0.0, hflip=0.0,
    )  # fmt: skip
    recipe = popaug.recipe(f"timm:{text}")
    assert isinstance(recipe, popaug.OwnTransform)
    got = recipe(IMAGES, seed=3, samples=100)
    assert np.array_equal(got, by_hand(augment, 3, range(100, 106)))
    assert not np.array_equal(got, IMAGES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rand-m9-q3", 'the part "q3" means nothing to timm'),
        ("rand-m9-n", 'the part "n" means nothing to timm'),  # timm passes over it
        ("rand-m9-", 'the part "" means nothing to timm'),
        ("rand-m9.5", 'the part "m9.5" means nothing to timm'),
        ("rand-m9-m3", '"m" is given twice'),
        ("rand-tweight", 'the part "tweight" means nothing to timm'),  # timm takes its default set
        ("rand-m9-inc2", 'the part "inc2" means nothing to timm'),
        ("rand-p1.5", '"p" is a probability'),
        ("rand-mstdinf", 'write "mstd101" for a uniform magnitude'),
        ("augmix-n2", 'the part "n2" means nothing to timm'),
        ("original-m3", 'the part "m3" means nothing to timm'),
        ("random-m9", 'timm knows no augmentation "random-m9"'),
    ],
)
def test_what_timm_would_pass_over_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(popaug.UsageError) as caught:
        popaug.recipe(f"timm:{text}")
    assert sentence in str(caught.value)


def test_what_is_accepted_is_understood_by_timm() -> None:
    """The kinds of sections of timm's own examples."""
    assert [check_timm(t) for t in ("rand-m9-n3-mstd0.5", "rand-mstd1-tweights", "augmix-m5-w4-d2", "original-mstd0.5")] == [
        "rand", "rand", "augmix", "original",
    ]  # fmt: skip


def test_torchvisions_policies_of_our_ops_are_schedules() -> None:
    assert popaug.recipe("torchvision:trivialaugmentwide") == popaug.TrivialAugment()
    assert popaug.recipe("torchvision:randaugment") == popaug.RandAugment(2, 9)
    assert popaug.recipe("torchvision:randaugment-1-14") == popaug.RandAugment(1, 14)
    assert popaug.recipe("torchvision:autoaugment-svhn") == popaug.AutoAugment("svhn")
    for name, transform in (
        ("augmix", v2.AugMix()),
        ("augmix-5", v2.AugMix(severity=5)),
        ("autoaugment-imagenet", v2.AutoAugment()),
    ):
        got = popaug.recipe(f"torchvision:{name}")(IMAGES, seed=1, samples=0)
        assert np.array_equal(got, by_hand(transform, 1, range(6)))
    for name in ("augmix-11", "augmix-0", "randaugment-1", "mosaic", "randaugment-x-y", "trivialaugmentwide-3"):
        with pytest.raises(popaug.UsageError, match="of torchvision there are"):
            popaug.recipe(f"torchvision:{name}")


def test_grey_images_stay_grey() -> None:
    grey = IMAGES[..., :1]
    got = popaug.recipe("rand-m9-n2")(grey, samples=0)
    assert got.shape == grey.shape and not np.array_equal(got, grey)


def test_a_recipe_in_a_pipeline_of_transforms() -> None:
    transform = popaug.torch.Transform(popaug.recipe("rand-m9"), output="same")
    torch.manual_seed(1)
    first = np.asarray(transform(Image.fromarray(IMAGES[0])))
    torch.manual_seed(1)
    assert np.array_equal(first, np.asarray(transform(Image.fromarray(IMAGES[0]))))


ARMS = ["timm:rand-m9-mstd0.5-inc1", "augmix-m3", "torchvision:randaugment-1-9", "none"]
SMALL: dict[str, Any] = {"seeds": 2, "epochs": 2, "show": False}


def scores(out: pathlib.Path) -> dict[tuple[str, int], float]:
    lines = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()[1:]]
    return {(line["arm"], line["seed"]): line["score"] for line in lines}


def test_recipes_are_arms_of_a_comparison(tmp_path: pathlib.Path) -> None:
    random.seed(5)
    popaug.compare(train, arms=ARMS, out=tmp_path / "one", **SMALL)
    popaug.compare(train, arms=ARMS, out=tmp_path / "two", workers=2, processes=True, **SMALL)
    first = scores(tmp_path / "one")
    assert {arm for arm, _ in first} == set(ARMS) and first == scores(tmp_path / "two")
    # Of another recipe under the same name, nothing is taken over; of the same one, all.
    popaug.compare(train, arms={ARMS[0]: "timm:rand-m9-mstd0.5-inc1"}, out=tmp_path / "one", resume=True, **SMALL)
    with pytest.raises(popaug.UsageError, match="with another transform"):
        popaug.compare(train, arms={ARMS[0]: "timm:rand-m8"}, out=tmp_path / "one", resume=True, **SMALL)
    with pytest.raises(popaug.UsageError, match='"q" means nothing to timm'):
        popaug.compare(train, arms=["timm:rand-q"], out=tmp_path / "three", **SMALL)
    assert not (tmp_path / "three").exists()


def test_what_is_no_recipe_or_not_installed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        popaug.UsageError, match=r'recipe "kornia:augmix"; expected timm:, torchvision:, albumentations: or'
    ):
        popaug.recipe("kornia:augmix")
    with pytest.raises(popaug.UsageError, match=r"expected a file \*.yaml or \*.json"):
        popaug.recipe("albumentations:recipe.txt")
    with pytest.raises(popaug.UsageError, match="there is no file"):
        popaug.recipe(f"albumentations:{tmp_path / 'recipe.yaml'}")
    (tmp_path / "recipe.yaml").write_text("transform: {}\n")
    for name, package in ((f"albumentations:{tmp_path}/recipe.yaml", "albumentations"), ("timm:rand-m9", "timm"),
                          ("torchvision:augmix", "torchvision")):  # fmt: skip
        for module in [m for m in sys.modules if m.split(".")[0] == package]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(popaug.UsageError, match=f"needs {package}: pip install {package}"):
            popaug.recipe(name)
