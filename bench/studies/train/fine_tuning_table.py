#!/usr/bin/env python3
"""The table of the fine-tuning study, from the raw lines of fine_tuning.py.

    bench/studies/train/fine_tuning_table.py bench/results/fine-tuning.jsonl [--page docs/results.md [--check]]

Test accuracy in percent: mean and standard deviation over the seeds of a set and arm, and how many. The regret of "searched"
is that of the arm which it took, under the same seed: the mean of the best fixed arm in hindsight minus its own, over the
seeds that all fixed arms and it have.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import sys
from collections import defaultdict
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import page

FIXED = {
    "flipcrop": "flip and resized crop",
    "mild": "mild ops",
    "trivial": "TrivialAugment",
    "flipcrop+cutmix": "flip, resized crop and CutMix",
}
OTHERS = {
    "crop": "resized crop without flips",
    "dihedral": "resized crop, all eight flips and turns",
    "searched": "`search --preset finetune`",
    "pytorch": "flip and resized crop in plain PyTorch",
    "scratch": "flip and resized crop without the weights",
}

Table = dict[str, dict[str, dict[int, float]]]


def read(path: pathlib.Path) -> Table:
    """Test accuracies in percent by arm, set and seed."""
    table: Table = defaultdict(lambda: defaultdict(dict))
    for text in path.read_text().splitlines():
        line: dict[str, Any] = json.loads(text)
        table[line["arm"]][line["set"]][line["seed"]] = 100 * line["test_accuracy"]
    return table


def cell(values: list[float]) -> str:
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread} ({len(values)})"


def regret(table: Table, name: str) -> str:
    common = set.intersection(*(set(table[arm][name]) for arm in [*FIXED, "searched"]))
    if not common:
        return ""
    means = {arm: statistics.mean(table[arm][name][seed] for seed in common) for arm in [*FIXED, "searched"]}
    return f"{max(means[arm] for arm in FIXED) - means['searched']:.1f} ({len(common)})"


def rows(table: Table) -> list[str]:
    names = sorted({name for found in table.values() for name in found})
    lines = [f"| arm | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for arm, label in (FIXED | OTHERS).items():
        lines.append(f"| {label} | {' | '.join(cell(list(table[arm][name].values())) for name in names)} |")
    lines.append(f"| regret of `search` | {' | '.join(regret(table, name) for name in names)} |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path, help="write the table between the marks of this page")
    parser.add_argument("--check", action="store_true", help="only say whether the page has it")
    settings = parser.parse_args()
    table = rows(read(settings.lines))
    if settings.page is not None:
        return page.update(settings.page, {"fine-tuning": table}, settings.check)
    print("\n".join(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
