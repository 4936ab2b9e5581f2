#!/usr/bin/env python3
"""What share of 64 process workers' time is spent training (docs/decisions/search-speed.md).

    busy.py BUILD [--unit SECONDS] [-o FILE.json]      BUILD holds search_tool and popaug

64 real processes train toys that only sleep, so that two cores carry them. A round takes 1, 2, 3 or 4 units: by the
member ("popaug worker" with the toy trainer), or by the process (this file as a worker). The share is the sum of the
rounds' times over 64 times the time from the start of the search to its last result (run.log); "started" is the same
from the 64th result on, without the first round, in which 64 processes start on the same cores.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

WORKERS, RESULTS = 64, 768  # results of a synchronous search


def worker(unit: float) -> None:
    """A process whose rounds all take (1 + pid % 4) units (docs/formats/worker.md)."""
    seconds = (1 + os.getpid() % 4) * unit
    print(json.dumps({"type": "hello", "protocol": 1, "name": "sleeper"}), flush=True)
    for line in sys.stdin:
        work = json.loads(line)
        if work["type"] == "stop":
            return
        time.sleep(seconds)
        state = f"{work['member']} {work['round']}\n".encode()
        with open(work["to"], "wb") as file:
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        score = (work["member"] * 7919 + work["round"] * 104729) % 1000 / 1000
        done = {"type": "done", "score": score, "bytes": len(state), "seconds": seconds}
        print(json.dumps(done), flush=True)


def search(build: pathlib.Path, by: str, population: int, asynchronous: bool, unit: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = f"{build}/popaug worker"
        if by == "process":
            command = f"{sys.executable} {pathlib.Path(__file__).resolve()} --worker --unit {unit}"
        settings = {
            "directory": str(folder / "run"),
            "population": population,
            "epochs": RESULTS // population,
            "epochs_per_round": 1,
            "async": asynchronous,
            "workers": WORKERS,
            "worker_command": command,
            "trainer": {"milliseconds": round(1000 * unit), "unequal": True} if by == "member" else {},
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        subprocess.run([build / "search_tool", folder / "settings.json"], check=True, stdout=subprocess.DEVNULL)
        events = [json.loads(line) for line in (folder / "run/run.log").read_text().splitlines()]
    results = [event for event in events if event["event"] == "result"]

    def share(first: int) -> float:
        begun = results[first - 1]["clock"] if first > 0 else 0.0
        busy = sum(event["seconds"] for event in results[first:])
        return round(busy / (WORKERS * (results[-1]["clock"] - begun)), 3)

    return {
        "speed_by": by,
        "population": population,
        "asynchronous": asynchronous,
        "results": len(results),
        "seconds": round(results[-1]["clock"], 1),
        "busy_share": share(0),
        "started": share(WORKERS),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, nargs="?")
    parser.add_argument("--unit", type=float, default=1.0)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=pathlib.Path)
    flags = parser.parse_args()
    if flags.worker:
        return worker(flags.unit)
    rows: list[dict[str, Any]] = []
    for by, population in (("member", 64), ("process", 64), ("process", 256)):
        for asynchronous in (False, True):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            row = search(flags.build.resolve(), by, population, asynchronous, flags.unit)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            row["processor_seconds"] = round(spent, 1)  # of master and workers together
            print(json.dumps(row), flush=True)
            rows.append(row)
    if flags.output:
        command = f"bench/studies/search/busy.py BUILD --unit {flags.unit}"
        flags.output.write_text(json.dumps({"command": command, "workers": WORKERS, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
