#!/usr/bin/env python3
"""In which order a screening should try the recipes of its grid: regrets by order, replayed on the lines of table.py.

    bench/studies/regret/orders.py bench/results/regret/folds.jsonl --turned bench/results/regret/turned.jsonl

The regrets are those of summary.py in which no training is judged that chose anything. Compared are the order of popaug, all orders
that are Latin squares (three recipes in a row have every symmetry and every strength once), and random orders. "left out" takes, for
each set, the Latin square that is best on the other sets.
"""

from __future__ import annotations

import argparse
import itertools
import pathlib

import numpy as np
import summary

RANDOM_ORDERS = 72
TRAININGS = (4, 6, 9)  # more of them begin with nearly the whole grid


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

    def regrets(order: list[int], trainings: int) -> list[float]:
        def taken(name: str, seen: tuple[int, ...]) -> str:
            lines = apart.lines(name, seen)
            return summary.screen(lines, trainings, len(seen), without=rules[name], order=order)[0]

        return apart.regrets(taken)

    random = np.random.default_rng(0)
    kinds = {
        "popaug's order": [list(range(len(summary.GRID)))],
        "Latin squares": latin_orders(),
        "random orders": [list(random.permutation(len(summary.GRID))) for _ in range(RANDOM_ORDERS)],
    }
    head = ["orders", *(f"{word}, {n} trainings" for n in TRAININGS for word in ("mean", "worst"))]
    print(summary.row(head) + "\n" + summary.row(["---"] * len(head)))

    def show(label: str, found: dict[int, tuple[float, float]]) -> None:
        print(summary.row([label, *(cell for n in TRAININGS for cell in (f"{found[n][0]:.2f}", f"{found[n][1]:.1f}"))]))

    by_kind = {
        kind: {n: np.array([regrets(o, n) for o in orders]) for n in TRAININGS} for kind, orders in kinds.items()
    }
    for kind, found in by_kind.items():
        show(kind, {n: (values.mean(), float(np.median(values.max(1)))) for n, values in found.items()})
    left_out = {}
    for n, values in by_kind["Latin squares"].items():
        each = [values[np.argmin(np.delete(values, s, 1).mean(1)), s] for s in range(values.shape[1])]
        left_out[n] = (float(np.mean(each)), float(max(each)))
    show("left out", left_out)


if __name__ == "__main__":
    main()
