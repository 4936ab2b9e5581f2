"""popaug.adapters.timm and .torchvision in loops as the two training scripts have them, with workers that stay."""

from typing import Any

import marked
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import popaug
import popaug.torch as pt
from popaug.adapters.timm import create_transform
from popaug.adapters.torchvision import ClassificationPresetTrain

SMALL = {"scale": (1.0, 1.0), "ratio": (1.0, 1.0)}


class Pictures(torch.utils.data.Dataset[Any]):
    """As timm's ImageDataset and torchvision's ImageFolder: `transform` is called with the image alone."""

    def __init__(self, transform: Any = None) -> None:
        self.transform = transform

    def __len__(self) -> int:
        return marked.COUNT

    def __getitem__(self, index: int) -> Any:
        image, label = marked.PICTURES[index]
        return self.transform(image), label


def timm_loader(schedule_epoch: pt.Epoch, workers: int, prefetcher: bool) -> Any:
    from timm.data import create_loader

    dataset = Pictures()
    loader = create_loader(
        dataset, marked.SIDE, batch_size=4, is_training=True, num_workers=workers, use_prefetcher=prefetcher,
        device=torch.device("cpu"), persistent_workers=True, mean=(0.0,) * 3, std=(1.0,) * 3,
    )  # fmt: skip
    dataset.transform = create_transform(
        marked.schedule(), schedule_epoch, marked.SIDE, is_training=True, use_prefetcher=prefetcher, mean=(0.0,) * 3,
        std=(1.0,) * 3, **SMALL,
    )  # fmt: skip
    return loader


def torchvision_loader(schedule_epoch: pt.Epoch, workers: int, backend: str) -> Any:
    transform = ClassificationPresetTrain(
        marked.schedule(), schedule_epoch, crop_size=marked.SIDE, mean=(0.0,) * 3, std=(1.0,) * 3, backend=backend
    )
    return DataLoader(
        Pictures(transform), batch_size=4, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )


LOADERS = {
    "timm": lambda epoch, workers: timm_loader(epoch, workers, True),
    "timm without prefetcher": lambda epoch, workers: timm_loader(epoch, workers, False),
    "torchvision": lambda epoch, workers: torchvision_loader(epoch, workers, "pil"),
    "torchvision, tensors": lambda epoch, workers: torchvision_loader(epoch, workers, "tensor"),
}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("script", LOADERS)
def test_every_epoch_has_its_policy(script: str, workers: int) -> None:
    seen, epoch = marked.Seen(), pt.Epoch(marked.EPOCHS)
    loader = LOADERS[script](epoch, workers)
    for number in range(1, marked.EPOCHS):  # as a script that resumes
        epoch.set(number)
        for images, labels in loader:
            assert images.shape[1:] == (3, marked.SIDE, marked.SIDE) and images.dtype == torch.float32
            seen.add(number, (images * 255).round().to(torch.uint8), labels)
    seen.check(range(1, marked.EPOCHS))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("script", LOADERS)
def test_without_the_epoch_the_first_batch_fails(script: str, workers: int) -> None:
    with pytest.raises(popaug.UsageError, match="the epoch was never set"):
        next(iter(LOADERS[script](pt.Epoch(marked.EPOCHS), workers)))


def test_timms_other_options_stay() -> None:
    epoch = pt.Epoch(marked.EPOCHS)
    epoch.set(0)
    whole = create_transform(
        marked.schedule(), epoch, (3, 16, 16), is_training=True, use_prefetcher=False, hflip=0.0, re_prob=1.0, **SMALL
    )
    names = [type(step).__name__ for part in whole.transforms for step in getattr(part, "transforms", [part])]
    assert names[0] == "RandomResizedCropAndInterpolation" and names[-1] == "RandomErasing"
    assert "RandomHorizontalFlip" not in names and names.count("Transform") == 1
    assert whole(Image.new("RGB", (40, 30))).shape == (3, 16, 16)
    evaluation = create_transform(marked.schedule(), epoch, 16)
    assert "Transform" not in [type(step).__name__ for step in evaluation.transforms]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auto_augment": "rand-m9"}, "auto_augment: the schedule takes their place"),
        ({"color_jitter": 0.4, "grayscale_prob": 0.1}, "color_jitter, grayscale_prob: the schedule"),
        ({"separate": True}, "--aug-splits"),
    ],
)
def test_timms_own_augmentation_is_refused_beside_it(options: dict[str, Any], message: str) -> None:
    with pytest.raises(popaug.UsageError, match=message):
        create_transform(marked.schedule(), pt.Epoch(marked.EPOCHS), is_training=True, **options)


def test_the_other_parts_of_torchvisions_preset() -> None:
    epoch = pt.Epoch(marked.EPOCHS)
    epoch.set(3)
    preset = ClassificationPresetTrain(marked.schedule(), epoch, crop_size=16, hflip_prob=0.0, random_erase_prob=1.0)
    image = preset(Image.new("RGB", (40, 30), (100, 100, 100)))
    assert type(image) is torch.Tensor and image.shape == (3, 16, 16)
    want = (torch.tensor(172 / 255) - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    erased = (image == 0).all(0)  # RandomErasing's value, which no grey byte gives
    assert 0 < int(erased.sum()) < 256
    assert torch.allclose(image[:, ~erased], want[:, None].expand(3, int((~erased).sum())))
    with pytest.raises(popaug.UsageError, match='backend="cv2"; expected "pil" or "tensor"'):
        ClassificationPresetTrain(marked.schedule(), epoch, crop_size=16, backend="cv2")
