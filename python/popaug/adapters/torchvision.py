"""torchvision's reference script for classification: its training preset with a schedule as the augmentation.

epoch_of_schedule = popaug.torch.Epoch(total=args.epochs)
dataset = torchvision.datasets.ImageFolder(
    traindir, popaug.adapters.torchvision.ClassificationPresetTrain(schedule, epoch_of_schedule, crop_size=224))
...
epoch_of_schedule.set(epoch)  # in the loop over epochs, beside train_sampler.set_epoch(epoch)
"""

from __future__ import annotations

from typing import Any

from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug.torch._augment import Transform
from popaug.torch._epoch import Epoch, check_epoch

try:
    import torch
    from torchvision.transforms import v2
except ModuleNotFoundError:
    raise UsageError("popaug.adapters.torchvision needs torchvision: pip install torchvision") from None


class ClassificationPresetTrain:
    """The preset of references/classification/presets.py: crop, flip, the schedule, normalisation, random erasing.

    It has the parameters of the reference, without those that choose an augmentation (auto_augment_policy,
    ra_magnitude, augmix_severity), and always uses transforms v2. Draws come from torch's generator.
    """

    def __init__(
        self,
        schedule: Schedule,
        epoch: Epoch,
        *,
        crop_size: int,
        mean: tuple[float, ...] = (0.485, 0.456, 0.406),
        std: tuple[float, ...] = (0.229, 0.224, 0.225),
        interpolation: Any = None,
        hflip_prob: float = 0.5,
        random_erase_prob: float = 0.0,
        backend: str = "pil",
    ) -> None:
        """backend: "pil", or "tensor" for images that are uint8 tensors; in both the schedule gets bytes."""
        check_epoch(epoch)
        if backend.lower() not in ("pil", "tensor"):
            raise UsageError(f'backend="{backend}"; expected "pil" or "tensor"')
        bilinear = v2.InterpolationMode.BILINEAR if interpolation is None else interpolation
        steps = [v2.PILToTensor()] if backend.lower() == "tensor" else []
        steps.append(v2.RandomResizedCrop(crop_size, interpolation=bilinear, antialias=True))
        if hflip_prob > 0:
            steps.append(v2.RandomHorizontalFlip(hflip_prob))
        steps.append(Transform(schedule, epoch, output="same"))
        if backend.lower() == "pil":
            steps.append(v2.PILToTensor())
        steps += [v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean=mean, std=std)]
        if random_erase_prob > 0:
            steps.append(v2.RandomErasing(p=random_erase_prob))
        steps.append(v2.ToPureTensor())
        self.transforms = v2.Compose(steps)

    def __call__(self, image: Any) -> Any:
        return self.transforms(image)


__all__ = ["ClassificationPresetTrain"]
