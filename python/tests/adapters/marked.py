"""Images and a schedule from which a test reads the epoch: the brightness of an augmented image names it."""

from typing import Any

import numpy as np
import torch
from PIL import Image

import popaug

COUNT, SIDE, EPOCHS = 12, 8, 4
LEVELS = (1, 3, 7, 9)  # of Brightness in epoch 0, 1, ...
MARKS = {28: 0, 64: 1, 136: 2, 172: 3}  # what byte 100 becomes
BYTES = np.full((COUNT, SIDE, SIDE, 3), 100, np.uint8)
ROWS = [(image, label) for label, image in enumerate(BYTES)]
PICTURES = [(Image.fromarray(image), label) for label, image in enumerate(BYTES)]


def schedule(epochs: int = EPOCHS) -> popaug.Schedule:
    space = popaug.Space.load("pba").only(["Brightness"])
    segments = [popaug.Segment(1, [("Brightness", 1.0, level)]) for level in LEVELS[:epochs]]
    return popaug.Schedule(space, popaug.Rule(count_weights=(0.0, 1.0)), segments)


def epochs_of(images: torch.Tensor) -> set[int]:
    """The epochs under whose policies the images of a batch of bytes were augmented."""
    return {MARKS[int(byte)] for byte in images.flatten().unique()}


class Seen:
    """The batches of each epoch: which images came, and of which epoch their policies were."""

    def __init__(self) -> None:
        self.labels: dict[int, list[int]] = {}
        self.epochs: dict[int, set[int]] = {}

    def add(self, epoch: int, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.labels.setdefault(epoch, []).extend(int(label) for label in labels)
        self.epochs.setdefault(epoch, set()).update(epochs_of(images))

    def check(self, epochs: range, images: int = COUNT) -> None:
        """That every epoch saw each of the first `images` once, under its own policy."""
        assert {epoch: self.epochs.get(epoch) for epoch in epochs} == {epoch: {epoch} for epoch in epochs}
        everything = list(range(images))
        assert {epoch: sorted(labels) for epoch, labels in self.labels.items()} == {n: everything for n in epochs}

    def to_json(self) -> dict[str, Any]:
        return {str(epoch): [sorted(self.epochs[epoch]), self.labels[epoch]] for epoch in self.labels}
