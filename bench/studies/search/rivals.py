#!/usr/bin/env python3
"""A short real search, four ways, at equal images trained (docs/decisions/search-speed.md).

    rivals.py all [--search NAME] [--repeats 3] [--ray-python PYTHON] [-o FILE.json]    all ways in turn, medians
    rivals.py exact | fast | published | ray [--search NAME]                          one way once, a JSON row

exact, fast  popaug search --conv exact or fast: validation at the end of a round, of half an image per training image
published    the published algorithm's plan in PyTorch: every image as the published code augments it (Python and
             Pillow), validation of 11.5 images per training image after each epoch (the paper's 46,000 for 4,000)
ray          Ray Tune's PopulationBasedTraining around the same PyTorch training, as a user would write it: the tuned
             Pillow pipeline, validation as popaug's

All: Fashion-MNIST, Wide-ResNet, two workers of one thread each, the same numbers of members, rounds and epochs, policies
drawn at random at the start, so that images cost what they cost in the middle of a search. Wall time is that of the whole
program, its start included. PYTHON has bench/studies/search/requirements.txt beside torch, numpy and pillow.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import io
import json
import math
import multiprocessing
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODULES = [str(ROOT / "bench/studies/rivals"), str(ROOT / "bench/studies/train"), str(ROOT / "bench/studies")]
sys.path[:0] = MODULES

STARTED = time.perf_counter()  # a rival's time holds its libraries' start, as the program's does

import numpy as np  # noqa: E402
import torch  # noqa: E402
from machine import processor  # noqa: E402

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
BATCH, WORKERS, OPS = 64, 2, 15
WAYS = ["exact", "fast", "published", "ray"]


@dataclasses.dataclass(frozen=True)
class Search:
    """How much is searched: the paper's proportions (4,000 images trained on, rounds of 3 epochs), made smaller."""

    depth: int
    width: int
    train: int
    population: int
    rounds: int
    epochs: int = 3  # of a round

    @property
    def network(self) -> str:
        return f"wrn-{self.depth}-{self.width}"

    @property
    def validation(self) -> int:  # at the end of a round
        return self.train // 2

    @property
    def published_validation(self) -> int:  # after each epoch
        return self.train * 23 // 2


SEARCHES = {s.network: s for s in (Search(10, 1, 1024, 4, 2), Search(28, 2, 128, 4, 2))}


def images(count: int, begin: int) -> tuple[np.ndarray, np.ndarray]:
    with gzip.open(DATA / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read()[16:], np.uint8).reshape(-1, 28, 28)
    with gzip.open(DATA / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read()[8:], np.uint8).astype(np.int64)
    return pixels[begin : begin + count], labels[begin : begin + count]


def drawn_policy() -> list[int]:
    return [random.randint(0, 9 if i % 2 else 10) for i in range(4 * OPS)]


def explore(policy: list[int]) -> list[int]:
    """docs/pba.md#search: p1, m1, p2, m2, ...; redrawn with probability 0.2, else moved by 0 to 3 and clipped."""
    moved = []
    for i, value in enumerate(policy):
        high = 9 if i % 2 else 10
        step = random.choice([0, 1, 2, 3]) * random.choice([-1, 1])
        moved.append(random.randint(0, high) if random.random() < 0.2 else min(max(value + step, 0), high))
    return moved


class Training:
    """One member: eager PyTorch, channels_last, one thread; images through the Pillow pipeline of bench/studies/rivals."""

    def __init__(self, search: Search, seed: int, validation: int, tuned: bool) -> None:
        import pillow_pba

        torch.set_num_threads(1)
        self.search = search
        pixels, labels = images(search.train + validation, 0)
        train, held = pixels[: search.train], pixels[search.train :]
        mean, deviation = train.mean() / 255, train.std() / 255
        pillow_pba.SIDE = 28
        pillow_pba.MEAN, pillow_pba.STD = np.full(3, mean), np.full(3, deviation)
        self.pillow, self.tuned = pillow_pba, tuned
        self.floats = (np.repeat(train[:, :, :, None], 3, 3) / 255 - mean) / deviation
        self.labels = torch.from_numpy(labels[: search.train])
        floats = ((held[:, None] / 255 - mean) / deviation).astype(np.float32)
        self.held = torch.from_numpy(floats).to(memory_format=torch.channels_last)
        self.held_labels = torch.from_numpy(labels[search.train :])
        self.trained = self.evaluated = 0
        self.begin(seed)

    def begin(self, seed: int) -> None:
        """Fresh weights."""
        from eager import WideResNet

        torch.manual_seed(seed)
        random.seed(seed)
        net = WideResNet(self.search.depth, self.search.width, channels=1)
        self.net = net.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(self.net.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def epoch(self, policy: list[int], number: int) -> None:
        self.net.train()
        self.pillow.MID_SEARCH = list(zip(policy[::2], policy[1::2], strict=True))
        search = self.search
        order = random.sample(range(search.train), search.train)
        steps = search.train // BATCH
        for step in range(steps):
            batch = order[step * BATCH : (step + 1) * BATCH]
            pictures = [self.pillow.base(self.pillow.apply_policy(self.floats[i], self.tuned)) for i in batch]
            x = torch.from_numpy(np.stack([p[:, :, 0] for p in pictures])[:, None].astype(np.float32))
            done = (number * steps + step + 1) / (search.rounds * search.epochs * steps)
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


MEMBER: Training | None = None  # of a process of the published plan, which keeps its data


def published_round(work: tuple[Search, int, int, list[int], bytes | None]) -> tuple[float, bytes, int, int]:
    global MEMBER
    search, member, number, policy, weights = work
    if MEMBER is None:
        MEMBER = Training(search, member, search.published_validation, tuned=False)
    MEMBER.begin(1000 * number + member)
    if weights is not None:
        MEMBER.load(weights)
    MEMBER.trained = MEMBER.evaluated = 0
    score = 0.0
    for epoch in range(search.epochs):
        MEMBER.epoch(policy, number * search.epochs + epoch)
        score = MEMBER.validate()
    return score, MEMBER.save(), MEMBER.trained, MEMBER.evaluated


def published(search: Search) -> dict[str, Any]:
    random.seed(1)
    policies = [drawn_policy() for _ in range(search.population)]
    weights: list[bytes | None] = [None] * search.population
    trained = evaluated = 0
    scores: list[float] = []
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        for number in range(search.rounds):
            works = [(search, m, number, policies[m], weights[m]) for m in range(search.population)]
            results = pool.map(published_round, works, chunksize=1)
            scores = [r[0] for r in results]
            weights = [r[1] for r in results]
            trained += sum(r[2] for r in results)
            evaluated += sum(r[3] for r in results)
            ranked = sorted(range(search.population), key=lambda m: scores[m])
            quarter = max(1, search.population // 4)
            for target in ranked[:quarter]:
                donor = random.choice(ranked[-quarter:])
                weights[target], policies[target] = weights[donor], explore(policies[donor])
    return {"images_trained": trained, "images_evaluated": evaluated, "best": max(scores)}


def ray(search: Search) -> dict[str, Any]:
    import ray as ray_core
    from ray import tune
    from ray.tune.schedulers import PopulationBasedTraining

    keys = [f"n{i:02}" for i in range(4 * OPS)]

    class Member(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.training = Training(search, config["seed"], search.validation, tuned=True)

        def step(self) -> dict[str, Any]:
            training, policy = self.training, [self.config[key] for key in keys]
            before = training.trained, training.evaluated
            for epoch in range(search.epochs):
                training.epoch(policy, (self.iteration * search.epochs) + epoch)
            score = training.validate()
            return {"score": score, "trained": training.trained - before[0], "seen": training.evaluated - before[1]}

        def save_checkpoint(self, folder: str) -> None:
            (pathlib.Path(folder) / "weights").write_bytes(self.training.save())

        def load_checkpoint(self, folder: Any) -> None:
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
    os.environ["PYTHONPATH"] = os.pathsep.join([*MODULES, os.environ.get("PYTHONPATH", "")])  # of the actors
    ray_core.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    random.seed(1)
    # Each trial draws its own start; the seed tells them apart.
    start = {key: tune.randint(0, 10 if i % 2 else 11) for i, key in enumerate(keys)}
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(Member, {"cpu": 1}),
            param_space={"seed": tune.grid_search(list(range(search.population))), **start},
            tune_config=tune.TuneConfig(scheduler=scheduler, metric="score", mode="max", reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=folder,
                stop={"training_iteration": search.rounds},
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(num_to_keep=None, checkpoint_frequency=1),
            ),
        )
        results = tuner.fit()
        if results.errors:
            raise SystemExit(f"a trial failed: {results.errors[0]}")
        frames: list[Any] = [results[i].metrics_dataframe for i in range(len(results))]
    ray_core.shutdown()
    metrics = results.get_best_result().metrics
    assert metrics is not None
    return {
        "images_trained": int(sum(frame["trained"].sum() for frame in frames)),
        "images_evaluated": int(sum(frame["seen"].sum() for frame in frames)),
        "best": float(metrics["score"]),
    }


def popaug(search: Search, program: str, conv: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "search", "--data", DATA, "--network", search.network, "--batch", BATCH]
        command += ["--train-size", search.train, "--val-size", search.validation, "--population", search.population]
        command += ["--rounds", search.rounds, "--epochs-per-round", search.epochs, "--workers", WORKERS]
        command += ["--conv", conv, "--start", "random", "--seed", 1, "--json", "--out", f"{folder}/run"]
        subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        result = json.loads((pathlib.Path(folder) / "run/result.json").read_text())
    return {
        "images_trained": result["images_trained"],
        "images_evaluated": result["images_evaluated"],
        "best": result["score"],
    }


def one(way: str, search: Search, program: str) -> dict[str, Any]:
    started = STARTED
    if way in ("exact", "fast"):
        started = time.perf_counter()
        row = popaug(search, program, way)
    else:
        row = {"published": published, "ray": ray}[way](search)
    return {"way": way, "search": search.network, **row, "seconds": round(time.perf_counter() - started, 2)}


def interleaved(flags: argparse.Namespace, search: Search) -> list[dict[str, Any]]:
    """Every way in turn, each in a process of its own."""
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(flags.repeats):
        for way in WAYS:
            python = flags.ray_python if way == "ray" else sys.executable
            command = [python, __file__, way, "--search", search.network, "--program", flags.program]
            done = subprocess.run([*flags.under.split(), *command], check=True, stdout=subprocess.PIPE, text=True)
            row = json.loads(done.stdout.splitlines()[-1])
            print(json.dumps(row), file=sys.stderr, flush=True)
            runs[way].append(row)
    return medians(runs)


def medians(runs: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """A row for each way. `times_fast` compares images trained per second: Ray trains fewer images where a trial that
    copies another stops at the round of the copy."""
    rows = []
    for found in runs.values():
        seconds = sorted(row["seconds"] for row in found)
        rows.append(
            {
                **{key: found[0][key] for key in ("way", "search", "images_trained", "images_evaluated")},
                "best": [row["best"] for row in found],
                "seconds": {"median": statistics.median(seconds), "least": seconds[0], "most": seconds[-1]},
            }
        )
        speeds = [row["images_trained"] / row["seconds"] for row in found]
        rows[-1]["images_trained_per_second"] = round(statistics.median(speeds), 1)
    reference = rows[WAYS.index("fast")]["images_trained_per_second"]
    for row in rows:
        row["times_fast"] = round(reference / row["images_trained_per_second"], 2)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=["all", *WAYS])
    parser.add_argument("--search", default="wrn-10-1", choices=list(SEARCHES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("--ray-python", default=sys.executable, help="a Python that has ray[tune]")
    parser.add_argument("--under", default="", help="a command that every run is started with")
    parser.add_argument("-o", "--output", type=pathlib.Path)
    flags = parser.parse_args()
    search = SEARCHES[flags.search]
    if flags.way != "all":
        print(json.dumps(one(flags.way, search, flags.program)))
        return
    rows = interleaved(flags, search)
    print(json.dumps(rows, indent=1))
    if flags.output:
        command = f"bench/studies/search/rivals.py all --search {search.network} --repeats {flags.repeats}"
        table = {"command": command, "machine": processor()}
        flags.output.write_text(json.dumps({**table, **dataclasses.asdict(search), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
