"""timm: flip, rand-m9-n2, to normalised float32, from decoded 224x224 PIL images."""

from __future__ import annotations

import numpy as np
import torch
from common import MEAN, STD, main
from PIL import Image
from timm.data.auto_augment import rand_augment_transform
from torchvision import transforms

torch.set_num_threads(1)
transform = transforms.Compose(
    [
        transforms.RandomHorizontalFlip(),
        rand_augment_transform("rand-m9-n2", {"translate_const": 100, "img_mean": (125, 123, 114)}),
        transforms.ToTensor(),
        transforms.Normalize(MEAN.tolist(), STD.tolist()),
    ]
)


def run(images: np.ndarray) -> np.ndarray:
    return torch.stack([transform(Image.fromarray(image)) for image in images]).numpy()


if __name__ == "__main__":
    main("timm-randaugment-224", 224, ["timm", "torch", "torchvision", "pillow"], run, 16)
