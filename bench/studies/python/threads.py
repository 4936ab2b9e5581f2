"""popaug.torch.Loader against the C++ engine with as many threads, and against loader() with as many workers, in turns.

    PYTHONPATH=build/python .venv/bin/python bench/studies/python/threads.py build [ROUNDS] [SECONDS]

RandAugment(2, 9) with padded crop, flip and normalisation, from memory, at 32x32 and 224x224: images per second of the
clock on the wall, and of processor time, which other work on the machine disturbs less. The loop takes each batch and drops
it. The C++ figure is that of `popaug bench augment` with one worker for each core, which writes every batch into the same
memory and takes its images from a set that is smaller.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import popaug
import popaug.torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from machine import processor

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 7
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
CORES = len(os.sched_getaffinity(0))
MEAN, STD = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]
RECIPE = popaug.RandAugment(2, 9, base="flipcrop")
SETS = {32: (50_000, 128), 224: (2_000, 64)}  # images and the size of a batch


Rates = dict[str, float]  # images per second, of "wall" and of "cpu" time


def engine(side: int) -> Rates:
    command = [str(BUILD / "popaug"), "bench", "augment", "--workers", str(CORES), "--runs", "1", "--json",
               "--seconds", str(SECONDS), "--only", f"randaugment-{side}"]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    row = json.loads(done.stdout)[0]
    return {"wall": row["images_per_second"], "cpu": row["images_per_cpu_second"]}


def rate(batches: Callable[[], Iterator[Any]], workers: bool = False) -> Rates:
    """From the first batch on, over the border of epochs."""
    images, started, cpu = -1, 0.0, 0.0
    while images < 0 or time.perf_counter() - started < SECONDS:
        for batch, _ in batches():
            if images < 0:
                images, started, cpu = 0, time.perf_counter(), time.process_time()
                continue
            images += len(batch)
            if time.perf_counter() - started > SECONDS:
                break
    rates = {"wall": images / (time.perf_counter() - started)}
    return rates if workers else rates | {"cpu": images / (time.process_time() - cpu)}


def contenders(side: int) -> dict[str, Callable[[], Rates]]:
    count, size = SETS[side]
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    labels = np.arange(count) % 10
    common: dict[str, Any] = {"seed": 1, "shuffle": True, "mean": MEAN}

    def threads(**options: Any) -> Callable[[], Rates]:
        loader = popaug.torch.Loader((images, labels), RECIPE, size, **common, **options)
        return lambda: rate(lambda: iter(loader))

    epoch = popaug.torch.Epoch(total=1)
    epoch.set(0)
    data = list(zip(images, labels.tolist(), strict=True))
    processes = popaug.torch.loader(data, RECIPE, epoch, batch_size=size, std=STD, num_workers=CORES,
                                    persistent_workers=True, **common)  # fmt: skip
    return {
        "engine in C++, channels last": lambda: engine(side),
        "Loader, channels last": threads(std=STD, channels_last=True),
        "Loader": threads(std=STD),
        "Loader, bytes": threads(output="uint8"),
        f"loader(), {CORES} workers": lambda: rate(lambda: iter(processes), workers=True),
    }


def summary(rates: list[float]) -> dict[str, float]:
    return {"median": statistics.median(rates), "lowest": min(rates), "highest": max(rates)}


def main() -> None:
    sides = []
    for side in SETS:
        rows = contenders(side)
        for measure in rows.values():  # the first use of memory is slow
            measure()
        rounds = [{name: measure() for name, measure in rows.items()} for _ in range(ROUNDS)]
        first = next(iter(rows))
        side_rows = []
        for name in rows:
            row: dict[str, Any] = {"name": name}
            for clock in rounds[0][name]:
                row[f"images_per_{clock}_second"] = summary([r[name][clock] for r in rounds])
                row[f"{clock}_share_of_engine"] = summary([r[name][clock] / r[first][clock] for r in rounds])
            side_rows.append(row)
        sides.append({"side": side, "images": SETS[side][0], "batch": SETS[side][1], "rows": side_rows})
    print(json.dumps({"command": " ".join(["bench/studies/python/threads.py", "build", str(ROUNDS), str(SECONDS)]),
                      "machine": processor(), "cores": CORES, "torch": torch.__version__, "rounds": ROUNDS,
                      "load_average": os.getloadavg(), "sides": sides}, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
