"""A run directory as a value: the winner's schedule, every result, a table of them."""

from __future__ import annotations

import json
import os
import pathlib
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from popaug import _core, _state
from popaug._schedule import Schedule
from popaug._values import Json

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]


def _in_mode(result: Json, mode: str) -> Json:
    """A result of the journal, where higher is better, with the score that train_round returned."""
    return result | {"score": -result["score"]} if mode == "min" and result["score"] is not None else result


class Run:
    """A search's run directory, finished or not. Read once; load it again to see what has changed."""

    def __init__(self, directory: pathlib.Path, history: Json) -> None:
        self.directory = directory
        self._history = history
        self._results = [_in_mode(result, self.mode) for result in history["results"]]

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
    def mode(self) -> Literal["max", "min"]:
        """ "max" where a higher score is better, "min" where a lower one is (metric "loss")."""
        return "min" if self.settings["metric"] == "loss" else "max"

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
        return list(self._results)

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
        """The best score so far: the highest, or the lowest with mode "min"."""
        scores = [r["score"] for r in self._results if r["score"] is not None]
        return (min if self.mode == "min" else max)(scores, default=None)

    @property
    def schedule_file(self) -> pathlib.Path:
        """best.schedule.json: the winner's schedule."""
        return self.directory / "best.schedule.json"

    @property
    def schedule(self) -> Schedule:
        """The winner's schedule. Raises UsageError before the end of the search.

        An op that is unknown here (of another program, or of a plugin) can be looked at; augmenting needs the op.
        """
        if not self.finished:
            raise _core.UsageError(f"{self.directory}: the search is not finished, so there is no schedule yet")
        name, text = _core.view_schedule(str(self.schedule_file))
        return Schedule._from_text(text, name)

    @property
    def checkpoint(self) -> pathlib.Path:
        """The winner's checkpoint, as its trainer wrote it: best.safetensors of the program's networks,
        best.checkpoint of anything else."""
        other = self.directory / "best.checkpoint"
        return other if other.exists() else self.directory / "best.safetensors"

    def state(self) -> Any:
        """What the winner's train_round gave to member.save() at last: the weights. Raises UsageError before the end.

        Read by torch or by pickle, so only from run directories that you trust. The program's own networks:
        popaug.models.load(run.checkpoint).
        """
        if not self.finished:
            raise _core.UsageError(f"{self.directory}: the search is not finished, so there is no winner yet")
        return _state.load(self.checkpoint)

    def to_dataframe(self) -> pandas.DataFrame:
        """A row per result, the metrics as further columns, and copied_from: the donor after this round. Needs pandas."""
        try:
            import pandas
        except ModuleNotFoundError:
            raise _core.UsageError("Run.to_dataframe needs pandas: pip install pandas") from None
        donors = {(c["round"], c["target"]): c["donor"] for c in self.copies}
        rows = []
        for result in self._results:
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
