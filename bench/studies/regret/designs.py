#!/usr/bin/env python3
"""What a screening should try first, and what next: regrets by design, replayed on the lines of table.py.

    bench/studies/regret/designs.py bench/results/regret/folds.jsonl --turned bench/results/regret/turned.jsonl

The regrets are those of summary.py in which no training is judged that chose anything: their mean over the sets, and the worst.
Compared are

* orders of the recipes: that of popaug, the one before it, 72 orders of Latin squares (three recipes in a row have every symmetry
  and every strength once; mean, and median worst), random orders; "left out" takes, for each set, the square that is best on the
  others;
* exploring: later stages favour recipes that are not known well, by so many standard errors;
* the share of the trainings that the first stage has, and the share of its recipes that a stage keeps.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt
import summary

Values = npt.NDArray[np.float64]

RANDOM_ORDERS = 72
TRAININGS = (4, 6, 9, 12, 16)
FORMER = [
    "mild",
    "mild-noflip",
    "flipcrop",
    "mild-dihedral",
    "mild-0.5",
    "crop",
    "mild-0.5-noflip",
    "dihedral",
    "mild-0.5-dihedral",
]


def latin_orders() -> list[list[int]]:
    cells = {(symmetry, strength): r for r, (_, symmetry, strength) in enumerate(summary.GRID)}
    symmetries = ("none", "flip", "dihedral")
    strengths = sorted({strength for *_, strength in summary.GRID})
    found = []
    for step in (1, 2):
        squares = [[cells[symmetries[k], strengths[(shift + step * k) % 3]] for k in range(3)] for shift in range(3)]
        for rows in itertools.permutations(squares):
            found += [[*first, *rows[1], *rows[2]] for first in itertools.permutations(rows[0])]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folds", type=pathlib.Path)
    parser.add_argument("--turned", type=pathlib.Path, required=True)
    settings = parser.parse_args()
    apart = summary.Apart(summary.read(settings.folds))
    rules = summary.rules_of(summary.read(settings.turned))

    def regrets(trainings: int, **design: Any) -> list[float]:
        def taken(name: str, seen: tuple[int, ...]) -> str:
            lines = apart.lines(name, seen)
            return summary.screen(lines, trainings, len(seen), without=rules[name], **design)[0]

        return apart.regrets(taken)

    def show(label: str, found: dict[int, tuple[float, float]]) -> None:
        print(summary.row([label, *(f"{mean:.2f}, {worst:.1f}" for mean, worst in found.values())]), flush=True)

    def show_designs(label: str, designs: list[dict[str, Any]]) -> dict[int, Values]:
        found = {n: np.array([regrets(n, **design) for design in designs]) for n in TRAININGS}
        show(label, {n: (float(v.mean()), float(np.median(v.max(1)))) for n, v in found.items()})
        return found

    print(summary.row(["design", *(f"{n} trainings" for n in TRAININGS)]))
    print(summary.row(["---"] * (len(TRAININGS) + 1)))
    show_designs("popaug", [{}])
    names = [arm for arm, *_ in summary.GRID]
    show_designs("the former order", [{"order": [names.index(arm) for arm in FORMER]}])
    latin = show_designs("Latin squares", [{"order": order} for order in latin_orders()])
    left_out = {}
    for n, values in latin.items():
        each = [values[np.argmin(np.delete(values, s, 1).mean(1)), s] for s in range(values.shape[1])]
        left_out[n] = (float(np.mean(each)), float(max(each)))
    show("left out", left_out)
    random = np.random.default_rng(0)
    show_designs("random orders", [{"order": list(random.permutation(len(names)))} for _ in range(RANDOM_ORDERS)])
    for errors in (0.5, 1.0):
        show_designs(f"exploring by {errors:g} standard errors", [{"explore": errors}])
    for first, kept in itertools.product((0.3, 0.43, 0.6, 0.75), (0.5, 0.65)):
        plan = functools.partial(summary.stages, first_share=first, kept=kept)
        show_designs(f"{100 * first:.0f} % first, {100 * kept:.0f} % kept", [{"plan": plan}])


if __name__ == "__main__":
    main()
