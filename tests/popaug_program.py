"""Runs the built program as a user would."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).resolve().parent.parent))
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", ROOT / "build"))
PROGRAM = BUILD / "popaug"
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")


def popaug(
    *arguments: object, cwd: pathlib.Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished process; stdout and stderr as text. Never raises for an exit code."""
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def done(*arguments: object, **options: object) -> str:
    """stdout of a run that must succeed."""
    process = popaug(*arguments, **options)  # type: ignore[arg-type]
    assert process.returncode == 0, f"{arguments}: {process.returncode}\n{process.stderr}\n{process.stdout}"
    return process.stdout


def refused(code: int, *arguments: object, **options: object) -> str:
    """stderr of a run that must end with `code` and one clear sentence."""
    process = popaug(*arguments, **options)  # type: ignore[arg-type]
    assert process.returncode == code, f"{arguments}: {process.returncode}\n{process.stderr}\n{process.stdout}"
    assert "popaug: " in process.stderr
    return process.stderr
