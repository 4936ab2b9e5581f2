#!/usr/bin/env python3
"""Draws the test accuracies of a comparison: a dot for each seed, and their mean with its 95 % interval.

    bench/studies/sets/figure.py bench/results/fashion OUT.svg [--check]

The folder has the files of `bench/studies/sets/run`: compare.json for the arms and their titles, runs.jsonl for the accuracies.
The arm with the highest mean comes first. Fewer than three seeds give no interval. --check exits with 1 where the picture is not
what the folder gives.
"""

from __future__ import annotations

import argparse
import html
import json
import pathlib
import sys

import results_page

WIDTH, LEFT, RIGHT, ROW, TOP = 800, 290, 750, 30, 16
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
INK, FAINT, DOT = "#1f2933", "#d9dee3", "#2563a8"


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def text(x: float, y: float, what: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}" {FONT}>{html.escape(what)}</text>'


def picture(folder: pathlib.Path) -> str:
    comparison = json.loads((folder / "compare.json").read_text())
    results_page.check_raw(folder, comparison)
    tested = results_page.accuracies(folder)
    seeds = sorted(set().union(*tested.values()))[: comparison["seeds"]]
    rows = []
    for arm in comparison["arms"]:
        values = results_page.of_arm(folder, tested, arm["name"], seeds)
        low_error, high_error = arm["interval"] if len(values) >= 3 else (0.0, 0.0)
        rows.append((100 - arm["error"], (high_error - low_error) / 2, values, arm["title"]))
    rows.sort(key=lambda row: -row[0])
    low = min(min(mean - half, *values) for mean, half, values, _ in rows) // 1
    high = max(low + 1, -(-max(max(mean + half, *values) for mean, half, values, _ in rows) // 1))

    def x(accuracy: float) -> float:
        return LEFT + (RIGHT - LEFT) * (accuracy - low) / (high - low)

    bottom = TOP + ROW * len(rows)
    parts = []
    for tick in range(int(low), int(high) + 1, max(1, int(high - low) // 12)):
        parts.append(line(x(tick), TOP, x(tick), bottom, FAINT, 1))
        parts.append(text(x(tick), bottom + 18, str(tick), "middle"))
    parts.append(text((LEFT + RIGHT) / 2, bottom + 38, "test accuracy, %", "middle"))
    for at, (mean, half, values, title) in enumerate(rows):
        y = TOP + ROW * (at + 0.5)
        parts.append(text(LEFT - 12, y + 4, title, "end"))
        if half > 0:
            parts.append(line(x(mean - half), y, x(mean + half), y, DOT, 2))
        parts.append(line(x(mean), y - 8, x(mean), y + 8, DOT, 3))
        parts += [f'<circle cx="{x(v):.1f}" cy="{y:.1f}" r="3.5" fill="{DOT}" fill-opacity="0.45"/>' for v in values]
        parts.append(text(RIGHT + 12, y + 4, f"{mean:.1f}", "start"))
    height = bottom + 52
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="white"/>', *parts, "</svg>", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("picture", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    settings = parser.parse_args()
    drawn = picture(settings.folder)
    if settings.check:
        return int(not settings.picture.exists() or settings.picture.read_text() != drawn)
    settings.picture.write_text(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
