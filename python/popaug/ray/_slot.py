"""What a slot actor does on its node: calls train_round, or relays to a local worker process."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from typing import Any

from popaug import __version__, _program
from popaug._member import Member, TrainRound, outcome


class Slot:
    """One place where members train. run() and status() are called from different threads."""

    def __init__(self, train_round: TrainRound | None, worker_command: str | None, threads: int) -> None:
        self.train_round = train_round
        self.relay = Relay(worker_command) if worker_command is not None else None
        self.threads = threads
        self.reports = 0  # grows with every sign of progress

    def hello(self) -> dict[str, Any]:
        """Who and where: answered when the actor stands."""
        return {"pid": os.getpid(), "host": os.uname().nodename, "version": __version__}

    def status(self) -> int:
        """How many signs of progress there were."""
        return self.reports

    def run(self, message: dict[str, Any], source: bytes | None, by_value: bool) -> dict[str, Any]:
        """A round: {"result", "bits", "bytes", "checkpoint"} or {"error", "traceback"}; never raises.

        by_value: `source` is the checkpoint to start from (None: new weights) and the new one is returned; else both are files
        of a directory that all nodes share.
        """
        self.reports += 1
        try:
            with tempfile.TemporaryDirectory(prefix="popaug-slot") as folder:
                if by_value:
                    message = self._local(message, source, pathlib.Path(folder))
                done = self._train(message)
                if done["result"]["score"] is None:  # training diverged: a result without weights
                    return done | {"bits": b"", "bytes": 0, "checkpoint": None}
                written = pathlib.Path(message["to"])
                if not written.is_file():
                    raise RuntimeError("train_round saved no weights: call member.save(...)")
                done["bytes"] = written.stat().st_size
                done["checkpoint"] = written.read_bytes() if by_value else None
                return done
        except BaseException as error:
            reason = "".join(traceback.format_exception_only(error)).strip()
            return {"error": reason, "traceback": traceback.format_exc()}

    @staticmethod
    def _local(message: dict[str, Any], source: bytes | None, folder: pathlib.Path) -> dict[str, Any]:
        local = dict(message, to=str(folder / "to"), correct=str(folder / "to.correct"))
        if source is not None:
            (folder / "from").write_bytes(source)
            local["from"] = str(folder / "from")
        return local

    def _progress(self, share: float) -> None:
        self.reports += 1

    def _train(self, message: dict[str, Any]) -> dict[str, Any]:
        if self.relay is not None:
            return self.relay.run(message, self._progress)
        assert self.train_round is not None
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(self.threads)
        started = time.perf_counter()
        member = Member(message, self._progress)
        with member.seeded():
            returned = self.train_round(member)
        result = outcome(member, returned, time.perf_counter() - started)
        return {"result": result.to_json(), "bits": result.bits()}


class Relay:
    """A worker process of the protocol (docs/formats/worker.md) on this node, started at the first round."""

    def __init__(self, command: str) -> None:
        self.command = shlex.split(command)
        self.process: subprocess.Popen[str] | None = None
        self.lock = threading.Lock()

    def _start(self) -> subprocess.Popen[str]:
        # Its own group, so that all of it can be ended; its input closes when this process dies, and then it exits.
        if self.command[:1] == ["popaug"]:
            self.command = [*_program.command(), *self.command[1:]]
        process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        hello = self._read(process)
        if hello.get("type") != "hello" or hello.get("protocol") != 1:
            raise RuntimeError(f"{shlex.join(self.command)} did not say hello of protocol 1, but {hello}")
        return process

    @staticmethod
    def _read(process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended with status {process.wait()}")
        value = json.loads(line)
        if not isinstance(value, dict):
            raise RuntimeError(f"the worker answered nonsense: {line[:80]!r}")
        return value

    def run(self, message: dict[str, Any], progress: Any) -> dict[str, Any]:
        """One round; a worker that fails in any way is ended, and the next round starts another."""
        try:
            with self.lock:
                if self.process is None:
                    self.process = self._start()
                assert self.process.stdin is not None
                print(json.dumps(message), file=self.process.stdin, flush=True)
                while (answer := self._read(self.process)).get("type") == "progress":
                    progress(answer.get("share", 0))
        except BaseException:
            self.end()
            raise
        if answer.get("type") != "done":
            raise RuntimeError(str(answer.get("error", f"the worker answered {answer}")))
        bits = b""
        if answer.get("correct"):
            text = pathlib.Path(message["correct"]).read_bytes()
            bits = bytes(character - 48 for character in text)
        result = {
            "score": answer["score"],
            "metrics": answer.get("metrics", {}),
            "images_trained": answer.get("images_trained", 0),
            "images_evaluated": answer.get("images_evaluated", 0),
            "seconds": answer.get("seconds", 0.0),
        }
        return {"result": result, "bits": bits}

    def end(self) -> None:
        """Ends the process and its group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
