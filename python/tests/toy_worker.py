"""A process worker around the toy trainer; WORKER_MODE makes it misbehave."""

import os

import popaug
import popaug.worker


def train_round(member: popaug.Member) -> popaug.Result:
    print("training", member, flush=True)  # to the log: the protocol has a descriptor of its own
    if os.environ.get("WORKER_MODE") == "fault" and member.round == 1 and member.index == 2:
        raise KeyError("my own mistake")
    return popaug.toy_round(member)


popaug.worker.serve(train_round)
