"""A population search around your own training code: the C++ state machine and journal, fed from Python."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shlex
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from popaug import _core, _state
from popaug._core import Error, UsageError
from popaug._member import Member, Result, TrainRound, outcome
from popaug._progress import shown
from popaug._run import Run
from popaug._settings import (
    DEFAULTS,
    EPOCHS,
    RUN,
    SPACE,
    Genes,
    Metric,
    Mode,
    MoreSettings,
    Prepared,
    SearchSettings,
    Selection,
    Start,
)
from popaug._threads import Loop
from popaug._values import Base, Policy, Rule, Space

if TYPE_CHECKING:
    from popaug.track import Track


def _rename(directory: pathlib.Path, before: str, after: str) -> None:
    if (directory / before).is_file():
        os.replace(directory / before, directory / after)


def name_checkpoint(directory: pathlib.Path) -> None:
    """Calls the winner's checkpoint best.checkpoint unless it is in the format safetensors."""
    best = directory / "best.safetensors"
    if best.is_file() and not _state.is_safetensors(best):
        _rename(directory, "best.safetensors", "best.checkpoint")


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
        attempts: int = RUN["attempts"],
        resume_command: str = "resume=True",
        checkpoints: bool = True,
        prepared: Prepared | None = None,
        space: Space | str = SPACE,
        population: int = DEFAULTS["population"],
        **settings: Unpack[SearchSettings],
    ) -> None:
        """out: the run directory; refused if it contains a run, unless resume is True. attempts: that a member's
        round may take before give_back() ends the search. settings: epochs, seed, genes and all others as for popaug.settings; or prepared."""
        chosen = prepared or Prepared.of(space, population, **settings)
        self.settings: dict[str, Any] = chosen.settings
        self.directory = pathlib.Path(out)
        options = chosen.options(self.directory, resume, attempts, resume_command, checkpoints)
        if resume:
            _rename(self.directory, "best.checkpoint", "best.safetensors")
        self._run = _core.SearchRun(json.dumps(self.settings), options)
        self._asked: dict[int, float] = {}  # when, by member

    def ask(self) -> Member | None:
        """The next work."""
        text = None if self.finished else self._run.take()
        if text is None:
            return None
        member = Member(json.loads(text))
        self._asked[member.index] = time.perf_counter()
        return member

    def fault(self, member: Member, result: Any) -> str | None:
        """Why tell() would refuse this result, as a sentence; None if it is good."""
        return self._fault(member, outcome(member, result))

    def tell(self, member: Member, result: Any, worker: str = "Python") -> None:
        """Takes over a result: a score or a Result, with the checkpoint at member.to_path. Journaled when it returns.

        Where the Result says no seconds, the time since ask() counts. Raises Error for a score that is not finite or a
        checkpoint that is missing; the work is then still out.
        """
        seconds = time.perf_counter() - self._asked.get(member.index, time.perf_counter())
        self._tell(member, outcome(member, result, seconds), worker)

    # The same for what outcome() gave, or a worker of the protocol.

    def _fault(self, member: Member, value: Result, worker: str = "Python") -> str | None:
        return self._run.fault(member.index, json.dumps(value.to_json()), value.bits(), worker)

    def _tell(self, member: Member, value: Result, worker: str) -> None:
        why = self._fault(member, value, worker)
        if why is not None:
            hint = "; call member.save(...) in train_round" if "checkpoint" in why else ""
            raise Error(f"member {member.index}, round {member.round}: {why}{hint}")
        self._run.tell(member.index, json.dumps(value.to_json()), value.bits(), worker)

    def give_back(self, member: Member, reason: str = "", worker: str = "Python") -> None:
        """The work failed and will be asked for again. Without a reason it counts as no failed attempt; past the
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
        name_checkpoint(self.directory)
        return Run.load(self.directory)

    def close(self) -> None:
        """Releases the directory; the search can be resumed."""
        self._run.close()

    def __repr__(self) -> str:
        return (
            f"Search({str(self.directory)!r}: {self.settings['population']} members, {self.settings['epochs']} epochs)"
        )

    def __enter__(self) -> Search:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def tracked(
    out: str | os.PathLike[str], track: Track | None, resume: bool = False
) -> contextlib.AbstractContextManager[None]:
    """What follows the run in `out` for an argument `track`. Raises UsageError for what cannot be tracked."""
    if track is None:
        return contextlib.nullcontext()
    from popaug.track import check, following, holds_run  # not at the top: few need it

    given = check(track)
    if not resume and holds_run(out):
        return contextlib.nullcontext()  # the run will be refused, and what is there is not to be sent
    return following(out, **given)


def search(
    train_round: TrainRound | None = None,
    space: Space | str = SPACE,
    population: int = DEFAULTS["population"],
    *,
    out: str | os.PathLike[str] = "popaug-run",
    resume: bool = False,
    workers: int = 1,
    processes: bool = False,
    worker_command: str | None = None,
    silence: float = RUN["silence"],
    show: bool = True,
    track: Track | None = None,
    attempts: int = RUN["attempts"],
    epochs: int = EPOCHS,
    epochs_per_round: int = DEFAULTS["epochs_per_round"],
    seed: int = DEFAULTS["seed"],
    genes: Genes = (),
    base: Base | str | None = None,
    selection: Selection = DEFAULTS["selection"],
    mode: Mode | None = None,
    metric: Metric | None = None,
    trainer: Mapping[str, Any] | None = None,
    rule: Rule | None = None,
    fraction: float = DEFAULTS["fraction"],
    significance: float = DEFAULTS["significance"],
    start: Start | Policy = DEFAULTS["start"],
    asynchronous: bool = DEFAULTS["asynchronous"],
    data: str = "",
    provenance: Mapping[str, Any] | None = None,
    **more: Unpack[MoreSettings],
) -> Run:
    """Searches a schedule around your own training code.

        def train_round(member):
            state = member.load()                        # weights in; None in the first round
            ...                                          # for epoch in member: member.augment(images, epoch, samples=...)
            member.save(state)                           # weights out
            return accuracy                              # the score, higher is better, or a popaug.Result
        run = popaug.search(train_round, space="pba", population=8, epochs=30, out="my-run")
        run.schedule.save("mine.schedule.json")

    out: the run directory (docs/formats/run.md); never overwritten. resume: continue the run in it: the result is
    the same bytes as without the stop. mode="min": a lower score is better. workers: threads that call train_round at the
    same time (PyTorch frees the interpreter inside its kernels). The result does not depend on their number as long as
    what train_round draws is keyed: by (member.seed, member.index, epoch), or made inside `with member.seeded():`; draws
    from the global generators of Python, NumPy and torch are shared by all threads, and a warning says that they
    happened. processes: train in processes
    instead of threads, each seeded at the start of a round; train_round must be defined at the top of a module or of a
    script that guards its search by `if __name__ == "__main__":`. worker_command: instead of train_round, a program
    started `workers` times that serves rounds, for example "python my_worker.py" with popaug.worker.serve in it;
    silence: seconds after which such a worker counts as hung. show: progress on stderr. track: "tensorboard", "mlflow" or
    "wandb", or {"to": one of these, "project": ..., "folder": ...}: a process of its own sends the run on as it grows
    (docs/track.md), and cannot delay or stop it. epochs and all that follow: as for popaug.settings.

    An exception in train_round ends the search with its own traceback and a note that says how to resume; so does Ctrl-C.
    """
    again = f"popaug.search(..., out={os.fspath(out)!r}, resume=True)"
    if (train_round is None) == (worker_command is None):
        raise UsageError("popaug.search needs train_round or worker_command=, and not both")
    if processes and train_round is not None:
        from popaug.worker import command_for  # not at the top: "python -m popaug.worker" would import it twice

        worker_command, train_round = shlex.join(command_for(train_round)), None
    if workers < 1:
        raise UsageError(f"workers={workers}; expected at least 1")
    chosen = Prepared.of(
        space, population, epochs=epochs, epochs_per_round=epochs_per_round, seed=seed, genes=genes, base=base,
        selection=selection, mode=mode, metric=metric, trainer=trainer, rule=rule, fraction=fraction,
        significance=significance, start=start, asynchronous=asynchronous, data=data, provenance=provenance, **more,
    )  # fmt: skip
    sent = tracked(out, track, resume)
    if worker_command is not None:
        if resume:
            _rename(pathlib.Path(out), "best.checkpoint", "best.safetensors")
        shlex.split(worker_command)
        options = chosen.options(out, resume, attempts, again)
        with sent:
            reports = shown("searching", show)
            try:
                _core.search_with_processes(
                    json.dumps(chosen.settings), options, worker_command, min(workers, population), silence, reports
                )
            finally:
                if reports is not None:
                    reports.close()
            name_checkpoint(pathlib.Path(out))
        return Run.load(out)
    assert train_round is not None
    run = Search(out, resume=resume, attempts=attempts, resume_command=again, prepared=chosen)
    with contextlib.ExitStack() as stack:
        stack.enter_context(sent)  # it ends after the run is closed
        stack.enter_context(run)
        run.log("workers", workers=min(workers, run.settings["population"]), worker_kind="thread")
        Loop(run, train_round, show, again).run(min(workers, population))
        return run.finish()
