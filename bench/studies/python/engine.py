"""A batch of 128 at 32x32 from Python against `popaug bench augment`, interleaved: python bench/studies/python/engine.py [BUILD].

Needs PYTHONPATH=BUILD/python. The same policy, base transforms and kind of pictures, random images of 2,048 in each batch.
Counts images per second of processor time, so that a shared machine disturbs less.
"""

import json
import pathlib
import re
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

import popaug

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from machine import processor

BATCH, IMAGES, RUNS, SECONDS = 128, 2048, 9, 0.3
MEAN, STD = [0.49056774, 0.48116026, 0.44726052], [0.24710728, 0.24451308, 0.26235099]
build = sys.argv[1] if len(sys.argv) > 1 else "build"


def mid_search() -> popaug.Schedule:
    """The schedule of the program's row pipeline-32, its numbers taken from the program's source."""
    source = (pathlib.Path(__file__).parents[3] / "cli" / "bench.cc").read_text()
    found = re.search(r"kMidSearch\[\w*\] = \{(.*?)\}", source, re.DOTALL)
    assert found is not None
    numbers = [int(n) for n in re.findall(r"\d+", found[1])]
    space = popaug.Space.load("pba")
    names = [op.op for op in space.ops] * 2
    entries = [popaug.Entry(names[i], numbers[2 * i] / 10, numbers[2 * i + 1]) for i in range(len(names))]
    base = popaug.Base(pad=4, flip=0.5, cutout=16)
    return popaug.Schedule(space, popaug.Rule(), [popaug.Segment(1, popaug.Policy(tuple(entries)))], base)


def pictures() -> np.ndarray:
    """Slopes with a spot and a little noise, as the program draws them."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:32, 0:32]
    images = np.empty((IMAGES, 32, 32, 3))
    for image in images:
        start, down, across = random.integers(30, 190, 3), random.integers(-60, 61, 3), random.integers(-60, 61, 3)
        spot = 9 * ((x - random.integers(32)) ** 2 + (y - random.integers(32)) ** 2) < 1024
        image[:] = start + across * x[..., None] / 32 + down * y[..., None] / 32 - 70 * spot[..., None]
        image += random.integers(0, 16, (32, 32, 3))
    return np.clip(images, 0, 255).astype(np.uint8)


schedule, images = mid_search(), pictures()
random = np.random.default_rng(1)
batches = np.empty((10, BATCH, 32, 32, 3), np.uint8)


def from_python(shape: tuple[int, ...], fresh: bool = False, **options: Any) -> float:
    # `out` is used again by each call, as the program does; with `fresh` each call makes a new array.
    out = schedule(images[:BATCH], 0, 1, samples=0, **options)
    assert out.shape == (BATCH, *shape)
    calls, spent = 0, 0.0
    while spent < SECONDS:
        for batch in batches:
            np.take(images, random.integers(0, IMAGES, BATCH), axis=0, out=batch)
        started = time.process_time()
        for batch in batches:
            schedule(batch, 0, 1, samples=calls * BATCH, mean=MEAN, out=None if fresh else out, **options)
            calls += 1
        spent += time.process_time() - started
    return calls * BATCH / spent


def program(row: str) -> float:
    command = [f"{build}/popaug", "bench", "augment", "--only", row, "--runs", "1", "--seconds", str(SECONDS), "--json"]
    (told,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return float(told["images_per_cpu_second"])


last, planes = (32, 32, 3), (3, 32, 32)
subjects = {
    "c++, channels last": lambda: program("pipeline-32"),
    "python, channels last": lambda: from_python(last, output="float32", output_layout="nhwc", std=STD),
    "python, channels last, a new array each call": lambda: from_python(
        last, fresh=True, output="float32", output_layout="nhwc", std=STD
    ),
    "c++, planes": lambda: program("pipeline-32-planes"),
    "python, planes": lambda: from_python(planes, output="float32", std=STD),
    "python, bytes": lambda: from_python(last, output="uint8"),
}
for subject in subjects.values():
    subject()
runs = [{name: subject() for name, subject in subjects.items()} for _ in range(RUNS)]
rows = [{"name": name, "images_per_cpu_second": round(statistics.median(r[name] for r in runs)),
         "lowest": round(min(r[name] for r in runs)), "highest": round(max(r[name] for r in runs))} for name in subjects]  # fmt: skip
ratios = {f"python / c++, {kind}": round(statistics.median(r[f"python, {kind}"] / r[f"c++, {kind}"] for r in runs), 3)
          for kind in ("channels last", "planes")}  # fmt: skip
ratios["python / c++, channels last, a new array each call"] = round(
    statistics.median(r["python, channels last, a new array each call"] / r["c++, channels last"] for r in runs), 3
)
ratios["bytes / float32, channels last"] = round(
    statistics.median(r["python, bytes"] / r["python, channels last"] for r in runs), 3
)
print(json.dumps({"machine": processor(), "runs": RUNS, "rows": rows, "ratios": ratios}, indent=1))
