#!/usr/bin/env python3
"""From JPEG files to normalised batches at 224x224, on all cores: popaug's Loader, torchvision v2 in a DataLoader, DALI.

    bench/studies/rivals/photographs.py FOLDER        # in an environment with scikit-image, such as .venv
    PYTHONPATH=build/python bench/studies/rivals/jpeg.py FOLDER [--rounds 5] [--seconds 5] [--out FILE] [--stages bench_loader]
                                  [--environment bench/studies/rivals/.venv] [--pause COMMAND] [--only NAME,NAME]

Every contender decodes, takes a random resized crop (8 % of the area or more), mirrors half of the images, applies
RandAugment(2, 9) (rows "-randaugment") or nothing more (rows "-crop"), and normalises; batches of 64 as float32 [n, 3, 224,
224] in the main process. As many threads or worker processes as cores. A round runs every contender once, each in a process
of its own. Rates are images per second of the clock on the wall, and of processor time of all processes, which other work on
the machine disturbs less.

--stages adds where the time of popaug goes, by build/bench_loader (cmake -DPOPAUG_BENCH=ON).
"""

import argparse
import importlib.metadata
import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))

from machine import processor  # noqa: E402

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SIDE, BATCH, LEAST_AREA = 224, 64, 0.08
WARM = 10  # batches before the clock starts
CORES = len(os.sched_getaffinity(0))
Batches = Callable[[], Iterator[Any]]  # the batches of an epoch: float32 [n, 3, 224, 224]


# --- contenders: each imports what it needs -----------------------------------------------------


def popaug_loader(folder: str, recipe: str) -> tuple[Batches, list[str]]:
    import popaug
    import popaug.torch

    plain = popaug.RandAugment(2, 9) if recipe == "randaugment" else popaug.Schedule.baseline("none")
    schedule = plain.with_base(popaug.Base(resized_crop=LEAST_AREA, flip=0.5))
    loader = popaug.torch.Loader(folder, schedule, BATCH, size=SIDE, shuffle=True, seed=1, mean=MEAN, std=STD,
                                 threads=CORES)  # fmt: skip
    return lambda: (images for images, _ in loader), ["torch"]


def torchvision_loader(folder: str, recipe: str, tensors: bool) -> tuple[Batches, list[str]]:
    import torch
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.io import ImageReadMode, decode_image
    from torchvision.transforms import v2

    ops = [v2.RandAugment(2, 9)] if recipe == "randaugment" else []
    transform = v2.Compose([
        v2.RandomResizedCrop(SIDE, scale=(LEAST_AREA, 1), antialias=True), v2.RandomHorizontalFlip(), *ops,
        *([] if tensors else [v2.ToImage()]), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD),
    ])  # fmt: skip

    def tensor(path: str) -> Any:
        return decode_image(path, ImageReadMode.RGB)

    data = ImageFolder(folder, transform, **({"loader": tensor} if tensors else {}))
    loader = DataLoader(data, BATCH, shuffle=True, num_workers=CORES, persistent_workers=True)
    return lambda: (images for images, _ in loader), ["torch", "torchvision", "pillow"]


def dali_pipeline(folder: str, recipe: str) -> tuple[Batches, list[str]]:
    from nvidia.dali import fn, pipeline_def, types
    from nvidia.dali.auto_aug import rand_augment

    @pipeline_def(enable_conditionals=True)  # type: ignore[untyped-decorator]
    def pipeline() -> Any:
        files, labels = fn.readers.file(file_root=folder, random_shuffle=True, initial_fill=1000, name="files")
        images = fn.decoders.image_random_crop(
            files,
            device="cpu",
            output_type=types.RGB,
            random_area=[LEAST_AREA, 1.0],
            random_aspect_ratio=[3 / 4, 4 / 3],
        )
        images = fn.resize(images, size=[SIDE, SIDE], interp_type=types.INTERP_LINEAR, antialias=True)
        if recipe == "randaugment":
            images = rand_augment.rand_augment(images, n=2, m=9, fill_value=0)
        flip = fn.random.coin_flip(probability=0.5)
        return fn.crop_mirror_normalize(
            images, dtype=types.FLOAT, output_layout="CHW", mirror=flip, mean=[255 * m for m in MEAN],
            std=[255 * s for s in STD]
        ), labels  # fmt: skip

    built = pipeline(batch_size=BATCH, num_threads=CORES, device_id=None, seed=1, prefetch_queue_depth=2)
    built.build()
    batches = built.epoch_size("files") // BATCH

    def epoch() -> Iterator[Any]:
        for _ in range(batches):
            images, _ = built.run()
            yield np.asarray(images.as_tensor())

    return epoch, ["nvidia-dali-cuda120"]


CONTENDERS: dict[str, Callable[[str, str], tuple[Batches, list[str]]]] = {
    "popaug": popaug_loader,
    "torchvision": lambda folder, recipe: torchvision_loader(folder, recipe, False),
    "torchvision-tensor": lambda folder, recipe: torchvision_loader(folder, recipe, True),
    "dali": dali_pipeline,
}
NAMES = [f"{library}-{recipe}" for recipe in ("randaugment", "crop") for library in CONTENDERS]


# --- one measurement ----------------------------------------------------------------------------


def processor_seconds() -> float:
    """Of this process and its workers."""
    ticks = 0
    for pid in [os.getpid(), *(child.pid for child in multiprocessing.active_children())]:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def endless(epoch: Batches) -> Iterator[Any]:
    while True:
        yield from epoch()


def measure(name: str, folder: str, seconds: float) -> None:
    library, recipe = name.rsplit("-", 1)
    epoch, packages = CONTENDERS[library](folder, recipe)
    images, started, cpu = 0, time.perf_counter(), processor_seconds()
    for number, batch in enumerate(endless(epoch)):
        if number == 0:
            pixels = np.asarray(batch)
            assert pixels.shape == (BATCH, 3, SIDE, SIDE) and pixels.dtype == np.float32, pixels.shape
            assert 0.5 < pixels.std() < 2 and abs(pixels.mean()) < 1.5, "the output is not a normalised image"
        if number == WARM:
            images, started, cpu = 0, time.perf_counter(), processor_seconds()
            continue
        images += len(batch)
        if number > WARM and time.perf_counter() - started > seconds:
            break
    wall, used = time.perf_counter() - started, processor_seconds() - cpu
    versions = {package: importlib.metadata.version(package) for package in packages}
    print(json.dumps({"wall": images / wall, "cpu": images / used, "images": images, "versions": versions}))


# --- all of them --------------------------------------------------------------------------------


def summary(rates: list[float]) -> dict[str, float]:
    return {"median": statistics.median(rates), "lowest": min(rates), "highest": max(rates)}


def ratios(rows: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """popaug over each rival, by round."""
    found = []
    for ours in ("popaug-randaugment", "popaug-crop"):
        recipe = ours.rsplit("-", 1)[1]
        for rival in rows:
            if rival == ours or not rival.endswith("-" + recipe) or ours not in rows:
                continue
            both = list(zip(rows[ours], rows[rival], strict=True))
            found.append({"ours": ours, "rival": rival} | {
                f"{clock}_ratio": summary([a[clock] / b[clock] for a, b in both]) for clock in ("wall", "cpu")
            })  # fmt: skip
    return found


def result_of(rows: dict[str, list[dict[str, Any]]], seconds: float, stages: Any) -> dict[str, Any]:
    rounds = len(next(iter(rows.values())))
    result: dict[str, Any] = {
        "what": f"from JPEG files to normalised batches at {SIDE}x{SIDE}, images per second on all cores",
        "command": f"bench/studies/rivals/jpeg.py FOLDER --rounds {rounds} --seconds {seconds}",
        "machine": {"processor": processor(), "cores": CORES},
        "date": time.strftime("%Y-%m-%d"),
        "load_average": os.getloadavg(),
        "ratios": ratios(rows),
        "rows": {
            name: {"images_per_second": summary([row["wall"] for row in runs]),
                   "images_per_cpu_second": summary([row["cpu"] for row in runs]), "versions": runs[0]["versions"]}
            for name, runs in rows.items()
        },
    }  # fmt: skip
    return result if stages is None else result | {"stages": stages}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench" / "results" / "jpeg.json")
    parser.add_argument("--stages", help="bench_loader, for where the time goes")
    parser.add_argument("--environment", type=pathlib.Path, default=HERE / ".venv", help="what setup made")
    parser.add_argument("--pause", default="", help="a command that runs each measurement, for example nice")
    parser.add_argument("--only", default="")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        return measure(args.one, args.folder, args.seconds)
    python = args.environment.absolute() / "bin" / "python"
    names = [name for name in NAMES if not args.only or name in args.only.split(",")]
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    stages = None
    if args.stages:
        done = subprocess.run([*args.pause.split(), args.stages, args.folder, str(SIDE), "5"], stdout=subprocess.PIPE,
                              text=True, check=True)  # fmt: skip
        stages = json.loads(done.stdout)
    for number in range(args.rounds):
        for name in names:
            command = [*args.pause.split(), str(python), "-W", "ignore", __file__, args.folder, "--one", name,
                       "--seconds", str(args.seconds)]  # fmt: skip
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows[name].append(json.loads(done.stdout.splitlines()[-1]))
        result = result_of(rows, args.seconds, stages)
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
    for row in result["ratios"]:
        told = ", ".join(f"{clock} {row[f'{clock}_ratio']['median']:.2f}" for clock in ("wall", "cpu"))
        print(f"{row['ours']} over {row['rival']}: {told}")


if __name__ == "__main__":
    main()
