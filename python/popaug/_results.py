"""What the experiments give: values that show themselves as text, and as HTML in a notebook."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from popaug._core import Error, UsageError
from popaug._schedule import Schedule
from popaug._values import Json, Space

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]
    from torch import nn

    from popaug.models import CheckpointInfo

Path = str | os.PathLike[str]


def read_json(directory: Path, name: str, what: str) -> Json:
    """A file of a run directory. Raises UsageError where it is not there, Error where it is not JSON."""
    path = pathlib.Path(directory) / name
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{directory} contains no finished {what}: there is no {name} in it") from None
    except ValueError as error:
        raise Error(f"{path} is not JSON: {error}") from None


def frame_of(rows: Iterable[Json], what: str) -> pandas.DataFrame:
    """The rows as a table. Raises UsageError where pandas is not installed."""
    try:
        import pandas
    except ModuleNotFoundError:
        raise UsageError(f"{what}.to_dataframe needs pandas: pip install pandas") from None
    return pandas.DataFrame(list(rows))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table."""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f"<table><thead><tr>{''.join(f'<th>{escape(h)}</th>' for h in head)}</tr></thead><tbody>{body}</tbody></table>"
    )


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of text: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return [
        "  " + "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in [head, *rows]
    ]


class _Trained:
    """What a directory with a trained network has."""

    directory: pathlib.Path

    @property
    def checkpoint(self) -> pathlib.Path:
        """best.safetensors: the weights, which popaug.evaluate and popaug.models.load read."""
        return self.directory / "best.safetensors"

    @property
    def schedule_file(self) -> pathlib.Path:
        """used.schedule.json: what it was trained with."""
        return self.directory / "used.schedule.json"

    @property
    def schedule(self) -> Schedule:
        """What it was trained with."""
        return Schedule.load(self.schedule_file)

    def network(self) -> tuple[nn.Module, CheckpointInfo]:
        """The network as a PyTorch module, and what its checkpoint says of it. Needs torch."""
        from popaug import models  # not at the top: it imports torch

        return models.load(self.checkpoint)


class TrainedNetwork(_Trained, Mapping[str, Any]):
    """A training's run directory: result.json as a mapping, the checkpoint, the schedule, and the network itself."""

    def __init__(self, directory: pathlib.Path, value: Json) -> None:
        self.directory, self._value = directory, value

    @staticmethod
    def load(directory: Path) -> TrainedNetwork:
        """Of a finished training. Raises UsageError where there is none."""
        return TrainedNetwork(pathlib.Path(directory), read_json(directory, "result.json", "training"))

    def __getitem__(self, key: str) -> Any:
        return self._value[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def to_json(self) -> Json:
        """result.json."""
        return self._value

    def _text(self) -> str:
        value = self._value
        loss = "" if value.get("train_loss") is None else f", training loss {value['train_loss']:.4f}"
        return f"{value['network']}, {value['epochs']} epochs with {value['schedule']!r} on {value['train_images']} images{loss}"

    def __repr__(self) -> str:
        return f"TrainedNetwork({str(self.directory)!r}: {self._text()})"

    def _repr_html_(self) -> str:
        return f"<div><b>{escape(str(self.directory))}</b>: {escape(self._text())}</div>{self.schedule._repr_html_()}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


class Evaluation:
    """The error of a network on labelled images: shares of 0..1 with their 95 % interval, per class and in all."""

    def __init__(self, value: Json) -> None:
        self._value = value

    @property
    def accuracy(self) -> float:
        return float(self._value["accuracy"])

    @property
    def error(self) -> float:
        return float(self._value["error"])

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the error (Wilson)."""
        return float(self._value["error_low"]), float(self._value["error_high"])

    @property
    def images(self) -> int:
        return int(self._value["images"])

    @property
    def classes(self) -> list[Json]:
        """One per class: class, images, wrong, and where it has images error with error_low and error_high."""
        return list(self._value["classes"])

    @property
    def confusion(self) -> list[list[int]]:
        """Images by [true class][predicted class]."""
        return [list(row) for row in self._value["confusion"]]

    def to_json(self) -> Json:
        """As `popaug eval --json` prints it, with the checkpoint, the data and the split."""
        return self._value

    def to_dataframe(self) -> pandas.DataFrame:
        """A row per class. Needs pandas."""
        return frame_of(self.classes, "Evaluation")

    def _head(self) -> str:
        low, high = self.interval
        return (
            f"error {_percent(self.error)} ({_percent(low)} .. {_percent(high)}) on {self.images} images "
            f"({self._value['split']})"
        )

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(c["class"], str(c["images"]), _percent(c["error"]) if c["images"] else "-") for c in self.classes]

    def __repr__(self) -> str:
        lines = columns(("class", "images", "error"), self._rows())
        return "\n".join([f"Evaluation({self._value['checkpoint']!r}: {self._head()})", *lines])

    def _repr_html_(self) -> str:
        return f"<div><b>{escape(self._head())}</b></div>" + table(("class", "images", "error"), self._rows())


class Audit:
    """Which ops, or which whole recipes, suit the images: affinity, diversity and gain of each, and what was found."""

    def __init__(self, directory: pathlib.Path, value: Json) -> None:
        self.directory, self._value = directory, value

    @staticmethod
    def load(directory: Path) -> Audit:
        """Of a finished audit. Raises UsageError where there is none."""
        return Audit(pathlib.Path(directory), read_json(directory, "audit.json", "audit"))

    @property
    def sentences(self) -> list[str]:
        """The strongest findings first."""
        return list(self._value["sentences"])

    @property
    def cells(self) -> list[Json]:
        """One per op and level, or recipe: affinity, diversity, gain, gain_interval, harmful, ... (docs/formats/audit.md)."""
        return list(self._value["cells"])

    @property
    def flip_hurts(self) -> bool:
        """Whether horizontal flips were shown to harm."""
        return bool(self._value["flip_hurts"])

    @property
    def space(self) -> Space:
        """The space without the harmful ops. Raises UsageError where no op is left, or recipes were audited."""
        path = self.directory / "audited.space.toml"
        if not path.exists():
            raise UsageError(f"{self.directory} is an audit of recipes, which has no space")
        return Space.load(str(path))

    def to_json(self) -> Json:
        """audit.json."""
        return self._value

    def to_dataframe(self) -> pandas.DataFrame:
        """A row per op and level, or recipe. Needs pandas."""
        left_out = ("class_affinity", "exchanges")
        return frame_of(({k: v for k, v in cell.items() if k not in left_out} for cell in self.cells), "Audit")

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        rows = []
        for cell in self.cells:
            name = cell["op"] + (f" {cell['level']}" if "level" in cell else "")
            low, high = cell["gain_interval"]
            harm = "harmful" if cell["harmful"] else ""
            rows.append((name, f"{cell['affinity']:.1f}", f"{cell['diversity']:.2f}", f"{cell['gain']:+.1f} ({low:.1f} .. {high:.1f})", harm))  # fmt: skip
        return rows

    _HEAD = ("op", "affinity", "diversity", "gain", "")

    def __repr__(self) -> str:
        head = f"Audit({str(self.directory)!r}: {len(self.cells)} cells, {self._value['seeds']} seeds)"
        said = [f"* {sentence}" for sentence in self.sentences]
        return "\n".join([head, *(line.rstrip() for line in columns(self._HEAD, self._rows())), *said])

    def _repr_html_(self) -> str:
        picture = self.directory / "audit.svg"
        shown = picture.read_text(encoding="utf-8") if picture.exists() else table(self._HEAD, self._rows())
        said = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences)
        return f"<div><b>{escape(str(self.directory))}</b><ul>{said}</ul>{shown[shown.find('<') :]}</div>"


class Choice(_Trained):
    """The recipe that a screening chose, and why; of popaug.choose also the network that was then trained with it."""

    def __init__(self, directory: pathlib.Path, value: Json) -> None:
        self.directory, self._value = directory, value

    @staticmethod
    def load(directory: Path) -> Choice:
        """Of a finished screening. Raises UsageError where there is none."""
        return Choice(pathlib.Path(directory), read_json(directory, "choose.json", "screening"))

    @property
    def schedule_file(self) -> pathlib.Path:
        """The recipe's schedule: used.schedule.json of popaug.choose, best.schedule.json of popaug.search."""
        used = self.directory / "used.schedule.json"
        return used if used.exists() else self.directory / "best.schedule.json"

    @property
    def checkpoint(self) -> pathlib.Path:
        """best.safetensors of popaug.choose. Raises UsageError after popaug.search, which keeps no network."""
        file = self.directory / "best.safetensors"
        if not file.exists():
            raise UsageError(
                f"{self.directory} contains a screening, which keeps no network: train with its schedule first"
            )
        return file

    @property
    def winner(self) -> str:
        return str(self._value["winner"])

    @property
    def why(self) -> str:
        return str(self._value["why"])

    @property
    def arms(self) -> list[Json]:
        """One per recipe: name, title, accuracy and loss of each fold, behind and half_interval (95 %) in points, and left_out:
        whether the labels forbid its flips."""
        return list(self._value["arms"])

    @property
    def symmetries(self) -> list[Json]:
        """What networks that trained without flips make of mirrored ("flip") and turned ("dihedral") images: level, accuracy,
        turned_accuracy (%), images, networks, left_out. Empty where none was looked at."""
        return list(self._value.get("symmetries") or [])

    def to_json(self) -> Json:
        """choose.json."""
        return self._value

    def to_dataframe(self) -> pandas.DataFrame:
        """A row per recipe. Needs pandas."""
        return frame_of(self.arms, "Choice")

    _HEAD = ("recipe", "folds", "accuracy", "points behind")

    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = []
        for arm in sorted(self.arms, key=lambda arm: float(arm["behind"])):
            scores = arm["accuracy"]
            mean = f"{sum(scores) / len(scores):.1f} %" if scores else ""
            chosen = arm["name"] == self.winner
            behind = "chosen" if chosen else f"{arm['behind']:.1f} ± {arm['half_interval']:.1f}"
            if arm.get("left_out") and not chosen:
                behind = "left out"
            rows.append((arm["title"], str(len(scores)), mean, behind))
        return rows

    def __repr__(self) -> str:
        head = f"Choice({str(self.directory)!r}: {self.winner}: {self.why})"
        return "\n".join([head, *columns(self._HEAD, self._rows())])

    def _repr_html_(self) -> str:
        return f"<div><b>{escape(self.winner)}</b>: {escape(self.why)}</div>" + table(self._HEAD, self._rows())
