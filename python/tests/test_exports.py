"""The stand-alone file of `popaug schedule export --to python`: its epoch, its generator, the kinds of images it takes."""

import ast
import copy
import importlib.util
import json
import os
import pathlib
import random
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import popaug
import popaug.torch
from popaug import _arguments

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", ROOT / "build"))
PIXELS = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def exported(folder: pathlib.Path, schedule: str) -> Any:
    path = folder / f"exported_{re.sub(r'[^a-z0-9]', '_', pathlib.Path(schedule).name)}.py"
    command = [BUILD / "popaug", "schedule", "export", schedule, "--to", "python", "-o", path]
    subprocess.run(command, check=True, capture_output=True)
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module  # spawned workers import it by name
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return exported(tmp_path_factory.mktemp("export"), "rcifar10-paper")


def test_the_epoch_is_unset_until_it_is_set(learned: Any, tmp_path: pathlib.Path) -> None:
    transform = learned.ScheduleTransform()
    with pytest.raises(RuntimeError, match="the epoch was never set: call set_epoch"):
        transform(Image.fromarray(PIXELS))
    for wrong in (-1, 2.5):
        with pytest.raises(ValueError, match="count from 0"):
            transform.set_epoch(wrong)
    exported(tmp_path, "trivial").ScheduleTransform()(Image.fromarray(PIXELS))  # one policy needs no epoch


class Epochs(Dataset[int]):
    """Items are the epoch that a worker sees."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        epoch: int = self.transform.epoch.get()
        return epoch


def test_running_workers_and_copies_learn_of_a_new_epoch(learned: Any) -> None:
    transform = learned.ScheduleTransform()
    loader = DataLoader(Epochs(copy.deepcopy(transform)), batch_size=4, num_workers=2, persistent_workers=True)
    for epoch in (0, 150, 20):
        transform.set_epoch(epoch)
        assert [number for batch in loader for number in batch.tolist()] == [epoch] * 8


def test_the_same_kind_of_image_comes_back(learned: Any) -> None:
    transform = learned.ScheduleTransform()
    transform.set_epoch(150)

    def drawn(image: Any) -> Any:
        torch.manual_seed(4)
        return transform(image)

    want = drawn(PIXELS)
    assert want.dtype == np.uint8 and want.shape == PIXELS.shape and not np.array_equal(want, PIXELS)
    want[0, 0] = 0  # writable
    want = drawn(PIXELS)
    assert np.array_equal(np.asarray(drawn(Image.fromarray(PIXELS))), want)
    tensor = drawn(torch.from_numpy(PIXELS).permute(2, 0, 1))
    assert tensor.dtype == torch.uint8 and np.array_equal(tensor.permute(1, 2, 0).numpy(), want)
    grey = drawn(PIXELS[..., 0])
    for other in (drawn(PIXELS[..., :1])[..., 0], np.asarray(drawn(Image.fromarray(PIXELS[..., 0]))),
                  drawn(torch.from_numpy(PIXELS[None, ..., 0]))[0].numpy()):  # fmt: skip
        assert np.array_equal(other, grey)
    image, label = transform(Image.fromarray(PIXELS), 7)
    assert image.mode == "RGB" and label == 7


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (PIXELS / 255, "type float64"),
        (torch.zeros(3, 8, 8), "type float32"),
        (np.zeros((8, 8, 4), np.uint8), "1 or 3 channels"),
        (torch.zeros(4, 8, 8, dtype=torch.uint8), "1 or 3 channels"),
        (Image.new("RGBA", (8, 8)), "mode RGBA"),
        (Image.new("I;16", (8, 8)), "mode I;16"),
    ],
)
def test_what_it_cannot_augment_is_refused(learned: Any, image: Any, sentence: str) -> None:
    transform = learned.ScheduleTransform()
    transform.set_epoch(150)
    with pytest.raises((TypeError, ValueError), match=sentence):
        transform(image)


@pytest.mark.parametrize("kind", ["torch's own", "torch", "numpy", "random"])
def test_draws_come_from_the_generator(learned: Any, kind: str) -> None:
    def pictures(seed: int) -> list[bytes]:
        generator: Any = None
        if kind == "torch's own":
            torch.manual_seed(seed)
        if kind == "torch":
            generator = torch.Generator().manual_seed(seed)
        if kind == "numpy":
            generator = np.random.default_rng(seed)
        if kind == "random":
            generator = random.Random(seed)
        transform = learned.ScheduleTransform(generator=generator)
        transform.set_epoch(150)
        return [transform(PIXELS).tobytes() for _ in range(10)]

    assert pictures(1) == pictures(1) != pictures(2)
    assert len(set(pictures(1))) > 5


def test_without_torch_draws_come_from_random(learned: Any) -> None:
    code = (
        "import importlib.util, random, sys\n"
        "from PIL import Image\n"
        "spec = importlib.util.spec_from_file_location('exported', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "transform = module.ScheduleTransform(); transform.set_epoch(150)\n"
        "def draw():\n    random.seed(3)\n    return [transform(Image.effect_noise((32, 32), 50)) is None, random.random()]\n"
        "assert draw() == draw() and 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, learned.__file__], check=True)


def test_holes_have_one_colour_everywhere(learned: Any) -> None:
    """The engine, the export on Pillow and the one on albumentations."""
    text = (ROOT / "data" / "export_templates" / "schedule_albumentations.py").read_text()
    assert learned.MEAN_COLOUR == _arguments.HOLE == (125, 122, 113)
    assert learned.GREY == _arguments.GREY_HOLE == 122
    assert "FILL = (125, 122, 113)" in text and "GREY = 122" in text
    value = popaug.Schedule.baseline("flipcrop-cutout").to_json()
    transform = learned.ScheduleTransform()
    transform.set_epoch(150)
    white = np.full((64, 64, 3), 255, np.uint8)
    ours = popaug.Schedule.from_json(value)(white, 0, samples=0, layout="hwc")
    assert (125, 122, 113) in {tuple(pixel) for pixel in ours.reshape(-1, 3).tolist()}
    holes = {tuple(pixel) for _ in range(30) for pixel in transform(white).reshape(-1, 3).tolist()}
    assert (125, 122, 113) in holes and (125, 123, 114) not in holes
    assert json.loads(learned.SCHEDULE_TEXT)["format"] == "popaug-schedule"


def table_of_ops(template: str) -> list[str]:
    """The names in the table OPS of a template, which is read, not run: albumentations need not be there."""
    tree = ast.parse((ROOT / "data" / "export_templates" / template).read_text())
    (table,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "OPS"
    ]
    assert isinstance(table, ast.Dict)
    return [ast.literal_eval(key) for key in table.keys if key is not None]


def test_the_tables_of_ops_are_those_of_the_rows() -> None:
    rows = [op.name for op in popaug.ops() if op.origin == "built-in"]
    assert sorted(table_of_ops("schedule_transform.py")) == sorted(rows)
    # albumentations has nothing that crops and resizes as CropBilinear does.
    assert sorted([*table_of_ops("schedule_albumentations.py"), "CropBilinear"]) == sorted(rows)


def mixing_schedules(folder: pathlib.Path) -> list[pathlib.Path]:
    """CutMix, mixup, and both with alphas of their own around erasing."""
    found = []
    for name, base in (
        ("cutmix", {"cutmix": 1.0}),
        ("mixup", {"mixup": 1.0, "pad": 6}),
        ("both", {"cutmix": 0.7, "cutmix_alpha": 0.4, "mixup": 0.8, "mixup_alpha": 2.0, "erase": 0.5, "cutout": 9}),
    ):
        value = popaug.Schedule.baseline("trivial")
        value = value.with_base(popaug.Base.from_json(value.base.to_json() | base))
        value.save(folder / f"{name}.schedule.json")
        found.append(folder / f"{name}.schedule.json")
    return found


def test_mixed_images_are_those_of_the_library(tmp_path: pathlib.Path) -> None:
    images = np.random.default_rng(5).integers(0, 256, (12, 24, 24, 3), dtype=np.uint8)
    samples = np.arange(len(images), dtype=np.uint64)
    kinds = set()
    for path in mixing_schedules(tmp_path):
        module = exported(tmp_path, str(path))
        transform = module.ScheduleTransform()
        schedule = popaug.Schedule.load(path)
        for epoch in (0, 7):
            key = (3, 0, epoch)
            partners, shares = schedule.engine().partners(*key, samples, list(range(12)), 12, 24, 24)
            places = [p if share < 1 else -1 for p, share in zip(partners, shares, strict=True)]
            want = schedule.mixed(
                images,
                images,
                places,
                key,
                samples,
                samples,
                mean=None,
                std=None,
                hole=_arguments.HOLE,
                output="uint8",
                threads=1,
            )
            for i in range(12):
                image, partner, share = transform.mixed(lambda i: Image.fromarray(images[i]), 12, 3, epoch, i)
                assert (partner, np.float32(share)) == (partners[i], np.float32(shares[i]))
                assert np.array_equal(np.asarray(transform.filled(image, False)), want[i]), (path.name, epoch, i)
                kinds.add((path.name, share < 1))
    assert {name for name, mixed in kinds if mixed} == {
        "cutmix.schedule.json",
        "mixup.schedule.json",
        "both.schedule.json",
    }


def test_a_mixed_data_set_in_a_loader_with_workers(tmp_path: pathlib.Path) -> None:
    module = exported(tmp_path, "flipcrop+cutmix")
    transform = module.ScheduleTransform()
    images = [(Image.fromarray(PIXELS // (i + 1)), i) for i in range(8)]
    with pytest.raises(RuntimeError, match="MixedDataset"):
        transform(images[0][0])
    with pytest.raises(ValueError, match="has 1"):
        module.MixedDataset(images[:1], transform)
    data = module.MixedDataset(images, transform, seed=4)
    with pytest.raises(RuntimeError, match="set_epoch"):
        data[0]
    seen = []
    for workers in (0, 2):
        loader = DataLoader(data, batch_size=4, num_workers=workers, collate_fn=module.collate)
        data.set_epoch(1)
        seen.append([(x.numpy().tobytes(), *(each.tolist() for each in labels)) for x, labels in loader])
    assert seen[0] == seen[1]
    (first, second, share) = (torch.tensor([v for batch in seen[0] for v in batch[k]]) for k in (1, 2, 3))
    assert first.tolist() == list(range(8))
    assert ((share < 1) == (first != second)).all() and 0 < (share < 1).sum() < 8
    logits = torch.randn(8, 8, generator=torch.Generator().manual_seed(1))
    expected = popaug.torch.mixed_cross_entropy(logits, popaug.torch.MixedLabels(first, second, share))
    assert module.mixed_cross_entropy(logits, (first, second, share)).item() == pytest.approx(expected.item(), rel=1e-6)
