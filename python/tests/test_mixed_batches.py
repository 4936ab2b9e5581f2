"""CutMix and mixup in the DataLoader of PyTorch: images, partners, labels and loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot
from torch.utils.data import DataLoader, IterableDataset

import popaug
import popaug.torch

IMAGES = np.random.default_rng(3).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
DATA = [(image, label % 4) for label, image in enumerate(IMAGES)]
BASE = popaug.Base(pad=2, flip=0.5)


def schedule(**base: Any) -> popaug.Schedule:
    value = popaug.Schedule.baseline("none").with_base(BASE)
    return value.with_base(popaug.Base.from_json(value.base.to_json() | base))


def epoch_of(number: int) -> popaug.torch.Epoch:
    epoch = popaug.torch.Epoch()
    epoch.set(number)
    return epoch


def batches(mixing: popaug.Schedule, workers: int = 0, size: int = 8, **options: Any) -> list[Any]:
    options = {"output": "uint8"} | options
    loader = popaug.torch.loader(DATA, mixing, epoch_of(5), seed=7, batch_size=size, num_workers=workers, **options)
    return list(loader)


def alone(index: int, mixing: popaug.Schedule) -> np.ndarray:
    """The image as it is when it is not mixed."""
    plain = mixing.with_base(mixing.base.without_mixing())
    result: np.ndarray = plain(IMAGES[index : index + 1], 5, 7, samples=index)
    return result[0]


def test_a_box_of_the_partner_and_both_labels() -> None:
    mixing = schedule(cutmix=1.0, pad=0)
    seen = 0
    for number, (images, labels) in enumerate(batches(mixing)):
        for i, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
            index = 8 * number + i
            assert labels.first[i] == index % 4
            own = alone(index, mixing)
            if labels.share[i] == 1:
                assert np.array_equal(image, own)
                continue
            seen += 1
            differs = (image != own).any(axis=2)
            # Some image of the partner's class fills the box, and nothing else differs.
            fits = [
                other
                for other in range(len(IMAGES))
                if other != index and np.array_equal(image[differs], alone(other, mixing)[differs])
            ]
            assert any(other % 4 == labels.second[i] for other in fits), index
            assert differs.mean() <= 1 - labels.share[i] + 1e-6
            rows, columns = np.nonzero(differs)
            box = np.ptp(rows) + 1, np.ptp(columns) + 1
            assert box[0] * box[1] == pytest.approx(256 * (1 - labels.share[i].item()), abs=1e-3)
    assert seen > 20


def test_mixup_is_the_weighted_mean_of_an_image_and_its_partner() -> None:
    mixing = schedule(mixup=1.0, mixup_alpha=1.0)
    for number, (images, labels) in enumerate(batches(mixing)):
        for i, image in enumerate(images.permute(0, 2, 3, 1).numpy().astype(float)):
            share = labels.share[i].item()
            assert share * 256 == int(share * 256)
            own = alone(8 * number + i, mixing).astype(float)
            others = [share * own + (1 - share) * alone(k, mixing) for k in range(int(labels.second[i]), 40, 4)]
            assert min(np.abs(image - other).max() for other in others) <= 0.5 + 1e-9


def flat(loaded: list[Any]) -> tuple[bytes, list[tuple[float, ...]]]:
    pixels = b"".join(images.numpy().tobytes() for images, _ in loaded)
    return pixels, [tuple(row) for _, labels in loaded for row in torch.stack([p.double() for p in labels], 1).tolist()]


def test_neither_batches_nor_workers_change_a_byte() -> None:
    mixing = schedule(cutmix=0.5, mixup=0.5, erase=0.3, turn=0.4)
    want = flat(batches(mixing))
    assert flat(batches(mixing, size=3)) == want
    assert flat(batches(mixing, size=1)) == want  # a batch of one image is mixed with the epoch's
    assert flat(batches(mixing, workers=2)) == want
    assert flat(batches(mixing, threads=2)) == want
    assert flat(batches(mixing, size=40)) == want


def test_floats_are_the_bytes_normalised() -> None:
    mixing = schedule(cutmix=0.6, mixup=0.6)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)
    bytes_, labels = batches(mixing, size=40, mean=mean)[0]
    floats, same = batches(mixing, size=40, mean=mean, std=std, output="float32")[0]
    assert all(torch.equal(a, b) for a, b in zip(labels, same, strict=True))
    want = (bytes_.double() / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    holes = (floats == 0).all(dim=1, keepdim=True).expand_as(floats)
    assert torch.allclose(floats.double()[~holes], want[~holes], atol=1e-5)


def test_bfloat16_is_float32_rounded_as_torch_rounds() -> None:
    mixing = schedule(cutmix=0.6, mixup=0.6)
    scale: dict[str, Any] = {"size": 40, "mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.25)}
    floats, labels = batches(mixing, output="float32", **scale)[0]
    found, same = batches(mixing, output="bfloat16", **scale)[0]
    assert all(torch.equal(a, b) for a, b in zip(labels, same, strict=True))
    assert found.dtype == torch.bfloat16 and torch.equal(found, floats.bfloat16())


def test_dense_labels_and_the_loss() -> None:
    mixing = schedule(cutmix=0.6, mixup=0.6)
    _, three = batches(mixing, size=40)[0]
    _, dense = batches(mixing, size=40, classes=4)[0]
    assert torch.allclose(dense.sum(1), torch.ones(40)) and torch.equal(dense, three.dense(4))
    logits = torch.randn(40, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for smoothing in (0.0, 0.1):
        want = cross_entropy(logits, dense.double(), label_smoothing=smoothing)
        for labels in (three, tuple(three), dense.double()):
            found = popaug.torch.mixed_cross_entropy(logits, labels, label_smoothing=smoothing)
            assert float(found) == pytest.approx(float(want), rel=1e-6)
    every = popaug.torch.mixed_cross_entropy(logits, three, reduction="none")
    assert every.shape == (40,)
    assert float(popaug.torch.mixed_cross_entropy(logits, three, reduction="sum")) == pytest.approx(float(every.sum()))
    plain = torch.arange(40) % 4
    assert float(popaug.torch.mixed_cross_entropy(logits, plain)) == pytest.approx(float(cross_entropy(logits, plain)))
    unmixed = popaug.torch.MixedLabels(plain, plain, torch.ones(40))
    assert torch.equal(unmixed.dense(4), one_hot(plain, 4).float())
    assert unmixed.to("cpu") == unmixed or all(
        torch.equal(a, b) for a, b in zip(unmixed.to("cpu"), unmixed, strict=True)
    )


def test_dictionaries_and_evaluation() -> None:
    rows = [{"pixel_values": image, "labels": label, "name": str(i)} for i, (image, label) in enumerate(DATA)]
    mixing = schedule(cutmix=1.0)
    batch = next(iter(popaug.torch.loader(rows, mixing, epoch_of(5), seed=7, batch_size=8, output="uint8")))
    images, labels = batches(mixing)[0]
    assert torch.equal(batch["pixel_values"], images) and torch.equal(batch["labels"].second, labels.second)
    assert list(batch["name"]) == [str(i) for i in range(8)]
    collate = popaug.torch.Collate(mixing, epoch_of(0), output="uint8", data=DATA).evaluation()
    images, plain = next(iter(DataLoader(popaug.torch.Indexed(DATA), batch_size=4, collate_fn=collate)))
    assert plain.tolist() == [0, 1, 2, 3] and np.array_equal(images.permute(0, 2, 3, 1).numpy(), IMAGES[:4])


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(DATA)


def test_what_cannot_be_mixed_is_refused_in_a_sentence() -> None:
    mixing = popaug.Schedule.baseline("flipcrop+cutmix")
    assert mixing.mixes and mixing.base.cutmix == 0.5 and not mixing.base.without_mixing().mixes
    with pytest.raises(popaug.UsageError, match=r"flipcrop\+cutmix mixes images .*popaug.torch.loader"):
        mixing(IMAGES, samples=0)
    for kind in (lambda: popaug.torch.Transform(mixing), lambda: popaug.torch.Augmented(DATA, mixing)):
        with pytest.raises(popaug.UsageError, match="mixes images"):
            kind()
    with pytest.raises(popaug.UsageError, match="data is not given"):
        popaug.torch.Collate(mixing)
    with pytest.raises(popaug.UsageError, match="an IterableDataset, which cannot be indexed"):
        popaug.torch.loader(Stream(), mixing, epoch_of(0))
    with pytest.raises(popaug.UsageError, match="the data set has 1"):
        popaug.torch.loader(DATA[:1], mixing, epoch_of(0))
    loader = popaug.torch.loader([image for image, _ in DATA], mixing, epoch_of(0))  # no labels
    with pytest.raises(popaug.UsageError, match="mixed together with their labels"):
        next(iter(loader))
    loader = popaug.torch.loader([(image, "cat") for image, _ in DATA], mixing, epoch_of(0))
    with pytest.raises(popaug.UsageError, match="the label 'cat'; expected a class number"):
        next(iter(loader))
    with pytest.raises(popaug.Error, match="cutmix_alpha: 0"):
        schedule(cutmix=0.5, cutmix_alpha=0.0)
    with pytest.raises(popaug.Error, match=r"mixup: 1\.5"):
        schedule(mixup=1.5)
    with pytest.raises(popaug.UsageError, match="unknown baseline"):
        popaug.Schedule.baseline("flipcrop+cutmix-2")


def test_symmetries_are_those_of_numpy() -> None:
    base = popaug.Base.load("dihedral")
    assert base == popaug.Base(pad=4, flip=0.5, turn=0.75)
    turning = popaug.Schedule.baseline("none").with_base(popaug.Base(flip=0.5, vflip=0.3, turn=0.75))
    forms = [np.rot90(side, k) for side in (IMAGES[0], IMAGES[0][:, ::-1]) for k in range(4)]
    seen = set()
    for sample in range(60):
        result = turning(IMAGES[:1], 0, 1, samples=sample)[0]
        matches = [i for i, form in enumerate(forms) if np.array_equal(result, form)]
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 8
    with pytest.raises(popaug.UsageError, match="images of 16x12 cannot be turned by 90 degrees"):
        turning(IMAGES[:, :12], 0, 1, samples=0)
