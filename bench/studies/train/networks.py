#!/usr/bin/env python3
"""Speed of the built-in networks under each kind of kernels, side by side: one core, steps interleaved.

    taskset -c 1 bench/studies/train/networks.py -o bench/results/networks.json

A row has the images per second of `popaug bench train`, medians of --steps steps, and what `auto` loses against the
better of `exact` and `fast`. Rows that OUTPUT has already are not measured again. Give every row a core of its own: with another program beside it the medians spread by 10 %.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bench/studies"))

from machine import processor  # noqa: E402

NETWORKS = (
    "wrn-16-2",
    "resnet-20",
    "resnet-18",
    "resnet-50",
    "shake-shake-26-2x32d",
    "efficientnet-lite-0",
    "mobilenet-v3-small",
)
BATCHES = {32: 64, 64: 32, 96: 16, 224: 8}
KINDS = ("train", "evaluate")


def measure(popaug: str, network: str, side: int, batch: int, steps: int) -> dict[str, Any]:
    command = [popaug, "bench", "train", "--network", network, "--side", str(side), "--batch", str(batch)]
    command += ["--steps", str(steps), "--json"]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    rates = {row["name"]: row["images_per_second"] for row in json.loads(run.stdout)}
    line: dict[str, Any] = {"network": network, "side": side, "batch": batch}
    for kind in KINDS:
        line |= {f"{kind}-{way}": round(rates[f"{kind}-{way}"], 2) for way in ("auto", "fast", "exact")}
        best = max(rates[f"{kind}-fast"], rates[f"{kind}-exact"])
        line[f"{kind}-lost"] = round(1 - rates[f"{kind}-auto"] / best, 4)
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--popaug", default=str(ROOT / "build/popaug"))
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--sides", default=",".join(map(str, BATCHES)))
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("-o", "--output", type=pathlib.Path)
    settings = parser.parse_args()
    rows = []
    if settings.output and settings.output.exists():
        known = json.loads(settings.output.read_text())
        if known["processor"] != processor():
            parser.error(f"{settings.output} has rows of another processor: {known['processor']}")
        rows = known["rows"]
    done = {(row["network"], row["side"]) for row in rows}
    for network in settings.networks.split(","):
        for side in map(int, settings.sides.split(",")):
            if (network, side) in done:
                continue
            rows.append(measure(settings.popaug, network, side, BATCHES[side], settings.steps))
            print(json.dumps(rows[-1]), flush=True)
            if settings.output:
                document = {"processor": processor(), "steps": settings.steps, "rows": rows}
                settings.output.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
