#!/usr/bin/env python3
"""Which batch trains a network from scratch best on few images: test accuracy by batch, one raw line a training.

    bench/studies/regret/small_batches.py SETS --lines bench/results/small-batches.jsonl --images 240 --batches 128,64,32,16
    bench/studies/regret/small_batches.py SETS --lines bench/results/small-batches.jsonl --page docs/decisions/settings.md [--check]

SETS is the folder that sets.py made. A training has the preset `best` and mild ops: wrn-16-2, 60 epochs,
learning rate 0.1. With fewer than the 1,000 labelled images of a set, the same random ones train under every batch. Lines that are
in the file already are not made again; they have other learning rates too (--lr). --page writes the table.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
from collections import defaultdict
from typing import Any

import numpy as np
import summary
import table

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import page

RECIPE = ("--preset", "best", "--epochs", "60", "--augment", "mild", "--conv", "fast", "--workers", "1")
TESTS = 2500  # about so many test images, evenly spaced, judge
LR = 0.1  # of the preset
KEYS = ("set", "images", "batch", "lr", "seed")

Line = dict[str, Any]


def train(popaug: str, folder: pathlib.Path, images: int, batch: int, lr: float, seed: int) -> Line:
    arrays = np.load(folder / "set.npz")
    labels = arrays["train_labels"]
    rows = np.sort(np.random.default_rng(1).permutation(len(labels))[:images])
    step = slice(None, None, max(1, len(arrays["test_labels"]) // TESTS))
    with tempfile.TemporaryDirectory(prefix="popaug-batches-") as scratch:
        data, out = pathlib.Path(scratch) / "set.npz", pathlib.Path(scratch) / "run"
        np.savez(
            data,
            train_images=arrays["train_images"][rows],
            train_labels=labels[rows],
            test_images=arrays["test_images"][step],
            test_labels=arrays["test_labels"][step],
        )
        command = [popaug, "train", "--data", str(data), *RECIPE, "--batch", str(batch)]
        command += ["--lr", str(lr), "--seed", str(seed)]
        subprocess.run([*command, "--out", str(out)], check=True, capture_output=True, text=True)
        command = [popaug, "eval", str(out), "--data", str(data), "--json"]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    line = {"set": folder.name, "images": images, "batch": batch, "lr": lr, "seed": seed}
    return line | {"accuracy": round(result["accuracy"], 6)}


def batches_table(lines: list[Line]) -> list[str]:
    """Test accuracy in percent by set, number of images and batch, at the learning rate of the preset; mean over the seeds
    that every batch of a row has."""
    lines = [line for line in lines if line["lr"] == LR]
    found: dict[tuple[str, int], dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        found[line["set"], line["images"]][line["batch"]][line["seed"]] = 100 * line["accuracy"]
    batches = sorted({line["batch"] for line in lines}, reverse=True)
    head = ["set", "images", *(f"batch {batch}" for batch in batches), "seeds"]
    rows = [summary.row(head), summary.row(["---"] * len(head))]
    for (name, images), by_batch in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        seeds = sorted(set.intersection(*(set(each) for each in by_batch.values())))
        cells = [
            f"{np.mean([by_batch[batch][seed] for seed in seeds]):.1f}" if batch in by_batch else ""
            for batch in batches
        ]
        rows.append(summary.row([name, str(images), *cells, str(len(seeds))]))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=pathlib.Path, help="the folder that sets.py made")
    parser.add_argument("--lines", type=pathlib.Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--popaug", default="build/popaug")
    parser.add_argument("--only", default="cifar10,signs,trash", help="sets, separated by commas")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--batches", default="128,64,32")
    parser.add_argument("--lr", type=float, default=LR)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--page", type=pathlib.Path, help="write the table between its marks on this page")
    parser.add_argument("--check", action="store_true", help="only say whether the page has it")
    settings = parser.parse_args()
    lines = table.read_lines(settings.lines)
    if settings.page is not None:
        return page.update(settings.page, {"small batches": batches_table(lines)}, settings.check)
    done = {tuple(line[key] for key in KEYS) for line in lines}
    for seed in range(settings.seeds):
        for name in settings.only.split(","):
            for batch in map(int, settings.batches.split(",")):
                if (name, settings.images, batch, settings.lr, seed) in done:
                    continue
                line = train(settings.popaug, settings.sets / name, settings.images, batch, settings.lr, seed)
                with settings.lines.open("a") as out:
                    out.write(json.dumps(line) + "\n")
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
