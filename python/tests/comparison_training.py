"""A training without a network, and arms around it: in a module of its own, which a process imports in no time."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

import popaug

IMAGES = np.random.default_rng(3).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)


def darker(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image // 2


ARMS: dict[str, Any] = {"mine": darker, "flipcrop": "flipcrop", "none": None}
SMALL: dict[str, Any] = {"seeds": 3, "epochs": 4, "show": False, "data": "six images"}


def train(training: popaug.Training) -> popaug.Result:
    """A score that depends on what the arm makes of the images, and on a draw of the seed."""
    with training.seeded():
        noise = np.random.random() / 100
    total = 0.0
    for epoch in training:
        total += float(training.augment(IMAGES, epoch, samples=0).mean())
    return popaug.Result(total / training.epochs / 255 + noise, images_trained=len(IMAGES) * training.epochs)


def fails_in_a_process(training: popaug.Training) -> float:
    if training.seed == 1:
        os._exit(7)
    raise ZeroDivisionError("my own mistake")
