"""Progress of long work on stderr: a bar by tqdm on a terminal and in a notebook, else a plain line now and then."""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any, Protocol


class Reports(Protocol):
    """What long work reports to. Called in the thread that called the work."""

    def update(self, done: float, total: float, note: str) -> None:
        """`done` of `total` units; a few words."""

    def line(self, text: str) -> None:
        """A line that stays: a note or a warning."""

    def event(self, text: str) -> None:
        """A step of the work, for whoever watches."""

    def close(self) -> None:
        """The end of the work, whatever ended it."""


class Plain:
    """Lines in a log: the first report, at most one every `pace` seconds, and the last."""

    def __init__(self, what: str, pace: float = 60) -> None:
        self._what, self._pace = what, pace
        self._shown = -pace
        self._last = self._printed = ""

    def update(self, done: float, total: float, note: str) -> None:
        share = f"{100 * done / total:3.0f} %" if total > 0 else "  0 %"
        self._last = f"{self._what} {share}" + (f", {note}" if note else "")
        now = time.monotonic()
        if now - self._shown >= self._pace:
            self._shown = now
            self._print()

    def _print(self) -> None:
        if self._last != self._printed:
            print(self._last, file=sys.stderr, flush=True)
            self._printed = self._last

    def line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def event(self, text: str) -> None:
        """Left out: nobody watches a log."""

    def close(self) -> None:
        self._print()


class Bar:
    """A bar of tqdm. A piece of work that starts from the beginning gets a pace of its own."""

    def __init__(self, what: str, tqdm: Any) -> None:
        form = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
        self._bar = tqdm(total=1.0, desc=what, bar_format=form, file=sys.stderr)
        self._write = tqdm.write

    def update(self, done: float, total: float, note: str) -> None:
        if done < self._bar.n / 2:
            self._bar.reset()
        self._bar.total, self._bar.n = max(total, done, 1e-9), done
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.refresh()

    def line(self, text: str) -> None:
        self._write(text, file=sys.stderr)

    def event(self, text: str) -> None:
        self.line(text)

    def close(self) -> None:
        self._bar.close()


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def shown(what: str, show: bool = True, pace: float = 60) -> Reports | None:
    """Where work called `what` reports to; None where nothing is to be shown."""
    if not show:
        return None
    notebook = _in_notebook()
    watched = notebook or (sys.stderr is not None and sys.stderr.isatty())
    if not watched or importlib.util.find_spec("tqdm") is None:
        return Plain(what, pace)
    if notebook and importlib.util.find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm as bar
    else:
        from tqdm import tqdm as bar
    return Bar(what, bar)
