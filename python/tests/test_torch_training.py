"""Trainings as users write them: a plain loop, and loops that call in the order of Lightning and of the Hugging Face Trainer.

bench/studies/rivals/journeys.py does the same with the real packages. Each network records the images that it sees.
"""

import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler

import popaug
import popaug.torch as pt

COUNT, SIDE, EPOCHS = 12, 8, 3
PIXELS: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
Seen = dict[int, list[tuple[Tensor, Tensor]]]


def schedule(epochs: int = EPOCHS) -> popaug.Schedule:
    """Another policy in every epoch."""
    space = popaug.Space.load("pba").only(["Solarize", "Rotate"])
    segments = [popaug.Segment(1, [("Rotate", 1.0, k + 1), ("Solarize", 1.0, k + 1)]) for k in range(epochs)]
    return popaug.Schedule(space, popaug.Rule(), segments, popaug.Base.load("flipcrop"))


def check(seen: Seen, epochs: range) -> None:
    """That each epoch saw each image once, as the engine makes it for this epoch."""
    assert sorted(seen) == list(epochs)
    for epoch in epochs:
        want = schedule()(PIXELS, epoch, 7, samples=0, output="float32")
        assert sorted(int(label) for _, labels in seen[epoch] for label in labels) == list(range(COUNT))
        for images, labels in seen[epoch]:
            assert np.array_equal(images.numpy(), want[labels.numpy()])


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3 * SIDE * SIDE, COUNT)
        self.optimiser = torch.optim.SGD(self.parameters(), lr=0.01)

    def step(self, images: Tensor, labels: Tensor) -> None:
        loss = torch.nn.functional.cross_entropy(self.layer(images.flatten(1)), labels)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_plain_loop_stopped_and_resumed(workers: int) -> None:
    seen: Seen = {}
    data = [(image, label) for label, image in enumerate(PIXELS)]
    for first, last in ((0, 2), (2, EPOCHS)):  # a new process after a stop: a new network, Epoch and loader
        network, epoch = Network(), pt.Epoch(total=EPOCHS)
        loader = pt.loader(data, schedule(), epoch, 7, batch_size=5, shuffle=True, num_workers=workers)
        for number in range(first, last):
            epoch.set(number)
            for images, labels in loader:
                seen.setdefault(number, []).append((images, labels))
                network.step(images, labels)
    check(seen, range(EPOCHS))


class LightningLike:
    """Makes the first iterator, and so starts the workers, before any hook of the epoch runs; the epoch of a resumed fit
    is known before."""

    def __init__(self, max_epochs: int, current_epoch: int = 0) -> None:
        self.max_epochs, self.current_epoch = max_epochs, current_epoch

    def fit(self, module: Any) -> None:
        module.trainer = self
        loader = module.train_dataloader()
        first: Iterator[Any] | None = iter(loader)
        while self.current_epoch < self.max_epochs:
            module.on_train_epoch_start()
            iterator = first if first is not None else iter(loader)
            first = None
            for batch in iterator:
                module.training_step(batch)
            self.current_epoch += 1


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("first", [0, 1])
def test_lightning_starts_workers_before_the_epoch(workers: int, first: int) -> None:
    seen: Seen = {}

    class Module:
        trainer: LightningLike

        def __init__(self) -> None:
            self.network = Network()

        def train_dataloader(self) -> DataLoader[Any]:
            data = [(image, label) for label, image in enumerate(PIXELS)]
            epoch = pt.Epoch(EPOCHS, source=lambda: self.trainer.current_epoch)
            return pt.loader(data, schedule(), epoch, 7, batch_size=5, shuffle=True, num_workers=workers,
                             persistent_workers=workers > 0)  # fmt: skip

        def on_train_epoch_start(self) -> None:
            seen[self.trainer.current_epoch] = []

        def training_step(self, batch: Any) -> None:
            seen[self.trainer.current_epoch].append(batch)
            self.network.step(*batch)

    LightningLike(EPOCHS, first).fit(Module())
    check(seen, range(first, EPOCHS))


def hugging_face_like(model: Any, data: Any, collate: Any, epochs: int, workers: int) -> None:
    """Makes its own sampler, and calls set_epoch() of the data set before the iterator of each epoch."""
    loader: DataLoader[Any] = DataLoader(
        data, batch_size=5, sampler=RandomSampler(data), collate_fn=collate, num_workers=workers,
        persistent_workers=workers > 0,
    )  # fmt: skip
    for epoch in range(epochs):
        if hasattr(data, "set_epoch"):
            data.set_epoch(epoch)
        for batch in loader:
            model(epoch, **batch)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_hugging_face_trainer_sets_the_epoch_of_the_data(workers: int) -> None:
    seen: Seen = {}
    network, epoch = Network(), pt.Epoch(EPOCHS)
    rows = [{"pixel_values": image, "labels": label} for label, image in enumerate(PIXELS)]

    def model(number: int, pixel_values: Tensor, labels: Tensor) -> None:
        seen.setdefault(number, []).append((pixel_values, labels))
        network.step(pixel_values, labels)

    hugging_face_like(model, pt.Indexed(rows, epoch), pt.Collate(schedule(), epoch, 7), EPOCHS, workers)
    check(seen, range(EPOCHS))


# --- a search around a training, killed with two workers -----------------------------------------------

SEARCH = """
import sys
import numpy as np, torch, popaug
torch.set_num_threads(1)
IMAGES = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 3), dtype=np.uint8)
LABELS = torch.arange(32) % 2
def train_round(member):
    print(member.round, flush=True)
    with member.seeded():
        network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    if state := member.load():
        network.load_state_dict(state)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    for epoch in member:
        x = torch.from_numpy(member.augment(IMAGES, epoch, samples=0, output="float32"))
        loss = torch.nn.functional.cross_entropy(network(x), LABELS)
        optimiser.zero_grad(); loss.backward(); optimiser.step()
    member.save(network.state_dict())
    return loss.item()
popaug.search(train_round, "pba", 6, epochs=12, epochs_per_round=2, seed=1, mode="min", out=sys.argv[1], workers=2,
              resume=True, show=False)
"""


def test_a_search_with_two_workers_killed_and_resumed(tmp_path: pathlib.Path) -> None:
    def start(name: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", SEARCH, str(tmp_path / name)], stdout=subprocess.PIPE, text=True, env=os.environ
        )

    whole = start("whole")
    whole.communicate()
    assert whole.returncode == 0
    for kill_at in ("1", "4"):
        process = start("killed")
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == kill_at:
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
    last = start("killed")
    last.communicate()
    assert last.returncode == 0
    runs = [popaug.Run.load(tmp_path / name) for name in ("whole", "killed")]
    assert (tmp_path / "whole" / "journal.jsonl").read_bytes() == (tmp_path / "killed" / "journal.jsonl").read_bytes()
    first, second = (run.state() for run in runs)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert runs[0].checkpoint.name == "best.checkpoint"
