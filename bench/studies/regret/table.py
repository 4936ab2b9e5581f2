#!/usr/bin/env python3
"""Trains the fixed arms on every set of the regret study, one raw line a training.

    bench/studies/regret/table.py SETS --lines bench/results/regret/arms.jsonl --seeds 3 --workers 2

SETS is the folder that sets.py made. A training uses all labelled images of its set, wrn-16-1, 60 epochs and
one core. Lines that are in the file already are not trained again, so a stopped run continues where it was.
A line has the accuracy and mean loss over the judging images and over the test images, the images
trained, and the program's version.

    bench/studies/regret/table.py SETS --lines bench/results/regret/folds.jsonl --folds 4 --arms grid

With --folds a training uses the labelled images outside one of four folds, and the fold judges it too
("fold_accuracy", "fold_loss"): what a choice without judging images has to go by. "fold_loss_calibrated" is the loss after
the logits are divided by the temperature that makes it least (Guo et al., ICML 2017). A group is never cut.
Fold k trains under seed k, and --seeds 2 trains outside folds 0 and 1 alone.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import tempfile
import threading
from typing import Any

import arms as fixed
import numpy as np
import numpy.typing as npt
import sets

RECIPE = ("--network", "wrn-16-1", "--epochs", "60", "--batch", "64", "--lr", "0.1", "--weight-decay", "5e-4")
TESTS = 2000  # about so many test images, evenly spaced, have their logits kept

Line = dict[str, Any]


def folds_of(folder: pathlib.Path, count: int) -> npt.NDArray[np.int64]:
    """The fold of each labelled image: groups in random order, each to the fold that lacks its classes most."""
    labels = np.load(folder / "set.npz")["train_labels"].astype(np.int64)
    groups = np.array((folder / "groups.txt").read_text().split("\n")[: len(labels)])
    random = np.random.default_rng([sets.SEED, count])
    held = np.zeros((count, labels.max() + 1))
    folds = np.zeros(len(labels), np.int64)
    names = np.unique(groups)
    for name in names[random.permutation(len(names))]:
        rows = np.flatnonzero(groups == name)
        classes = np.bincount(labels[rows], minlength=held.shape[1])
        fold = int(np.argmin(held @ classes + 1e-6 * held.sum(1)))
        held[fold] += classes
        folds[rows] = fold
    return folds


def fold_file(folder: pathlib.Path, fold: int, count: int, out: pathlib.Path) -> None:
    """The labelled images as a set whose test part is one fold."""
    arrays = np.load(folder / "set.npz")
    inside = folds_of(folder, count) == fold
    np.savez(
        out,
        train_images=arrays["train_images"][~inside],
        train_labels=arrays["train_labels"][~inside],
        test_images=arrays["train_images"][inside],
        test_labels=arrays["train_labels"][inside],
    )


def logits_of(weights: pathlib.Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Logits [n, classes] of a network for images [n, height, width] or [n, height, width, 3]."""
    import torch

    from popaug import models

    network, info = models.load(weights)
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (info.mean, info.std))
    pixels = torch.from_numpy(images[..., None] if images.ndim == 3 else images).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        found: npt.NDArray[np.float32] = torch.cat(
            [network.eval()((batch - mean) / std) for batch in pixels.split(250)]
        ).numpy()
    return found


def loss_at(temperature: float, logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    """Mean loss of the logits divided by the temperature."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(labels)), labels]))


def best_temperature(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    """The one of many, from 0.25 to 8, at which the loss is least."""
    candidates = np.exp(np.linspace(np.log(0.25), np.log(8), 141))
    return float(min(candidates, key=lambda temperature: loss_at(temperature, logits, labels)))


def calibrated_loss(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    return loss_at(best_temperature(logits, labels), logits, labels)


def train_arm(
    popaug: str, data: pathlib.Path, arm: str, seed: int, work: pathlib.Path, extra: tuple[str, ...] = ()
) -> pathlib.Path:
    """Trains one arm; returns the run folder, in `work`."""
    schedule, out = work / "arm.schedule.json", work / "run"
    schedule.write_text(json.dumps(fixed.arm(popaug, arm)))
    command = [popaug, "train", "--data", str(data), "--schedule", str(schedule), *RECIPE, *extra]
    command += ["--conv", "fast", "--seed", str(seed), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return out


def train(
    popaug: str,
    folder: pathlib.Path,
    arm: str,
    seed: int,
    folds: int = 0,
    logits_folder: pathlib.Path | None = None,
    extra: tuple[str, ...] = (),
) -> Line:
    """Trains one arm on the set in `folder` and evaluates it on the judging and the test images.

    With `folds`, on the images outside fold `seed`, evaluated on that fold too; its logits and those of some test images go
    to `logits_folder`.
    """
    with tempfile.TemporaryDirectory(prefix="popaug-regret-") as scratch:
        data = folder / "set.npz"
        judges = {"judge": folder / "judge.npz", "test": data}
        if folds > 0:
            data = pathlib.Path(scratch) / "fold.npz"
            fold_file(folder, seed, folds, data)
            judges["fold"] = data
        out = train_arm(popaug, data, arm, seed, pathlib.Path(scratch), extra)
        trained = json.loads((out / "result.json").read_text())
        line: Line = {"set": folder.name, "arm": arm, "seed": seed, "images_trained": trained["images_trained"]}
        for name, judge in judges.items():
            command = [popaug, "eval", str(out), "--data", str(judge), "--json"]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            result = json.loads(run.stdout)
            line[f"{name}_accuracy"] = round(result["accuracy"], 6)
            line[f"{name}_loss"] = round(result["loss"], 6)
        if folds > 0:
            held, test = np.load(data), np.load(folder / "set.npz")
            logits = logits_of(out / "best.safetensors", held["test_images"])
            line["fold_loss_calibrated"] = round(calibrated_loss(logits, held["test_labels"].astype(np.int64)), 6)
            if logits_folder is not None:
                logits_folder.mkdir(parents=True, exist_ok=True)
                np.savez(
                    logits_folder / f"{folder.name}-{arm}-{seed}.npz",
                    fold=logits,
                    test=logits_of(
                        out / "best.safetensors", test["test_images"][:: max(1, len(test["test_images"]) // TESTS)]
                    ),
                )
        return line


def read_lines(path: pathlib.Path) -> list[Line]:
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=pathlib.Path, help="the folder that sets.py made")
    parser.add_argument("--lines", type=pathlib.Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--popaug", default="build/popaug")
    parser.add_argument("--seeds", type=int, help="3, or one for each fold")
    parser.add_argument("--only", default=",".join(sets.NAMES), help="sets, separated by commas")
    parser.add_argument("--arms", default=",".join(fixed.ARMS), help='names, "grid" or "others"')
    parser.add_argument("--folds", type=int, default=0, help="train outside each of so many folds")
    parser.add_argument("--logits", type=pathlib.Path, help="keep the logits of trainings outside folds in this folder")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    settings = parser.parse_args()
    sets_of_arms = {"grid": fixed.GRID, "others": fixed.OTHERS}
    settings.arms = ",".join(sets_of_arms.get(settings.arms, (settings.arms,)))
    lines = read_lines(settings.lines)
    # The first lines have no test images.
    done = {(line["set"], line["arm"], line["seed"]) for line in lines if "test_accuracy" in line}
    version = subprocess.run([settings.popaug, "--version"], check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )[0]
    jobs = [
        (name, arm, seed)
        for seed in range(settings.seeds or settings.folds or 3)
        for arm in settings.arms.split(",")
        for name in settings.only.split(",")
        if (name, arm, seed) not in done
    ]
    lock = threading.Lock()
    settings.lines.parent.mkdir(parents=True, exist_ok=True)

    def work(job: tuple[str, str, int]) -> None:
        name, arm, seed = job
        line = train(settings.popaug, settings.sets / name, arm, seed, settings.folds, settings.logits)
        line["version"] = version
        with lock, settings.lines.open("a") as out:
            out.write(json.dumps(line) + "\n")
        print(f"{name:12} {arm:14} seed {seed}: {line.get('fold_accuracy', line['judge_accuracy']):.4f}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(settings.workers) as pool:
        for future in [pool.submit(work, job) for job in jobs]:
            future.result()


if __name__ == "__main__":
    main()
