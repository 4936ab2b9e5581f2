"""How an image is keyed: its number, the epoch and the repeat come from the sampler, whatever the workers do."""

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    RandomSampler,
    Subset,
    WeightedRandomSampler,
)

import popaug
import popaug.torch as pt

COUNT, SIDE = 12, 16
PIXELS: NDArray[np.uint8] = np.random.default_rng(7).integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)


class Pictures(Dataset[tuple[NDArray[np.uint8], int]]):
    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int]:
        return PIXELS[index], index


def schedule(epochs: int = 4) -> popaug.Schedule:
    """Another policy in every epoch, which every image feels."""
    space = popaug.Space.load("pba").only(["Solarize", "Rotate"])
    segments = [popaug.Segment(1, [("Rotate", 1.0, k + 1), ("Solarize", 1.0, k + 1)]) for k in range(epochs)]
    return popaug.Schedule(space, popaug.Rule(), segments, popaug.Base.load("flipcrop"))


def pictures(loader: DataLoader[Any]) -> list[tuple[int, bytes]]:
    """(label, bytes of the augmented image), in the loader's order."""
    return [
        (int(label), image.numpy().tobytes())
        for images, labels in loader
        for image, label in zip(images, labels, strict=True)
    ]


def expected(index: int, epoch: int, seed: int = 3) -> bytes:
    result: NDArray[np.uint8] = schedule()(PIXELS[index : index + 1], epoch, seed, samples=index)
    return result[0].transpose(2, 0, 1).tobytes()


def indexed() -> Dataset[Any]:
    return pt.Indexed(Pictures())


def keyed(sampler: Any, epoch: pt.Epoch, workers: int, **options: Any) -> DataLoader[Any]:
    return pt.loader(
        Pictures(), schedule(), epoch, 3, batch_size=4, sampler=sampler, output="uint8", num_workers=workers, **options
    )


# --- the epoch travels with the index ----------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pass_keeps_the_epoch_in_which_it_began(workers: int) -> None:
    """Workers fetch ahead: what is set later belongs to the next pass."""
    epoch = pt.Epoch(total=4)
    epoch.set(1)
    loader = keyed(range(COUNT), epoch, workers)
    iterator = iter(loader)
    first = next(iterator)
    epoch.set(2)
    got = [(first[0], first[1]), *iterator]
    for images, labels in got:
        for image, label in zip(images, labels, strict=True):
            assert image.numpy().tobytes() == expected(int(label), 1)
    assert dict(pictures(loader)) == {i: expected(i, 2) for i in range(COUNT)}


def test_workers_that_start_before_the_epoch_begins_learn_it_from_a_source() -> None:
    """As Lightning does: the first iterator of a fit is made before any hook of the epoch."""
    current = {"epoch": 2}  # of a trainer that resumed
    epoch = pt.Epoch(total=4, source=lambda: current["epoch"])
    loader = keyed(range(COUNT), epoch, 2, persistent_workers=True)
    for number in (2, 3):
        current["epoch"] = number
        assert dict(pictures(loader)) == {i: expected(i, number) for i in range(COUNT)}


def test_a_batch_sampler_carries_keys_too() -> None:
    epoch = pt.Epoch(total=4)
    epoch.set(2)
    batches = BatchSampler(range(COUNT), 5, drop_last=False)
    loader = pt.loader(Pictures(), schedule(), epoch, 3, batch_sampler=batches, output="uint8", num_workers=2)
    assert dict(pictures(loader)) == {i: expected(i, 2) for i in range(COUNT)}
    assert len(loader) == 3


def test_keys_reach_every_kind_of_wrapper() -> None:
    epoch = pt.Epoch(total=4)
    epoch.set(3)
    sampler = pt.EpochSampler(range(COUNT), epoch)
    each = pt.Augmented(Pictures(), schedule(), epoch, seed=3, output="uint8")
    loader: DataLoader[Any] = DataLoader(each, batch_size=4, sampler=sampler, num_workers=2)
    assert dict(pictures(loader)) == {i: expected(i, 3) for i in range(COUNT)}
    # Subset makes plain numbers of them: those read the Epoch.
    half: DataLoader[Any] = DataLoader(Subset(each, range(6)), batch_size=3, num_workers=2)
    assert dict(pictures(half)) == {i: expected(i, 3) for i in range(6)}


def test_set_epoch_reaches_the_sampler_inside() -> None:
    epoch = pt.Epoch(total=4)
    inner: DistributedSampler[Any] = DistributedSampler(indexed(), num_replicas=2, rank=1, shuffle=True, seed=1)
    sampler = pt.EpochSampler(inner, epoch)
    sampler.set_epoch(3)
    assert (epoch.get(), inner.epoch, len(sampler)) == (3, 3, COUNT // 2)
    assert {key.epoch for key in sampler} == {3}


def test_set_epoch_is_a_method_of_all() -> None:
    for make in (
        lambda: pt.Collate(schedule(), pt.Epoch(4)),
        lambda: pt.Augmented(Pictures(), schedule(), pt.Epoch(4)),
    ):
        one = make()
        one.set_epoch(2)
        assert one.epoch.get() == 2
    data = pt.Indexed(Pictures(), pt.Epoch(4))
    data.set_epoch(1)
    assert data.epoch is not None and data.epoch.get() == 1
    with pytest.raises(popaug.UsageError, match=r"Indexed\(data, epoch\)"):
        pt.Indexed(Pictures()).set_epoch(1)


# --- oversampling --------------------------------------------------------------------------------------


def repeating() -> WeightedRandomSampler:
    weights = torch.tensor([8.0] + [1.0] * (COUNT - 1))
    return WeightedRandomSampler(weights, 40, generator=torch.Generator().manual_seed(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_an_image_drawn_again_is_another_picture(workers: int) -> None:
    epoch = pt.Epoch(total=4)
    epoch.set(1)
    got = pictures(keyed(repeating(), epoch, workers))
    of_first = [picture for label, picture in got if label == 0]
    assert len(of_first) > 8
    assert len(set(of_first)) > 0.9 * len(of_first)
    assert of_first[0] == expected(0, 1)  # the first time is the ordinary one
    assert got == pictures(keyed(repeating(), epoch, 0))  # whatever the number of workers


def test_repeats_can_stay_the_same() -> None:
    epoch = pt.Epoch(total=4)
    epoch.set(1)
    for workers in (0, 2):
        got = pictures(keyed(repeating(), epoch, workers, repeats="same"))
        assert all(picture == expected(label, 1) for label, picture in got)


def test_repeats_are_counted_anew_in_each_pass() -> None:
    epoch = pt.Epoch(total=4)
    epoch.set(1)
    loader = keyed(range(COUNT), epoch, 0)
    assert pictures(loader) == pictures(loader)


def test_plain_indices_are_counted_where_the_loader_calls() -> None:
    epoch = pt.Epoch(total=4)
    collate = pt.Collate(schedule(), epoch, 3, output="uint8")
    augmented = pt.Augmented(Pictures(), schedule(), epoch, 3, output="uint8")
    loaders: list[DataLoader[Any]] = [
        DataLoader(indexed(), batch_size=4, sampler=repeating(), collate_fn=collate),
        DataLoader(augmented, batch_size=4, sampler=repeating()),
    ]
    for loader in loaders:
        epoch.set(1)
        of_first = [picture for label, picture in pictures(loader) if label == 0]
        assert len(set(of_first)) > 0.9 * len(of_first)
    assert augmented[5][0].numpy().tobytes() == augmented[5][0].numpy().tobytes() == expected(5, 1)


def test_workers_cannot_count_plain_indices_and_say_so() -> None:
    epoch = pt.Epoch(total=4)
    epoch.set(1)
    collate = pt.Collate(schedule(), epoch, 3)
    loader: DataLoader[Any] = DataLoader(indexed(), 4, sampler=repeating(), collate_fn=collate, num_workers=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # which a worker passes on
        with pytest.raises(UserWarning, match=r"use popaug\.torch\.loader\(\)"):
            for _ in loader:
                pass


# --- the length of the training ------------------------------------------------------------------------


def test_the_total_stretches_a_schedule() -> None:
    epoch = pt.Epoch(total=2)
    transform = pt.Transform(schedule(), epoch, seed=3, output="uint8")
    assert transform.schedule == schedule().stretch(2)
    with pytest.raises(popaug.UsageError, match="epoch 2 of a training of 2 epochs"):
        epoch.set(2)


def test_an_unknown_length_is_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"a training of 4 epochs.*Epoch\(total=N\) stretches") as caught:
        pt.Transform(schedule(), pt.Epoch())
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pt.Transform(popaug.TrivialAugment(), pt.Epoch())
        pt.Transform(schedule(), pt.Epoch(total=4))


@pytest.mark.parametrize("epoch", [2.9, "3", None, np.float32(1)])
def test_an_epoch_is_a_whole_number(epoch: Any) -> None:
    with pytest.raises(popaug.UsageError, match="expected a whole number"):
        pt.Epoch().set(epoch)


# --- copies --------------------------------------------------------------------------------------------


def test_copies_share_the_epoch() -> None:
    epoch = pt.Epoch(total=4)
    transform = pt.Transform(schedule(), epoch, seed=3)
    copies = [copy.copy(transform), copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))]
    epoch.set(2)
    for twin in copies:
        assert twin.epoch is epoch
        assert torch.equal(twin(PIXELS[0], index=0), transform(PIXELS[0], index=0))


def test_a_pickle_for_another_program_has_no_epoch() -> None:
    """What cannot be shared is unset, never stale."""
    epoch = pt.Epoch(total=4)
    epoch.set(2)
    text = pickle.dumps(epoch)
    del epoch
    again = pickle.loads(text)
    assert again.total == 4
    with pytest.raises(popaug.UsageError, match="never set"):
        again.get()


def test_spawned_workers_share_the_epoch_of_plain_indices() -> None:
    epoch = pt.Epoch(total=4)
    collate = pt.Collate(schedule(), epoch, 3, output="uint8")
    loader: DataLoader[Any] = DataLoader(
        indexed(), 4, collate_fn=collate, num_workers=1, persistent_workers=True, multiprocessing_context="spawn"
    )
    for number in (1, 3):
        epoch.set(number)
        assert dict(pictures(loader)) == {i: expected(i, number) for i in range(COUNT)}


# --- seeds and evaluation --------------------------------------------------------------------------------


def test_without_a_seed_each_study_draws_its_own() -> None:
    epoch = pt.Epoch(total=4)

    def seed(of_torch: int) -> int:
        torch.manual_seed(of_torch)
        return pt.Collate(schedule(), epoch).seed

    assert seed(1) == seed(1) != seed(2)


def test_evaluation_is_the_plain_image() -> None:
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    epoch = pt.Epoch(total=4)
    want = ((PIXELS[:5] / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    one = pt.Transform(schedule(), epoch, mean=mean, std=std).evaluation()
    batch = pt.Collate(schedule(), epoch, mean=mean, std=std).evaluation()
    data = pt.Augmented(Pictures(), schedule(), epoch, mean=mean, std=std).evaluation()
    images, labels = batch([(i, Pictures()[i]) for i in range(5)])
    assert np.allclose(images.numpy(), want, atol=1e-6)
    assert labels.tolist() == list(range(5))
    assert np.allclose(one(PIXELS[2]).numpy(), want[2], atol=1e-6)
    assert np.allclose(data[3][0].numpy(), want[3], atol=1e-6)


@pytest.mark.parametrize("evaluation", [False, True])
def test_bfloat16_is_float32_rounded_as_torch_rounds(evaluation: bool) -> None:
    epoch = pt.Epoch(total=4)
    epoch.set(1)
    scale: Any = {"seed": 3, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}

    def of(kind: Any, *given: Any, output: Any) -> Any:
        made = kind(*given, schedule(), epoch, output=output, **scale)
        return made.evaluation() if evaluation else made

    def check(found: torch.Tensor, want: torch.Tensor) -> None:
        assert found.dtype == torch.bfloat16 and torch.equal(found, want.bfloat16())

    items = [(i, Pictures()[i]) for i in range(5)]
    check(of(pt.Collate, output="bfloat16")(items)[0], of(pt.Collate, output="float32")(items)[0])
    for index in range(5):
        one, same = (of(pt.Transform, output=output)(PIXELS[index], index=index) for output in ("bfloat16", "float32"))
        check(one, same)
        check(of(pt.Augmented, Pictures(), output="bfloat16")[index][0], same)
    batches = pt.loader(Pictures(), schedule(), epoch, batch_size=5, output="bfloat16", num_workers=2, **scale)
    floats = pt.loader(Pictures(), schedule(), epoch, batch_size=5, **scale)
    for (found, _), (want, _) in zip(batches, floats, strict=True):
        check(found, want)


def test_random_order_of_a_loader_follows_its_generator() -> None:
    epoch = pt.Epoch(total=4)
    epoch.set(0)

    def labels(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        loader = pt.loader(Pictures(), schedule(), epoch, 3, batch_size=5, shuffle=True, generator=generator)
        assert isinstance(loader.sampler, pt.EpochSampler) and isinstance(loader.sampler.sampler, RandomSampler)
        return [label for label, _ in pictures(loader)]

    assert labels(1) == labels(1) != labels(2)
    assert sorted(labels(1)) == list(range(COUNT))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sampler": range(3), "shuffle": True}, "leave out shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 4}, "leave out batch_size"),
        ({"repeats": "other"}, 'expected "new" or "same"'),
        ({"output": "same"}, 'a batch is "float32", "bfloat16" or "uint8"'),
        ({"output": "float16"}, 'expected "float32", "bfloat16", "uint8" or "same"'),
        ({"output": "uint8", "std": [0.2] * 3}, "std has no effect"),
        ({"mean": [125.3] * 3}, "scale 0..1"),
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(popaug.UsageError, match=sentence):
        pt.loader(Pictures(), schedule(), pt.Epoch(total=4), **options)
