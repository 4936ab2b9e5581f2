#!/usr/bin/env python3
"""Does `--conv fast` change accuracy? The same trainings with both, seed by seed.

    .venv/bin/python bench/studies/train/fast_vs_exact.py --data DIR --name reduced-cifar10 --train-size 4000 \\
        --epochs 10 --seeds 5 -o bench/results/fast_vs_exact-reduced-cifar10.json

Trains with seeds 1..N in both modes (WORKERS trainings at a time, each in a process of its own),
evaluates all test images, and prints the difference of the error with its paired 95 % interval and
the spread over the seeds of each mode. A finished training is not run again and one that was
interrupted is resumed: the script continues where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compare import processor

ROOT = Path(__file__).resolve().parents[3]
# Student's t, two-sided 95 %, by degrees of freedom.
STUDENT = {
    1: 12.706,
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    6: 2.447,
    7: 2.365,
    8: 2.306,
    9: 2.262,
}


def run(program: str, *flags: str) -> dict[str, object]:
    done = subprocess.run([program, *flags], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"popaug {' '.join(flags)}\n{done.stderr}")
    result: dict[str, object] = json.loads(done.stdout)
    return result


def training(flags: argparse.Namespace, conv: str, seed: int) -> float:
    """The test error, in percent, of one training."""
    # Every setting that may differ is in the name: trainings of other settings never mix.
    settings = f"{flags.name}-{flags.network}-{flags.augment}-{flags.train_size}-{flags.epochs}"
    out = Path(flags.work) / settings / f"{conv}-{seed}"
    if not (out / "last.safetensors").exists():
        run(
            flags.program, "train", "--json", "--data", flags.data, "--out", str(out),
            "--network", flags.network, "--epochs", str(flags.epochs), "--augment", flags.augment,
            "--train-size", str(flags.train_size), "--conv", conv, "--seed", str(seed),
            *(["--resume"] if out.exists() else []),
        )  # fmt: skip
    evaluated = out / "eval.json"
    if not evaluated.exists():
        checkpoint = str(out / "last.safetensors")
        result = run(flags.program, "eval", checkpoint, "--data", flags.data, "--json")
        evaluated.write_text(json.dumps(result))
    value = json.loads(evaluated.read_text())["error"]
    assert isinstance(value, float)
    print(f"{flags.name} {conv} seed {seed}: error {100 * value:.2f} %", flush=True)
    return round(100 * value, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--name", required=True, help="what the result is called")
    parser.add_argument("--network", default="wrn-16-1")
    parser.add_argument("--augment", default="flipcrop")
    parser.add_argument("--train-size", default="4000")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--work", default="fast_vs_exact", help="folder of the trainings")
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("-o", "--output")
    flags = parser.parse_args()
    if not 2 <= flags.seeds <= len(STUDENT) + 1:
        parser.error(f"--seeds: expected 2 .. {len(STUDENT) + 1}")
    jobs = [(conv, seed) for seed in range(1, flags.seeds + 1) for conv in ("fast", "exact")]
    with ThreadPoolExecutor(flags.workers) as pool:
        errors = dict(zip(jobs, pool.map(lambda job: training(flags, *job), jobs), strict=True))
    seeds = range(1, flags.seeds + 1)
    differences = [errors["fast", s] - errors["exact", s] for s in seeds]
    half = STUDENT[flags.seeds - 1] * statistics.stdev(differences) / math.sqrt(flags.seeds)
    by_mode = {conv: [errors[conv, s] for s in seeds] for conv in ("fast", "exact")}
    result = {
        "command": " ".join(["bench/studies/train/fast_vs_exact.py", *sys.argv[1:]]),
        "machine": processor(),
        "name": flags.name,
        "network": flags.network,
        "epochs": flags.epochs,
        "train_size": flags.train_size,
        **by_mode,
        "standard_deviation": {c: round(statistics.stdev(by_mode[c]), 3) for c in by_mode},
        "difference": round(statistics.mean(differences), 3),
        "interval": [round(statistics.mean(differences) + sign * half, 3) for sign in (-1, 1)],
    }
    print(
        f"{flags.name}: fast minus exact {result['difference']:+.2f} points of error,"
        f" 95 % interval {result['interval'][0]:+.2f} .. {result['interval'][1]:+.2f}"
    )
    if flags.output:
        Path(flags.output).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
