#!/usr/bin/env python3
"""What more workers bring to the augmentation engine: images per second of `popaug bench augment`, one worker and all cores in turn.

bench/studies/rivals/cores.py [--rounds 11] [--row pipeline-32] [--popaug build/popaug] [--out bench/results/augment-cores.json]

A round is one worker, all cores, one worker; its ratio is that of the middle to the mean of the outer two, so that a machine whose
pace drifts does not pass for scaling. Run it while nothing else works.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--row", default="pipeline-32")
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--popaug", type=pathlib.Path, default=ROOT / "build" / "popaug")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench" / "results" / "augment-cores.json")
    flags = parser.parse_args()

    def rate(workers: int) -> float:
        command = [flags.popaug, "bench", "augment", "--json", "--only", flags.row, "--runs", "3"]
        command += ["--seconds", str(flags.seconds), "--workers", str(workers)]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
        return float(json.loads(done.stdout)[0]["images_per_second"])

    rounds: list[dict[str, Any]] = []
    for _ in range(flags.rounds):
        before, all_cores, after = rate(1), rate(0), rate(1)
        rounds.append({"one": [before, after], "all": all_cores, "ratio": 2 * all_cores / (before + after)})
    ratios = sorted(row["ratio"] for row in rounds)
    result = {
        "row": flags.row,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "ratio": {"median": statistics.median(ratios), "lowest": ratios[0], "highest": ratios[-1]},
        "rounds": rounds,
    }
    flags.out.write_text(json.dumps(result, indent=1) + "\n")
    print(
        f"{flags.row}: {os.cpu_count()} cores bring {result['ratio']['median']:.2f} [{ratios[0]:.2f}..{ratios[-1]:.2f}]"
    )


if __name__ == "__main__":
    main()
