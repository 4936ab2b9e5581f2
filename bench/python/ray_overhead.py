"""What Ray adds to a round of 30 s with 16 members: python bench/python/ray_overhead.py FOLDER (PYTHONPATH=BUILD/python).

The toy trainer sleeps, so 16 slots fit on any machine; two whole rounds are timed, after the first has started all slots.
"""

import json
import pathlib
import sys

import popaug
import popaug.ray

SECONDS, ROUNDS = 30.0, 3
out = pathlib.Path(sys.argv[1]) / "run"
trainer = {"kind": "toy", "milliseconds": int(SECONDS * 1000 / 3)}
popaug.ray.search(
    popaug.toy_round, "pba", 16, epochs=3 * ROUNDS, out=out, trainer=trainer, slots=16, cpus=1 / 16, show=False
)
ends: dict[int, float] = {}
for line in (out / "run.log").read_text().splitlines():
    event = json.loads(line)
    if event["event"] == "result":
        ends[event["round"]] = event["clock"]
spent = ends[ROUNDS - 1] - ends[0]
ideal = (ROUNDS - 1) * SECONDS
print(json.dumps({"members": 16, "round_seconds": SECONDS, "rounds_timed": ROUNDS - 1, "overhead": spent / ideal - 1}))
