"""kornia: RandAugment(2, 9) and crop, flip, normalisation, each on the whole batch of 128 float images at once."""

from __future__ import annotations

import numpy as np
import torch
from common import MEAN, STD, main
from kornia.augmentation import ImageSequential, Normalize, RandomCrop, RandomHorizontalFlip
from kornia.augmentation.auto import RandAugment

torch.set_num_threads(1)
torch.manual_seed(1)
transform = ImageSequential(
    RandomCrop((32, 32), padding=4),
    RandomHorizontalFlip(p=0.5),
    RandAugment(n=2, m=9),
    Normalize(torch.tensor(MEAN, dtype=torch.float32), torch.tensor(STD, dtype=torch.float32)),
)


@torch.no_grad()
def run(images: np.ndarray) -> np.ndarray:
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return transform(batch).numpy()


if __name__ == "__main__":
    main("kornia-randaugment-32", 32, ["torch", "kornia"], run, 128)
