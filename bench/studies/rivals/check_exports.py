"""Schedules in other people's pipelines, in the rivals' environment (bench/studies/rivals/setup), which no test installs:

    PYTHONPATH=build/python bench/studies/rivals/.venv/bin/python bench/studies/rivals/check_exports.py build

The albumentations export: pixels of each op against popaug's, how often each op is drawn, that a seed repeats it. The
Pillow export and popaug.torch.Transform inside a torchvision v2 pipeline. Prints the largest difference of each op and
ends with an error where one is larger than stated here.
"""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter

import albumentations as A
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

import popaug
import popaug.torch

SIDE = 64
# Mean absolute difference per byte that is allowed (of a turn: the few pixels on the edge between two); ops not named
# here must be equal. Cutout's place is drawn anew.
ALLOWED = {
    "Rotate": 0.05,
    "ShearX": 0.3,
    "ShearY": 0.3,
    "Equalize": 2.0,
    "AutoContrast": 1.0,
    "Color": 1.0,
    "Contrast": 0.5,
    "Brightness": 0.5,
}
MEAN = [125 / 255, 123 / 255, 114 / 255]


def image() -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    smooth = np.stack([255 * y, 255 * x, 127 + 100 * np.sin(8 * x) * np.cos(5 * y)], -1)
    smooth[20:30, 10:40] = (200, 30, 60)
    noise = np.random.default_rng(0).normal(0, 4, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def exported(build: str, schedule: str, kind: str, folder: pathlib.Path):
    path = folder / f"{schedule.replace('-', '_')}_{kind}.py"
    command = [f"{build}/popaug", "schedule", "export", schedule, "--to", kind, "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_pixels(module, space: popaug.Space) -> None:
    pixels = image()
    ops = {op["op"]: op for op in module.SCHEDULE["space"]["ops"]}
    worst: dict[str, float] = {}
    for op in space.ops:
        for level in range(space.levels):
            entry = popaug.Policy((popaug.Entry(op.op, 1.0, level),))
            rule = popaug.Rule("sub-policies", group=1)
            one = popaug.Schedule(space, rule, [popaug.Segment(1, entry)])
            for negative in {draw[2] for sample in range(40) for draw in one.draws(sample)}:
                sample = next(s for s in range(1000) if one.draws(s)[0][2] == negative)
                want = one(pixels, samples=sample, layout="hwc", hole=list(module.FILL)).astype(int)
                value = module._value(ops[op.op], level, negative, pixels.shape, True)
                got = module.OPS[op.op](value, module.FILL)(image=pixels)["image"].astype(int)
                if op.op == "Cutout":  # somewhere else, but as large, where it lies inside
                    assert (got != pixels).any(2).sum() <= int(value) ** 2
                    continue
                worst[op.op] = max(worst.get(op.op, 0.0), float(np.abs(got - want).mean()))
    for name, difference in worst.items():
        print(f"{module.__name__}: {name}: at most {difference:.3f}")
    wrong = [name for name, difference in worst.items() if difference > ALLOWED.get(name, 0.0)]
    assert not wrong, wrong


def check_draws(module, schedule: popaug.Schedule, epoch: int) -> None:
    """Each op's rate per image within five standard deviations of popaug's."""
    count = 6000
    transform = module.ScheduleTransform()
    transform.set_random_seed(3)
    transform.set_epoch(epoch)
    theirs = Counter(op for _ in range(count) for op, _ in transform.draws())
    ours = Counter(draw[0] for sample in range(count) for draw in schedule.draws(sample, epoch))
    for op in set(ours) | set(theirs):
        rates = theirs[op] / count, ours[op] / count
        spread = (max(rates) / count * 2) ** 0.5
        assert abs(rates[0] - rates[1]) < 5 * spread, (op, rates)


def check_seed(module) -> None:
    def batch(seed: int) -> np.ndarray:
        pipeline = A.Compose([module.ScheduleTransform(), A.Normalize(MEAN, (0.25,) * 3)], seed=seed)
        pipeline.transforms[0].set_epoch(150)
        return np.stack([pipeline(image=image())["image"] for _ in range(20)])

    first = batch(5)
    assert first.shape == (20, SIDE, SIDE, 3) and first.dtype == np.float32
    assert np.array_equal(first, batch(5)), "a seed does not repeat"
    assert not np.array_equal(first, batch(6))
    assert len({picture.tobytes() for picture in first}) > 15


def check_torchvision(pillow) -> None:
    epoch = popaug.torch.Epoch(total=200)
    epoch.set(150)
    schedule = popaug.Schedule.load("rcifar10-paper")
    ours = popaug.torch.Transform(schedule, epoch, output="uint8", mean=MEAN)
    after = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, [0.25] * 3)]
    picture = Image.fromarray(image()).resize((32, 32))
    for given in (picture, v2.functional.pil_to_tensor(picture)):
        pipeline = v2.Compose([ours, *after])
        torch.manual_seed(1)
        first, second = pipeline(given), pipeline(given)
        torch.manual_seed(1)
        assert torch.equal(pipeline(given), first)
        assert not torch.equal(first, second)
        assert first.shape == (3, 32, 32) and first.dtype == torch.float32
        # The same numbers as normalised by popaug itself; a hole is 0.
        torch.manual_seed(1)
        whole = popaug.torch.Transform(schedule, epoch, mean=MEAN, std=[0.25] * 3)(given)
        assert torch.allclose(first, whole, atol=1e-5)
    transform = pillow.ScheduleTransform()
    transform.set_epoch(150)
    result = v2.Compose([transform, v2.ToImage(), *after])(picture)
    assert result.shape == (3, 32, 32) and torch.isfinite(result).all()


def main(build: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for schedule, space in (("rcifar10-paper", "pba"), ("autoaugment-cifar10", "autoaugment")):
            module = exported(build, schedule, "albumentations", folder)
            check_pixels(module, popaug.Space.load(space))
            check_seed(module)
        for schedule, epoch in (("rcifar10-paper", 20), ("rcifar10-paper", 199), ("rsvhn-paper", 100)):
            module = exported(build, schedule, "albumentations", folder)
            check_draws(module, popaug.Schedule.load(schedule), epoch)
        for baseline in ("autoaugment-cifar10", "randaugment", "trivial"):
            module = exported(build, baseline, "albumentations", folder)
            check_draws(module, popaug.Schedule.baseline(baseline), 0)
        check_torchvision(exported(build, "rcifar10-paper", "python", folder))
    print("all as stated")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build")
