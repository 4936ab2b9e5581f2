"""The experiments of the program popaug, run in this process: the same settings, files and results.

    run = popaug.experiment.search("run", preset="best", data="photos", epochs=12)
    popaug.experiment.train("network", data="photos", schedule="run/best.schedule.json")

out: the run directory (docs/formats/run.md). preset, config: a shipped name, and a TOML file of settings, as --preset
and --config. resume: continue what is in `out`. show: progress on stderr. track: where to send the run on, as for popaug.search.
settings: named as in config.toml, for example train_size=4000. Each function returns the result that the program writes
as JSON.

Networks are trained by libpopaug_train: import torch first, or have it found by the loader.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from popaug import _core
from popaug._run import Run
from popaug._search import tracked
from popaug._values import Json

if TYPE_CHECKING:
    from popaug.track import Track


def _run(
    verb: str, out: str | os.PathLike[str], settings: dict[str, Any], track: Track | None = None, **request: Any
) -> Json:
    given = {key: value for key, value in request.items() if value is not None}
    show = bool(given.pop("show"))
    for name in ("config", "run"):
        if name in given:
            given[name] = os.fspath(given[name])
    values = {key: os.fspath(value) if isinstance(value, os.PathLike) else value for key, value in settings.items()}
    with tracked(out, track, bool(given.get("resume"))):
        text = _core.run_experiment(verb, json.dumps({"out": os.fspath(out), "values": values} | given), show)
    result: Json = json.loads(text)
    return result


def search(
    out: str | os.PathLike[str],
    *,
    preset: str | None = None,
    config: str | os.PathLike[str] | None = None,
    resume: bool = False,
    budget_seconds: float | None = None,
    attempts: int | None = None,
    silence: float | None = None,
    show: bool = True,
    track: Track | None = None,
    **settings: Any,
) -> Run:
    """`popaug search`: a schedule for the images of data=."""
    _run(
        "search",
        out,
        settings,
        preset=preset,
        config=config,
        resume=resume,
        budget_seconds=budget_seconds,
        attempts=attempts,
        silence=silence,
        show=show,
        track=track,
    )
    return Run.load(pathlib.Path(out))


def train(
    out: str | os.PathLike[str],
    *,
    preset: str | None = None,
    config: str | os.PathLike[str] | None = None,
    resume: bool = False,
    show: bool = True,
    track: Track | None = None,
    **settings: Any,
) -> Json:
    """`popaug train`: a network, with schedule= or augment=. Returns result.json."""
    return _run("train", out, settings, preset=preset, config=config, resume=resume, show=show, track=track)


def compare(
    out: str | os.PathLike[str],
    *,
    arms: Sequence[str] | None = None,
    seeds: int | None = None,
    run: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    config: str | os.PathLike[str] | None = None,
    resume: bool = False,
    clean_share: float | None = None,
    margin: float | None = None,
    charge_search: bool | None = None,
    unequal: bool | None = None,
    show: bool = True,
    track: Track | None = None,
    **settings: Any,
) -> Json:
    """`popaug compare`: arms x seeds, with the verdict. Returns compare.json.

    With `resume`, the comparison keeps its own arms, seeds and rules where they are not given here.
    """
    return _run(
        "compare",
        out,
        settings,
        arms=None if arms is None else list(arms),
        seeds=seeds,
        run=run,
        preset=preset,
        config=config,
        resume=resume,
        clean_share=clean_share,
        margin=margin,
        charge_search=charge_search,
        unequal=unequal,
        show=show,
        track=track,
    )


def audit(
    out: str | os.PathLike[str],
    *,
    preset: str | None = None,
    config: str | os.PathLike[str] | None = None,
    resume: bool = False,
    show: bool = True,
    **settings: Any,
) -> Json:
    """`popaug audit`: which ops suit the images. Returns audit.json."""
    return _run("audit", out, settings, preset=preset, config=config, resume=resume, show=show)


def choose(
    out: str | os.PathLike[str],
    *,
    budget_seconds: float | None = None,
    preset: str | None = None,
    config: str | os.PathLike[str] | None = None,
    resume: bool = False,
    show: bool = True,
    **settings: Any,
) -> Json:
    """`popaug choose`: a screening of simple recipes, then a training with the winner. Returns choose.json."""
    return _run(
        "choose",
        out,
        settings,
        budget_seconds=budget_seconds,
        preset=preset,
        config=config,
        resume=resume,
        show=show,
    )
