#!/usr/bin/env python3
"""The tables of the regret study, from the raw lines that table.py made.

    bench/studies/regret/summary.py bench/results/regret/arms.jsonl \
        [--folds bench/results/regret/folds.jsonl --turned bench/results/regret/turned.jsonl]

The regret of an arm on a set is the mean accuracy of the best fixed arm in hindsight minus its own, in points of the test
images, over the seeds that all arms of the set have. With --folds, the same table follows for the trainings outside folds
(three quarters of the labels), and the screening of `popaug choose` is replayed on them: what it would have chosen after so
many trainings, and the regret of that by the trainings on all labels, or for sets that lack these by those outside folds.
Then how well the error and the loss of a training on its fold say what the test images say of the same recipe outside another
fold: the mean correlation over the recipes of a set.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import pathlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import page

# The grid of `popaug choose` (popaug/compare/screen.cc), in its order: arm of this study, symmetry, strength.
GRID = (
    ("mild", "flip", 0.25),
    ("mild-0.5-noflip", "none", 0.5),
    ("dihedral", "dihedral", 0.0),
    ("mild-noflip", "none", 0.25),
    ("flipcrop", "flip", 0.0),
    ("mild-0.5-dihedral", "dihedral", 0.5),
    ("mild-dihedral", "dihedral", 0.25),
    ("crop", "none", 0.0),
    ("mild-0.5", "flip", 0.5),
)
FIRST_WITHOUT_FLIPS = next(arm for arm, symmetry, _ in GRID if symmetry == "none")  # that a screening trains
FACTOR_VARIANCE, RECIPE_VARIANCE, FOLD_VARIANCE = 10.0, 1.0, 1e6
VARIANCE_DEGREES = 8
FIRST_SHARE, KEPT = 0.43, 0.65  # of a screening's trainings, and of a stage's recipes
FOLD_IMAGES = 250
DRAWS = 10  # of a control, for each order of folds
# The rows of the short table.
SHORT = (
    "always `flipcrop`",
    "always `mild`",
    "always `mild-noflip`",
    "screening, 4 trainings",
    "screening, 12 trainings",
    "screening, 16 trainings",
)

Line = dict[str, Any]


def read(path: pathlib.Path) -> list[Line]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def share_variance(share: np.ndarray, images: int) -> np.ndarray:
    """As share_variance() of popaug/compare/statistics.h: of a share of so many images."""
    shrunk = (share * images + 1) / (images + 2)
    return shrunk * (1 - shrunk) / (images + 2)


class Fit(NamedTuple):
    effects: np.ndarray  # of the recipes of the grid
    covariance: np.ndarray  # of these, in units of noise²
    variance: float  # of a value, as its images are a sample
    residual: float  # what the trainings alone say of noise²
    degrees: int  # that the residual rests on

    def standard_error(self, a: int, b: int, known: int = VARIANCE_DEGREES) -> float:
        """Of the difference of two effects; with `known` = 0 by the residual alone."""
        noise2 = (known * self.variance + self.degrees * self.residual) / (known + self.degrees)
        spread = self.covariance[a, a] + self.covariance[b, b] - 2 * self.covariance[a, b]
        return float(np.sqrt(noise2 * max(0.0, spread)))

    def half_interval(self, a: int, b: int, known: int = VARIANCE_DEGREES) -> float:
        """Of the difference of two effects, 95 %."""
        return float(stats.t.ppf(0.975, known + self.degrees)) * self.standard_error(a, b, known)


def fit(values: list[tuple[int, int, float]]) -> Fit:
    """The model of popaug/compare/screen_fit.h; values are (recipe, fold, -accuracy in percent or loss)."""
    symmetries = sorted({symmetry for _, symmetry, _ in GRID})
    strengths = np.array([strength for *_, strength in GRID])
    scaled = 4 * (strengths - strengths.mean())
    factors = np.array([[symmetry == each for each in symmetries] for _, symmetry, _ in GRID], float)
    design = np.column_stack([factors, scaled, scaled**2, np.eye(len(GRID))])
    folds = sorted({fold for _, fold, _ in values})
    prior = [FACTOR_VARIANCE] * (len(symmetries) + 2) + [RECIPE_VARIANCE] * len(GRID) + [FOLD_VARIANCE] * len(folds)
    rows = np.array([np.append(design[r], [fold == each for each in folds]) for r, fold, _ in values])
    y = np.array([value for *_, value in values])
    normal = rows.T @ rows + np.diag(1 / np.array(prior))
    inverse = np.linalg.inv(normal)
    b = inverse @ rows.T @ y
    columns = design.shape[1]
    effects, covariance = design @ b[:columns], design @ inverse[:columns, :columns] @ design.T
    variance = float(np.mean(1e4 * share_variance(np.clip(-y / 100, 0, 1), FOLD_IMAGES)))
    degrees = max(1, len(values) - len(folds))
    return Fit(effects - effects.mean(), covariance, variance, max(0.0, y @ y - b @ rows.T @ y) / degrees, degrees)


def stages(trainings: int, recipes: int, folds: int, first_share: float = FIRST_SHARE, kept: float = KEPT) -> list[int]:
    """As screen_stages() of popaug/compare/screen_plan.cc."""
    found: list[int] = []
    size, left = min(max(2.0, np.floor(first_share * trainings + 0.5)), recipes), trainings
    while len(found) < folds and left >= 2:
        found.append(min(left, int(np.floor(size + 0.5))))
        left -= found[-1]
        size = max(2.0, kept * size)
    for i, stage in enumerate(found):
        more = min(left, recipes - stage)
        found[i] += more
        left -= more
    return found


def forbidden(line: Line) -> frozenset[str]:
    """The symmetries that a line of turned.py rules out, as SymmetryTests of popaug/compare/symmetry.cc."""
    images, guessed = line["images"], 1 / line["classes"]

    def left_out(turned: float) -> bool:
        turned_error, plain_error = np.sqrt(share_variance(np.array([turned, line["plain"]]), images))
        known, error = line["plain"] - guessed, np.hypot(turned_error, plain_error / 2)
        return bool(known > 2 * plain_error and turned - guessed - known / 2 + 2 * error < 0)

    if left_out(line["mirrored"]):
        return frozenset({"flip", "dihedral"})
    return frozenset({"dihedral"}) if left_out(line["turned"]) else frozenset()


def rules_of(turned: list[Line]) -> dict[str, frozenset[str]]:
    """The symmetries that the first network without flips rules out, by set."""
    return {line["set"]: forbidden(line) for line in turned if line["arm"] == FIRST_WITHOUT_FLIPS}


def screen(
    lines: list[Line],
    trainings: int,
    folds: int,
    by: str = "error",
    without: frozenset[str] = frozenset(),
    *,
    order: Iterable[int] = range(len(GRID)),
    plan: Callable[[int, int, int], list[int]] = stages,
    explore: float = 0,
) -> tuple[str, Fit]:
    """The arm that a screening on these lines of one set takes, and its last fit; `by`: "error" or "loss". The symmetries
    `without` are left out after the first stage, which takes the first of `order`, a recipe without flips among them. Later
    stages take the recipes that are best by their effect, less `explore` standard errors of their distance from the best."""
    known = {(line["arm"], line["seed"]): line for line in lines}
    order = list(order)
    values: list[tuple[int, int, float]] = []
    wanted = 0
    for fold, stage in enumerate(plan(trainings, len(GRID), folds)):
        wanted += stage
        running = order[:wanted]
        wanted -= len(running)
        if fold == 0 and all(GRID[r][1] != "none" for r in running):
            running[-1] = next(r for r in order if GRID[r][1] == "none")
        for r in running:
            line = known[GRID[r][0], fold]
            values.append((r, fold, line["fold_loss"] if by == "loss" else -100 * line["fold_accuracy"]))
        found = fit(values)
        left = [r for r in range(len(GRID)) if GRID[r][1] not in without]
        best = min(left, key=lambda r: float(found.effects[r]))
        order = sorted(left, key=lambda r: float(found.effects[r]) - explore * found.standard_error(r, best))
    return GRID[best][0], found


def by_seed(lines: list[Line]) -> dict[str, dict[str, dict[int, float]]]:
    """Test accuracies in percent by set, arm and seed."""
    found: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        if "test_accuracy" in line:
            found[line["set"]][line["arm"]][line["seed"]] = 100 * line["test_accuracy"]
    return found


def common_seeds(lines: list[Line]) -> dict[str, dict[str, list[float]]]:
    """Test accuracies in percent by set and arm, of the seeds that every arm of the set has, in their order."""
    table = {}
    for name, arms in by_seed(lines).items():
        if common := sorted(set.intersection(*(set(found) for found in arms.values()))):
            table[name] = {arm: [found[seed] for seed in common] for arm, found in arms.items()}
    return table


def means(found: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    return {name: {arm: float(np.mean(values)) for arm, values in arms.items()} for name, arms in found.items()}


def whole_folds(lines: list[Line], grid: set[str]) -> dict[str, list[Line]]:
    """By set, the lines of the first folds outside which every recipe of the grid has trained."""
    by_fold: dict[str, dict[int, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if line["arm"] in grid and "test_accuracy" in line:
            by_fold[line["set"]][line["seed"]].append(line)
    whole: dict[str, list[Line]] = {}
    for name, folds in by_fold.items():
        fold = 0
        while len(folds[fold]) == len(grid):
            whole.setdefault(name, []).extend(folds[fold])
            fold += 1
    return whole


def common_folds(sets: Iterable[list[Line]]) -> int:
    """How many folds every set has."""
    return min((len({line["seed"] for line in lines}) for lines in sets), default=0)


def replayed(folds: int) -> list[int]:
    """The numbers of trainings for which a screening is replayed."""
    return [trainings for trainings in (4, 6, 9, 12, 16, 21, 36) if trainings <= folds * len(GRID)]


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def regret_table(found: dict[str, dict[str, list[float]]], order: list[str], count: str) -> list[str]:
    """Of the sets that have every arm of the set with most arms; arms in the given order. The last row, `count`, says how
    many trainings a cell is the mean of."""
    table = means(found)
    most = max((len(arms) for arms in table.values()), default=0)
    names = [name for name, arms in table.items() if len(arms) == most]
    arms = [arm for arm in order if names and all(arm in table[name] for name in names)]
    best = {name: max(table[name][arm] for arm in arms) for name in names}
    rows = [row(["arm", *names, "mean regret", "worst"]), row(["---"] * (len(names) + 3))]
    for arm in arms:
        regrets = [best[name] - table[name][arm] for name in names]
        shown = [f"{table[name][arm]:.1f}" for name in names]
        rows.append(row([arm, *shown, f"{np.mean(regrets):.1f}", f"{max(regrets):.1f}"]))
    return [*rows, row([count, *(str(len(found[name][arms[0]])) for name in names), "", ""])]


def screening_table(
    table: dict[str, dict[str, float]],
    outside: dict[str, dict[str, float]],
    fold_lines: list[Line],
    rules: dict[str, frozenset[str]],
) -> list[str]:
    """What the screening takes after so many trainings, and its regret by `table`, or for a set that lacks a recipe there by
    the trainings outside folds. `rules`: the symmetries that a set forbids."""
    grid = {arm for arm, *_ in GRID}
    by_set = whole_folds(fold_lines, grid)
    truth = {}
    for name in by_set:
        known = table if grid <= set(table.get(name, {})) else outside
        if grid <= set(known.get(name, {})):
            truth[name] = known[name]
    best = {name: max(truth[name].values()) for name in truth}
    rows = [row(["screening", *truth, "mean regret", "worst"]), row(["---"] * (len(truth) + 3))]
    folds = common_folds(by_set[name] for name in truth)
    for trainings in replayed(folds):
        for kind, by, tested in (
            ("", "error", True),
            (", all symmetries", "error", False),
            (", by loss", "loss", True),
        ):
            chosen = [
                screen(by_set[name], trainings, folds, by, rules[name] if tested else frozenset())[0] for name in truth
            ]
            regrets = [best[name] - truth[name][arm] for name, arm in zip(truth, chosen, strict=True)]
            cells = [f"{arm}: {regret:.1f}" for arm, regret in zip(chosen, regrets, strict=True)]
            rows.append(row([f"{trainings}{kind}", *cells, f"{np.mean(regrets):.2f}", f"{max(regrets):.1f}"]))
    return rows


class Apart:
    """The trainings of the folds that every set has, each fold set apart in turn, in all orders of the others."""

    def __init__(self, fold_lines: list[Line]) -> None:
        by_set = whole_folds(fold_lines, {arm for arm, *_ in GRID})
        self.folds = common_folds(by_set.values())
        self.known = {
            name: {(line["arm"], line["seed"]): line for line in lines if line["seed"] < self.folds}
            for name, lines in by_set.items()
        }

    def accuracy(self, name: str, arm: str, fold: int) -> float:
        return float(100 * self.known[name][arm, fold]["test_accuracy"])

    @functools.cache  # noqa: B019 one object
    def hindsight(self, name: str, apart: int) -> float:
        """The accuracy in the fold set apart of the recipe that is best on the test images in the others."""
        others = [fold for fold in range(self.folds) if fold != apart]
        best = max((arm for arm, *_ in GRID), key=lambda arm: sum(self.accuracy(name, arm, fold) for fold in others))
        return self.accuracy(name, best, apart)

    def lines(self, name: str, seen: tuple[int, ...]) -> list[Line]:
        """The lines of the folds that a screening sees, which get the numbers from 0 on in their order."""
        return [{**self.known[name][arm, f], "seed": at} for at, f in enumerate(seen) for arm, *_ in GRID]

    def regrets(self, taken: Callable[[str, tuple[int, ...]], str]) -> list[float]:
        """Of each set; `taken` is the recipe by the set and the folds seen."""

        def regret(name: str, seen: tuple[int, ...], apart: int) -> float:
            return self.hindsight(name, apart) - self.accuracy(name, taken(name, seen), apart)

        orders = list(itertools.permutations(range(self.folds)))
        return [float(np.mean([regret(name, order[:-1], order[-1]) for order in orders])) for name in self.known]


def apart_regrets(fold_lines: list[Line], rules: dict[str, frozenset[str]]) -> dict[str, dict[str, float]]:
    """Regrets by what takes the recipe and by set, in which no training is judged that chose anything. Each fold in turn is set
    apart. A screening on the other folds takes a recipe, and hindsight takes the one that is best on the test images over those
    folds. A regret is the test accuracy of hindsight's recipe minus that of the screening's, in the trainings outside the fold
    set apart: its mean over the folds, and over all orders of the folds that the screening sees. (One training, of
    FIRST_WITHOUT_FLIPS outside fold 0, decides which symmetries a set forbids.) The first entries are for recipes that are
    always taken. The controls are means over random draws. Needs three folds; empty with fewer."""
    grid = [arm for arm, *_ in GRID]
    apart = Apart(fold_lines)
    if apart.folds < 3:
        return {}
    folds = apart.folds

    def always(arm: str, _name: str, _seen: tuple[int, ...]) -> str:
        return arm

    def screened(trainings: int, name: str, seen: tuple[int, ...]) -> str:
        return screen(apart.lines(name, seen), trainings, folds - 1, without=rules[name])[0]

    def shuffled(name: str, seen: tuple[int, ...], trainings: int, random: np.random.Generator) -> str:
        """As screened(), with the same symmetries left out, but within each fold the recipes have each other's results."""
        by = {(line["arm"], line["seed"]): line for line in apart.lines(name, seen)}
        mixed = []
        for fold in range(folds - 1):
            of = [grid[at] for at in random.permutation(len(grid))]
            mixed += [
                {**by[arm, fold], "fold_accuracy": by[o, fold]["fold_accuracy"]}
                for arm, o in zip(grid, of, strict=True)
            ]
        return screen(mixed, trainings, folds - 1, without=rules[name])[0]

    def best_of_draws(name: str, seen: tuple[int, ...], trainings: int, random: np.random.Generator) -> str:
        """The recipe of the training that has the best result of so many drawn ones."""
        drawn = random.permutation(apart.lines(name, seen))[:trainings]  # type: ignore[arg-type]
        return str(max(drawn, key=lambda line: line["fold_accuracy"])["arm"])

    def control(taken: Callable[[str, tuple[int, ...], int, np.random.Generator], str], trainings: int) -> list[float]:
        random = np.random.default_rng(0)
        draws = [apart.regrets(lambda name, seen: taken(name, seen, trainings, random)) for _ in range(DRAWS)]
        return list(np.mean(draws, 0))

    found = {f"always `{arm}`": apart.regrets(functools.partial(always, arm)) for arm in grid}
    found["control: a recipe at random"] = list(np.mean(list(found.values()), 0))
    for trainings in replayed(folds - 1):
        found[f"screening, {trainings} trainings"] = apart.regrets(functools.partial(screened, trainings))
    last = max(n for n in replayed(folds - 1) if n <= 16)
    found[f"control: the same with {last}, results shuffled"] = control(shuffled, last)
    found[f"control: the best of {last} drawn trainings, no model"] = control(best_of_draws, last)
    return {label: dict(zip(apart.known, values, strict=True)) for label, values in found.items()}


def apart_table(found: dict[str, dict[str, float]]) -> list[str]:
    """The regrets of apart_regrets()."""
    names = list(next(iter(found.values())))
    rows = [row(["taken", *names, "mean", "worst"]), row(["---"] * (len(names) + 3))]
    for label, regrets in found.items():
        values = list(regrets.values())
        rows.append(row([label, *(f"{v:.1f}" for v in values), f"{np.mean(values):.2f}", f"{max(values):.1f}"]))
    return rows


def symmetry_table(outside: dict[str, dict[str, float]], turned: list[Line]) -> list[str]:
    """What is left, beyond guessing, of the images that a network without flips recognises once they are mirrored or turned;
    beside it what flips, and turns on top of flips, are worth in points of test accuracy, mean over the strengths."""
    arms = {(symmetry, strength): arm for arm, symmetry, strength in GRID}
    strengths = sorted({strength for *_, strength in GRID})

    def worth(name: str, symmetry: str, against: str) -> str:
        each = [outside[name][arms[symmetry, s]] - outside[name][arms[against, s]] for s in strengths]
        return f"{np.mean(each):+.1f}"

    rows = [
        row(["set", "left when mirrored", "flips are worth", "left when turned", "turns are worth", "left out"]),
        row(["---"] * 6),
    ]
    for line in turned:
        if line["arm"] != FIRST_WITHOUT_FLIPS:
            continue
        name, guessed = line["set"], 1 / line["classes"]
        left = [(line[key] - guessed) / (line["plain"] - guessed) for key in ("mirrored", "turned")]
        out = "flips, turns" if "flip" in forbidden(line) else "turns" if forbidden(line) else ""
        shares = [f"{100 * max(0, share):.0f} %" for share in left]
        cells = [name, shares[0], worth(name, "flip", "none"), shares[1], worth(name, "dihedral", "flip"), out]
        rows.append(row(cells))
    return rows


def intervals_table(outside: dict[str, dict[str, float]], fold_lines: list[Line]) -> list[str]:
    """How often the 95 % intervals of a screening, of what each recipe is behind the chosen one, contain the difference of the
    mean test accuracies."""
    names = [arm for arm, *_ in GRID]
    by_set = whole_folds(fold_lines, set(names))
    folds = common_folds(by_set.values())
    head = [
        "trainings",
        "noise that they show",
        "of drawing the images",
        "covered by these alone",
        "covered",
        "half, median",
    ]
    rows = [row(head), row(["---"] * len(head))]
    for trainings in replayed(folds):
        alone, covered, halves, shown, drawn = [], [], [], [], []
        for name, lines in by_set.items():
            chosen, found = screen(lines, trainings, folds)
            winner = names.index(chosen)
            shown.append(found.residual)
            drawn.append(found.variance)
            for r in set(range(len(GRID))) - {winner}:
                behind = found.effects[r] - found.effects[winner]
                miss = abs(behind - (outside[name][chosen] - outside[name][names[r]]))
                halves.append(found.half_interval(r, winner))
                alone.append(miss < found.half_interval(r, winner, known=0))
                covered.append(miss < halves[-1])
        noise = [f"{np.sqrt(np.mean(values)):.1f}" for values in (shown, drawn)]
        shares = [f"{100 * np.mean(values):.0f} %" for values in (alone, covered)]
        rows.append(row([str(trainings), *noise, *shares, f"{np.median(halves):.1f}"]))
    return rows


def others_table(lines: list[Line]) -> list[str]:
    """Arms outside the grid in the first fold, beside the best recipe of the grid there."""
    grid = {arm for arm, *_ in GRID}
    first = {
        (line["arm"], line["set"]): 100 * line["test_accuracy"]
        for line in lines
        if line["seed"] == 0 and "test_accuracy" in line
    }
    names = list(dict.fromkeys(line["set"] for line in lines))
    arms = list(dict.fromkeys(line["arm"] for line in lines if line["arm"] not in grid))
    rows = [row(["arm", *names]), row(["---"] * (len(names) + 1))]
    best = [max(first.get((arm, name), 0.0) for arm in grid) for name in names]
    rows.append(row(["best of the grid", *(f"{value:.1f}" for value in best)]))
    for arm in arms:
        rows.append(row([arm, *(f"{first[arm, name]:.1f}" if (arm, name) in first else "" for name in names)]))
    return rows


def labels_table(lines: list[Line], fold_lines: list[Line]) -> list[str]:
    """What training on all labels instead of three quarters is worth, in points: the test accuracy of an arm's trainings on all
    labels minus that of its trainings outside folds."""
    whole, outside = by_seed(lines), by_seed(fold_lines)
    names = list(outside)
    rows = [row(["arm", *names, "mean"]), row(["---"] * (len(names) + 2))]
    for arm in dict.fromkeys(line["arm"] for line in lines):
        gains = {
            name: np.mean(list(whole[name][arm].values())) - np.mean(list(outside[name][arm].values()))
            for name in names
            if arm in whole[name] and arm in outside[name]
        }
        if gains:
            cells = [f"{gains[name]:+.1f}" if name in gains else "" for name in names]
            rows.append(row([arm, *cells, f"{np.mean(list(gains.values())):+.1f}"]))
    return rows


def correlation_table(lines: list[Line]) -> list[str]:
    """For each set, the correlation over the recipes of the grid of a training's error, and of its loss, on its fold with the
    test error of the same recipe outside each other fold; the mean over pairs of folds."""
    names, found = [], []
    for name, known in whole_folds(lines, {arm for arm, *_ in GRID}).items():
        by = {(line["arm"], line["seed"]): line for line in known}
        folds = sorted({line["seed"] for line in known})
        pairs = [(a, b) for a in folds for b in folds if a != b]
        if not pairs:
            continue

        def column(fold: int, key: str, by: dict[tuple[str, int], Line] = by) -> np.ndarray:
            return np.array([by[arm, fold][key] for arm, *_ in GRID])

        names.append(name)
        found.append(
            [
                np.mean([sign * np.corrcoef(column(a, key), column(b, "test_accuracy"))[0, 1] for a, b in pairs])
                for key, sign in (("fold_accuracy", 1), ("fold_loss", -1))
            ]
        )
    rows = [row(["judged by", *names, "mean"]), row(["---"] * (len(names) + 2))]
    for label, values in zip(("error", "loss"), np.array(found).T, strict=True):
        rows.append(row([label, *(f"{value:.2f}" for value in values), f"{np.mean(values):.2f}"]))
    return rows


def order_of(lines: list[Line]) -> list[str]:
    return list(dict.fromkeys(line["arm"] for line in lines))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arms", type=pathlib.Path)
    parser.add_argument("--folds", type=pathlib.Path)
    parser.add_argument(
        "--turned", type=pathlib.Path, help="lines of turned.py, for the symmetries that screenings leave out"
    )
    parser.add_argument(
        "--page", type=pathlib.Path, help="write the tables of the folds between the marks of this page"
    )
    parser.add_argument("--readme", type=pathlib.Path, help="write the short table of regrets between its marks there")
    parser.add_argument("--check", action="store_true", help="only say whether the page has them")
    settings = parser.parse_args()
    lines = read(settings.arms)
    fold_lines = read(settings.folds) if settings.folds else []
    turned = read(settings.turned) if settings.turned else []
    rules = rules_of(turned) if settings.turned else defaultdict(frozenset)
    grid = [arm for arm, *_ in GRID]
    in_folds = [line for found in whole_folds(fold_lines, set(grid)).values() for line in found]
    whole, outside = common_seeds(lines), common_seeds(in_folds)
    tables = {}
    if fold_lines:
        tables = {
            "regret folds": regret_table(outside, grid, "folds"),
            "regret others": others_table(fold_lines),
            "regret labels": labels_table(lines, fold_lines),
            "regret symmetries": symmetry_table(means(outside), turned),
            "regret screening": screening_table(means(whole), means(outside), in_folds, rules),
            "regret correlation": correlation_table(fold_lines),
            "regret intervals": intervals_table(means(outside), in_folds),
        }
        if apart := apart_regrets(in_folds, rules):
            tables["regret apart"] = apart_table(apart)
    if settings.page is not None or settings.readme is not None:
        if not (settings.turned and "regret apart" in tables):
            parser.error("--page and --readme need --turned, and --folds with three whole folds of each set")
        missing = 0
        if settings.page is not None:
            missing |= page.update(settings.page, tables, settings.check)
        if settings.readme is not None:
            short = apart_table({label: apart[label] for label in SHORT})
            missing |= page.update(settings.readme, {"regret short": short}, settings.check)
        return missing
    for rows in (regret_table(whole, order_of(lines), "seeds"), *tables.values()):
        print("\n".join([*rows, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
