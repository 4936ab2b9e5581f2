"""The arm ultralytics:args.yaml beside Ultralytics itself, in the rivals' environment (bench/studies/rivals/setup), which no
test installs:

    PYTHONPATH=build/python bench/studies/rivals/.venv/bin/python bench/studies/rivals/check_recipes.py

Every argument of the installed Ultralytics is known, its default file is accepted, and for each kind of augmentation the
pixels are those of the transforms that Ultralytics makes, byte for byte. Ends with an error where one is not so.
"""

import pathlib
import tempfile

import numpy as np
import torch
import ultralytics
import yaml
from PIL import Image
from ultralytics.cfg import DEFAULT_CFG_DICT
from ultralytics.data.augment import classify_augmentations

import popaug

SIDE = 32
IMAGES = np.random.default_rng(0).integers(0, 256, (50, SIDE, SIDE, 3), dtype=np.uint8)
CASES: list[dict[str, object]] = [
    {"auto_augment": "randaugment"},
    {"auto_augment": "augmix", "scale": 0.2, "flipud": 0.3},
    {"auto_augment": "autoaugment", "fliplr": 0.0},
    {"auto_augment": None, "hsv_h": 0.1, "hsv_s": 0.5, "hsv_v": 0.3},
]


def recipe(folder: str, **values: object) -> popaug.OwnTransform:
    path = pathlib.Path(folder) / "args.yaml"
    path.write_text(yaml.safe_dump({**DEFAULT_CFG_DICT, "task": "classify", **values}))
    made = popaug.recipe(f"ultralytics:{path}")
    assert isinstance(made, popaug.OwnTransform)
    return made


def check(folder: str, case: dict[str, object]) -> None:
    chosen = {**DEFAULT_CFG_DICT, **case}
    # As ClassificationDataset calls it; the last three steps make a tensor, normalise and erase.
    theirs = classify_augmentations(
        size=SIDE, scale=(1.0 - chosen["scale"], 1.0), hflip=chosen["fliplr"], vflip=chosen["flipud"],
        auto_augment=chosen["auto_augment"], hsv_h=chosen["hsv_h"], hsv_s=chosen["hsv_s"], hsv_v=chosen["hsv_v"],
    )  # fmt: skip
    kinds = [type(step).__name__ for step in theirs.transforms[-3:]]
    assert kinds == ["ToTensor", "Normalize", "RandomErasing"], kinds
    theirs.transforms = theirs.transforms[:-3]
    ours = recipe(folder, **case, erasing=0.0).transform
    for number, image in enumerate(IMAGES):
        torch.manual_seed(number)
        want = np.asarray(theirs(Image.fromarray(image)))
        torch.manual_seed(number)
        assert np.array_equal(ours(image), want), (case, number)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe(folder)
        for case in CASES:
            check(folder, case)
    print(f"Ultralytics {ultralytics.__version__}: {len(DEFAULT_CFG_DICT)} arguments, {len(CASES)} recipes: as stated")


if __name__ == "__main__":
    main()
