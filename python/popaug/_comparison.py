"""Was it worth it? Arms and seeds around your own training code, judged as `popaug compare` judges."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from popaug import _core
from popaug._core import UsageError
from popaug._member import Member, Result
from popaug._own_transform import OwnTransform, Transform
from popaug._processes import InProcess
from popaug._recipes import is_recipe, recipe
from popaug._results import Choice
from popaug._run import Run
from popaug._schedule import Schedule
from popaug._search import tracked
from popaug._settings import EPOCHS, SHARES, Mode, metric_of
from popaug._threads import Loop
from popaug._values import Json

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

    from popaug.track import Track

# The values of the mapping: str, Schedule, Run, a callable, or None. (A dictionary of them is a dict[str, object] to mypy.)
Arms = Mapping[str, Any] | Sequence[str | Schedule]
_PLAN: Json = json.loads(_core.default_plan())
_FREE = "free"  # the arms that cost no search


class Training(Member):
    """One training of an arm under a seed, from the first epoch to the last: what `train` of popaug.compare gets.

    It is a Member, so a train_round that was written for popaug.search serves as it is: index and round are 0, `for epoch
    in training` runs over all epochs, load() gives its default, and save() keeps nothing.

    arm: its name. schedule: what it augments with; for a transform of your own an object that is called in the same way,
    so augment(), popaug.torch.loader and the others work with both. transform: your own object, if the arm is one, for
    pipelines that call it themselves; else None. seed: of this training; all arms share the seeds, and under one seed they start
    from the same draws of `with training.seeded():`.
    """

    _function = "train"

    def __init__(self, work: Json, schedule: Schedule, settings: Json, metric: str, mode: Mode) -> None:
        """work: {"number", "arm", "seed"}. schedule: over exactly the epochs of the training."""
        self.message = work
        self.number: int = work["number"]
        self.arm: str = work["arm"]
        self.seed = work["seed"]
        self.index = self.round = self.first_epoch = 0
        self.epochs = self.total_epochs = schedule.epochs
        self.evaluate = True
        self.settings, self.metric, self.mode = settings, metric, mode
        self.genes = {}
        first = schedule.segments[0]
        self.policy, self.rule, self.base = first.policy, schedule.rule, first.base or schedule.base
        self.space = schedule.space.with_values(dict(first.values))
        self._schedule, self._progress = schedule, None

    @property
    def transform(self) -> Transform | None:
        return self._schedule.transform if isinstance(self._schedule, OwnTransform) else None

    def load(self, default: Any = None) -> Any:
        """`default`: a training of a comparison starts from nothing."""
        return default

    def save(self, state: Any) -> None:
        """Nothing: a comparison keeps scores alone."""

    @property
    def place(self) -> str:
        return f'the arm "{self.arm}" under seed {self.seed}'

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_progress": None}

    def __repr__(self) -> str:
        return f"Training({self.arm!r}, seed {self.seed}, {self.epochs} epochs)"


Train = Callable[[Training], float | Result]


class Comparison:
    """What came out: the verdict, and for each arm its score over the seeds and its differences from the others.

    verdict: one sentence. arms: one dictionary for each arm, and everything else as in compare.json
    (docs/formats/compare.md). `popaug report DIR` shows it as a page.
    """

    def __init__(self, directory: pathlib.Path, value: Json) -> None:
        self.directory = directory
        self._value = value

    @staticmethod
    def load(directory: str | os.PathLike[str]) -> Comparison:
        """Of a finished comparison, popaug.compare's or the program's. Raises UsageError where there is none."""
        path = pathlib.Path(directory)
        try:
            value = json.loads((path / "compare.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(f"{path} holds no finished comparison: there is no compare.json in it") from None
        return Comparison(path, value)

    @property
    def verdict(self) -> str:
        return str(self._value["verdict"])

    @property
    def arms(self) -> list[Json]:
        return list(self._value["arms"])

    @property
    def notes(self) -> list[str]:
        return list(self._value["notes"])

    @property
    def metric(self) -> str:
        """What was measured: "accuracy", or what `metric` said."""
        return str(self._value.get("metric", {}).get("name", "accuracy"))

    def arm(self, name: str) -> Json:
        """One arm. Raises UsageError for a name that did not take part."""
        for arm in self._value["arms"]:
            if arm["name"] == name:
                return arm
        raise UsageError(f'no arm "{name}" took part; {", ".join(a["name"] for a in self._value["arms"])} did')

    def to_json(self) -> Json:
        """compare.json."""
        return self._value

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each arm. Needs pandas."""
        try:
            import pandas
        except ModuleNotFoundError:
            raise UsageError("Comparison.to_dataframe needs pandas: pip install pandas") from None
        return pandas.DataFrame([{k: v for k, v in arm.items() if k not in ("free", "controls")} for arm in self.arms])

    def _rows(self) -> list[tuple[str, str, str, str]]:
        """Title, score, 95 % interval, verdict."""
        rows = []
        for arm in self._value["arms"]:
            if "error" in arm:
                score, ends = f"{100 - arm['error']:.2f} %", [f"{100 - e:.2f}" for e in reversed(arm["interval"] or [])]
            else:
                score, ends = f"{arm['score']:.4g}", [f"{e:.4g}" for e in arm["interval"] or []]
            rows.append((arm["title"], score, " .. ".join(ends) or "no interval", arm["verdict"]))
        return rows

    def __repr__(self) -> str:
        rows = self._rows()
        width, column = max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)
        lines = [f"  {title:<{width}}  {score:>{column}}  ({interval})" for title, score, interval, _ in rows]
        head = f"Comparison({str(self.directory)!r}: {self.metric} of {len(rows)} arms, {self._value['seeds']} seeds)"
        return "\n".join([head, *lines, self.verdict])

    def _repr_html_(self) -> str:
        names = ("arm", self.metric, "95 % interval", "in words")
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self._rows())
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        return f"<div><b>{escape(self.verdict)}</b></div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class _Work:
    """The comparison as the source of work of a Loop."""

    def __init__(self, run: _core.OwnComparison, own: dict[str, OwnTransform], settings: Json, metric: str, mode: Mode):
        self.run, self.own = run, own
        self.settings, self.metric, self.mode = settings, metric, mode

    def ask(self) -> Training | None:
        text = self.run.take()
        if text is None:
            return None
        work = json.loads(text)
        given = work.pop("schedule", None)
        schedule = self.own[work["arm"]] if given is None else Schedule.from_json(given, work["arm"])
        return Training(work, schedule, self.settings, self.metric, self.mode)

    def _tell(self, member: Member, value: Result, worker: str) -> None:
        assert isinstance(member, Training)
        score = -value.score if self.mode == "min" else value.score  # outcome() turned it, for a journal
        self.run.tell(member.number, score, value.images_trained, value.seconds)

    def give_back(self, member: Member) -> None:
        assert isinstance(member, Training)
        self.run.give_back(member.number)

    def log(self, event: str, **fields: Any) -> None:
        """A comparison has no log."""

    @property
    def finished(self) -> bool:
        return self.run.finished()

    @property
    def done(self) -> int:
        return self.run.done()

    @property
    def total(self) -> int:
        return self.run.total()

    def note(self) -> str:
        return f"{len(self.own)} arms are your own" if self.own else "trainings"


def _named(arms: Arms | None) -> dict[str, Any]:
    """The arms by name, "free" replaced by the arms that it means."""
    if arms is None:
        return {}
    if isinstance(arms, Mapping):
        pairs = list(arms.items())
    else:
        pairs = [(_name_of(arm), arm) for arm in (arms.split(",") if isinstance(arms, str) else arms)]
    listed = {name for name, _ in pairs}
    found: dict[str, Any] = {}
    for name, value in pairs:
        if isinstance(value, str) and value == _FREE:
            if name != _FREE:
                raise UsageError(
                    f'"{_FREE}" is a list of arms, which have names of their own: {{"{_FREE}": "{_FREE}"}}'
                )
            found |= {free: free for free in _core.free_arms() if free not in listed}
        elif name in found:
            raise UsageError(f'the arm "{name}" is listed twice')
        else:
            found[name] = value
    return found


def _name_of(arm: Any) -> str:
    if isinstance(arm, str):
        return arm
    if isinstance(arm, Schedule):
        return arm.name
    raise UsageError(f'{arm!r} has no name to be an arm by: give arms as a dictionary, {{"mine": ...}}')


def _arm(name: str, value: Any, epochs: int) -> tuple[Json, OwnTransform | None]:
    """An arm as the extension module takes it, and the transform where it is one."""
    if not isinstance(name, str):
        raise UsageError(f"{name!r} cannot name an arm; expected a text")
    if isinstance(value, str) and is_recipe(value):
        value = recipe(value)
    if value is None or (isinstance(value, str) and value == name):
        return {"name": "none" if value is None else name}, None
    if isinstance(value, str):
        file = value in _core.shipped_schedule_names() or os.path.exists(value)
        value = Schedule.load(value) if file else Schedule.baseline(value)
    if isinstance(value, (Run, Choice)):
        value = value.schedule
    if isinstance(value, Schedule) and not isinstance(value, OwnTransform):
        return {"name": name, "schedule": value.to_json()}, None
    own = OwnTransform(value.transform if isinstance(value, OwnTransform) else value, name, epochs)
    return {"name": name, "transform": own.identity}, own


def _learned(schedule: Schedule | str | os.PathLike[str] | None, run: Run | Choice | None) -> Schedule | None:
    if schedule is None:
        return None if run is None else run.schedule
    if run is not None:
        raise UsageError("schedule= and run= both name a schedule: give one of them")
    return schedule if isinstance(schedule, Schedule) else Schedule.load(schedule)


def _config(train: Train, chosen: Json, names: Sequence[str]) -> str:
    """config.toml: for people; what a resume must agree with is in runs.jsonl."""
    function = f"{getattr(train, '__module__', '')}:{getattr(train, '__qualname__', type(train).__qualname__)}"
    kept = {key: chosen[key] for key in ("seeds", "epochs", "metric", "data", "run") if chosen.get(key)}
    better = "lower" if chosen["lower_is_better"] else "higher"
    return _core.to_toml(json.dumps({"train": function, "arms": list(names), "better": better} | kept))


def compare(
    train: Train,
    *,
    arms: Arms | None = None,
    seeds: int | Sequence[int] = _PLAN["seeds"],
    epochs: int | None = None,
    schedule: Schedule | str | os.PathLike[str] | None = None,
    run: Run | Choice | str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] = "popaug-comparison",
    resume: bool = False,
    workers: int = 1,
    processes: bool = False,
    show: bool = True,
    track: Track | None = None,
    mode: Mode | None = None,
    metric: str | None = None,
    margin: float | None = None,
    clean_share: float = _PLAN["clean_share"],
    data: str = "",
    trainer: Mapping[str, Any] | None = None,
) -> Comparison:
    """Trains every arm under every seed with your own training code, and says whether one is better.

        def train(training):
            with training.seeded():
                network = MyNetwork()
            for epoch in training:
                ...                              # training.augment(images, epoch, samples=...)
            return accuracy_on_test_images       # 0..1, or a popaug.Result
        found = popaug.compare(train, arms={"mine": my_transform, "trivial": "trivial", "learned": run.schedule}, epochs=30)
        print(found)                             # and: popaug report popaug-comparison

    train: gets a Training and returns the score on images that nothing was chosen by. arms: names (none, flipcrop,
    randaugment, trivial, ..., "free" for all that cost no search, with a learned schedule also schedule and its controls
    last, flattened, shuffled, random, drift; or a recipe of another library, "timm:rand-m9-mstd0.5"), or a
    dictionary from a name of yours to such a name, a Schedule, a file, a Run, or a transform of your own, called
    for each image (docs/python.md). Arms with CutMix or mixup, as "free" has, give images two labels: train with
    popaug.torch.loader(data, training.schedule, ...). Without arms: the free ones, and with a schedule also it and its controls. seeds: how many,
    from 0 on, or the seeds; differences are paired by seed. epochs: of every training; without it the length of the learned
    schedule. schedule: the learned one; or run: the search behind it, whose report then shows the result.

    out, resume, workers, processes, show, track: as for popaug.search. A result is written when it is there, so a comparison that
    was killed continues; a finished one takes further arms and seeds. mode="min": a lower score is better. metric: what the
    score is; "accuracy" and "balanced-accuracy" are shares of 0..1. margin: the difference that "not worse" allows, in
    points of accuracy or in the metric's own unit. clean_share: of the epochs, at the end of an arm "NAME+clean". data: a fingerprint of
    your data. trainer: settings for `train` (training.settings); a resume must give equal ones.

    An exception in `train` ends the comparison with its own traceback and a note that says how to go on; so does Ctrl-C.
    """
    again = f"popaug.compare(..., out={os.fspath(out)!r}, resume=True)"
    if workers < 1:
        raise UsageError(f"workers={workers}; expected at least 1")
    if run is not None and not isinstance(run, (Run, Choice)):
        run = Choice.load(run) if (pathlib.Path(run) / "choose.json").exists() else Run.load(run)
    learned = _learned(schedule, run)
    length = epochs if epochs is not None else EPOCHS if learned is None else learned.epochs
    prepared = {name: _arm(name, value, length) for name, value in _named(arms).items()}
    own = {name: transform for name, (_, transform) in prepared.items() if transform is not None}
    name, chosen_mode = metric_of(metric, mode)
    settings = dict(trainer or {})
    chosen: Json = {
        "arms": [arm for arm, _ in prepared.values()],
        "seeds": list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds],
        "epochs": length,
        "clean_share": clean_share,
        "metric": name,
        "lower_is_better": chosen_mode == "min",
        "share": name in SHARES,
        "data": data,
        "trainer": settings,
    }
    if learned is not None:
        chosen["schedule"] = learned.to_json()
    if margin is not None:
        chosen["margin"] = margin
    if run is not None:
        chosen["run"] = os.fspath(run.directory)
    options = {
        "directory": os.fspath(out),
        "resume": bool(resume),
        "config_toml": _config(train, chosen, list(prepared)),
    }
    function: Any = InProcess(train, own) if processes else train
    sent = tracked(out, track, resume)
    opened = _core.OwnComparison(json.dumps(chosen), json.dumps(options))
    with contextlib.ExitStack() as stack:
        stack.enter_context(sent)  # it ends after the comparison is closed
        stack.callback(opened.close)
        work = _Work(opened, own, settings, name, chosen_mode)
        Loop(work, function, show, again, "comparison").run(min(workers, max(work.total, 1)))
        return Comparison(pathlib.Path(out), json.loads(opened.finish()))
