#!/usr/bin/env python3
"""Speed of popaug beside eager PyTorch: one core, one thread, steps interleaved.

    taskset -c 1 .venv/bin/python bench/studies/train/compare.py --steps 15 -o bench/results/train.json
    taskset -c 1 .venv/bin/python bench/studies/train/compare.py --networks resnet-18,efficientnet-lite-0 \\
        --sides 96,224 --batch 32 --ways auto,exact --kinds train,evaluate -o bench/results/families.json

A way is a kind of kernels (`--conv` of popaug train); the first is compared with all others.

Rivals run as programs of their own and make one step each in turn, so that whatever else the
machine does falls on all alike. Images per second of wall time and of processor time are given:
where other programs share the core, only the latter says anything.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bench/studies"))

from machine import processor  # noqa: E402

TCMALLOC = "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4"


class Rival:
    """A program that makes a step for every line it reads."""

    def __init__(self, name: str, command: list[str], preload: str = "") -> None:
        environment = dict(os.environ)
        environment.pop("LD_PRELOAD", None)
        if preload:
            environment["LD_PRELOAD"] = preload
        self.name = name
        self.steps: list[dict[str, float]] = []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        if self._line() != "ready":
            raise SystemExit(f"{name}: did not start")

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def step(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        self.steps.append(json.loads(self._line()))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def row(self, place: dict[str, Any]) -> dict[str, object]:
        row: dict[str, object] = {"name": self.name, **place}
        for clock in ("wall", "cpu"):
            rates = sorted(place["batch"] / step[clock] for step in self.steps)
            quarter = len(rates) // 4
            row[f"images_per_{clock}_second"] = {
                "median": round(statistics.median(rates), 1),
                "quartiles": [round(rates[quarter], 1), round(rates[-1 - quarter], 1)],
            }
        row["steps"] = len(self.steps)
        return row


def compare(network: str, side: int, kind: str, flags: argparse.Namespace) -> list[dict[str, object]]:
    size = ["--network", network, "--batch", str(flags.batch), "--side", str(side)]
    eager = [sys.executable, str(ROOT / "bench/studies/train/eager.py"), "--serve", *size]
    eager += ["--evaluate"] if kind == "evaluate" else []
    ours = [flags.program, "bench", "train", "--paced", *size]
    rivals = [Rival(f"popaug {way}", [*ours, "--only", f"{kind}-{way}"]) for way in flags.ways.split(",")]
    rivals.append(Rival("PyTorch eager", eager))
    if Path(TCMALLOC).exists() and not flags.no_tcmalloc:
        rivals.append(Rival("PyTorch eager, tcmalloc", eager, TCMALLOC))
    if flags.compiled:
        rivals.append(Rival("PyTorch, torch.compile", [*eager, "--compile"]))
    for _ in range(flags.steps):
        for rival in rivals:
            rival.step()
    for rival in rivals:
        rival.close()
    place = {"network": network, "side": side, "kind": kind, "batch": flags.batch}
    return [rival.row(place) for rival in rivals]


def median(row: dict[str, object], clock: str) -> float:
    value = row[f"images_per_{clock}_second"]
    assert isinstance(value, dict)
    return float(value["median"])


def write(path: Path, rows: list[dict[str, object]]) -> None:
    result = {
        "command": " ".join(["bench/studies/train/compare.py", *sys.argv[1:]]),
        "machine": processor(),
        "load": round(os.getloadavg()[0], 1),
        "rows": rows,
    }
    path.write_text(json.dumps(result, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default="wrn-28-2,wrn-40-2,wrn-16-1")
    parser.add_argument("--sides", default="32")
    parser.add_argument("--ways", default="fast,exact")
    parser.add_argument("--kinds", default="train", help="train, evaluate, or both")
    parser.add_argument("--no-tcmalloc", action="store_true", help="leave PyTorch with tcmalloc out")
    parser.add_argument("--compiled", action="store_true", help="PyTorch by torch.compile too")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("-o", "--output", help="write the rows as JSON too")
    flags = parser.parse_args()
    rows: list[dict[str, object]] = []
    parts = itertools.product(flags.networks.split(","), map(int, flags.sides.split(",")), flags.kinds.split(","))
    for network, side, kind in parts:
        part = compare(network, side, kind, flags)
        first = part[0]
        for row in part:
            for clock in ("wall", "cpu"):
                row[f"first_is_times_{clock}"] = round(median(first, clock) / median(row, clock), 2)
            print(
                f"{network:<20}{side:>4} {kind:<9}{row['name']:<26}"
                f"{median(row, 'wall'):>9.1f}/s wall{median(row, 'cpu'):>9.1f}/s cpu"
                f"   first is {row['first_is_times_wall']} x wall, {row['first_is_times_cpu']} x cpu",
                flush=True,
            )
        rows += part
        if flags.output:
            write(Path(flags.output), rows)


if __name__ == "__main__":
    main()
