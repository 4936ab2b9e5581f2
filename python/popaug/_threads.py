"""The work of a search or a comparison in this process: in the calling thread, or in several threads."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from typing import Any, Protocol

from popaug._core import Interrupted, UsageError
from popaug._member import Member, Result, outcome
from popaug._progress import shown
from popaug._seeding import Watch


class Source(Protocol):
    """Where work comes from and results go: a Search, or a comparison."""

    def ask(self) -> Member | None: ...
    def _tell(self, member: Member, value: Result, worker: str) -> None: ...
    def give_back(self, member: Member) -> None: ...
    def log(self, event: str, **fields: Any) -> None: ...
    def note(self) -> str: ...
    @property
    def finished(self) -> bool: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


class Loop:
    """Takes work until there is none; the first error stops all threads, soon after."""

    def __init__(self, search: Source, train: Any, show: bool, again: str, what: str = "search") -> None:
        """train: of a member, the user's function. what: for sentences, "search" or "comparison"."""
        self.search, self.train_member, self.show, self.again, self.what = search, train, show, again, what
        self.lock = threading.Condition()
        self.error: BaseException | None = None
        self.watch: Watch | None = None  # of the global generators, where several threads share them
        self.reports = shown({"search": "searching", "comparison": "comparing"}[what], show, pace=10)

    def run(self, workers: int) -> None:
        try:
            if workers == 1:
                self.serve(0)
            else:
                self.watch = Watch()
                self.threads(workers)
        except KeyboardInterrupt as error:  # between two rounds
            self.error = self.error or error
        finally:
            if self.reports is not None:
                self.reports.close()
        if self.error is None:
            return
        if isinstance(self.error, KeyboardInterrupt):
            self.search.log("stop", done=self.search.done)
        if not any(self.again in note for note in getattr(self.error, "__notes__", [])):
            self.error.add_note(f"the {self.what} was stopped; nothing is lost. Continue with {self.again}")
        raise self.error

    def threads(self, workers: int) -> None:
        # Not daemons: an interpreter that ends while such a thread prints would abort.
        threads = [threading.Thread(target=self.serve, args=(k,)) for k in range(workers)]
        with self.interrupts():
            for thread in threads:
                thread.start()
            # Not join(): CPython 3.11 can lose track of a thread whose join() was interrupted.
            while any(thread.is_alive() for thread in threads):
                time.sleep(0.05)

    @contextlib.contextmanager
    def interrupts(self) -> Iterator[None]:
        """Ctrl-C ends the search at the next report of progress; a second one leaves at once."""
        main = threading.current_thread() is threading.main_thread()
        before = signal.getsignal(signal.SIGINT) if main else None
        if before is not signal.default_int_handler:
            yield
            return

        def stop(*_: Any) -> None:
            if isinstance(self.error, KeyboardInterrupt):
                raise self.error
            self.error = self.error or KeyboardInterrupt()
            if self.show:
                print(
                    "stopping after the epochs in work; nothing is lost. (Ctrl-C again does not wait for them)",
                    file=sys.stderr,
                )

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def serve(self, worker: int) -> None:
        while (member := self.next()) is not None:
            started = time.perf_counter()
            try:
                returned = self.train(member)
                result = outcome(member, returned, time.perf_counter() - started)
                with self.lock:
                    self.search._tell(member, result, f"thread {worker}")
                    self.report()
                    self.lock.notify_all()
            except BaseException as error:
                self.fail(member, error, worker)
                return

    def train(self, member: Member) -> Any:
        if self.watch is None:
            with member.seeded():
                return self.train_member(member)
        returned = self.train_member(member)
        drawn = self.watch.drawn()
        if drawn:
            names = " and ".join(drawn)
            with self.lock:
                self.search.log("unrepeatable", round=member.round, member=member.index, generators=drawn)
            warnings.warn(
                f"{member._function} drew from the global generator of {names}, which all threads share: this {self.what} cannot be "
                "repeated, nor resumed to the same result. Make what draws inside `with member.seeded():`, draw from "
                "generators of your own, or train in processes (processes=True) or with workers=1",
                UserWarning,
                stacklevel=2,
            )
        return returned

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
            raise Interrupted(f"the {self.what} is stopping")

    def fail(self, member: Member, error: BaseException, worker: int) -> None:
        with self.lock:
            self.lock.notify_all()
            with contextlib.suppress(UsageError):  # the search is closed where Ctrl-C did not wait
                self.search.give_back(member)
            if self.error is not None:
                return
            self.error = error
            if not isinstance(error, KeyboardInterrupt):
                reason = traceback.format_exception_only(error)[-1].strip()
                self.search.log(
                    "failed", round=member.round, member=member.index, worker=f"thread {worker}", reason=reason
                )
            error.add_note(f"in {member._function} of {member.place}; nothing is lost. Continue with {self.again}")

    def report(self) -> None:
        if self.reports is not None:
            self.reports.update(self.search.done, self.search.total, self.search.note())
