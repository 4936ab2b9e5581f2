#!/usr/bin/env python3
"""How close searches and their drift controls come to a known best schedule (docs/decisions/selection.md).

toys.py BUILD     runs the toy searches with BUILD/search_tool and prints a JSON row for each kind
"""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

SEEDS = range(1, 6)


def score(build: pathlib.Path, folder: pathlib.Path, **settings: object) -> float:
    path = folder / "settings.json"
    path.write_text(json.dumps({"directory": str(folder / "run"), **settings}))
    done = subprocess.run([build / "search_tool", path], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    build = pathlib.Path(sys.argv[1])
    for optimum in ("constant", "ramp"):
        for selection in ("truncation", "none"):
            scores = []
            for seed in SEEDS:
                with tempfile.TemporaryDirectory() as folder:
                    trainer = {"optimum": optimum, "noise": 0.0005}
                    scores.append(
                        score(
                            build,
                            pathlib.Path(folder),
                            population=32,
                            epochs=180,
                            seed=seed,
                            selection=selection,
                            trainer=trainer,
                        )
                    )
            print(
                json.dumps(
                    {
                        "optimum": optimum,
                        "selection": selection,
                        "seeds": len(scores),
                        "score": round(statistics.mean(scores), 4),
                        "deviation": round(statistics.stdev(scores), 4),
                    }
                )
            )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
