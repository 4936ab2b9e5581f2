"""CutMix and mixup beside timm's: how shares are distributed, and the loss of mixed labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.stats import ks_2samp
from timm.data import mixup as timm_mixup
from timm.loss import SoftTargetCrossEntropy

import popaug
import popaug.torch


def schedule(**base: Any) -> popaug.Schedule:
    return popaug.Schedule.baseline("none").with_base(popaug.Base(**base))


def shares(mixing: popaug.Schedule, count: int, side: int) -> np.ndarray:
    """The share of each of `count` images of an epoch, from the draws of popaug."""
    numbers = list(range(count))
    found = mixing.engine().partners(1, 0, 3, np.arange(count, dtype=np.uint64), numbers, count, side, side)
    return np.asarray(found[1])


def test_shares_are_distributed_as_those_of_timm() -> None:
    np.random.seed(5)
    # timm rounds the odd side of a box up, where the paper's code and torchvision round down: one pixel, which is nothing
    # at this side.
    count, side = 20_000, 512
    for alpha in (1.0, 0.3):
        drawn = np.random.beta(alpha, alpha, count)
        theirs = [timm_mixup.cutmix_bbox_and_lam((side, side), lam)[1] for lam in drawn]
        ours = shares(schedule(cutmix=1.0, cutmix_alpha=alpha), count, side)
        assert ks_2samp(ours, theirs).pvalue > 0.001, alpha
        mixed = shares(schedule(mixup=1.0, mixup_alpha=alpha), count, side)
        assert ks_2samp(mixed, np.round(256 * drawn) / 256).pvalue > 0.001, alpha
        assert ks_2samp(mixed, ours).pvalue < 1e-6  # the test can tell the two apart


def test_the_loss_is_that_of_timm_for_mixed_labels() -> None:
    generator = torch.Generator().manual_seed(2)
    logits, first = torch.randn(6, 4, generator=generator), torch.randint(4, (6,), generator=generator)
    share = 0.7  # timm mixes image i with image n - 1 - i, all by one share
    targets = timm_mixup.mixup_target(first, 4, share, 0.0)
    labels = popaug.torch.MixedLabels(first, first.flip(0), torch.full((6,), share))
    ours = popaug.torch.mixed_cross_entropy(logits, labels)
    assert torch.allclose(ours, SoftTargetCrossEntropy()(logits, targets), atol=1e-6)
