#!/usr/bin/env python3
"""Writes the tables of docs/results.md from the raw results in bench/results, or checks them.

results_page.py           replaces every block between '<!-- table SET -->' and '<!-- end -->' by the table of
                          bench/results/SET, and between '<!-- steps SET -->' and '<!-- end -->' by that of the
                          searches in bench/results/steps/SET
results_page.py --check   exits with 1 where the page and the raw results differ

The figures of a table are recomputed from the accuracies in SET/runs.jsonl; what SET/compare.json holds must agree, so that no
figure stands on the page that the trainings did not give.
"""

from __future__ import annotations

import json
import pathlib
import re
import statistics
import sys

from scipy import stats

ROOT = pathlib.Path(__file__).resolve().parents[3]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "results.md"
BLOCK = re.compile(r"(<!-- (table|steps) ([\w/]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
# The searches of bench/studies/sets/run-steps: folder, and what differs from the published one.
STEPS = {
    "published": "the published search",
    "significant": "`--selection significant`",
    "start-random": "`--start random`",
    "genes": "flip and pad as genes",
    "genes-base-alone": "control: that flip and pad without ops",
    "genes-base-trivial": "control: that flip and pad around TrivialAugment 0.5",
    "audited": "the audited space",
    "selection-only": "control: selection without mutation",
    "mutation-only": "control: mutation without selection",
    "neither": "control: neither",
}


def accuracies(folder: pathlib.Path) -> dict[str, dict[int, float]]:
    """Accuracy in % of each arm under each seed."""
    found: dict[str, dict[int, float]] = {}
    for line in (folder / "runs.jsonl").read_text().splitlines()[1:]:
        run = json.loads(line)
        if run["judge"] == "test":
            found.setdefault(run["arm"], {})[run["seed"]] = 100 * (1 - run["wrong"] / run["tested"])
    return found


def trained_as(folder: pathlib.Path, arm: str, seed: int) -> str:
    """The arm whose training stands for `arm`: for a raced one the winner of its race."""
    race = folder / "races" / f"{arm}-{seed}" / "choose.json"
    return json.loads(race.read_text())["winner"] if race.exists() else arm


def of_arm(folder: pathlib.Path, tested: dict[str, dict[int, float]], arm: str, seeds: list[int]) -> list[float]:
    """The accuracies of an arm under those of the seeds that it has."""
    found = [tested.get(trained_as(folder, arm, seed), {}).get(seed) for seed in seeds]
    return [accuracy for accuracy in found if accuracy is not None]


def check_raw(folder: pathlib.Path, comparison: dict) -> None:
    tested = accuracies(folder)
    seeds = sorted(set().union(*tested.values()))
    for arm in comparison["arms"]:
        # A comparison that was stopped may hold trainings of a further seed.
        errors = [100 - accuracy for accuracy in of_arm(folder, tested, arm["name"], seeds[: arm["seeds"]])]
        if len(errors) != arm["seeds"] or abs(statistics.fmean(errors) - arm["error"]) > 1e-9:
            sys.exit(f"{folder.name}: the error of {arm['name']} is not the mean of its runs")


def table(name: str) -> str:
    folder = RESULTS / name
    comparison = json.loads((folder / "compare.json").read_text())
    check_raw(folder, comparison)
    rows = [
        "| arm | test error, % (95 %) | sd | images trained | of its search | core-hours | against the references |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm in comparison["arms"]:
        low, high = arm["interval"] or (float("nan"), float("nan"))
        rows.append(
            f"| {arm['title']} | {arm['error']:.2f} ({low:.2f} .. {high:.2f}) | {arm['deviation']:.2f} "
            f"| {arm['images']:,} | {arm['search_images']:,} | {arm['core_hours']:.2f} | {arm['verdict']} |"
        )
    against = [arm for arm in comparison["arms"] if arm["name"] == "schedule"]
    lines = [f"**{comparison['verdict']}.** {comparison['seeds']} seeds an arm.", "", *rows, ""]
    for arm in against:
        for control in arm["controls"]:
            low, high = control["interval"]
            lines.append(
                f"* the schedule against its control `{control['against']}`: {control['difference']:+.2f} points "
                f"({low:+.2f} .. {high:+.2f}), Holm-corrected p {control['adjusted_p']:.2g}"
            )
    hours = sum(arm["core_hours"] for arm in comparison["arms"])
    if (folder / "base-alone").is_dir():
        alone, learned = accuracies(folder / "base-alone")["schedule"], accuracies(folder)["schedule"]
        mean, half = paired(learned, alone)
        lines.append(
            f"* its flips and padding alone, without ops: {100 - statistics.fmean(alone.values()):.2f} % error; the schedule "
            f"against that: {mean:+.2f} ± {half:.2f} points"
        )
    if lines[-1] != "":
        lines.append("")
    lines += [f"Trainings of the table: {hours:.2f} core-hours. Raw: bench/results/{name}/runs.jsonl.", ""]
    return "\n".join(lines)


def paired(arm: dict[int, float], other: dict[int, float]) -> tuple[float, float]:
    """Mean difference in points, paired by seed, and half the width of its 95 % interval by Student's t."""
    if arm.keys() != other.keys():
        sys.exit("the steps were not trained under the same seeds")
    differences = [arm[seed] - other[seed] for seed in sorted(arm)]
    spread = statistics.stdev(differences) / len(differences) ** 0.5
    return statistics.fmean(differences), float(stats.t.ppf(0.975, len(differences) - 1)) * spread


def steps(name: str) -> str:
    folder = RESULTS / "steps" / name
    free = accuracies(folder / "free")
    best = max(free, key=lambda arm: statistics.fmean(free[arm].values()))
    lines = [
        "Free arms: "
        + ", ".join(f"{arm} {100 - statistics.fmean(of.values()):.2f} %" for arm, of in free.items())
        + f" error; best: {best}. {len(free[best])} seeds an arm.",
        "",
        "| search | validation accuracy, % | error of its schedule, % | with a clean tail | against the published search, points "
        f"| with its clean tail against {best}, points |",
        "|---|---|---|---|---|---|",
    ]
    published = accuracies(folder / "published")["schedule"]
    for step, title in STEPS.items():
        if not (folder / step / "runs.jsonl").exists():
            continue
        arms = accuracies(folder / step)
        plain, clean = arms["schedule"], arms["schedule+clean"]
        provenance = json.loads((folder / step / "schedule.json").read_text()).get("provenance", {})
        score = provenance.get("validation_score")
        mean, half = paired(plain, published)
        against = "" if step == "published" else f"{mean:+.2f} ± {half:.2f}"
        mean, half = paired(clean, free[best])
        lines.append(
            f"| {title} | {'' if score is None else f'{100 * score:.1f}'} | {100 - statistics.fmean(plain.values()):.2f} "
            f"| {100 - statistics.fmean(clean.values()):.2f} | {against} | {mean:+.2f} ± {half:.2f} |"
        )
    return "\n".join([*lines, "", f"Raw: bench/results/steps/{name}.", ""])


WRITERS = {"table": table, "steps": steps}


def main() -> int:
    text = PAGE.read_text()
    new = BLOCK.sub(lambda block: block[1] + WRITERS[block[2]](block[3]) + block[5], text)
    if "--check" in sys.argv[1:]:
        if new != text:
            print("docs/results.md differs from bench/results: run bench/studies/sets/results_page.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
