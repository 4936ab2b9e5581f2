#!/usr/bin/env python3
"""Measures popaug and its rivals in turn, one core each, and writes the medians to bench/results.

bench/studies/rivals/compare.py [--rounds 5] [--seconds 2] [--popaug build/popaug] [--out bench/results/augment-speed.json]
                     [--only NAME,NAME] [--add] [--environment bench/studies/rivals/.venv]

A round runs every contender once, so that a change of the machine's mood meets all of them. Rates are
images per second of processor time (images_per_cpu_second), which other work on the machine disturbs
less, and of the clock on the wall (images_per_second). --add keeps the rows of --out that this run does not
measure: the 32x32 and the 224x224 contenders may run apart.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))

from machine import processor  # noqa: E402

RIVALS = {
    "pillow-pba-32": ["pillow_pba.py"],
    "pillow-pba-tuned-32": ["pillow_pba.py", "--tuned"],
    "torchvision-randaugment-32": ["torchvision_randaugment.py", "32"],
    "torchvision-randaugment-tensor-32": ["torchvision_randaugment.py", "32", "--tensor"],
    "kornia-randaugment-32": ["kornia_randaugment.py"],
    "torchvision-randaugment-224": ["torchvision_randaugment.py", "224"],
    "torchvision-randaugment-tensor-224": ["torchvision_randaugment.py", "224", "--tensor"],
    "timm-randaugment-224": ["timm_randaugment.py"],
    "albumentations-someof-224": ["albumentations_someof.py"],
} | {
    f"{library}-{recipe}-cutmix-{side}": ["cutmix.py", library, recipe, str(side)]
    for side in (32, 224)
    for recipe in ("flipcrop", "trivial")
    for library in ("timm", "torchvision")
}
MIXED = [f"{recipe}-{side}-cutmix" for side in (32, 224) for recipe in ("flipcrop", "trivial")]
OURS = ["pipeline-32", "randaugment-32", "pipeline-224", "randaugment-224", *MIXED]
# Ours, rivals (the fastest of them counts), target.
RATIOS = [
    ("pipeline-32", ["pillow-pba-32"], 1000),
    ("pipeline-32", ["pillow-pba-tuned-32"], None),
    ("pipeline-32", ["torchvision-randaugment-32", "torchvision-randaugment-tensor-32"], 500),
    ("randaugment-32", ["torchvision-randaugment-32", "torchvision-randaugment-tensor-32"], None),
    ("pipeline-32", ["kornia-randaugment-32"], 40),
    (
        "pipeline-224",
        [
            "torchvision-randaugment-224",
            "torchvision-randaugment-tensor-224",
            "timm-randaugment-224",
            "albumentations-someof-224",
        ],
        10,
    ),
    (
        "randaugment-224",
        [
            "torchvision-randaugment-224",
            "torchvision-randaugment-tensor-224",
            "timm-randaugment-224",
            "albumentations-someof-224",
        ],
        None,
    ),
    *(
        (
            f"{recipe}-{side}-cutmix",
            [f"{library}-{recipe}-cutmix-{side}" for library in ("timm", "torchvision")],
            target,
        )
        for side, target in ((32, 20), (224, 5))
        for recipe in ("flipcrop", "trivial")
    ),
]


def run(command: list[str], core: int) -> Any:
    environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", NO_ALBUMENTATIONS_UPDATE="1")
    done = subprocess.run(
        ["taskset", "-c", str(core), *command],
        cwd=HERE,
        env=environment,
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"compare: {' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout)


def summary(rates: list[float]) -> dict[str, float]:
    return {"median": statistics.median(rates), "lowest": min(rates), "highest": max(rates)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--popaug", default=str(ROOT / "build" / "popaug"))
    parser.add_argument("--out", default=str(ROOT / "bench" / "results" / "augment-speed.json"))
    parser.add_argument("--only", default="")
    parser.add_argument("--add", action="store_true")
    parser.add_argument("--environment", type=pathlib.Path, default=HERE / ".venv", help="what setup made")
    args = parser.parse_args()
    python = args.environment.absolute() / "bin" / "python"
    if not python.exists():
        sys.exit(f"compare: no {args.environment}; run bench/studies/rivals/setup (several GB) first")
    core = max(os.sched_getaffinity(0))
    wanted = [name for name in args.only.split(",") if name]
    rates: dict[str, list[dict[str, Any]]] = {}
    notes: dict[str, dict[str, Any]] = {}
    for round_number in range(args.rounds):
        for name in OURS:
            if wanted and name not in wanted:
                continue
            command = [
                str(pathlib.Path(args.popaug).absolute()),
                "bench",
                "augment",
                "--workers",
                "1",
                "--json",
                "--runs",
                "1",
            ]
            command += ["--seconds", str(args.seconds), "--only", name]
            rates.setdefault(name, []).append(run(command, core)[0])
            notes[name] = {"command": " ".join(["popaug", *command[1:]]), "threads": 1}
        for name, script in RIVALS.items():
            if wanted and name not in wanted:
                continue
            row = run([str(python), "-W", "ignore", *script, "--seconds", str(args.seconds)], core)
            rates.setdefault(name, []).append(row)
            notes[name] = {
                "command": " ".join(["python", *script]),
                **{k: row[k] for k in ("threads", "versions", "check")},
            }
        print(f"round {round_number + 1} of {args.rounds}", file=sys.stderr)
    rows = {
        name: {
            "images_per_cpu_second": summary([row["images_per_cpu_second"] for row in all_rows]),
            "images_per_second": summary([row["images_per_second"] for row in all_rows]),
            **notes[name],
        }
        for name, all_rows in rates.items()
    }
    ratios: list[dict[str, Any]] = []
    for ours, rivals, target in RATIOS:
        known = [rival for rival in rivals if rival in rows]
        if ours not in rows or not known:
            continue
        # Per round, then the median: both sides of a ratio come from the same minutes.
        per_round = [
            rates[ours][r]["images_per_cpu_second"] / max(rates[rival][r]["images_per_cpu_second"] for rival in known)
            for r in range(args.rounds)
        ]
        ratios.append({"ours": ours, "best_of": known, "target": target, "ratio": summary(per_round)})
    result: dict[str, Any] = {
        "what": "augmentation, images per second on one core",
        "command": f"bench/studies/rivals/compare.py --rounds {args.rounds} --seconds {args.seconds}",
        "machine": {"processor": processor(), "cores": os.cpu_count(), "system": platform.platform()},
        "date": time.strftime("%Y-%m-%d"),
        "load_average": os.getloadavg(),
        "ratios": ratios,
        "rows": rows,
    }
    out = pathlib.Path(args.out)
    if args.add and out.exists():
        before = json.loads(out.read_text(encoding="utf-8"))
        result["rows"] = before["rows"] | rows
        kept = [row for row in before["ratios"] if row["ours"] not in rows]
        result["ratios"] = kept + ratios
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for row in ratios:
        goal = f" (target {row['target']})" if row["target"] else ""
        r = row["ratio"]
        best = " / ".join(row["best_of"])
        print(f"{row['ours']}: {r['median']:.0f}x [{r['lowest']:.0f}..{r['highest']:.0f}] {best}{goal}")


if __name__ == "__main__":
    main()
