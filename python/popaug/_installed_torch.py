"""Which torch is installed, and whether a training library of this package fits it. Never imports torch.

A wheel has one library for each X.Y of torch that it was built for, lib/torch-X.Y/libpopaug_train.so.0: torch's C++ interface
changes from one X.Y to the next. popaug/experiment/training_library.cc opens the one that these variables name:

  POPAUG_TORCH_RELEASE  X.Y of the installed torch
  POPAUG_TORCH_LIB      the folder of its libraries
  POPAUG_NO_TRAINING    instead of both: why the training verbs cannot run, as a sentence
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
from collections.abc import MutableMapping

_HERE = pathlib.Path(__file__).resolve().parent
_VARIABLES = ("POPAUG_TORCH_RELEASE", "POPAUG_TORCH_LIB", "POPAUG_NO_TRAINING")


def is_wheel() -> bool:
    """Whether this package holds the C++ libraries itself; else they are those of a build folder."""
    return (_HERE / "lib").is_dir()


def folder() -> pathlib.Path | None:
    """The folder of the installed torch."""
    spec = importlib.util.find_spec("torch")
    return pathlib.Path(spec.origin).parent if spec is not None and spec.origin else None


def _version(torch: pathlib.Path) -> str:
    """Its release, such as 2.13.0 or 2.14.0a0, without what follows a '+'."""
    try:
        text = (torch / "version.py").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^__version__\s*=\s*['\"]([^'\"+]+)", text, re.MULTILINE)
    return found[1] if found is not None else "of an unknown release"


def _release(version: str) -> str:
    """X.Y of a version; empty for one that was never released, whose interface may be neither the last X.Y's nor the next's."""
    found = re.fullmatch(r"(\d+\.\d+)\.\d+(?:\.post\d+)?", version)
    return found[1] if found is not None else ""


def releases() -> list[str]:
    """The releases X.Y of torch with which this package trains, oldest first."""
    names = [library.parent.name for library in _HERE.glob("lib/torch-*/libpopaug_train*")]
    found = {tuple(int(part) for part in name.removeprefix("torch-").split(".")) for name in names}
    return [".".join(str(part) for part in release) for release in sorted(found)]


def problem() -> str | None:
    """Why the training verbs cannot run here, as a sentence; None if they can."""
    fit = releases()
    if not fit:
        return (
            "this popaug was installed without training: no torch was at hand when it was built "
            "(set POPAUG_TORCH to the folder of an installed torch and install popaug again)"
        )
    listed = " or ".join([part for part in (", ".join(fit[:-1]), fit[-1]) if part])
    remedy = f"pip install 'torch=={fit[-1]}.*'"
    torch = folder()
    if torch is None:
        return f"training needs torch {listed}, which is not installed: {remedy}"
    version = _version(torch)
    if _release(version) not in fit:
        return (
            f"training needs torch {listed}, for which this popaug was built; torch {version} is installed "
            f"(to change it: {remedy})"
        )
    return None


def set_variables(environment: MutableMapping[str, str]) -> None:
    """Says in an environment which library fits, or why none does; takes away what another popaug said there."""
    for name in _VARIABLES:
        environment.pop(name, None)
    why = problem()
    torch = folder()
    if why is not None or torch is None:
        environment["POPAUG_NO_TRAINING"] = str(why)
    else:
        environment["POPAUG_TORCH_RELEASE"] = _release(_version(torch))
        environment["POPAUG_TORCH_LIB"] = str(torch / "lib")


def use_here() -> None:
    """Makes the C++ libraries of this process train with the installed torch, if they are this package's own."""
    if is_wheel():
        set_variables(os.environ)
