#!/usr/bin/env python3
"""A short real search, three ways, at equal images trained (docs/decisions/search-speed.md).

    rivals.py popaug | published | ray  [--program build/popaug] [-o ROW.json]

popaug     popaug search: validation at the end of a round, on 2,000 images
published  the published algorithm's plan in PyTorch: every image as the published code augments it (Python and
           Pillow), validation of 11.5 images per training image after each epoch (the paper's 46,000 for 4,000)
ray        Ray Tune's PopulationBasedTraining around the same PyTorch training, as a user would write it: the tuned
           Pillow pipeline, validation at the end of a round, on 2,000 images

All: Fashion-MNIST, 1,000 training images, WRN-10-1, batch 64, two workers of one thread each. Prints one JSON row.
Needs bench/search/requirements.txt.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import math
import multiprocessing
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench/rivals"), str(ROOT / "bench/train")]

import numpy as np  # noqa: E402
import torch  # noqa: E402

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
TRAIN, VALIDATION, BATCH, WORKERS = 1000, 2000, 64, 2
POPULATION, ROUNDS, EPOCHS = 8, 3, 2  # EPOCHS of a round
OPS = 15


def images(count: int, begin: int) -> tuple[np.ndarray, np.ndarray]:
    with gzip.open(DATA / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read()[16:], np.uint8).reshape(-1, 28, 28)
    with gzip.open(DATA / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read()[8:], np.uint8).astype(np.int64)
    return pixels[begin : begin + count], labels[begin : begin + count]


def explore(policy: list[int]) -> list[int]:
    """REFERENCE 4: p1, m1, p2, m2, ...; redrawn with probability 0.2, else moved by 0 to 3 and clipped."""
    moved = []
    for i, value in enumerate(policy):
        high = 9 if i % 2 else 10
        step = random.choice([0, 1, 2, 3]) * random.choice([-1, 1])
        moved.append(random.randint(0, high) if random.random() < 0.2 else min(max(value + step, 0), high))
    return moved


class Training:
    """One member: eager PyTorch, channels_last, one thread; images through the Pillow pipeline of bench/rivals."""

    def __init__(self, seed: int, validation: int, tuned: bool) -> None:
        import pillow_pba
        from eager import WideResNet

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        random.seed(seed)
        pixels, labels = images(TRAIN + validation, 0)
        mean, deviation = pixels[:TRAIN].mean() / 255, pixels[:TRAIN].std() / 255
        pillow_pba.SIDE = 28
        pillow_pba.MEAN, pillow_pba.STD = np.full(3, mean), np.full(3, deviation)
        self.pillow, self.tuned = pillow_pba, tuned
        colour = np.repeat(pixels[:TRAIN, :, :, None], 3, 3)
        self.floats = (colour / 255 - mean) / deviation
        self.labels = torch.from_numpy(labels[:TRAIN])
        held = (pixels[TRAIN:, None] / 255 - mean) / deviation
        self.held = torch.from_numpy(held.astype(np.float32)).to(memory_format=torch.channels_last)
        self.held_labels = torch.from_numpy(labels[TRAIN:])
        self.net = WideResNet(10, 1, channels=1).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(self.net.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
        self.trained = self.evaluated = 0

    def epoch(self, policy: list[int], number: int) -> None:
        self.net.train()
        self.pillow.MID_SEARCH = list(zip(policy[::2], policy[1::2], strict=True))
        order = random.sample(range(TRAIN), TRAIN)
        steps = TRAIN // BATCH
        for step in range(steps):
            batch = order[step * BATCH : (step + 1) * BATCH]
            pictures = [self.pillow.base(self.pillow.apply_policy(self.floats[i], self.tuned)) for i in batch]
            x = torch.from_numpy(np.stack([p[:, :, 0] for p in pictures])[:, None].astype(np.float32))
            done = (number * steps + step + 1) / (ROUNDS * EPOCHS * steps)
            self.optimiser.param_groups[0]["lr"] = 0.1 * (1 + math.cos(math.pi * done)) / 2
            self.optimiser.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(self.net(x), self.labels[batch]).backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5)
            self.optimiser.step()
        self.trained += steps * BATCH

    @torch.inference_mode()
    def validate(self) -> float:
        self.net.eval()
        right = 0
        for at in range(0, len(self.held), 250):
            right += int((self.net(self.held[at : at + 250]).argmax(1) == self.held_labels[at : at + 250]).sum())
        self.evaluated += len(self.held)
        return right / len(self.held)

    def save(self) -> bytes:
        file = io.BytesIO()
        torch.save({"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict()}, file)
        return file.getvalue()

    def load(self, weights: bytes) -> None:
        state = torch.load(io.BytesIO(weights))
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])


def published_round(work: tuple[int, int, list[int], bytes | None]) -> tuple[float, bytes, int, int]:
    member, number, policy, weights = work
    training = Training(1000 * number + member, 11500, tuned=False)
    if weights is not None:
        training.load(weights)
    score = 0.0
    for epoch in range(EPOCHS):
        training.epoch(policy, number * EPOCHS + epoch)
        score = training.validate()
    return score, training.save(), training.trained, training.evaluated


def published(_: argparse.Namespace) -> dict[str, Any]:
    random.seed(1)
    policies = [[0] * 4 * OPS for _ in range(POPULATION)]
    weights: list[bytes | None] = [None] * POPULATION
    trained = evaluated = 0
    scores: list[float] = []
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        for number in range(ROUNDS):
            works = [(m, number, policies[m], weights[m]) for m in range(POPULATION)]
            results = pool.map(published_round, works, chunksize=1)
            scores = [r[0] for r in results]
            weights = [r[1] for r in results]
            trained += sum(r[2] for r in results)
            evaluated += sum(r[3] for r in results)
            ranked = sorted(range(POPULATION), key=lambda m: scores[m])
            quarter = max(1, POPULATION // 4)
            for target in ranked[:quarter]:
                donor = random.choice(ranked[-quarter:])
                weights[target], policies[target] = weights[donor], explore(policies[donor])
    return {"images_trained": trained, "images_evaluated": evaluated, "best": max(scores)}


def ray(_: argparse.Namespace) -> dict[str, Any]:
    import ray as ray_core
    from ray import tune
    from ray.tune.schedulers import PopulationBasedTraining

    keys = [f"n{i:02}" for i in range(4 * OPS)]

    class Member(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.training = Training(config["seed"], VALIDATION, tuned=True)

        def step(self) -> dict[str, Any]:
            training, policy = self.training, [self.config[key] for key in keys]
            before = training.trained, training.evaluated
            for epoch in range(EPOCHS):
                training.epoch(policy, (self.iteration * EPOCHS) + epoch)
            score = training.validate()
            return {"score": score, "trained": training.trained - before[0], "seen": training.evaluated - before[1]}

        def save_checkpoint(self, folder: str) -> None:
            (pathlib.Path(folder) / "weights").write_bytes(self.training.save())

        def load_checkpoint(self, folder: str) -> None:
            self.training.load((pathlib.Path(folder) / "weights").read_bytes())

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            return True

    def mutate(config: dict[str, Any]) -> dict[str, Any]:
        return config | dict(zip(keys, explore([config[key] for key in keys]), strict=True))

    scheduler = PopulationBasedTraining(
        time_attr="training_iteration",
        perturbation_interval=1,
        quantile_fraction=0.25,
        custom_explore_fn=mutate,
        synch=True,
        hyperparam_mutations={key: list(range(10 if i % 2 else 11)) for i, key in enumerate(keys)},
    )
    os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:2], os.environ.get("PYTHONPATH", "")])  # of the actors
    ray_core.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(Member, {"cpu": 1}),
            param_space={"seed": tune.grid_search(list(range(POPULATION))), **dict.fromkeys(keys, 0)},
            tune_config=tune.TuneConfig(scheduler=scheduler, metric="score", mode="max", reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=folder,
                stop={"training_iteration": ROUNDS},
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(num_to_keep=1, checkpoint_frequency=1),
            ),
        )
        results = tuner.fit()
        if results.errors:
            raise SystemExit(f"a trial failed: {results.errors[0]}")
        frames = [result.metrics_dataframe for result in results]
    ray_core.shutdown()
    return {
        "images_trained": int(sum(frame["trained"].sum() for frame in frames)),
        "images_evaluated": int(sum(frame["seen"].sum() for frame in frames)),
        "best": float(results.get_best_result().metrics["score"]),
    }


def popaug(flags: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [flags.program, "search", "--data", DATA, "--network", "wrn-10-1", "--batch", BATCH]
        command += ["--train-size", TRAIN, "--val-size", VALIDATION, "--population", POPULATION, "--rounds", ROUNDS]
        command += ["--epochs-per-round", EPOCHS, "--workers", WORKERS, "--conv", flags.conv, "--seed", "1"]
        subprocess.run([*map(str, command), "--json", "--out", f"{folder}/run"], check=True, stdout=subprocess.DEVNULL)
        result = json.loads((pathlib.Path(folder) / "run/result.json").read_text())
    return {
        "conv": flags.conv,
        "images_trained": result["images_trained"],
        "images_evaluated": result["images_evaluated"],
        "best": result["score"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=["popaug", "published", "ray"])
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("--conv", default="exact", choices=["exact", "fast"])
    parser.add_argument("-o", "--output")
    flags = parser.parse_args()
    started = time.perf_counter()
    row = {"popaug": popaug, "published": published, "ray": ray}[flags.way](flags)
    seconds = time.perf_counter() - started
    row = {"way": flags.way, **row, "seconds": round(seconds, 1)}
    row["images_trained_per_second"] = round(row["images_trained"] / seconds, 1)
    row["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(row))
    if flags.output:
        pathlib.Path(flags.output).write_text(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
