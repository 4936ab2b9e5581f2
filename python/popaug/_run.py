"""A run directory as a value: the winner's schedule, every result, a table of them."""

from __future__ import annotations

import json
import os
import pathlib
from html import escape
from typing import TYPE_CHECKING, Any

from popaug import _core
from popaug._schedule import Schedule
from popaug._values import Json

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]


class Run:
    """A search's run directory, finished or not. Read once; load it again to see what has changed."""

    def __init__(self, directory: pathlib.Path, history: Json) -> None:
        self.directory = directory
        self._history = history

    @staticmethod
    def load(directory: str | os.PathLike[str]) -> Run:
        """Reads the journal. Raises Error where there is none, or where it was changed."""
        path = pathlib.Path(directory)
        return Run(path, json.loads(_core.load_history(str(path))))

    @property
    def settings(self) -> Json:
        """All that determined the search (docs/formats/journal.md)."""
        return self._history["settings"]

    @property
    def finished(self) -> bool:
        return self._history["winner"] is not None

    @property
    def winner(self) -> int | None:
        """The number of the best final member; None before the end."""
        winner: int | None = self._history["winner"]
        return winner

    @property
    def results(self) -> list[Json]:
        """One per member and round: round, member, epochs, score, images_trained, images_evaluated, metrics."""
        return list(self._history["results"])

    @property
    def copies(self) -> list[Json]:
        """One per exploit: round, target, donor."""
        return [
            {"round": d["round"], "target": c["target"], "donor": c["donor"]}
            for d in self._history["decisions"]
            for c in d["copies"]
        ]

    @property
    def best_score(self) -> float | None:
        """The highest score so far."""
        return max((r["score"] for r in self._history["results"] if r["score"] is not None), default=None)

    @property
    def schedule(self) -> Schedule:
        """The winner's schedule. Raises UsageError before the end of the search."""
        if not self.finished:
            raise _core.UsageError(f"{self.directory}: the search is not finished, so there is no schedule yet")
        return Schedule.load(self.directory / "best.schedule.json")

    @property
    def checkpoint(self) -> pathlib.Path:
        """The winner's checkpoint, as its trainer wrote it."""
        return self.directory / "best.safetensors"

    def to_dataframe(self) -> pandas.DataFrame:
        """A row per result, the metrics as further columns, and copied_from: the donor after this round. Needs pandas."""
        try:
            import pandas
        except ModuleNotFoundError:
            raise _core.UsageError("Run.to_dataframe needs pandas: pip install pandas") from None
        donors = {(c["round"], c["target"]): c["donor"] for c in self.copies}
        rows = []
        for result in self._history["results"]:
            row = {k: v for k, v in result.items() if k != "metrics"}
            row["copied_from"] = donors.get((result["round"], result["member"]))
            rows.append(row | result["metrics"])
        frame = pandas.DataFrame(rows)
        if rows:
            frame["copied_from"] = frame["copied_from"].astype("Int64")
        return frame

    def _state(self) -> str:
        population = self.settings["population"]
        score = self.best_score
        best = "no scores yet" if score is None else f"best score {score:.4f}"
        state = f"winner {self.winner}" if self.finished else "not finished"
        return f"{population} members, {len(self._history['results'])} results, {best}, {state}"

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r}: {self._state()})"

    def _repr_html_(self) -> str:
        shown = f"<div><b>{escape(str(self.directory))}</b>: {escape(self._state())}</div>"
        return shown + (self.schedule._repr_html_() if self.finished else "")


__all__: list[Any] = ["Run"]
