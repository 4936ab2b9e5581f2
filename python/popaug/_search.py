"""A population search around your own training code: the C++ state machine and journal, fed from Python."""

from __future__ import annotations

import io
import json
import math
import os
import pathlib
import pickle
import platform
import shlex
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from popaug import _core
from popaug._core import Error, Interrupted, UsageError
from popaug._run import Run
from popaug._schedule import Schedule, Segment
from popaug._values import Base, Json, Policy, Rule, Space


@dataclass(frozen=True)
class Gene:
    """A number searched beside the policy, for example Gene("lr", 0.01, 0.3, log=True).

    start: where every member begins; None draws it uniformly from the range. log: steps and draws are uniform
    in the logarithm. integer: whole numbers. "flip", "pad" and "cutout" mean the base transforms.
    """

    name: str
    low: float
    high: float
    start: float | None = None
    log: bool = False
    integer: bool = False

    def to_json(self) -> Json:
        value: dict[str, Json] = {"name": self.name, "low": self.low, "high": self.high}
        if self.start is not None:
            value["start"] = self.start
        return value | {"log": self.log, "integer": self.integer}


@dataclass(frozen=True)
class Result:
    """What a round of a member gave. Everything but `seconds` must depend on the work alone.

    score: higher is better; NaN: training diverged, the member counts as the worst and copies another. metrics: further numbers by name. correct: per validation image whether it
    was classified rightly, always in the same order; only selection="significant" needs it.
    """

    score: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    correct: Any = None
    images_trained: int = 0
    images_evaluated: int = 0
    seconds: float = 0.0

    @staticmethod
    def of(value: Any, seconds: float = 0.0) -> Result:
        """A Result, or the score alone, as train_round returned it."""
        if isinstance(value, Result):
            return value
        try:
            return Result(float(value), seconds=seconds)
        except (TypeError, ValueError):
            kind = type(value).__name__
            raise UsageError(
                f"train_round returned a {kind}; expected the score as a number or a popaug.Result"
            ) from None

    def to_json(self) -> Json:
        def number(value: float) -> float | None:
            return float(value) if math.isfinite(value) else None

        return {
            "score": number(self.score),
            "metrics": {name: number(value) for name, value in sorted(self.metrics.items())},
            "images_trained": int(self.images_trained),
            "images_evaluated": int(self.images_evaluated),
            "seconds": float(self.seconds),
        }

    def bits(self) -> bytes:
        """One byte 0 or 1 per validation image."""
        if self.correct is None:
            return b""
        return np.ascontiguousarray(np.asarray(self.correct).reshape(-1) != 0, dtype=np.uint8).tobytes()


class Member:
    """The work of one member for one round: what train_round gets.

    index, round: whose round it is, both from 0. first_epoch, epochs, total_epochs: epochs trained before, in this
    round, and of the whole search. seed: of the search; key your own draws by (seed, index, epoch), never by time.
    policy, genes: what is searched. settings: the search's `trainer` settings. metric: its name.
    """

    def __init__(self, message: Json, progress: Callable[[float], None] | None = None) -> None:
        """message: the worker protocol's run message (docs/formats/worker.md)."""
        settings = message["settings"]
        self.message: Json = message
        self.index: int = message["member"]
        self.round: int = message["round"]
        self.first_epoch: int = message["first_epoch"]
        self.epochs: int = message["epochs"]
        self.total_epochs: int = message["total_epochs"]
        self.seed: int = message["seed"]
        self.policy = Policy.from_json(message["policy"])
        self.genes: dict[str, float] = dict(message["genes"])
        self.settings: Json = settings["trainer"]
        self.metric: str = settings["metric"]
        self.space = Space.from_json(settings["space"])
        self.rule = Rule.from_json(settings["rule"])
        base = settings["base"] | {k: v for k, v in self.genes.items() if k in ("flip", "pad", "cutout")}
        self.base = Base(int(base["pad"]), base["flip"], int(base["cutout"]), base["scale_pixels"])
        self.from_path = pathlib.Path(message["from"]) if message["from"] else None
        self.to_path = pathlib.Path(message["to"])
        self._progress = progress
        self._schedule: Schedule | None = None

    def __iter__(self) -> Iterator[int]:
        """The epochs of this round, counted over the whole search; reports progress after each."""
        for done in range(self.epochs):
            yield self.first_epoch + done
            self.progress((done + 1) / self.epochs)

    @property
    def schedule(self) -> Schedule:
        """The member's policy as a schedule, for popaug.torch's transforms."""
        if self._schedule is None:
            segments = [Segment(self.total_epochs, self.policy)]
            self._schedule = Schedule(self.space, self.rule, segments, self.base, name=f"member {self.index}")
        return self._schedule

    def augment(self, images: Any, epoch: int, **options: Any) -> Any:
        """Augments a batch under the member's policy and key; options as for calling a Schedule."""
        return self.schedule(images, epoch, self.seed, member=self.index, **options)

    def progress(self, share: float) -> None:
        """Says how far the round is (0..1). Call it at least every few seconds from a process worker: silence past
        a stated time counts as a hang. Raises Interrupted when the search is to stop."""
        if self._progress is not None:
            self._progress(min(max(float(share), 0.0), 1.0))

    def load(self, default: Any = None) -> Any:
        """What save() wrote at the end of the round before (possibly another member's); `default` in the first."""
        if self.from_path is None:
            return default
        data = self.from_path.read_bytes()
        if data.startswith(b"PK"):
            import torch

            return torch.load(io.BytesIO(data), weights_only=True)
        return pickle.loads(data)

    def save(self, state: Any) -> None:
        """Writes the checkpoint of this round, durably: weights, optimiser state, all that continues the training.

        bytes are written as they are, what holds tensors by torch.save, anything else by pickle. (A checkpoint is
        read back by load() with pickle: keep run directories to yourself.)
        """
        if isinstance(state, (bytes, bytearray, memoryview)):
            data = bytes(state)
        elif "torch" in sys.modules and _holds_tensors(state):
            buffer = io.BytesIO()  # not the path: torch writes a file's name into it
            sys.modules["torch"].save(state, buffer)
            data = buffer.getvalue()
        else:
            data = pickle.dumps(state, protocol=5)
        _core.write_file_atomic(str(self.to_path), data)

    def __repr__(self) -> str:
        last = self.first_epoch + self.epochs - 1
        return f"Member({self.index}, round {self.round}, epochs {self.first_epoch} to {last}, {self.policy!r})"


def _holds_tensors(state: Any) -> bool:
    if isinstance(state, Mapping):
        return any(_holds_tensors(v) for v in state.values())
    if isinstance(state, (list, tuple)):
        return any(_holds_tensors(v) for v in state)
    return isinstance(state, sys.modules["torch"].Tensor)


TrainRound = Callable[[Member], Any]


def toy_round(member: Member) -> Result:
    """A round of the toy trainer, without images: tries a search, a worker or a cluster in milliseconds.

    settings (all optional): optimum "ramp" or "constant", noise, validation, state, diverge, milliseconds, unequal.
    """
    text, bits = _core.toy_round(json.dumps(member.message))
    value = json.loads(text)
    member.progress(1.0)
    return Result(
        math.nan if value["score"] is None else value["score"],
        value["metrics"],
        np.frombuffer(bits, np.uint8) if bits else None,
        value["images_trained"],
        value["images_evaluated"],
        value["seconds"],
    )


def settings(
    space: Space | str = "pba",
    population: int = 16,
    epochs: int = 30,
    epochs_per_round: int = 3,
    seed: int = 0,
    *,
    base: Base | str | None = None,
    rule: Rule | None = None,
    selection: str = "truncation",
    fraction: float = 0.25,
    significance: float = 0.05,
    genes: Sequence[Gene] = (),
    start: str | Policy = "zero",
    metric: str = "accuracy",
    asynchronous: bool = False,
    data: str = "",
    trainer: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    **more: Any,
) -> Json:
    """All that determines a search's journal, as JSON, checked; defaults as `popaug search`.

    population: members, at least 2. epochs: that each trains. selection: "truncation" (the paper's), "significant",
    "none" (the drift control). fraction: of the population that copies, and that is copied. trainer: settings for
    train_round. data: a fingerprint of your data. more: explore, limits, copies, as in docs/formats/journal.md.
    Raises UsageError for what cannot be searched.
    """
    chosen = Space.load(space) if isinstance(space, str) else space
    value = json.loads(_core.default_settings(json.dumps(chosen.to_json())))
    value |= {
        "population": population,
        "epochs": epochs,
        "epochs_per_round": epochs_per_round,
        "seed": seed,
        "selection": selection,
        "fraction": fraction,
        "significance": significance,
        "genes": [gene.to_json() for gene in genes],
        "metric": metric,
        "asynchronous": asynchronous,
        "data": data,
        "trainer": dict(trainer or {}),
        "provenance": dict(provenance or {}),
    }
    if base is not None:
        value["base"] = (Base.load(base) if isinstance(base, str) else base).to_json()
    if rule is not None:
        value["rule"] = rule.to_json()
    if isinstance(start, Policy):
        value |= {"start": "policy", "start_policy": start.to_json()}
    else:
        value["start"] = start
    unknown = set(more) - set(value)
    if unknown:
        raise UsageError(f'"{min(unknown)}" is no setting of a search; known: {", ".join(sorted(value))}')
    value |= more
    checked: Json = json.loads(_core.check_settings(json.dumps(value)))
    return checked


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
        **arguments: Any,
    ) -> None:
        """out: the run directory; refused if a run stands there, unless resume is True. attempts: that a member's
        round may take before give_back() ends the search. arguments: as for popaug.settings."""
        self.settings: Json = settings(**arguments)
        self.directory = pathlib.Path(out)
        self._run = _core.SearchRun(
            json.dumps(self.settings),
            str(self.directory),
            resume,
            config_toml(self.settings),
            resume_command,
            attempts,
            checkpoints,
            json.dumps(machine()),
        )

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


def config_toml(value: Json) -> str:
    """The settings of a search as the text of config.toml (the space with all its values included)."""
    return _core.to_toml(json.dumps({k: v for k, v in value.items() if v is not None and v != {}}))


def machine() -> Json:
    """For result.json: what the results may depend on, and what the times do."""
    found = {"host": platform.node(), "python": platform.python_version(), "cores": _core.available_cores()}
    torch = sys.modules.get("torch")
    return found | ({"torch": str(torch.__version__)} if torch is not None else {})


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
        value = settings(**given)
        shlex.split(worker_command)
        _core.search_with_processes(
            json.dumps(value), os.fspath(out), resume, config_toml(value), again, attempts, worker_command,
            min(workers, population), silence, show, json.dumps(machine()),
        )  # fmt: skip
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
