"""A process worker in Python: the same train_round, for `popaug search --worker-cmd` and worker_command=.

# my_worker.py
import popaug.worker
from my_training import train_round
popaug.worker.serve(train_round)

The same without a file of its own: python -m popaug.worker my_training:train_round
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import os
import queue
import sys
import threading
import time
import traceback
from typing import Any

from popaug import __version__, _core
from popaug._core import Interrupted, UsageError
from popaug._member import Member, TrainRound, outcome

__all__ = ["command_for", "serve"]


class _Inbox:
    """Reads the master beside the training: a stop or a vanished master is seen at once."""

    def __init__(self) -> None:
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.stopping = threading.Event()
        self.busy = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with os.fdopen(os.dup(0), encoding="utf-8") as source:
            for line in source:
                try:
                    stop = json.loads(line).get("type") == "stop"
                except (ValueError, AttributeError):
                    stop = False
                if stop:
                    self.stopping.set()
                    self.lines.put(None)
                else:
                    self.lines.put(line)
        if self.busy:
            os._exit(1)  # nobody waits for this round any more
        self.lines.put(None)

    def next(self) -> str | None:
        self.busy = False
        line = self.lines.get()
        self.busy = line is not None
        return line


class _Speaker:
    """Writes messages to a descriptor of its own, so that a user's print does no harm."""

    def __init__(self) -> None:
        self.out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.said = 0.0

    def say(self, **message: Any) -> None:
        try:
            print(json.dumps(message), file=self.out, flush=True)
        except OSError:
            os._exit(1)  # the master is gone

    def progress(self, share: float) -> None:
        now = time.monotonic()
        if share >= 1 or now - self.said >= 1:
            self.said = now
            self.say(type="progress", share=share)


def serve(train_round: TrainRound, name: str | None = None, threads: int = 1) -> None:
    """Serves rounds on standard input and output until the master says stop or goes away.

    train_round(member): as for popaug.search. Anything printed from here on goes to the worker's log. `for epoch in member` reports
    progress after each epoch; where an epoch takes minutes, call member.progress(share) in between, for silence past the
    master's limit is a hang. threads: of torch, if it is imported (one member, one core, is the custom).
    An exception fails the round, with its traceback in the log; the master tries it again, within its limit.
    """
    speaker = _Speaker()
    inbox = _Inbox()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
    speaker.say(type="hello", protocol=_core.worker_protocol, name=name or f"popaug {__version__}, Python")
    while (line := inbox.next()) is not None:
        try:
            speaker.say(**_round(train_round, json.loads(line), speaker, inbox))
        except Interrupted:
            if inbox.stopping.is_set():
                return
            raise
        except Exception as error:
            traceback.print_exc()
            speaker.say(type="failed", error="".join(traceback.format_exception_only(error)).strip())


def _round(train_round: TrainRound, message: Any, speaker: _Speaker, inbox: _Inbox) -> dict[str, Any]:
    def progress(share: float) -> None:
        if inbox.stopping.is_set():
            raise Interrupted("the master said stop")
        speaker.progress(share)

    started = time.perf_counter()
    member = Member(message, progress)
    with member.seeded():
        returned = train_round(member)
    result = outcome(member, returned, time.perf_counter() - started)
    if not math.isfinite(result.score):
        return {"type": "done", "reason": "the score is not a finite number", **result.to_json(), "metrics": {}}
    if not member.to_path.is_file():
        raise _core.Error("train_round saved no weights: call member.save(...)")
    bits = result.bits()
    if bits:
        text = bytes(48 + bit for bit in bits)
        _core.write_file_atomic(message["correct"], text)
    done: dict[str, Any] = {"type": "done", "bytes": member.to_path.stat().st_size, "correct": bool(bits)}
    done |= result.to_json()
    return done


def command_for(train_round: TrainRound) -> list[str]:
    """The command of a worker process that serves this function: it must be defined at the top of a module or script.

    The process imports the module anew, so a script must guard its own search by `if __name__ == "__main__":`.
    """
    module, name = getattr(train_round, "__module__", ""), getattr(train_round, "__qualname__", "")
    found = sys.modules.get(module)
    if not name.isidentifier() or getattr(found, name, None) is not train_round:
        raise UsageError(
            f"{train_round!r} cannot be imported by a worker process; expected a function at the top of a module or script"
        )
    if module != "__main__":
        return [sys.executable, "-m", "popaug.worker", f"{module}:{name}"]
    script = getattr(found, "__file__", None)
    if script is None:
        raise UsageError(
            "a function of an interactive session cannot be imported by a worker process: put it into a file"
        )
    return [sys.executable, "-m", "popaug.worker", f"{os.path.abspath(script)}:{name}"]


def _imported(text: str) -> TrainRound:
    """The function of MODULE:FUNCTION or FILE.py:FUNCTION."""
    place, _, name = text.rpartition(":")
    if place.endswith(".py"):
        sys.path.insert(0, os.path.dirname(os.path.abspath(place)))
        spec = importlib.util.spec_from_file_location("__mp_main__", place)
        if spec is None or spec.loader is None or not os.path.isfile(place):
            raise UsageError(f"{place}: there is no such script")
        module = importlib.util.module_from_spec(spec)
        sys.modules["__mp_main__"] = module
        spec.loader.exec_module(module)
    elif place:
        sys.path.insert(0, os.getcwd())
        module = importlib.import_module(place)
    else:
        raise UsageError(f'"{text}"; expected MODULE:FUNCTION or FILE.py:FUNCTION')
    function: TrainRound | None = getattr(module, name, None)
    if function is None:
        raise UsageError(f'{place} has no function "{name}"')
    return function


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m popaug.worker MODULE:FUNCTION")
    try:
        chosen = _imported(sys.argv[1])
    except (UsageError, ImportError) as error:
        sys.exit(f"popaug.worker: {error}")
    serve(chosen)
