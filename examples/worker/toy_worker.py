#!/usr/bin/env python3
"""A whole popaug worker in plain Python (docs/formats/worker.md). It "trains" a number towards a target.

Try it:   popaug worker --check "python3 examples/worker/toy_worker.py"
Use it:   popaug search --trainer toy --worker-cmd "python3 examples/worker/toy_worker.py" --workers 2 --out my-run
"""

import json
import os
import sys

OUT = os.fdopen(os.dup(1), "w")  # the protocol's own descriptor
os.dup2(2, 1)  # whatever prints from here on goes to the log


def say(**message):
    print(json.dumps(message), file=OUT, flush=True)


def train_round(work):
    skill = 0.0
    if work["from"]:
        with open(work["from"], encoding="utf-8") as file:
            skill = json.load(file)["skill"]  # a real trainer loads weights and optimiser state here
    for epoch in range(work["first_epoch"], work["first_epoch"] + work["epochs"]):
        strength = sum(entry["probability"] for entry in work["policy"]) / len(work["policy"])
        skill += (1 - skill) * (1 - abs(strength - 0.5)) / 10
        say(type="progress", share=(epoch + 1 - work["first_epoch"]) / work["epochs"])
    with open(work["to"], "w", encoding="utf-8") as file:
        json.dump({"skill": skill, "epoch": epoch + 1}, file)
        file.flush()
        os.fsync(file.fileno())  # on disk before done is said
    return {"score": skill, "bytes": os.path.getsize(work["to"])}


say(type="hello", protocol=1, name="toy worker in Python")
for line in sys.stdin:  # ends when the master closes it
    message = json.loads(line)
    if message["type"] == "stop":
        break
    try:
        say(type="done", **train_round(message))
    except Exception as error:  # the master gives the round to another worker
        say(type="failed", error=f"{type(error).__name__}: {error}")
