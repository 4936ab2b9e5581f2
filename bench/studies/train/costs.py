#!/usr/bin/env python3
"""What surrounds a training step: augmentation, the average of weights, the allocator, evaluation's batch, shards on two cores.

.venv/bin/python bench/studies/train/costs.py --data /usr/share/datasets/fashion-mnist -o bench/results/train-costs.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from compare import Rival, processor

ROOT = Path(__file__).resolve().parents[3]
Row = dict[str, object]


def run(command: Sequence[str], cores: int = 1) -> str:
    pinned = ["taskset", "-c", f"0-{cores - 1}", *command]
    return subprocess.run(pinned, capture_output=True, text=True, check=True).stdout


def bench(program: str, *flags: str) -> float:
    """Images per second of the first row."""
    return float(json.loads(run([program, "bench", *flags, "--workers", "1", "--json"]))[0]["images_per_second"])


def augmentation(program: str) -> list[Row]:
    rows: list[Row] = []
    augmented = bench(program, "augment")
    for network in ("wrn-28-2", "wrn-16-1"):
        trained = bench(program, "train", "--only", "train-fast", "--network", network)
        share = (1 / augmented) / (1 / augmented + 1 / trained)
        rows.append({"network": network, "augmented_per_second": round(augmented), "steps_images_per_second":
                     round(trained, 1), "augmentation_percent": round(100 * share, 3)})  # fmt: skip
    return rows


def averages(program: str, steps: int) -> list[Row]:
    """A step of training with and without an exponential moving average of the weights."""
    rows: list[Row] = []
    for network, batch, side in (("wrn-16-1", 64, 32), ("wrn-28-2", 128, 32), ("resnet-18", 16, 96)):
        flags = ["--network", network, "--batch", str(batch), "--side", str(side), "--paced", "--only"]
        command = ["taskset", "-c", "0", program, "bench", "train", *flags]
        rivals = [Rival(name, [*command, name]) for name in ("train-auto", "train-auto-ema")]
        for _ in range(steps):
            for rival in rivals:
                rival.step()
        for rival in rivals:
            rival.close()
        plain, averaged = (statistics.median(step["cpu"] for step in rival.steps) for rival in rivals)
        rows.append({"network": network, "batch": batch, "side": side,
                     "ema_percent": round(100 * (averaged / plain - 1), 2)})  # fmt: skip
    return rows


def evaluation(program: str, network: str) -> list[Row]:
    rows: list[Row] = []
    for batch in (32, 64, 128, 256, 512):
        flags = ["train", "--only", "evaluate-exact", "--network", network, "--batch", str(batch)]
        rate = bench(program, *flags, "--steps", str(max(3, 512 // batch)))
        rows.append({"network": network, "batch": batch, "images_per_second": round(rate, 1)})
    return rows


def allocators(program: str, network: str, steps: int) -> list[Row]:
    """The program links tcmalloc where it is found; libc named first puts its own before it."""
    libc = "/lib/x86_64-linux-gnu/libc.so.6"
    rows: list[Row] = []
    for conv in ("fast", "exact"):
        command = ["taskset", "-c", "0", program, "bench", "train", "--paced"]
        command += ["--network", network, "--only", f"train-{conv}"]
        rivals = [Rival("tcmalloc", command), Rival("libc's malloc", command, libc)]
        for _ in range(steps):
            for rival in rivals:
                rival.step()
        for rival in rivals:
            rival.close()
            rate = statistics.median(128 / step["wall"] for step in rival.steps)
            rows.append({"network": network, "conv": conv, "allocator": rival.name,
                         "images_per_second": round(rate, 1)})  # fmt: skip
    return rows


def folding(program: str, steps: int) -> list[Row]:
    """Evaluation with batch norms folded into convolutions, and with every one on its own."""
    rows: list[Row] = []
    for network in ("wrn-28-2", "resnet-20", "resnet-18"):
        command = ["taskset", "-c", "0", program, "bench", "train", "--paced", "--network", network, "--only"]
        rivals = [Rival(name, [*command, name]) for name in ("evaluate-exact", "evaluate-exact-unfolded")]
        for _ in range(steps):
            for rival in rivals:
                rival.step()
        rates = []
        for rival in rivals:
            rival.close()
            rates.append(statistics.median(128 / step["wall"] for step in rival.steps))
        rows.append({"network": network, "folded": round(rates[0], 1), "unfolded": round(rates[1], 1),
                     "times": round(rates[0] / rates[1], 3)})  # fmt: skip
    return rows


def epoch_seconds(program: str, data: str, conv: str, images: int, cores: int, shards: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run(
            [program, "train", "--data", data, "--train-size", str(images), "--epochs", "3", "--augment", "flipcrop",
             "--network", "wrn-28-2", "--conv", conv, "--shards", str(shards), "--out", f"{folder}/run"],
            cores,
        )  # fmt: skip
        lines = [json.loads(line) for line in Path(folder, "run", "run.log").read_text().splitlines()]
    return min(float(line["seconds"]) for line in lines if line["event"] == "epoch")


def shards(program: str, data: str) -> list[Row]:
    rows: list[Row] = []
    for conv, images in (("fast", 1280), ("exact", 640)):
        one = epoch_seconds(program, data, conv, images, 1, 2)
        two = epoch_seconds(program, data, conv, images, 2, 2)
        rows.append({"conv": conv, "images": images, "one_core_seconds": round(one, 2),
                     "two_cores_seconds": round(two, 2), "times": round(one / two, 2)})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="images for the trainings in shards")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("-o", "--output")
    parser.add_argument("--only", help="one of the measurements below")
    flags = parser.parse_args()
    result: dict[str, object] = {
        "command": " ".join(["bench/studies/train/costs.py", *sys.argv[1:]]),
        "machine": processor(),
    }
    for name, measure in (
        ("shards", lambda: shards(flags.program, flags.data)),
        ("augmentation", lambda: augmentation(flags.program)),
        ("averages", lambda: averages(flags.program, 4 * flags.steps)),
        ("evaluation", lambda: evaluation(flags.program, "wrn-28-2")),
        ("folding", lambda: folding(flags.program, 2 * flags.steps)),
        ("allocator", lambda: allocators(flags.program, "wrn-28-2", flags.steps)),
    ):
        if flags.only not in (None, name):
            continue
        result[name] = measure()
        for row in result[name]:  # type: ignore[attr-defined]
            print(name, row, flush=True)
        result["load"] = round(os.getloadavg()[0], 1)
        if flags.output:
            Path(flags.output).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
