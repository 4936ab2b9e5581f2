#!/usr/bin/env python3
"""Fine-tuning from EfficientNet-Lite0's weights, and training from scratch: one raw line a training.

    bench/studies/train/fine_tuning.py ../shared/sets/trash64.npz ../shared/sets/satellite64.npz \\
        --lines bench/results/fine-tuning.jsonl --seeds 5 --workers 2

SETS are npz files with train_images, train_labels, test_images and test_labels. All arms but "scratch" and "scratch-60" are
`--preset finetune --init efficientnet-lite-0`: 10 epochs, of which 2 train the classifier alone, size 96, random resized crops.

flipcrop, trivial, ...  a recipe of `popaug train --augment`
searched                the schedule of `popaug search --preset finetune` under the seed; its folds keep the groups of
                        NAME.train_groups.txt (one a line, beside NAME.npz) together
scratch, scratch-60     flip and random resized crop without the weights, for 10 and for 60 epochs
pytorch                 flip and random resized crop in plain PyTorch, from the same weights

A training has one core. Lines that are in the file already are not trained again. The line of "searched" has the images
that its search trained. A search that takes an arm of the study is judged by the line of that arm and seed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

NETWORK = "efficientnet-lite-0"
TUNED = ("--preset", "finetune", "--init", NETWORK)
SCRATCH = {"scratch": 10, "scratch-60": 60}
ARMS = ("flipcrop", "trivial", "flipcrop+cutmix", "mild", "scratch", "pytorch")
SIDE, BATCH, EPOCHS, HEAD_EPOCHS, RATE = 96, 32, 10, 2, 0.02  # as data/presets/finetune.toml
LEAST_AREA = 0.35

Line = dict[str, Any]


def call(*command: object) -> str:
    run = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    return run.stdout


def with_groups(data: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    """The set with the groups of its training images, where a file beside it names them."""
    groups = data.with_suffix(".train_groups.txt")
    if not groups.exists():
        return data
    arrays = dict(np.load(data))
    names = groups.read_text().splitlines()
    arrays["train_groups"] = np.unique(names, return_inverse=True)[1]
    np.savez(out, **arrays)
    return out


def by_program(popaug: str, data: pathlib.Path, arm: str, seed: int, work: pathlib.Path, known: list[Line]) -> Line:
    line: Line = {}
    training: list[object] = [popaug, "train", "--data", data, "--seed", seed, "--out", work / "run"]
    if arm in SCRATCH:
        training += ["--preset", "finetune", "--head-epochs", 0, "--epochs", SCRATCH[arm], "--augment", "flipcrop"]
    elif arm == "searched":
        out = work / "search"
        grouped = with_groups(data, work / f"{data.stem}.npz")
        call(popaug, "search", "--data", grouped, *TUNED, "--seed", seed, "--workers", 1, "--out", out)
        choice = json.loads((out / "choose.json").read_text())
        line |= {"chosen": choice["winner"], "search_images": choice["images_trained"]}
        same = [n for n in known if (n["set"], n["arm"], n["seed"]) == (data.stem, choice["winner"], seed)]
        if same:  # the final training is that of the arm
            return line | {name: same[0][name] for name in ("images_trained", "test_accuracy", "test_loss")}
        training += [*TUNED, "--schedule", out / "best.schedule.json"]
    else:
        training += [*TUNED, "--augment", arm]
    call(*training)
    trained = json.loads((work / "run" / "result.json").read_text())
    judged = json.loads(call(popaug, "eval", work / "run", "--data", data, "--json"))
    line |= {
        "images_trained": trained["images_trained"],
        "test_accuracy": judged["accuracy"],
        "test_loss": judged["loss"],
    }
    return line


def cropped(image: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """A part of 0.35 to 1 of the area [channels, height, width], of a ratio 3:4 to 4:3, brought to SIDE; flipped by chance."""
    height, width = image.shape[1:]
    for _ in range(10):
        area = height * width * random.uniform(LEAST_AREA, 1)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if w <= width and h <= height:
            top, left = random.integers(height - h + 1), random.integers(width - w + 1)
            image = image[:, top : top + h, left : left + w]
            break
    image = F.interpolate(image[None], (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)[0]
    return image.flip(-1) if random.random() < 0.5 else image


def by_pytorch(data: pathlib.Path, seed: int, weights: pathlib.Path) -> Line:
    from popaug import models

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    arrays = np.load(data)
    images, tests = (
        torch.from_numpy(arrays[f"{part}_images"]).permute(0, 3, 1, 2).float() for part in ("train", "test")
    )
    labels, test_labels = (torch.from_numpy(arrays[f"{part}_labels"].astype(np.int64)) for part in ("train", "test"))
    network, info = models.load(weights)
    mean, std = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in (info.mean, info.std))
    network.classifier = nn.Linear(1280, int(labels.max()) + 1)
    nn.init.zeros_(network.classifier.bias)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    options: dict[str, Any] = {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE, **options)
    steps = len(images) // BATCH
    for epoch in range(EPOCHS):
        head_only = epoch < HEAD_EPOCHS
        network.train(not head_only)
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not head_only or name.startswith("classifier"))
        order = random.permutation(len(images))
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = RATE * (1 + math.cos(math.pi * (epoch * steps + step + 1) / (EPOCHS * steps))) / 2
            rows = order[step * BATCH : (step + 1) * BATCH]
            batch = (torch.stack([cropped(images[row], random) for row in rows]) - mean) / std
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(network(batch.contiguous(memory_format=torch.channels_last)), labels[rows]).backward()
            nn.utils.clip_grad_norm_([p for p in network.parameters() if p.grad is not None], 5)
            optimiser.step()
    network.eval()
    logits = []
    with torch.inference_mode():
        for at in range(0, len(tests), BATCH):
            batch = F.interpolate(
                tests[at : at + BATCH], (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False
            )
            logits.append(network(((batch - mean) / std).contiguous(memory_format=torch.channels_last)))
    found = torch.cat(logits)
    return {
        "images_trained": EPOCHS * steps * BATCH,
        "test_accuracy": float((found.argmax(1) == test_labels).float().mean()),
        "test_loss": float(F.cross_entropy(found, test_labels)),
    }


def train(popaug: str, data: pathlib.Path, arm: str, seed: int, weights: pathlib.Path, known: list[Line]) -> Line:
    with tempfile.TemporaryDirectory(prefix="popaug-fine-tuning-") as work:
        if arm == "pytorch":
            found = json.loads(call(sys.executable, __file__, data, "--plain", weights, "--seeds", seed))
        else:
            found = by_program(popaug, data, arm, seed, pathlib.Path(work), known)
    return {"set": data.stem, "arm": arm, "seed": seed, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=pathlib.Path, nargs="+")
    parser.add_argument("--lines", type=pathlib.Path)
    parser.add_argument("--popaug", default="build/popaug")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--weights", type=pathlib.Path, default=pathlib.Path.home() / f".cache/popaug/weights/{NETWORK}.safetensors"
    )
    parser.add_argument(
        "--plain", type=pathlib.Path, help="only the training of plain PyTorch from these weights, under --seeds"
    )
    settings = parser.parse_args()
    if settings.plain:
        print(json.dumps(by_pytorch(settings.sets[0], settings.seeds, settings.plain)))
        return
    lines = [json.loads(text) for text in settings.lines.read_text().splitlines()] if settings.lines.exists() else []
    done = {(line["set"], line["arm"], line["seed"]) for line in lines}
    jobs = [
        (data, arm, seed)
        for seed in range(settings.seeds)
        for arm in settings.arms.split(",")
        for data in settings.sets
        if (data.stem, arm, seed) not in done
    ]
    lock = threading.Lock()

    def work(job: tuple[pathlib.Path, str, int]) -> None:
        line = train(settings.popaug, *job, settings.weights, lines)
        with lock, settings.lines.open("a") as out:
            lines.append(line)
            out.write(json.dumps(line) + "\n")
        print(line, flush=True)

    with concurrent.futures.ThreadPoolExecutor(settings.workers) as pool:
        for future in [pool.submit(work, job) for job in jobs]:
            future.result()


if __name__ == "__main__":
    main()
