#!/usr/bin/env python3
"""How the errors of selection depend on the number of validation images (docs/decisions/validation-size.md).

  validation_size.py simulate            populations of known accuracy, images of shared difficulty
  validation_size.py measure RUN [RUN…]  real searches made with --selection significant: their journals
                                         hold, per member and round, which validation images were right

Prints one JSON row per number of images: the share of true targets (the bottom quarter) that the smaller set finds,
the mean true accuracy that its donors lack beside the true donors, and the true accuracy that the target/donor pairs gain.
"""

from __future__ import annotations

import base64
import json
import pathlib
import sys

import numpy as np

SIZES = [50, 100, 250, 500, 1000, 2000, 5000, 10000, 20000, 46000]
REPEATS = 200


def compare(true: np.ndarray, seen: np.ndarray, draw: np.random.Generator) -> tuple[float, float, float]:
    """Of one decision: targets found, accuracy lost by the donors, accuracy gained by copying."""
    quarter = max(1, len(true) // 4)
    ties = draw.random(len(true))
    by_true, by_seen = np.lexsort((ties, true)), np.lexsort((ties, seen))
    found = len(set(by_true[:quarter]) & set(by_seen[:quarter])) / quarter
    lost = true[by_true[-quarter:]].mean() - true[by_seen[-quarter:]].mean()
    gained = true[by_seen[-quarter:]].mean() - true[by_seen[:quarter]].mean()
    return found, lost, gained


def row(kind: str, images: int, results: list[tuple[float, float, float]], **more: object) -> None:
    found, lost, gained = np.array(results).T
    error = np.std(found) / np.sqrt(len(found))
    print(
        json.dumps(
            {
                "kind": kind,
                **more,
                "images": images,
                "targets_found": round(float(found.mean()), 4),
                "targets_found_error": round(float(error), 4),
                "donors_lose_points": round(100 * float(lost.mean()), 4),
                "copying_gains_points": round(100 * float(gained.mean()), 4),
                "decisions": len(results),
            }
        )
    )


def simulate() -> None:
    """16 members; an image's chance to be right is logistic in skill minus difficulty, shared by all members."""
    for spread in (0.005, 0.01, 0.02):
        draw = np.random.default_rng(1)
        hard = draw.normal(-2.2, 2.5, 46000)  # mean accuracy near 0.77
        for images in SIZES:
            results = []
            for _ in range(REPEATS):
                skill = draw.normal(0, spread / 0.100, 16)  # 0.100: change of accuracy per unit of skill here
                chosen = draw.choice(hard, images, replace=False)
                chance = 1 / (1 + np.exp(chosen[None, :] - skill[:, None]))
                right = draw.random(chance.shape) < chance
                sample = hard[::23]
                true = (1 / (1 + np.exp(sample[None, :] - skill[:, None]))).mean(axis=1)
                results.append(compare(true, right.mean(axis=1), draw))
            row("simulated", images, results, spread_points=100 * spread)


def bits_of(line: dict[str, object]) -> np.ndarray:
    raw = np.frombuffer(base64.b64decode(str(line["correct"])), dtype=np.uint8)
    return np.unpackbits(raw)[: int(str(line["validation"]))]


def measure(runs: list[str]) -> None:
    draw = np.random.default_rng(2)
    rounds: list[np.ndarray] = []
    for run in runs:
        by_round: dict[int, list[np.ndarray]] = {}
        for text in (pathlib.Path(run) / "journal.jsonl").read_text().splitlines():
            line = json.loads(text)
            if "correct" in line:
                by_round.setdefault(line["round"], []).append(bits_of(line))
        rounds += [np.stack(members) for members in by_round.values()]
    if not rounds:
        sys.exit("no round with bits in these journals; search with --selection significant")
    total = rounds[0].shape[1]
    spread = float(np.mean([right.mean(axis=1).std() for right in rounds]))
    for images in [n for n in SIZES if n < total]:
        results = []
        for right in rounds:
            for _ in range(REPEATS // 4):
                chosen = draw.choice(total, images, replace=False)
                results.append(compare(right.mean(axis=1), right[:, chosen].mean(axis=1), draw))
        row(
            "measured",
            images,
            results,
            of=total,
            members=rounds[0].shape[0],
            rounds=len(rounds),
            spread_points=round(100 * spread, 3),
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["simulate"]:
        simulate()
    elif sys.argv[1:2] == ["measure"] and len(sys.argv) > 2:
        measure(sys.argv[2:])
    else:
        sys.exit(__doc__)
