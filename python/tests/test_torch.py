"""PyTorch helpers with real worker processes: the epoch arrives, keys are the data set's indices."""

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

import popaug
import popaug.torch as pt

COUNT, SIDE = 24, 16
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


class Pictures(Dataset[tuple[Any, int]]):
    """(image, label) as Pillow images, CHW tensors or HWC arrays; the label is the index."""

    def __init__(self, kind: str = "array") -> None:
        rng = np.random.default_rng(5)
        self.pixels: NDArray[np.uint8] = rng.integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
        self.kind = kind

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = self.pixels[index]
        if self.kind == "pillow":
            return Image.fromarray(image), index
        if self.kind == "tensor":
            return torch.from_numpy(image).permute(2, 0, 1), index
        return image, index


def schedule() -> popaug.Schedule:
    """A policy that differs in every epoch, and that every image feels."""
    space = popaug.Space.load("pba").only(["Posterize", "Solarize", "Invert", "Rotate"])
    segments = [
        popaug.Segment(1, popaug.Policy((popaug.Entry("Rotate", 1.0, k + 1), popaug.Entry("Solarize", 1.0, k + 1))))
        for k in range(6)
    ]
    return popaug.Schedule(space, popaug.Rule(), segments, popaug.Base.load("flipcrop"))


def expected(epoch: int, seed: int = 3) -> NDArray[np.float32]:
    """All images of an epoch, straight from the engine."""
    result: NDArray[np.float32] = schedule()(
        Pictures().pixels, epoch, seed, samples=0, output="float32", mean=MEAN, std=STD
    )
    return result


def collected(loader: DataLoader[Any]) -> dict[int, NDArray[Any]]:
    """What the loader gives, by label."""
    return {int(label): image.numpy() for images, labels in loader for image, label in zip(images, labels, strict=True)}


def check(loader: DataLoader[Any], epoch: int, labels: set[int] | None = None) -> None:
    got, want = collected(loader), expected(epoch)
    assert set(got) == (labels if labels is not None else set(range(COUNT)))
    assert all(np.array_equal(image, want[label]) for label, image in got.items())


def collating(epoch: pt.Epoch, **options: Any) -> DataLoader[Any]:
    collate = pt.Collate(schedule(), epoch, seed=3, mean=MEAN, std=STD)
    data: Dataset[Any] = pt.Indexed(Pictures())
    return DataLoader(data, batch_size=5, shuffle=True, collate_fn=collate, **options)


def per_image(epoch: pt.Epoch, kind: str = "array", **options: Any) -> DataLoader[Any]:
    data = pt.Augmented(Pictures(kind), schedule(), epoch, seed=3, mean=MEAN, std=STD)
    return DataLoader(data, batch_size=5, shuffle=True, **options)


@pytest.mark.parametrize("make", [collating, per_image])
def test_running_workers_learn_of_each_epoch(make: Any) -> None:
    epoch = pt.Epoch(total=6)
    loader = make(epoch, num_workers=2, persistent_workers=True)
    seen = []
    for number in (0, 1, 2, 5):
        epoch.set(number)
        check(loader, number)
        seen.append(collected(loader)[0])
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(seen))


def test_spawned_workers_learn_of_each_epoch() -> None:
    epoch = pt.Epoch(total=6)
    loader = collating(epoch, num_workers=1, persistent_workers=True, multiprocessing_context="spawn")
    for number in (1, 4):
        epoch.set(number)
        check(loader, number)


def test_resuming_starts_at_the_epoch_it_left() -> None:
    epoch = pt.Epoch(total=6)  # a new process after a stop: a new value, a new loader
    epoch.set(4)
    check(collating(epoch, num_workers=2), 4)


def test_distributed_samplers_share_the_epoch_out() -> None:
    """Each rank has an Epoch of its own; together they give each image once, as one process would."""
    labels: list[set[int]] = []
    for rank in (0, 1):
        epoch = pt.Epoch(total=6)
        data: Dataset[Any] = pt.Indexed(Pictures())
        sampler: DistributedSampler[Any] = DistributedSampler(data, num_replicas=2, rank=rank, shuffle=True, seed=9)
        collate = pt.Collate(schedule(), epoch, seed=3, mean=MEAN, std=STD)
        loader: DataLoader[Any] = DataLoader(
            data, batch_size=4, sampler=sampler, collate_fn=collate, num_workers=1, persistent_workers=True
        )
        for number in (2, 3):
            sampler.set_epoch(number)
            epoch.set(number)
            check(loader, number, set(sampler))
        labels.append(set(sampler))
    assert labels[0] | labels[1] == set(range(COUNT))
    assert not labels[0] & labels[1]


@pytest.mark.parametrize("kind", ["array", "tensor", "pillow"])
def test_every_kind_of_item(kind: str) -> None:
    epoch = pt.Epoch(total=6)
    epoch.set(3)
    check(per_image(epoch, kind), 3)
    collate = pt.Collate(schedule(), epoch, seed=3, mean=MEAN, std=STD, threads=2)
    data: Dataset[Any] = pt.Indexed(Pictures(kind))
    check(DataLoader(data, batch_size=7, collate_fn=collate), 3)


def test_bytes_stay_bytes() -> None:
    epoch = pt.Epoch(total=6)
    epoch.set(1)
    want = schedule()(Pictures().pixels, 1, 3, samples=0)
    data = pt.Augmented(Pictures(), schedule(), epoch, seed=3, output="uint8")
    assert data[2][0].dtype == torch.uint8
    assert np.array_equal(data[2][0].numpy(), want[2].transpose(2, 0, 1))
    collate = pt.Collate(schedule(), epoch, seed=3, output="uint8")
    images, labels = collate([pt.Indexed(Pictures())[i] for i in (4, 2)])
    assert np.array_equal(images.numpy(), want[[4, 2]].transpose(0, 3, 1, 2))
    assert labels.tolist() == [4, 2]


def test_a_forgotten_epoch_is_an_error() -> None:
    with pytest.raises(popaug.UsageError, match=r"never set: call epoch\.set"):
        next(iter(collating(pt.Epoch(total=6))))
    with pytest.raises(popaug.UsageError, match="workers share"):
        pt.Collate(schedule(), 3)  # type: ignore[arg-type]
    with pytest.raises(popaug.UsageError, match="count from 0"):
        pt.Epoch().set(-1)


def test_what_does_not_fit_is_refused() -> None:
    epoch = pt.Epoch(total=6)
    epoch.set(0)
    collate = pt.Collate(schedule(), epoch)
    with pytest.raises(popaug.UsageError, match=r"popaug\.torch\.Indexed"):
        collate([Pictures()[0][0]])  # type: ignore[list-item]
    small = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(popaug.UsageError, match="2 sizes in one batch"):
        collate([(0, (small, 0)), (1, Pictures()[1])])
    with pytest.raises(popaug.UsageError, match="float32; expected uint8"):
        pt.Transform(schedule(), epoch)(torch.zeros(3, 8, 8))


def test_without_an_index_draws_come_from_the_loaders_generator() -> None:
    epoch = pt.Epoch(total=6)
    epoch.set(0)
    transform, image = pt.Transform(schedule(), epoch), Pictures()[0][0]
    torch.manual_seed(1)
    one, two = transform(image), transform(image)
    torch.manual_seed(1)
    assert torch.equal(transform(image), one)
    assert not torch.equal(one, two)


def test_transforms_pickle() -> None:
    epoch = pt.Epoch(total=6)
    epoch.set(2)
    transform = pt.Transform(schedule(), epoch, seed=3, mean=MEAN, std=STD)
    again: Tensor = pickle.loads(pickle.dumps(transform))(Pictures().pixels[7], index=7)
    assert np.array_equal(again.numpy(), expected(2)[7])


def test_workers_after_threads() -> None:
    """Workers forked by a process that has already augmented on several threads."""
    schedule()(Pictures().pixels, 0, threads=4, samples=0)
    epoch = pt.Epoch(total=6)
    epoch.set(1)
    check(collating(epoch, num_workers=2), 1)
