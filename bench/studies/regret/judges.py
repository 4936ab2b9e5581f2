#!/usr/bin/env python3
"""What else could judge a training on its fold, and what ensembles of a screening's networks give.

    bench/studies/regret/judges.py SETS LOGITS --lines bench/results/regret/folds.jsonl

LOGITS is the folder that `table.py --folds 4 --logits LOGITS` filled; only folds outside which all nine recipes left their
logits count. Two tables:

* For each judge, the correlation over the nine recipes of a set of what a training has on its fold with the test accuracy of
  the same recipe outside each other fold. "probability" is the mean probability of the right class. "calibrated" is after the
  logits are divided by the temperature that makes the loss on the fold least (Guo et al., ICML 2017).
* Test accuracy in percent of one network, and of the mean probabilities of several, on the test images whose logits were kept.
  The recipes are ranked by the error on all folds with logits. Outside every fold one network of each recipe has trained.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import summary
import table

Values = npt.NDArray[np.float64]

JUDGES = ("error", "loss", "loss, calibrated", "probability", "probability, calibrated")
ARMS = [arm for arm, *_ in summary.GRID]


def probabilities(logits: Values, temperature: float = 1) -> Values:
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(1, keepdims=True)
    powers = np.exp(scaled)
    found: Values = powers / powers.sum(1, keepdims=True)
    return found


def judged(logits: Values, labels: npt.NDArray[np.int64]) -> list[float]:
    """By each of JUDGES; more is better."""
    rows = np.arange(len(labels))
    temperatures = (1.0, table.best_temperature(logits, labels))
    return [
        float((logits.argmax(1) == labels).mean()),
        *(-table.loss_at(temperature, logits, labels) for temperature in temperatures),
        *(float(probabilities(logits, temperature)[rows, labels].mean()) for temperature in temperatures),
    ]


def accuracy(networks: Iterable[Values], labels: npt.NDArray[np.int64]) -> float:
    """In percent, of the mean of their probabilities."""
    return 100 * float((np.mean([probabilities(logits) for logits in networks], 0).argmax(1) == labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=pathlib.Path)
    parser.add_argument("logits", type=pathlib.Path)
    parser.add_argument("--lines", type=pathlib.Path, required=True)
    settings = parser.parse_args()
    known = summary.whole_folds(summary.read(settings.lines), set(ARMS))
    correlations: dict[str, list[float]] = {}
    ensembles: dict[str, list[float]] = {}
    networks: set[int] = set()  # of a recipe, one a fold
    for name, lines in known.items():
        tested = {(line["arm"], line["seed"]): line["test_accuracy"] for line in lines}
        all_folds = sorted({line["seed"] for line in lines})
        folds = [f for f in all_folds if all((settings.logits / f"{name}-{arm}-{f}.npz").exists() for arm in ARMS)]
        if not folds:
            continue
        arrays = np.load(settings.sets / name / "set.npz")
        labels, of_fold = arrays["train_labels"].astype(np.int64), table.folds_of(settings.sets / name, 4)
        kept = {(arm, f): np.load(settings.logits / f"{name}-{arm}-{f}.npz") for arm in ARMS for f in folds}
        by_judge = np.array([[judged(kept[arm, f]["fold"], labels[of_fold == f]) for arm in ARMS] for f in folds])
        correlations[name] = [
            float(
                np.mean(
                    [
                        np.corrcoef(by_judge[at, :, judge], [tested[arm, other] for arm in ARMS])[0, 1]
                        for at, f in enumerate(folds)
                        for other in all_folds
                        if other != f
                    ]
                )
            )
            for judge in range(len(JUDGES))
        ]
        tests = arrays["test_labels"].astype(np.int64)
        tests = tests[:: max(1, len(tests) // table.TESTS)]
        ranked = [ARMS[i] for i in np.argsort(-by_judge[:, :, 0].mean(0), kind="stable")]
        a, b = folds[0], folds[-1]
        test = {key: values["test"] for key, values in kept.items()}
        two = [accuracy([test[first, a], test[second, b]], tests) for first, second in (ranked[:2], ranked[1::-1])]
        ensembles[name] = [
            float(np.mean([accuracy([test[ranked[0], f]], tests) for f in folds])),
            accuracy([test[ranked[0], f] for f in folds], tests),
            float(np.mean(two)),
            accuracy([test[arm, f] for arm in ranked[:3] for f in folds], tests),
            accuracy([test[arm, f] for arm in ARMS for f in folds], tests),
        ]
        networks.add(len(folds))
    if len(networks) != 1:
        parser.error(f"sets with logits of {sorted(networks)} folds; expected one number for all, above 0")
    count = networks.pop()
    counts = [1, count, 2, 3 * count, 9 * count]
    kinds = ("of the best", "of the best", "of the best and the second", "of the best three", "of all nine")
    for title, labels_of, columns in (
        ("judge", JUDGES, correlations),
        ("networks", [f"{n} {kind}" for n, kind in zip(counts, kinds, strict=True)], ensembles),
    ):
        rows = [[title, *columns, "mean"], ["---"] * (len(columns) + 2)]
        for i, label in enumerate(labels_of):
            values = [column[i] for column in columns.values()]
            rows.append([label, *(f"{value:.2f}" for value in values), f"{np.mean(values):.2f}"])
        print("\n".join([*map(summary.row, rows), ""]))


if __name__ == "__main__":
    main()
