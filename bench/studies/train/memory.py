#!/usr/bin/env python3
"""Memory of one network in training, measured beside the estimate, and of a whole search.

    .venv/bin/python bench/studies/train/memory.py --networks wrn-28-2,resnet-18 -o memory.json
    .venv/bin/python bench/studies/train/memory.py --search cifar10.popaug -o memory-search.json

Peak resident memory of `popaug bench train` (a few steps) and, with --search, of `popaug search` with 16
members of wrn-28-2 and two workers over two short rounds. The program itself with torch's libraries
is in it; `base` is what it takes with a network of next to nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from compare import processor

ROOT = Path(__file__).resolve().parents[3]


def peak(command: list[str]) -> tuple[float, str]:
    """Peak resident MiB of the command, and what it printed."""
    with tempfile.TemporaryFile("w+") as out:
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)])
        _, status, usage = os.wait4(pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"{' '.join(command)}: failed")
        out.seek(0)
        return usage.ru_maxrss / 1024, out.read()


def one_network(program: str, network: str, conv: str, batch: int) -> tuple[float, float]:
    command = [program, "bench", "train", "--json", "--steps", "1", "--only", f"train-{conv}"]
    measured, text = peak([*command, "--network", network, "--batch", str(batch)])
    return measured, json.loads(text)[0]["estimated_memory_bytes"] / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default="wrn-16-1,wrn-28-2,resnet-20,resnet-18,shake-shake-26-2x32d")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--search", help="images for a search of 16 members instead")
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("-o", "--output")
    flags = parser.parse_args()
    rows: list[dict[str, object]] = []
    if flags.search:
        for conv in ("fast", "exact"):
            with tempfile.TemporaryDirectory() as folder:
                measured, _ = peak(
                    [flags.program, "search", "--data", flags.search, "--population", "16", "--workers", "2",
                     "--network", "wrn-28-2", "--batch", "128", "--train-size", "256", "--val-size", "256",
                     "--epochs", "2", "--epochs-per-round", "1", "--conv", conv, "--json",
                     "--out", f"{folder}/run"]
                )  # fmt: skip
            rows.append({"search": "16 members of wrn-28-2, 2 workers", "conv": conv, "peak_mib": round(measured)})
            print(rows[-1], flush=True)
    else:
        base, _ = one_network(flags.program, "wrn-10-1", "exact", 1)
        for network in flags.networks.split(","):
            for conv in ("fast", "exact"):
                measured, estimate = one_network(flags.program, network, conv, flags.batch)
                rows.append(
                    {
                        "network": network,
                        "conv": conv,
                        "batch": flags.batch,
                        "measured_mib": round(measured - base),
                        "estimate_mib": round(estimate),
                        "base_mib": round(base),
                    }
                )
                print(rows[-1], flush=True)
    if flags.output:
        command = " ".join(["bench/studies/train/memory.py", *sys.argv[1:]])
        Path(flags.output).write_text(
            json.dumps({"command": command, "machine": processor(), "rows": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
