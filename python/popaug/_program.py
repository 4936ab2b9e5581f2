"""The command popaug of the wheel: the C++ program inside it, against the user's own torch if there is one."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import sys

from popaug._core import UsageError

_HERE = pathlib.Path(__file__).resolve().parent


def torch_folder() -> pathlib.Path | None:
    """The folder of the installed torch, without importing it."""
    spec = importlib.util.find_spec("torch")
    return pathlib.Path(spec.origin).parent if spec is not None and spec.origin else None


def torch_problem() -> str | None:
    """Why the training verbs cannot run here, as a sentence; None if they can."""
    stamp = _HERE / "lib" / "torch-version.txt"
    if not stamp.is_file():
        return (
            "this popaug was installed without training: no torch was at hand when it was built "
            "(set POPAUG_TORCH to the folder of an installed torch and install popaug again)"
        )
    wanted = stamp.read_text().strip()
    if torch_folder() is None:
        return f"training needs torch {wanted}, which is not installed: pip install torch=={wanted}"
    found = importlib.metadata.version("torch").split("+")[0]
    if found != wanted:
        return f"training needs torch {wanted}, for which this popaug was built; torch {found} is installed"
    return None


def environment() -> dict[str, str]:
    """What the program needs in its environment to find torch, or to say why it cannot train."""
    found = dict(os.environ)
    problem = torch_problem()
    if problem is not None:
        found["POPAUG_NO_TRAINING"] = problem
        return found
    folder = torch_folder()
    libraries = [str(folder / "lib")] if folder is not None else []
    if found.get("LD_LIBRARY_PATH"):
        libraries.append(found["LD_LIBRARY_PATH"])
    found["LD_LIBRARY_PATH"] = ":".join(libraries)
    return found


def command() -> list[str]:
    """How to start the program: the wheel's own, else the popaug of the PATH. Raises UsageError where there is none."""
    if (_HERE / "bin" / "popaug").is_file():
        return [sys.executable, "-m", "popaug._program"]
    found = shutil.which("popaug")
    if found is None:
        raise UsageError("the program popaug is not on the PATH")
    return [found]


def main() -> None:
    """Becomes the program; never returns."""
    program = _HERE / "bin" / "popaug"
    if not program.is_file():
        sys.exit(f"popaug: {program} is missing: install popaug again")
    os.execve(program, ["popaug", *sys.argv[1:]], environment())


if __name__ == "__main__":
    main()
