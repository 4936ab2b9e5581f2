#!/usr/bin/env python3
"""How a search's plan (--dry-run) compares with what then happens, and what the engine costs beside the training
(docs/decisions/search-plan.md).

    plan.py [--program build/popaug] [-o FILE.json]

For each of a few real searches of Fashion-MNIST: the plan, then the search, watched: wall time, the largest resident
memory of its process (of all its processes together, where workers are processes), the largest size of its run
directory. "engine" is what one worker's wall time holds beside its rounds (run.log), as a share of them.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import tempfile
import threading
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = "/usr/share/datasets/fashion-mnist"
SEARCHES: dict[str, str] = {
    "wrn-10-1, 2 threads": "--network wrn-10-1 --train-size 1000 --val-size 2000 --population 8 --rounds 4",
    "wrn-16-2, 2 threads": (
        "--network wrn-16-2 --train-size 512 --val-size 500 --population 4 --rounds 3 --epochs-per-round 2"
    ),
    "wrn-10-1, 1 thread, loss": (
        "--network wrn-10-1 --train-size 2000 --val-size 500 --population 4 --rounds 4 --epochs-per-round 1 "
        "--workers 1 --metric loss"
    ),
    "wrn-10-1, 2 processes": (
        "--network wrn-10-1 --train-size 1000 --val-size 1000 --population 6 --rounds 4 --epochs-per-round 2"
    ),
}


def children(pid: int) -> list[int]:
    try:
        listed = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in listed]


def resident(pid: int) -> int:
    try:
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError):
        return 0


def size(folder: pathlib.Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


class Watch(threading.Thread):
    def __init__(self, pid: int, run: pathlib.Path) -> None:
        super().__init__(daemon=True)
        self.pid, self.run_folder, self.memory, self.disk = pid, run, 0, 0
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(0.05):
            self.memory = max(self.memory, sum(map(resident, [self.pid, *children(self.pid)])))
            self.disk = max(self.disk, size(self.run_folder))


def watched(command: list[str], run: pathlib.Path) -> tuple[float, int, int]:
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watch = Watch(process.pid, run)
    watch.start()
    if process.wait() != 0:
        raise SystemExit(f"{' '.join(command)}: status {process.returncode}")
    seconds = time.perf_counter() - started
    watch.stopping.set()
    watch.join()
    return seconds, watch.memory, watch.disk


def engine_share(run: pathlib.Path) -> float:
    """Of one worker: time from the first work to the last result that no round used, beside the rounds' time."""
    events = [json.loads(line) for line in (run / "run.log").read_text().splitlines()]
    results = [event for event in events if event["event"] == "result"]
    rounds = sum(event["seconds"] for event in results[1:])
    return float((results[-1]["clock"] - results[0]["clock"] - rounds) / rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("--only", default="", help="the searches whose name holds this text")
    parser.add_argument("-o", "--output")
    flags = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, text in SEARCHES.items():
        words = text.split()
        if flags.only not in name:
            continue
        command = [flags.program, "search", "--data", DATA, "--seed", "1", *words]
        if "--workers" not in words:
            command += ["--workers", "2"]
        if "processes" in name:
            command += ["--worker-cmd", f"{flags.program} worker"]
        with tempfile.TemporaryDirectory() as folder:
            run = pathlib.Path(folder) / "run"
            told = subprocess.run([*command, "--dry-run", "--json"], check=True, capture_output=True, text=True)
            plan = json.loads(told.stdout)
            seconds, memory, disk = watched([*command, "--out", str(run)], run)
            row: dict[str, Any] = {"search": name, "command": " ".join(["popaug", *command[1:]])}
            happened = {"seconds": seconds, "memory_bytes": memory, "disk_bytes": disk}
            for key, value in happened.items():
                row[key] = {
                    "plan": round(plan[key], 2),
                    "happened": round(value, 2),
                    "ratio": round(plan[key] / value, 3),
                }
            if plan["workers"] == 1:
                row["engine"] = round(engine_share(run), 5)
        print(json.dumps(row), flush=True)
        rows.append(row)
    if flags.output:
        pathlib.Path(flags.output).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
