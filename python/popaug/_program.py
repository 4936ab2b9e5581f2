"""The command popaug of the wheel: the C++ program inside it, against the user's own torch if there is one.

Where a command names recipes of other libraries (--arms timm:rand-m9), the verbs run in this process instead, beside the
libraries.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from popaug import _doctor, _installed_torch
from popaug._core import Error, UsageError

_HERE = pathlib.Path(__file__).resolve().parent


def environment() -> dict[str, str]:
    """What the program needs in its environment to find torch, or to say why it cannot train."""
    found = {"POPAUG_PYTHON": sys.executable} | dict(os.environ)
    _installed_torch.set_variables(found)
    return found


def command() -> list[str]:
    """How to start the program: the wheel's own, else the popaug of the PATH. Raises Error where there is none."""
    if (_HERE / "bin" / "popaug").is_file():
        return [sys.executable, "-m", "popaug._program"]
    found = shutil.which("popaug")
    if found is None:
        raise Error("the program popaug is not on the PATH")
    return [found]


# The verbs whose runs can be tracked, with the run directory where --out is not given.
TRACKED = {"search": "search-run", "train": "train-run", "compare": "comparison"}
_OUT = TRACKED | {"choose": "chosen", "audit": "audit-run"}


def take_track(arguments: list[str]) -> tuple[list[str], str | None, str]:
    """The arguments without --track, the tracker, and the run directory. Raises UsageError for a verb that has none."""
    rest: list[str] = []
    taken: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name not in ("--track", "--out"):
            rest.append(word)
            continue
        value = value if equals else next(words, "")
        if name == "--out":
            rest += [name, value]
        elif not value:
            raise UsageError("--track needs a tracker: tensorboard, mlflow or wandb")
        taken[name] = value
    if "--track" in taken and (not arguments or arguments[0] not in TRACKED):
        raise UsageError(f"--track goes with {', '.join(TRACKED)}; 'python -m popaug.track DIR' sends a finished run")
    directory = taken.get("--out") or TRACKED.get(arguments[0] if arguments else "", "")
    return rest, taken.get("--track"), directory


def _beside_follower(command: list[str], variables: dict[str, str], to: str, out: str) -> int:
    """Runs the program while a follower sends its run on; its exit status."""
    from popaug._search import tracked  # not at the top: few need it

    with tracked(out, {"to": to}, "--resume" in command):
        child = subprocess.Popen(command, env=variables)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the program by itself
        stop = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        try:
            status = child.wait()
        finally:
            signal.signal(signal.SIGINT, before)
            signal.signal(signal.SIGTERM, stop)
    return status if status >= 0 else 128 - status


# The flags that name recipes, by verb.
_NAMES = {"compare": ("--arms",), "choose": ("--arms",), "audit": ("--recipe",), "train": ("--augment",)}
_FILES = ("--config", "--out")


def recipes_of(arguments: list[str]) -> list[str]:
    """The recipes of other libraries that a command names, in its flags, its config file or the run that it resumes."""
    verb = arguments[0] if arguments else ""
    if verb not in _NAMES:
        return []
    taken: dict[str, str] = {}
    for word, after in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in (*_NAMES[verb], *_FILES):
            taken[name] = value if equals else after
    texts = [taken.get(name, "") for name in _NAMES[verb]]
    places = [pathlib.Path(taken["--config"])] if "--config" in taken else []
    if "--resume" in arguments:
        out = pathlib.Path(taken.get("--out", _OUT[verb]))
        places += [out / "config.toml", out / "plan.json"]
    if not any(":" in text or "-" in text for text in texts) and not places:
        return []  # baselines alone: nothing more is imported
    from popaug._recipe_arms import recipes_among, recorded

    texts += [text for place in places for text in recorded(place)]
    return recipes_among(word for text in texts for word in text.split(","))


def _run_here(recipes: list[str], arguments: list[str], own: bool) -> int:
    """Runs the program inside this process, where the recipes are registered; its exit status. own: it is the wheel's."""
    library = _HERE / "_verbs.so"
    if not library.is_file():
        raise Error(f"{library} is missing, with which recipes of other libraries run; install popaug again")
    if own:
        _installed_torch.use_here()
    elif _installed_torch.folder() is not None:
        importlib.import_module("torch")  # its libraries are then found
    from popaug import _recipe_arms  # not at the top: few need it

    _recipe_arms.in_program = True
    for name in recipes:
        _recipe_arms.register(name, name)
    verbs = ctypes.CDLL(str(library))
    words = [word.encode(errors="surrogateescape") for word in ("popaug", *arguments)]
    return int(verbs.popaug_main(len(words), (ctypes.c_char_p * (len(words) + 1))(*words, None)))


def main() -> None:
    """Becomes the program of the wheel, else the popaug of the PATH; never returns.

    With `--track tensorboard|mlflow|wandb`, a search, a training or a comparison is sent on while it runs.
    """
    try:
        _main()
    except (Error, UsageError) as error:
        print(f"popaug: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _main() -> None:
    program = _HERE / "bin" / "popaug"
    if not program.is_file():
        program = pathlib.Path(command()[0])
    variables = environment() if program.is_relative_to(_HERE) else dict(os.environ)
    arguments = sys.argv[1:]
    recipes = recipes_of(arguments)
    if any(word.split("=")[0] == "--track" for word in arguments):
        rest, to, out = take_track(arguments)
        if to is not None:
            start = [sys.executable, "-m", "popaug._program"] if recipes else [str(program)]
            sys.exit(_beside_follower([*start, *rest], variables, to, out))
    if recipes:
        sys.exit(_run_here(recipes, arguments, program.is_relative_to(_HERE)))
    if arguments[:1] == ["doctor"]:
        variables["POPAUG_DOCTOR"] = _doctor.lines()
    os.execve(program, ["popaug", *arguments], variables)


if __name__ == "__main__":
    main()
