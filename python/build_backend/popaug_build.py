"""scikit-build-core, with the progress of the compiler on the terminal.

pip shows nothing of a build unless it is asked to (-v), and popaug compiles for minutes. So the lines of the build are
read on their way to pip, and a line now and then goes to the terminal itself, if there is one: how many files are compiled,
and what the configuration says to the person in front of it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from scikit_build_core import build as _build
from scikit_build_core.build import *  # noqa: F403

_STEP = re.compile(r"^\[(\d+)/(\d+)\] ")
_EVERY = 10.0  # seconds between two lines
_TERMINAL = "/dev/tty"


class Progress:
    """What a person is told of the lines of a build."""

    def __init__(self, clock: Any = time.monotonic) -> None:
        self.clock = clock
        self.began: float | None = None
        self.shown = -_EVERY

    def line(self, text: str) -> str | None:
        """The line for the terminal, or None."""
        message = re.match(r"^(?:-- )?(popaug: .*)$", text)
        if message is not None:
            return message[1]
        step = _STEP.match(text)
        if step is None or int(step[1]) == 0 or "] Re-" in text:  # ninja looks at its own files first
            return None
        done, total, now = int(step[1]), int(step[2]), self.clock()
        if self.began is None:
            self.began = now
        if now - self.shown < _EVERY and done < total:
            return None
        self.shown = now
        left = (now - self.began) / done * (total - done)
        time_left = f", about {max(1, round(left / 60))} min left" if done < total and now > self.began else ""
        return f"popaug: {done} of {total} files compiled{time_left}"


@contextlib.contextmanager
def _watched() -> Iterator[None]:
    """Reads standard output on its way, and writes to the terminal what a person should see."""
    try:
        terminal = open(_TERMINAL, "w", encoding="utf-8")  # noqa: SIM115
    except OSError:  # nobody is in front of this build
        yield
        return
    sys.stdout.flush()
    real = os.dup(1)
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)

    def forward() -> None:
        progress = Progress()
        with os.fdopen(reader, "rb") as lines:
            for line in lines:
                os.write(real, line)
                with contextlib.suppress(Exception):  # such as a terminal that is gone: the build continues
                    shown = progress.line(line.decode(errors="replace").rstrip())
                    if shown is not None:
                        print(f"\r\x1b[K{shown}", file=terminal, flush=True)  # over the spinner of pip

    thread = threading.Thread(target=forward, daemon=True)
    thread.start()
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(real, 1)  # the last writer of the pipe: the thread ends
        thread.join()
        os.close(real)
        terminal.close()


def build_wheel(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    with _watched():
        return _build.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    with _watched():
        return _build.build_editable(wheel_directory, config_settings, metadata_directory)
