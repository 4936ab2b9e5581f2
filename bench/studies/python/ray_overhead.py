"""What Ray adds to a round of 30 s with 16 members: python bench/studies/python/ray_overhead.py FOLDER (PYTHONPATH=BUILD/python).

The toy trainer sleeps, so 16 members train at once on any machine, in 16 threads of one process and in 16 slots of Ray. Two
whole rounds of each are timed, after a first that starts all slots. Sleeping 30 s takes a little longer than 30 s, so the
threads' rounds are what Ray's are compared with.
"""

import json
import pathlib
import sys
from typing import Any

import popaug
import popaug.ray

SECONDS, ROUNDS = 30.0, 3
folder = pathlib.Path(sys.argv[1])
settings: dict[str, Any] = {
    "epochs": 3 * ROUNDS,
    "trainer": {"kind": "toy", "milliseconds": int(SECONDS * 1000 / 3)},
    "show": False,
}


def spent(out: pathlib.Path) -> float:
    """Seconds from the first round's last result to the last round's."""
    ends: dict[int, float] = {}
    for line in (out / "run.log").read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "result":
            ends[event["round"]] = event["clock"]
    return ends[ROUNDS - 1] - ends[0]


popaug.search(popaug.toy_round, "pba", 16, out=folder / "threads", workers=16, **settings)
popaug.ray.search(popaug.toy_round, "pba", 16, out=folder / "ray", slots=16, cpus=1 / 16, **settings)
threads, ray = spent(folder / "threads"), spent(folder / "ray")
print(
    json.dumps(
        {"members": 16, "rounds_timed": ROUNDS - 1, "threads": threads, "ray": ray, "overhead": ray / threads - 1}
    )
)
