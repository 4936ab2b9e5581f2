"""A training without a network, in a module that a process can import where torchvision needs help."""

import numpy as np
import torchvision_operators  # noqa: F401

import popaug

SIDE = 40
IMAGES = np.random.default_rng(8).integers(0, 256, (6, SIDE, SIDE + 8, 3), dtype=np.uint8)


def train(training: popaug.Training) -> float:
    total = sum(float(training.augment(IMAGES, epoch, samples=0).mean()) for epoch in training)
    return total / training.epochs / 255
