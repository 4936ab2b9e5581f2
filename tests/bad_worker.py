"""A worker that misbehaves: bad_worker.py HOW DIR. In DIR it counts what it did, over all processes.

crash, hang, nan, half (checkpoint), shrinks, nonsense, failed: once, in its second round; then it is the good toy.
crash-always, silent: every time. version: hello of protocol 2. early: speaks before it is asked.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

HOW, COUNTS = sys.argv[1], pathlib.Path(sys.argv[2])
POPAUG = os.environ["POPAUG_BUILD"] + "/popaug"


def say(message):
    sys.stdout.write(message if isinstance(message, str) else json.dumps(message) + "\n")
    sys.stdout.flush()


def first_time(name):
    try:
        os.close(os.open(COUNTS / name, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def misbehave(work):
    if HOW == "crash":
        os.abort()
    if HOW == "hang":
        time.sleep(1000)
    if HOW == "nonsense":
        say("Epoch 1/3: loss 0.7\n")
    if HOW == "failed":
        say({"type": "failed", "error": "out of memory"})
    if HOW == "nan":
        pathlib.Path(work["to"]).write_text("x")
        say('{"type":"done","score":NaN,"bytes":1}\n')
    if HOW == "infinite":
        pathlib.Path(work["to"]).write_text("x")
        say('{"type":"done","score":1e999,"bytes":1}\n')
    if HOW == "half":
        pathlib.Path(work["to"]).write_text("half")
        say({"type": "done", "score": 0.9, "bytes": 8})
    if HOW == "shrinks":  # while the master reads it
        pathlib.Path(work["to"]).touch()
        os.truncate(work["to"], 3 << 30)
        say({"type": "done", "score": 0.9, "bytes": 3 << 30})
        time.sleep(0.05)
        os.truncate(work["to"], 0)
        time.sleep(1000)
    if HOW == "missing":
        say({"type": "done", "score": 0.9, "bytes": 8})


if HOW == "version":
    say({"type": "hello", "protocol": 2, "name": "from the future"})
    time.sleep(1000)
if HOW == "mute":
    sys.exit(3)
toy = subprocess.Popen([POPAUG, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
hello = toy.stdout.readline()
say(hello + '{"type":"progress","share":0.5}\n' if HOW == "early" else hello)
for line in sys.stdin:
    work = json.loads(line)
    if work["type"] == "run" and (HOW == "crash-always" or (work["member"] == 2 and first_time(HOW))):
        if HOW == "crash-always":
            print("the disk of the worker is on fire", file=sys.stderr)
            sys.exit(7)
        misbehave(work)
        continue
    toy.stdin.write(line)
    toy.stdin.flush()
    while work["type"] == "run":
        answer = toy.stdout.readline()
        say(answer)
        if json.loads(answer)["type"] in ("done", "failed"):
            break
