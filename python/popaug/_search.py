"""A population search around your own training code: the C++ state machine and journal, fed from Python."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import sys
import threading
import time
import traceback
from typing import Any

from popaug import _core
from popaug._core import Error, Interrupted, UsageError
from popaug._member import Member, Result, TrainRound
from popaug._run import Run
from popaug._settings import Prepared
from popaug._values import Json, Space


class Search:
    """A search that you drive yourself, in a run directory that survives any kill.

        with popaug.Search("my-run", population=8, epochs=30) as search:
            while member := search.ask():
                search.tell(member, train_round(member))
            run = search.finish()

    ask() gives the next work, or None: then all that is due is out, or the search is finished. Members may be told in
    any order; the journal's bytes do not depend on it. Holds the directory's lock; not thread safe.
    """

    def __init__(
        self,
        out: str | os.PathLike[str] = "popaug-run",
        *,
        resume: bool = False,
        attempts: int = 3,
        resume_command: str = "resume=True",
        checkpoints: bool = True,
        prepared: Prepared | None = None,
        **arguments: Any,
    ) -> None:
        """out: the run directory; refused if a run stands there, unless resume is True. attempts: that a member's
        round may take before give_back() ends the search. arguments: as for popaug.settings; or prepared."""
        chosen = prepared or Prepared.of(**arguments)
        self.settings: Json = chosen.settings
        self.directory = pathlib.Path(out)
        options = chosen.options(self.directory, resume, attempts, resume_command, checkpoints)
        self._run = _core.SearchRun(json.dumps(self.settings), options)

    def ask(self) -> Member | None:
        """The next work."""
        text = None if self.finished else self._run.take()
        return None if text is None else Member(json.loads(text))

    def fault(self, member: Member, result: Any) -> str | None:
        """Why tell() would refuse this result, as a sentence; None if it is good."""
        value = Result.of(result)
        return self._run.fault(member.index, json.dumps(value.to_json()), value.bits(), "Python")

    def tell(self, member: Member, result: Any, worker: str = "Python") -> None:
        """Takes over a result: a score or a Result, with the checkpoint at member.to_path. Journaled when it returns.

        Raises Error for a score that is not finite or a checkpoint that is missing; the work is then still out.
        """
        value = Result.of(result)
        text, bits = json.dumps(value.to_json()), value.bits()
        why = self._run.fault(member.index, text, bits, worker)
        if why is not None:
            hint = "; call member.save(...) in train_round" if "checkpoint" in why else ""
            raise Error(f"member {member.index}, round {member.round}: {why}{hint}")
        self._run.tell(member.index, text, bits, worker)

    def give_back(self, member: Member, reason: str = "", worker: str = "Python") -> None:
        """The work came to nothing and will be asked again. Without a reason it counts as no failed attempt; past the
        limit of attempts raises Error with the last reason."""
        self._run.give_back(member.index, reason, worker)

    @property
    def finished(self) -> bool:
        return self._run.finished()

    @property
    def done(self) -> int:
        """Results so far."""
        return self._run.done()

    @property
    def total(self) -> int:
        """Results in all."""
        return self._run.total()

    def note(self) -> str:
        """How it stands, in a few words."""
        return self._run.note()

    def log(self, event: str, **fields: Any) -> None:
        """One line of run.log."""
        self._run.log(event, json.dumps(fields))

    def finish(self) -> Run:
        """Writes best.schedule.json, result.json and the rest, and closes. Raises UsageError before the end."""
        if not self.finished:
            raise UsageError(f"the search is not finished: {self.done} of {self.total} rounds of members are done")
        self._run.write_results()
        self.close()
        return Run.load(self.directory)

    def close(self) -> None:
        """Releases the directory; the search can be resumed."""
        self._run.close()

    def __enter__(self) -> Search:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def search(
    train_round: TrainRound | None = None,
    space: Space | str = "pba",
    population: int = 16,
    *,
    out: str | os.PathLike[str] = "popaug-run",
    resume: bool = False,
    workers: int = 1,
    worker_command: str | None = None,
    silence: float = 300.0,
    show: bool = True,
    attempts: int = 3,
    **arguments: Any,
) -> Run:
    """Searches a schedule around your own training code.

        def train_round(member):
            state = member.load()                        # weights in; None in the first round
            ...                                          # for epoch in member: member.augment(images, epoch)
            member.save(state)                           # weights out
            return accuracy                              # the score, or a popaug.Result
        run = popaug.search(train_round, space="pba", population=8, epochs=30, out="my-run")
        run.schedule.save("mine.schedule.json")

    out: the run directory (docs/formats/run.md); never overwritten. resume: continue what stands there: the result is
    the same bytes as without the stop. workers: threads that call train_round at the same time (PyTorch frees the
    interpreter inside its kernels); the result does not depend on it. worker_command: instead of train_round, a program
    started `workers` times that serves rounds, for example "python my_worker.py" with popaug.worker.serve in it;
    silence: seconds after which such a worker counts as hung. show: progress on stderr. arguments: epochs,
    epochs_per_round, seed, base, selection, genes, trainer, ... as for popaug.settings.

    An exception in train_round ends the search with its own traceback and a note that says how to resume; so does Ctrl-C.
    """
    again = f"popaug.search(..., out={os.fspath(out)!r}, resume=True)"
    given = {"space": space, "population": population} | arguments
    if (train_round is None) == (worker_command is None):
        raise UsageError("popaug.search needs train_round or worker_command=, and not both")
    if workers < 1:
        raise UsageError(f"workers={workers}; expected at least 1")
    if worker_command is not None:
        shlex.split(worker_command)
        chosen = Prepared.of(**given)
        options = chosen.options(out, resume, attempts, again)
        _core.search_with_processes(
            json.dumps(chosen.settings), options, worker_command, min(workers, population), silence, show
        )
        return Run.load(out)
    assert train_round is not None
    with Search(out, resume=resume, attempts=attempts, resume_command=again, **given) as run:
        run.log("workers", workers=workers, worker_kind="thread")
        _Loop(run, train_round, show, again).run(min(workers, population))
        return run.finish()


class _Loop:
    """Threads that take work until there is none; the first error stops all, soon after."""

    def __init__(self, search: Search, train_round: TrainRound, show: bool, again: str) -> None:
        self.search, self.train_round, self.show, self.again = search, train_round, show, again
        self.lock = threading.Condition()
        self.error: BaseException | None = None
        self.shown = 0.0

    def run(self, workers: int) -> None:
        if workers == 1:
            self.serve(0)
        else:
            threads = [threading.Thread(target=self.serve, args=(k,), daemon=True) for k in range(workers)]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    thread.join()
            except BaseException as error:
                with self.lock:
                    self.error = self.error or error
                for thread in threads:  # they leave at their next report of progress
                    thread.join()
        if self.error is not None:
            if isinstance(self.error, KeyboardInterrupt):
                self.search.log("stop", done=self.search.done)
            raise self.error

    def serve(self, worker: int) -> None:
        while (member := self.next()) is not None:
            started = time.perf_counter()
            try:
                returned = self.train_round(member)
                result = Result.of(returned, time.perf_counter() - started)
                with self.lock:
                    self.search.tell(member, result, f"thread {worker}")
                    self.report()
                    self.lock.notify_all()
            except BaseException as error:
                self.fail(member, error, worker)
                return

    def next(self) -> Member | None:
        with self.lock:
            while self.error is None and not self.search.finished:
                member = self.search.ask()
                if member is not None:
                    member._progress = self.heartbeat
                    return member
                self.lock.wait(0.2)
            return None

    def heartbeat(self, share: float) -> None:
        if self.error is not None:
            raise Interrupted("the search is stopping")

    def fail(self, member: Member, error: BaseException, worker: int) -> None:
        with self.lock:
            self.search.give_back(member)
            self.lock.notify_all()
            if self.error is not None:
                return
            self.error = error
            where = f"member {member.index}, round {member.round}"
            if not isinstance(error, KeyboardInterrupt):
                reason = traceback.format_exception_only(error)[-1].strip()
                self.search.log(
                    "failed", round=member.round, member=member.index, worker=f"thread {worker}", reason=reason
                )
            error.add_note(f"in train_round of {where}; nothing is lost. Continue with {self.again}")

    def report(self) -> None:
        now = time.monotonic()
        if self.show and (now - self.shown > 10 or self.search.finished):
            self.shown = now
            print(f"searching: {self.search.done} of {self.search.total}, {self.search.note()}", file=sys.stderr)
