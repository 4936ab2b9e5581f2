"""What the tests of searches share: running the toy search as a program, and comparing runs."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

BUILD = pathlib.Path(os.environ["POPAUG_BUILD"])
SOURCE = pathlib.Path(os.environ["POPAUG_SOURCE"])
TOOL = BUILD / "search_tool"
WORKER = f"{BUILD}/popaug worker"
LONG = os.environ.get("POPAUG_LONG") == "1"
BY_CLOCK = {"run.log", "result.json", "lock"}


def settings_file(folder: pathlib.Path, name: str, **settings: object) -> pathlib.Path:
    path = folder / f"{name}.json"
    settings.setdefault("directory", str(folder / name))
    path.write_text(json.dumps(settings))
    return path


def environment(**extra: str) -> dict[str, str]:
    return {**os.environ, **extra}


def search(path: pathlib.Path, expect: int | None = 0, **extra: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [TOOL, path], capture_output=True, text=True, check=False, timeout=300, env=environment(**extra)
    )
    if expect is not None:
        assert done.returncode == expect, done.stderr
    return done


def run_folder(path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(json.loads(path.read_text())["directory"])


def names(run: pathlib.Path) -> set[str]:
    """The set of files, without the logs of workers that only processes have."""
    return {p.name for p in run.iterdir() if not p.name.startswith("worker-")}


def determined(run: pathlib.Path) -> dict[str, bytes]:
    """The files that seed, data and settings alone determine."""
    return {
        p.name: p.read_bytes()
        for p in run.iterdir()
        if p.is_file() and p.name not in BY_CLOCK and not p.name.startswith("worker-")
    }


def assert_same_run(run: pathlib.Path, other: pathlib.Path) -> None:
    assert names(run) == names(other)
    a, b = determined(run), determined(other)
    assert a.keys() == b.keys(), (a.keys(), b.keys())
    assert {"journal.jsonl", "best.safetensors", "best.schedule.json", "progress.csv"} <= a.keys()
    for name in a:
        assert a[name] == b[name], f"{name} differs"
    assert not any((run / "members").iterdir())


def processes_with(text: str) -> list[int]:
    """Processes whose command line holds the text (of a test's own folder)."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text in (entry / "cmdline").read_bytes().decode(errors="replace"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
