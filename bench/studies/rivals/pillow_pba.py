"""The published PBA pipeline per image, in Python and Pillow, after docs/pba.md#policy.

As published: images are kept as normalised floats; an image that gets an op goes back to bytes, through Pillow
as RGBA, out of Pillow pixel by pixel (a list of tuples), and is normalised again; then flip, pad and crop, cutout.
With --tuned the same pipeline without that detour: arrays straight from Pillow's buffer.
"""

from __future__ import annotations

import random
import sys

import numpy as np
from common import MEAN, STD, main
from PIL import Image, ImageEnhance, ImageOps

SIDE = 32
# The published CIFAR-10 schedule at epoch 100 of 200 (as in cli/bench.cc): probability, level; 15 ops twice.
MID_SEARCH = [
    (4, 1), (7, 2), (10, 3), (0, 2), (10, 0), (4, 9), (3, 0), (2, 6), (4, 3), (2, 9), (1, 8), (10, 1), (3, 2), (0, 2), (10, 3),
    (7, 2), (6, 4), (7, 3), (2, 6), (10, 9), (5, 4), (1, 4), (6, 7), (1, 5), (0, 2), (1, 0), (0, 9), (3, 9), (3, 0), (9, 3),
]  # fmt: skip


def signed(value):
    return -value if random.random() < 0.5 else value


def through_rgb(image, function):
    return function(image.convert("RGB")).convert("RGBA")


def affine(image, matrix):
    return image.transform((SIDE, SIDE), Image.Transform.AFFINE, matrix)


def factor(level):
    return level * 1.8 / 10 + 0.1


def cut(image, level):
    size = int(level * 20 / 10)
    if size <= 0:
        return image
    x, y = random.randrange(SIDE), random.randrange(SIDE)
    pixels = image.load()
    for i in range(max(0, x - size // 2), min(SIDE, x + size // 2)):
        for j in range(max(0, y - size // 2), min(SIDE, y + size // 2)):
            pixels[i, j] = (125, 122, 113, 0)
    return image


OPS = [
    lambda im, m: im.rotate(signed(int(m * 30 / 10))),
    lambda im, m: affine(im, (1, 0, signed(int(m)), 0, 1, 0)),
    lambda im, m: affine(im, (1, 0, 0, 0, 1, signed(int(m)))),
    lambda im, m: ImageEnhance.Brightness(im).enhance(factor(m)),
    lambda im, m: ImageEnhance.Color(im).enhance(factor(m)),
    lambda im, m: through_rgb(im, ImageOps.invert),
    lambda im, m: ImageEnhance.Sharpness(im).enhance(factor(m)),
    lambda im, m: through_rgb(im, lambda rgb: ImageOps.posterize(rgb, 4 - int(m * 4 / 10))),
    lambda im, m: affine(im, (1, signed(m * 0.3 / 10), 0, 0, 1, 0)),
    lambda im, m: through_rgb(im, lambda rgb: ImageOps.solarize(rgb, 256 - int(m * 256 / 10))),
    lambda im, m: affine(im, (1, 0, 0, signed(m * 0.3 / 10), 1, 0)),
    lambda im, m: through_rgb(im, ImageOps.equalize),
    lambda im, m: through_rgb(im, ImageOps.autocontrast),
    cut,
    lambda im, m: ImageEnhance.Contrast(im).enhance(factor(m)),
]


def apply_policy(image: np.ndarray, tuned: bool) -> np.ndarray:
    count = random.choices([0, 1, 2], [0.2, 0.3, 0.5])[0]
    if count == 0:
        return image
    entries = [(OPS[i % 15], p / 10, m) for i, (p, m) in enumerate(MID_SEARCH)]
    random.shuffle(entries)
    picture = Image.fromarray(((image * STD + MEAN) * 255.0).astype(np.uint8)).convert("RGBA")
    for op, probability, level in entries:
        if count == 0:
            break
        if random.random() < probability:
            picture = op(picture, level)
            count -= 1
    pixels = np.asarray(picture) if tuned else np.array(list(picture.get_flattened_data())).reshape(SIDE, SIDE, 4)
    pixels = pixels / 255.0
    holes = pixels[:, :, 3] == 0
    result = (pixels[:, :, :3] - MEAN) / STD
    result[holes] = 0
    return result


def base(image: np.ndarray) -> np.ndarray:
    if random.random() < 0.5:
        image = image[:, ::-1]
    padded = np.zeros((SIDE + 8, SIDE + 8, 3), image.dtype)
    padded[4 : 4 + SIDE, 4 : 4 + SIDE] = image
    top, left = random.randrange(9), random.randrange(9)
    image = padded[top : top + SIDE, left : left + SIDE].copy()
    x, y = random.randrange(SIDE), random.randrange(SIDE)
    image[max(0, y - 8) : y + 8, max(0, x - 8) : x + 8] = 0
    return image


class Pipeline:
    def __init__(self, tuned: bool) -> None:
        self.tuned = tuned
        self.floats: dict[int, np.ndarray] = {}

    def __call__(self, images: np.ndarray) -> np.ndarray:
        # Normalisation of the data set happens once, before training, and is not timed twice.
        out = np.empty(images.shape, np.float32)
        for i, image in enumerate(images):
            key = image.__array_interface__["data"][0]
            if key not in self.floats:
                self.floats[key] = (image / 255.0 - MEAN) / STD
            out[i] = base(apply_policy(self.floats[key], self.tuned))
        return out


if __name__ == "__main__":
    tuned = "--tuned" in sys.argv
    if tuned:
        sys.argv.remove("--tuned")
    main("pillow-pba-tuned-32" if tuned else "pillow-pba-32", SIDE, ["pillow", "numpy"], Pipeline(tuned), 64)
