"""The experiments of the program popaug, run in this process: the same settings, files and results.

    run = popaug.search(data="photos", preset="best", epochs=12)
    network = popaug.train(data="photos", schedule=run)
    print(popaug.evaluate(network, data="photos"))

All are names of popaug itself; popaug.search and popaug.compare also go around training code of your own.

out: the run directory (docs/formats/run.md). data: the images, a path that the program reads. preset, config: a shipped
name, and a TOML file of settings, as --preset and --config. resume: continue what is in `out`. show: progress on stderr,
a bar where tqdm is installed. track: where to send the run on, as for popaug.search.
settings: named as in config.toml, for example train_size=4000. Lists may be given as lists, genes as {"lr": (0.01, 0.4)}.

Ctrl-C, or SIGTERM, in the main thread ends an experiment cleanly: it raises popaug.Interrupted, and can be resumed. From another
thread an experiment runs too; it stops when the main thread ends.

Networks are trained by libpopaug_train with the installed torch, which need not be imported.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from popaug import _core, _installed_torch
from popaug._comparison import Comparison
from popaug._core import UsageError
from popaug._progress import shown
from popaug._recipe_arms import register_arms, register_recorded
from popaug._results import Audit, Choice, Evaluation, TrainedNetwork
from popaug._run import Run
from popaug._search import tracked
from popaug._settings import Gene
from popaug._values import Json

if TYPE_CHECKING:
    from popaug.track import Track

Path = str | os.PathLike[str]
__all__ = ["audit", "choose", "compare", "evaluate", "search", "train"]


def _plain(name: str, value: Any) -> Any:
    """A setting as config.toml has it. Raises UsageError for a value that is not a setting's."""
    if isinstance(value, (Run, Choice, TrainedNetwork)):
        return os.fspath(value.schedule_file)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if name == "genes" and isinstance(value, Mapping):
        return ",".join(_gene_text(gene, bounds) for gene, bounds in value.items())
    if name == "genes" and isinstance(value, (list, tuple)):
        return ",".join(gene if isinstance(gene, str) else _gene_text("", gene) for gene in value)
    if isinstance(value, (list, tuple)) and all(isinstance(part, (str, int, float)) for part in value):
        return ",".join(str(part) for part in value)
    if name == "size" and isinstance(value, int):
        return str(value)
    if isinstance(value, (str, bool, int, float)):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a number of NumPy
        return value.item()
    kind = type(value).__name__
    hints = {
        "data": "the path of a set; popaug.data.pack(...) writes one",
        "schedule": "a file, a shipped name or a Run; schedule.save(...) writes a file",
    }
    raise UsageError(
        f"{name}= is a {kind}; expected {hints.get(name, 'a text, a number or a path, as in config.toml')}"
    )


def _gene_text(name: str, gene: Any) -> str:
    """As the setting "genes" says it: of a popaug.Gene, or of a name and its range (low, high)."""
    if isinstance(gene, Gene):
        options = [f"start={gene.start}"] if gene.start is not None else []
        options += ["log" if gene.log else "linear", *(["whole"] if gene.integer else [])]
        return ":".join([f"{gene.name}={gene.low}..{gene.high}", *options])
    try:
        low, high = gene
    except (TypeError, ValueError):
        raise UsageError(
            f'genes=: "{name or gene}" is not a gene; expected {{"lr": (0.01, 0.4)}} or popaug.Gene("lr", 0.01, 0.4)'
        ) from None
    return f"{name}={low}..{high}"


def _run_core(verb: str, request: Mapping[str, Any], reports: object | None) -> str:
    _installed_torch.use_here()
    return _core.run_experiment(verb, json.dumps(request), reports)


def _run(
    verb: str, out: Path, settings: Mapping[str, Any], show: bool, track: Track | None = None, **request: Any
) -> Json:
    if not isinstance(out, (str, os.PathLike)):
        raise UsageError(
            f"popaug.{verb}: the run directory is a {type(out).__name__}; expected a path (the images are data=)"
        )
    given = {name: value for name, value in request.items() if value is not None}
    for name in ("config", "run"):
        if name in given:
            given[name] = os.fspath(given[name].directory if isinstance(given[name], (Run, Choice)) else given[name])
    values = {name: _plain(name, value) for name, value in settings.items() if value is not None}
    register_recorded(values, given.get("config"), out if given.get("resume") else None)
    reports = shown(verb, show)
    with tracked(out, track, bool(given.get("resume"))):
        try:
            text = _run_core(verb, {"out": os.fspath(out), "values": values} | given, reports)
        finally:
            if reports is not None:
                reports.close()
    return json.loads(text)


def search(
    out: Path = "search-run",
    *,
    data: Path | None = None,
    preset: str | None = None,
    config: Path | None = None,
    resume: bool = False,
    budget_seconds: float | None = None,
    attempts: int | None = None,
    silence: float | None = None,
    show: bool = True,
    track: Track | None = None,
    **settings: Any,
) -> Run | Choice:
    """`popaug search`: a schedule for the images. budget_seconds: time for all of it. Returns a Choice where the method is a
    screening, as with preset "best", and the Run of a population (preset "pba")."""
    value = _run(
        "search", out, {"data": data} | settings, show, track, preset=preset, config=config, resume=resume,
        budget_seconds=budget_seconds, attempts=attempts, silence=silence,
    )  # fmt: skip
    directory = pathlib.Path(out)
    return Choice(directory, value) if "arms" in value else Run.load(directory)


def train(
    out: Path = "train-run",
    *,
    data: Path | None = None,
    preset: str | None = None,
    config: Path | None = None,
    resume: bool = False,
    show: bool = True,
    track: Track | None = None,
    **settings: Any,
) -> TrainedNetwork:
    """`popaug train`: a network, with schedule= (a file, a name, a Run) or augment= (a baseline, or a recipe such as
    "timm:rand-m9-mstd0.5")."""
    value = _run("train", out, {"data": data} | settings, show, track, preset=preset, config=config, resume=resume)
    return TrainedNetwork(pathlib.Path(out), value)


def evaluate(
    network: Path | Run | TrainedNetwork | Choice,
    *,
    data: Path,
    split: str | None = None,
    size: int | str | None = None,
    fit: str | None = None,
    range: str | None = None,
    background: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    device: str | None = None,
    batch: int | None = None,
    scaled_decoding: bool = False,
    allow_outside: bool = False,
    keep_going: bool = False,
    show: bool = True,
) -> Evaluation:
    """`popaug eval`: the error of a network on labelled images.

    network: what popaug.train, popaug.choose or popaug.search gave, its directory, or a checkpoint. split: of the
    data; by default "test", or the only one. The others are the flags of `popaug eval`: how files are read, by default as
    the checkpoint says, and how many images at a time.
    """
    checkpoint = getattr(network, "checkpoint", network)
    if not isinstance(checkpoint, (str, os.PathLike)):
        raise UsageError(
            f"popaug.evaluate: the network is a {type(network).__name__}; expected a checkpoint, a run directory or "
            "what popaug.train gave"
        )
    request = {
        "network": os.fspath(checkpoint), "data": _plain("data", data), "split": split,
        "size": None if size is None else str(size), "fit": fit, "range": range, "background": background,
        "image_column": image_column, "label_column": label_column, "device": device, "batch": batch,
        "scaled_decoding": scaled_decoding, "allow_outside": allow_outside, "keep_going": keep_going,
    }  # fmt: skip
    reports = shown("evaluate", show)
    try:
        given = {name: value for name, value in request.items() if value is not None}
        return Evaluation(json.loads(_run_core("evaluate", given, reports)))
    finally:
        if reports is not None:
            reports.close()


def compare(
    out: Path = "comparison",
    *,
    data: Path | None = None,
    arms: Mapping[str, Any] | Sequence[Any] | None = None,
    seeds: int | None = None,
    run: Path | Run | Choice | None = None,
    preset: str | None = None,
    config: Path | None = None,
    resume: bool = False,
    clean_share: float | None = None,
    margin: float | None = None,
    charge_search: bool | None = None,
    unequal: bool | None = None,
    show: bool = True,
    track: Track | None = None,
    **settings: Any,
) -> Comparison:
    """`popaug compare`: arms x seeds on one set, with the verdict.

    arms: names as of `popaug compare`, recipes of other libraries ("timm:rand-m9-mstd0.5", docs/recipes.md), or a dictionary
    from a name of yours to one of these, a Schedule, a Run, or a transform of your own, which is called for each image.
    With `resume`, the comparison keeps its own arms, seeds and rules where they are not given here; transforms of your own
    must be given again.
    """
    value = _run(
        "compare", out, {"data": data} | settings, show, track,
        arms=None if arms is None else register_arms(arms), seeds=seeds, run=run, preset=preset, config=config,
        resume=resume, clean_share=clean_share, margin=margin, charge_search=charge_search, unequal=unequal,
    )  # fmt: skip
    return Comparison(pathlib.Path(out), value)


def audit(
    out: Path = "audit-run",
    *,
    data: Path | None = None,
    recipe: Mapping[str, Any] | Sequence[Any] | None = None,
    preset: str | None = None,
    config: Path | None = None,
    resume: bool = False,
    show: bool = True,
    **settings: Any,
) -> Audit:
    """`popaug audit`: which ops suit the images. recipe: whole recipes to measure in place of ops, as the arms of
    popaug.compare."""
    if recipe is not None:
        settings["recipe"] = register_arms(recipe)
    value = _run("audit", out, {"data": data} | settings, show, preset=preset, config=config, resume=resume)
    return Audit(pathlib.Path(out), value)


def choose(
    out: Path = "chosen",
    *,
    data: Path | None = None,
    arms: Mapping[str, Any] | Sequence[Any] | None = None,
    budget_seconds: float | None = None,
    preset: str | None = None,
    config: Path | None = None,
    resume: bool = False,
    show: bool = True,
    **settings: Any,
) -> Choice:
    """`popaug choose`: a screening of recipes, then a training with the winner. arms: as of popaug.compare, in place of the
    grid. budget_seconds: time for all of it."""
    if arms is not None:
        settings["arms"] = register_arms(arms)
    value = _run(
        "choose", out, {"data": data} | settings, show, budget_seconds=budget_seconds, preset=preset, config=config,
        resume=resume,
    )  # fmt: skip
    return Choice(pathlib.Path(out), value)
