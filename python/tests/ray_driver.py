"""A search on the cluster ADDRESS into OUT, resumed if it stands there; the rest is JSON: arguments of the search."""

import json
import sys

import popaug
import popaug.ray

limits = popaug.ray.Deadlines(silence=3, creation=30, suspicion=20)
arguments = json.loads(sys.argv[3])
if "worker_command" not in arguments:
    arguments["train_round"] = popaug.toy_round
run = popaug.ray.search(address=sys.argv[1], out=sys.argv[2], resume=True, deadlines=limits, **arguments)
print(run)
