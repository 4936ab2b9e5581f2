"""Mixed images: their partners, their labels and their loss."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from popaug._core import UsageError
from popaug._schedule import Schedule


class MixedLabels(NamedTuple):
    """The labels of a batch of mixed images: two classes each, and the share of the first.

    first, second: int64 [n]. share: float32 [n]; the second class has the rest. An image that is not mixed has its own
    class twice and share 1.
    """

    first: Tensor
    second: Tensor
    share: Tensor

    def to(self, device: Any, non_blocking: bool = False) -> MixedLabels:
        """The same on another device."""
        return MixedLabels(*(part.to(device, non_blocking=non_blocking) for part in self))

    def dense(self, classes: int) -> Tensor:
        """One probability for each class, float32 [n, classes]."""
        if int(torch.maximum(self.first.max(), self.second.max())) >= classes:
            raise UsageError(f"classes={classes}, but the labels go up to {int(self.first.max())}")
        share = self.share[:, None]
        return share * one_hot(self.first, classes) + (1 - share) * one_hot(self.second, classes)


def mixed_cross_entropy(
    logits: Tensor,
    labels: MixedLabels | Sequence[Tensor] | Tensor,
    *,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """The cross-entropy of a batch, whatever its labels are.

    labels: MixedLabels (or its three tensors), whose loss is the sum over both classes, weighted by their shares;
    classes, int64 [n]; or probabilities, float [n, classes]. The rest is as in torch.nn.functional.cross_entropy.
    """
    options: dict[str, Any] = {"label_smoothing": label_smoothing}
    if isinstance(labels, Tensor):
        return cross_entropy(logits, labels, reduction=reduction, **options)
    if reduction not in ("mean", "sum", "none"):
        raise UsageError(f'reduction "{reduction}"; expected "mean", "sum" or "none"')
    if len(labels) != 3:
        raise UsageError(
            f"labels of {len(labels)} parts; expected (first, second, share), as popaug's loader gives them"
        )
    first, second, share = labels
    of_first = cross_entropy(logits, first, reduction="none", **options)
    of_second = cross_entropy(logits, second, reduction="none", **options)
    loss = share * of_first + (1 - share) * of_second
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


class Partners(NamedTuple):
    """What the images of a batch are mixed with: rows of `items`, which are items of the data set."""

    items: list[Any]
    samples: NDArray[np.uint64]
    places: list[int]  # of each image; -1 where it is not mixed
    shares: list[float]


def draw_partners(
    schedule: Schedule, key: tuple[int, int, int], samples: NDArray[np.uint64], own: list[int], data: Any, shape: Any
) -> Partners:
    """Draws the partners of a batch and reads their items. key: seed, member, epoch."""
    height, width = shape[:2]
    drawn, shares = schedule.engine().partners(*key, samples, own, len(data), width, height)
    mixed = [image for image, share in zip(drawn, shares, strict=True) if share < 1]
    rows = {image: row for row, image in enumerate(dict.fromkeys(mixed))}
    places = [rows[image] if share < 1 else -1 for image, share in zip(drawn, shares, strict=True)]
    return Partners([data[image] for image in rows], np.array(list(rows), dtype=np.uint64), places, shares)


def label_key(item: dict[str, Any]) -> str | None:
    """Where the label of a dictionary lies."""
    return next((key for key in ("label", "labels") if key in item), None)


def label_of(item: Any, place: Any) -> int:
    """The class of an item (image, label), or of a dictionary with one more key."""
    if isinstance(item, (tuple, list)) and len(item) == 2 and place == 0:
        label = item[1]
    elif isinstance(item, dict) and (key := label_key(item)) is not None:
        label = item[key]
    else:
        raise UsageError(
            "images are mixed together with their labels, so the items of the data set must be (image, label) or a "
            'dictionary with a "label" or "labels"; the label is a class number'
        )
    number: Any = label.item() if isinstance(label, Tensor) else label
    try:
        return operator.index(number)
    except (TypeError, RuntimeError, ValueError):
        raise UsageError(f"the label {label!r}; expected a class number, because its image is mixed") from None


def mixed_labels(first: list[int], partners: Partners, place: Any, classes: int | None) -> MixedLabels | Tensor:
    """The labels of a batch: three numbers for each image, or dense where `classes` is given."""
    others = [label_of(item, place) for item in partners.items]
    second = [others[row] if row >= 0 else label for label, row in zip(first, partners.places, strict=True)]
    labels = MixedLabels(torch.tensor(first), torch.tensor(second), torch.tensor(partners.shares))
    return labels if classes is None else labels.dense(classes)
