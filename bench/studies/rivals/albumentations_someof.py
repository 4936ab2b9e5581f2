"""albumentations has no RandAugment: two ops of a list of the same kinds (SomeOf), flip, normalised float32."""

from __future__ import annotations

import albumentations as A
import cv2
import numpy as np
from common import MEAN, STD, main

cv2.setNumThreads(0)
transform = A.Compose(
    [
        A.HorizontalFlip(p=0.5),
        A.SomeOf(
            [
                A.NoOp(p=1),
                A.Affine(shear={"x": (-17, 17), "y": 0}, interpolation=cv2.INTER_NEAREST, p=1),
                A.Affine(shear={"x": 0, "y": (-17, 17)}, interpolation=cv2.INTER_NEAREST, p=1),
                A.Affine(translate_percent={"x": (-0.3, 0.3), "y": 0}, interpolation=cv2.INTER_NEAREST, p=1),
                A.Affine(translate_percent={"x": 0, "y": (-0.3, 0.3)}, interpolation=cv2.INTER_NEAREST, p=1),
                A.Rotate(limit=30, interpolation=cv2.INTER_NEAREST, p=1),
                A.RandomBrightnessContrast(brightness_limit=0.5, contrast_limit=0, p=1),
                A.RandomBrightnessContrast(brightness_limit=0, contrast_limit=0.5, p=1),
                A.ColorJitter(brightness=(1, 1), contrast=(1, 1), saturation=(0.4, 1.6), hue=(0, 0), p=1),
                A.Sharpen(p=1),
                A.Posterize(num_bits=(4, 7), p=1),
                A.Solarize(p=1),
                A.AutoContrast(p=1),
                A.Equalize(p=1),
            ],
            n=2,
            replace=False,
            p=1,
        ),
        A.Normalize(MEAN.tolist(), STD.tolist()),
    ]
)


def run(images: np.ndarray) -> np.ndarray:
    return np.stack([transform(image=image)["image"] for image in images])


if __name__ == "__main__":
    main("albumentations-someof-224", 224, ["albumentations", "opencv-python-headless", "numpy"], run, 16)
