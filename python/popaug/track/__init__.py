"""Sends what a run directory says to TensorBoard, MLflow or Weights & Biases.

    python -m popaug.track RUN --to mlflow            # a finished run, or one that is running: then until it ends
    popaug.search(train_round, out="run", track="wandb")      # the same beside a run that this program makes
    with popaug.track.following("run", "wandb"):              # ... or around any code that makes one
        popaug.search(train_round, out="run")

A follower is a process of its own that reads the run directory (docs/track.md). The run knows nothing of it, so a
network that is slow or down never delays, changes or stops the run. Scores, genes and settings are sent as they come;
the files of the result at the end. A run that was sent before is continued, not repeated.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from popaug import _program
from popaug._core import Error, UsageError
from popaug.track._rows import RESULTS, STEPS, Kind, in_use, kind_of, rows_of
from popaug.track._trackers import TRACKERS, Tracker

Track = Literal["tensorboard", "mlflow", "wandb"] | Mapping[str, Any]
ATTEMPTS = 5  # of a call to a tracker, once the run is over


def follow(
    run: str | os.PathLike[str],
    to: str,
    *,
    project: str = "popaug",
    folder: str | os.PathLike[str] | None = None,
    poll: float = 2.0,
    more: Callable[[], bool] | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> int:
    """Sends the rows of `run` to the tracker `to` until the run ends. Returns how many rows the tracker now has.

    to: "tensorboard", "mlflow" or "wandb". project: the experiment or project there. folder: a local place of the
    tracker (an MLflow folder, the directory of wandb's files, of TensorBoard's events). poll: seconds between looks.
    more: whether the run may still begin or continue although no process holds its lock; without it, the directory
    must be a run already. warn: gets a sentence when the tracker fails; the follower tries again at the next look, and
    a few times more once the run is over. Raises UsageError for arguments, and what the tracker raised last.
    """
    path = pathlib.Path(run)
    if to not in TRACKERS:
        raise UsageError(f'tracker "{to}"; expected {", ".join(TRACKERS)}')
    tracker: Tracker | None = None
    failures = 0
    while True:
        open_end = in_use(path) or (more is not None and more())  # before the rows, so that none is missed
        kind = kind_of(path)
        if kind is None and not open_end:
            raise UsageError(f"{path} is not the directory of a search, a training or a comparison")
        try:
            if kind is not None:
                tracker = tracker or _tracker(to, path, kind, project, folder)
                rows = rows_of(path, kind)[tracker.sent :]
                if rows:
                    tracker.send(rows)
                    tracker.sent += len(rows)
                if not open_end:
                    with tempfile.TemporaryDirectory() as pictures:
                        tracker.finish(_files(path, kind, pathlib.Path(pictures)), _finished(path))
                    return tracker.sent
            failures = 0
        except UsageError:
            raise
        except Exception as error:  # of the tracker or its network
            failures += not open_end
            if failures >= ATTEMPTS:
                raise
            warn(f"{to}: {error}; the run is not affected, trying again")
        time.sleep(poll)


def _tracker(to: str, run: pathlib.Path, kind: Kind, project: str, folder: Any) -> Tracker:
    return TRACKERS[to](run, kind, STEPS[kind], project, None if folder is None else pathlib.Path(folder))


def _finished(run: pathlib.Path) -> bool:
    return any((run / name).is_file() for name in ("result.json", "compare.json", "choose.json"))


def _files(run: pathlib.Path, kind: Kind, made: pathlib.Path) -> list[pathlib.Path]:
    """The files of the result, and where the program is installed a picture of the schedule and the report."""
    files = [run / name for name in RESULTS if (run / name).is_file()]
    schedule = next((file for file in files if file.name.endswith(".schedule.json")), None)
    with contextlib.suppress(Error, OSError, subprocess.SubprocessError):
        program = _program.command()
        if schedule is not None:
            for ending in ("png", "svg"):  # a PNG needs rsvg-convert
                picture = made / f"schedule.{ending}"
                if _quiet([*program, "schedule", "plot", str(schedule), "-o", str(picture)]):
                    files.append(picture)
                    break
        report = made / "report.html"
        if kind != "compare" and _quiet([*program, "report", str(run), "-o", str(report)]):
            files.append(report)
    return files


def _quiet(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0


def check(track: Track | None) -> dict[str, Any]:
    """The arguments of following() for the argument `track` of a search. Raises UsageError for anything else, and where
    the package of the tracker is not installed: the run has not begun yet."""
    if track is None:
        return {"to": None}
    if isinstance(track, str):
        given: dict[str, Any] = {"to": track}
    elif isinstance(track, Mapping):
        given = dict(track)
    else:
        raise UsageError(f'track={track!r}; expected a tracker, {", ".join(TRACKERS)}, or a dictionary with it as "to"')
    unknown = sorted(set(given) - {"to", "project", "folder"})
    if unknown or "to" not in given:
        what = f'has "{unknown[0]}"' if unknown else 'has no "to"'
        raise UsageError(f'track {what}; expected {{"to": tracker, "project": name, "folder": path}}')
    if given["to"] not in TRACKERS:
        raise UsageError(f'tracker "{given["to"]}"; expected {", ".join(TRACKERS)}')
    if importlib.util.find_spec(given["to"]) is None:
        raise UsageError(f"tracking with {given['to']} needs the package {given['to']}: pip install {given['to']}")
    return given


def holds_run(directory: str | os.PathLike[str]) -> bool:
    """Whether something has run there."""
    try:
        return kind_of(pathlib.Path(directory)) is not None
    except UsageError:  # of a kind that is not tracked
        return True


@contextlib.contextmanager
def following(
    run: str | os.PathLike[str],
    to: str | None,
    *,
    project: str = "popaug",
    folder: str | os.PathLike[str] | None = None,
    patience: float = 30.0,
) -> Iterator[None]:
    """Follows `run` in a process of its own while the block runs; does nothing if `to` is None.

    After the block, waits `patience` seconds at most for the last rows to be sent; the follower then finishes by
    itself. It does not get this terminal's Ctrl-C, and it ends after this process.
    """
    if to is None:
        yield
        return
    if to not in TRACKERS:
        raise UsageError(f'tracker "{to}"; expected {", ".join(TRACKERS)}')
    command = [sys.executable, "-m", "popaug.track", os.fspath(run), "--to", to, "--project", project, "--wait"]
    if folder is not None:
        command += ["--folder", os.fspath(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()  # tells the follower that nothing more will begin
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)


__all__ = ["follow", "following"]
