"""Flip and padded crop (or TrivialAugment too), to normalised float32, then CutMix of half of the batches: LIBRARY timm
or torchvision, RECIPE flipcrop or trivial, SIDE 32 or 224. Images start as uint8 tensors where the ops take these and as
PIL images where that is faster or needed (timm)."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from common import MEAN, STD, main
from PIL import Image
from torchvision.transforms import v2

CLASSES = 10
PAD = 4  # at side 32; it grows with the side, as popaug's does
torch.set_num_threads(1)


def mixer(library: str):
    """Takes a batch of floats and its labels, and gives both mixed with probability 1/2."""
    if library == "timm":
        from timm.data import Mixup

        return Mixup(
            mixup_alpha=0.0, cutmix_alpha=1.0, prob=0.5, mode="batch", label_smoothing=0.0, num_classes=CLASSES
        )
    return v2.RandomApply([v2.CutMix(alpha=1.0, num_classes=CLASSES)], p=0.5)


def make(library: str, recipe: str, side: int):
    ops = [v2.TrivialAugmentWide()] if recipe == "trivial" else []
    steps = [*ops, v2.RandomCrop(side, padding=PAD * side // 32), v2.RandomHorizontalFlip()]
    pillow = library == "timm" or recipe == "trivial"
    if pillow:
        steps.append(v2.ToImage())
    steps += [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN.tolist(), STD.tolist())]
    transform, mix = v2.Compose(steps), mixer(library)
    rng = np.random.default_rng(1)

    def run(images: np.ndarray) -> np.ndarray:
        inputs: list[Any]
        if pillow:
            inputs = [Image.fromarray(image) for image in images]
        else:
            inputs = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
        batch = torch.stack([transform(image) for image in inputs])
        labels = torch.from_numpy(rng.integers(0, CLASSES, len(images)))
        return mix(batch, labels)[0].numpy()

    return run


if __name__ == "__main__":
    library, recipe, side = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))
    packages = ["torch", "torchvision", "pillow"] + (["timm"] if library == "timm" else [])
    main(f"{library}-{recipe}-cutmix-{side}", side, packages, make(library, recipe, side), 64 if side == 32 else 16)
