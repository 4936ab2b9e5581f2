"""A training in a process of its own, supervised by the thread that waits for it."""

from __future__ import annotations

import contextlib
import inspect
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from popaug._core import Error, UsageError
from popaug._member import Member

_LOOK = 0.2  # seconds between two looks at whether the work is to stop


class InProcess:
    """train(member) in a new process, which ends with it, with an error, or with this process."""

    def __init__(self, train: Callable[[Any], Any], sent: Any) -> None:
        """sent: what else will travel by pickle. Raises UsageError where a process could not receive it."""
        if inspect.isfunction(train):
            from popaug.worker import command_for  # not at the top: "python -m popaug.worker" would import it twice

            command_for(train)
        try:
            pickle.dumps((train, sent))
        except Exception as error:
            raise UsageError(
                f"processes=True sends the training function and the arms to other processes by pickle: {error}. Define "
                "them at the top of a module or script"
            ) from None
        self.train = train

    def __call__(self, member: Member) -> Any:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(theirs, self.train, member), name=f"training {member!r}")
        with _no_interrupt():  # Ctrl-C is for this process, which ends the other
            process.start()
        theirs.close()
        share = 0.0
        try:
            while True:
                if not ours.poll(_LOOK):
                    member.progress(share)  # raises where the work is to stop
                    continue
                try:
                    kind, value = ours.recv()
                except EOFError:
                    process.join()
                    raise Error(f"the process of {member.place} ended with status {process.exitcode}") from None
                if kind == "progress":
                    share = value
                    member.progress(share)
                elif kind == "done":
                    return value
                else:
                    raise _thrown(value)
        finally:
            ours.close()
            process.kill()
            process.join()
            process.close()


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _thrown(value: tuple[bytes | None, str, str]) -> BaseException:
    """The exception of the other process, with its traceback as a note."""
    data, sentence, trace = value
    error: BaseException = Error(sentence)
    if data is not None:
        with contextlib.suppress(Exception):  # its class may not be known here
            error = pickle.loads(data)
    error.add_note(f"in the process of the training:\n{trace}")
    return error


def _serve(connection: Connection, train: Callable[[Any], Any], member: Member) -> None:
    """What the process does: one training, with progress and the result to the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)  # one training, one core
    member._progress = lambda share: connection.send(("progress", share))
    try:
        with member.seeded():
            returned = train(member)
        connection.send(("done", returned))
    except BaseException as error:
        data = None
        with contextlib.suppress(Exception):
            data = pickle.dumps(error)
        sentence = "".join(traceback.format_exception_only(error)).strip()
        connection.send(("failed", (data, sentence, traceback.format_exc())))


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)  # nobody waits for this training any more
