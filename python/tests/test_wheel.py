"""pip install . into a fresh environment that has only NumPy: the engine, the program, and no torch."""

import os
import pathlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest

import popaug
from popaug import _program

BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", pathlib.Path(__file__).parents[2] / "build"))
ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
pytestmark = pytest.mark.timeout(1500)
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]


def run(*command: object) -> "subprocess.CompletedProcess[str]":
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "POPAUG_BUILD", "LD_LIBRARY_PATH")}
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, env=clean)


def succeed(*command: object) -> str:
    done = run(*command)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """(python of the fresh environment, the wheel). The build shares the compiler's cache with the ordinary one; with
    POPAUG_LONG=1 pip builds in isolation, as a user's does."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["-C", "cmake.define.POPAUG_TRAIN=OFF", "-C", f"build-dir={ROOT / 'build-wheel'}", "--no-deps"]
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)
    if compiler is not None:  # under another name the cache would not know it
        options += ["-C", f"cmake.define.CMAKE_CXX_COMPILER={compiler[1]}"]
    if os.environ.get("POPAUG_LONG") != "1":
        options.append("--no-build-isolation")
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    succeed("env", f"PATH={path}", sys.executable, *PIP, "wheel", ROOT, *options, "-w", folder)
    (wheel,) = folder.glob("popaug-*.whl")
    succeed(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    succeed(python, *PIP, "install", wheel)
    yield python, wheel


def test_only_numpy_came_along(installed: tuple[pathlib.Path, pathlib.Path]) -> None:
    python, wheel = installed
    names = {line.split("==")[0] for line in succeed(python, *PIP, "freeze").split()}
    assert {n for n in names if n in ("numpy", "torch", "ray")} == {"numpy"}
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
        metadata = archive.read(next(n for n in held if n.endswith("METADATA"))).decode()
    assert not [n for n in held if "torch" in pathlib.Path(n).name and not n.endswith(".py")]
    assert "popaug/py.typed" in held
    assert "popaug/_core.pyi" in held
    assert "Requires-Dist: numpy" in metadata
    assert "Requires-Dist: torch" not in metadata


SCRIPT = """
import sys, numpy as np, popaug
assert popaug.__file__.startswith(sys.prefix)
x = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
y = popaug.Schedule.load("rcifar10-paper")(x, 100, 1)
run = popaug.search(popaug.toy_round, "pba", 2, epochs=3, out=sys.argv[1], show=False)
assert run.finished
assert "torch" not in sys.modules
try:
    import popaug.ray
    popaug.ray.search(popaug.toy_round)
except popaug.UsageError as error:
    assert "pip install" in str(error)
else:
    raise SystemExit("Ray is not there, and nobody said so")
sys.stdout.buffer.write(y.tobytes())
"""


def test_the_engine_gives_the_same_bytes(installed: tuple[pathlib.Path, pathlib.Path], tmp_path: pathlib.Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    want = popaug.Schedule.load("rcifar10-paper")(x, 100, 1)
    done = subprocess.run(
        [str(installed[0]), "-I", "-c", SCRIPT, str(tmp_path / "run")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == want.tobytes()


def test_the_program_runs_and_says_that_it_cannot_train(installed: tuple[pathlib.Path, pathlib.Path]) -> None:
    program = installed[0].parent / "popaug"
    assert succeed(program, "--version").split() == ["popaug", popaug.__version__]
    assert "rcifar10-paper" in succeed(program, "schedule", "show", "rcifar10-paper")
    data = pathlib.Path("/usr/share/datasets/fashion-mnist")
    done = run(
        program, "train", "--data", data, "--augment", "none", "--epochs", "1", "--out", installed[0].parent / "r"
    )
    assert done.returncode == 1
    assert "installed without training" in done.stderr
    assert done.stderr.count("\n") == 1


def test_which_torch_fits_is_said(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_program, "_HERE", tmp_path)
    (tmp_path / "lib").mkdir()
    stamp = tmp_path / "lib" / "torch-version.txt"
    stamp.write_text("2.13.0\n")
    assert _program.torch_problem() is None
    folder = _program.torch_folder()
    assert folder is not None
    assert str(folder / "lib") in _program.environment()["LD_LIBRARY_PATH"]
    stamp.write_text("2.12.1\n")
    problem = _program.torch_problem()
    assert problem is not None
    assert "needs torch 2.12.1" in problem
    assert _program.environment()["POPAUG_NO_TRAINING"] == problem
    monkeypatch.setattr(_program, "torch_folder", lambda: None)
    assert "pip install torch==2.12.1" in str(_program.torch_problem())
