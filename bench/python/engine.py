"""A batch of 128 at 32x32 from Python against the C++ figure, interleaved: python bench/python/engine.py [BUILD].

Needs PYTHONPATH=BUILD/python. Counts images per second of processor time, so that a shared machine disturbs less.
"""

import json
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

import popaug

BATCH, RUNS, CALLS = 128, 9, 60
build = sys.argv[1] if len(sys.argv) > 1 else "build"
images = np.random.default_rng(0).integers(0, 256, (BATCH, 32, 32, 3), dtype=np.uint8)
schedule = popaug.Schedule.load("rcifar10-paper")
middle = schedule.epochs // 2
out = np.empty((BATCH, 3, 32, 32), np.float32)
common = {"output": "float32", "mean": [0.49, 0.48, 0.45], "std": [0.25, 0.24, 0.26], "out": out}


def from_python() -> float:
    started = time.process_time()
    for call in range(CALLS):
        schedule(images, middle, 1, samples=call * BATCH, **common)
    return CALLS * BATCH / (time.process_time() - started)


def core() -> float:
    """The same work with the arguments ready: what a C++ caller pays."""
    engine, view = schedule.engine(), out.transpose(0, 2, 3, 1)
    samples = [np.arange(call * BATCH, (call + 1) * BATCH, dtype=np.uint64) for call in range(CALLS)]
    started = time.process_time()
    for call in range(CALLS):
        engine.floats(images, samples[call], 1, 0, middle, view, common["mean"], common["std"], 1)
    return CALLS * BATCH / (time.process_time() - started)


from_python(), core()
pairs = [(from_python(), core()) for _ in range(RUNS)]
rows = []
for name, values in (("python", [p for p, _ in pairs]), ("c++", [c for _, c in pairs])):
    rows.append(
        {
            "name": name,
            "images_per_cpu_second": statistics.median(values),
            "lowest": min(values),
            "highest": max(values),
        }
    )
ratio = statistics.median(p / c for p, c in pairs)
command = [f"{build}/popaug", "bench", "augment", "--workers", "1", "--json"]
program = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[0]
print(json.dumps({"machine": platform.processor() or platform.machine(), "runs": RUNS, "rows": rows,
                  "python_over_cpp": ratio, "popaug_bench_augment": program}, indent=1))  # fmt: skip
