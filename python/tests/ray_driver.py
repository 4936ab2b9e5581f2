"""A search on the cluster ADDRESS into OUT, resumed if it exists; the rest is JSON: arguments of the search, and
the seconds of silence after which a slot counts as lost."""

import json
import sys

import popaug
import popaug.ray

arguments = json.loads(sys.argv[3])
limits = popaug.ray.Deadlines(silence=arguments.pop("silence", 3), creation=30, suspicion=20)
if "worker_command" not in arguments:
    arguments["train_round"] = popaug.toy_round
run = popaug.ray.search(address=sys.argv[1], out=sys.argv[2], resume=True, deadlines=limits, **arguments)
print(run)
