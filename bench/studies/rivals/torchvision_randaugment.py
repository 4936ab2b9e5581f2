"""torchvision.transforms.v2: crop, flip, RandAugment(2, 9), to normalised float32, image by image; from PIL images or
(--tensor) from uint8 tensors. SIDE 32 with a padded crop, 224 without."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from common import MEAN, STD, main
from PIL import Image
from torchvision.transforms import v2

torch.set_num_threads(1)


def make(side: int, tensor: bool):
    crop = [v2.RandomCrop(side, padding=4)] if side == 32 else []
    to_tensor = [] if tensor else [v2.ToImage()]
    transform = v2.Compose(
        [
            *crop,
            v2.RandomHorizontalFlip(),
            v2.RandAugment(num_ops=2, magnitude=9),
            *to_tensor,
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN.tolist(), STD.tolist()),
        ]
    )

    def run(images: np.ndarray) -> np.ndarray:
        inputs: list[Any]
        if tensor:
            inputs = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
        else:
            inputs = [Image.fromarray(image) for image in images]
        return torch.stack([transform(image) for image in inputs]).numpy()

    return run


if __name__ == "__main__":
    side = int(sys.argv.pop(1))
    tensor = "--tensor" in sys.argv
    if tensor:
        sys.argv.remove("--tensor")
    name = f"torchvision-randaugment-{'tensor-' if tensor else ''}{side}"
    main(name, side, ["torch", "torchvision", "pillow"], make(side, tensor), 64 if side == 32 else 16)
