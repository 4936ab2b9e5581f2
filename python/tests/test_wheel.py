"""tools/wheel, installed into fresh environments: with NumPy alone, with the torch it was built for, with another torch."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

import popaug
from popaug import _installed_torch, _program

BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", pathlib.Path(__file__).parents[2] / "build"))
ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
LONG = os.environ.get("POPAUG_LONG") == "1"
pytestmark = pytest.mark.timeout(3000)
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
TORCH = torch.__version__.split("+")[0]
RELEASE = ".".join(TORCH.split(".")[:2])  # the wheel of these tests trains with it alone


def run(*command: object) -> "subprocess.CompletedProcess[str]":
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "POPAUG_BUILD", "LD_LIBRARY_PATH")}
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, env=clean)


def succeed(*command: object) -> str:
    done = run(*command)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def build(folder: pathlib.Path, *options: str) -> pathlib.Path:
    """The wheel. The build shares the compiler's cache with the ordinary one; with POPAUG_LONG=1 pip builds in isolation, as a
    user's does."""
    words = list(options)
    if not LONG:
        words.append("--no-build-isolation")
    succeed(ROOT / "tools" / "wheel", folder, *words)
    (wheel,) = folder.glob("popaug-*.whl")
    return wheel


def environment(folder: pathlib.Path, wheel: pathlib.Path) -> pathlib.Path:
    """The Python of a fresh environment that holds the wheel and what it asks for."""
    succeed(sys.executable, "-m", "venv", folder)
    succeed(folder / "bin" / "python", *PIP, "install", wheel)
    return folder / "bin" / "python"


def lend(python: pathlib.Path, *folders: pathlib.Path) -> None:
    """Puts folders on the environment's path, before and instead of a download."""
    (site,) = python.parent.parent.glob("lib/python3*/site-packages")
    (site / "lent.pth").write_text("".join(f"{folder}\n" for folder in folders))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def python(wheel: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    return environment(tmp_path / "venv", wheel)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for label, low in (("dark", 0), ("light", 128)):
        for split, count in (("train", 24), ("test", 6)):
            (folder / split / label).mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(low, low + 128, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / label / f"{i}.png")
    return folder


def sentences(failed: "subprocess.CompletedProcess[str]") -> list[str]:
    """What it said, progress aside."""
    assert failed.returncode == 1
    return [line for line in failed.stderr.splitlines() if not line.startswith("train ")]


def training(python: pathlib.Path, photos: pathlib.Path, out: pathlib.Path) -> "subprocess.CompletedProcess[str]":
    return run(python.parent / "popaug", "train", "--data", photos, "--augment", "flipcrop", "--network", "wrn-10-1",
               "--epochs", 2, "--batch", 16, "--out", out)  # fmt: skip


def test_what_the_wheel_holds(wheel: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {pathlib.Path(n).name for n in archive.namelist()} | set(archive.namelist())
        metadata = archive.read(next(n for n in held if n.endswith(".dist-info/METADATA"))).decode()
        archive.extractall(tmp_path)
    assert {"popaug/py.typed", "popaug/_core.pyi", "popaug/bin/popaug"} <= held
    assert [path.name for path in (tmp_path / "popaug" / "lib").glob("torch-*")] == [f"torch-{RELEASE}"]
    assert wheel.stat().st_size < 30e6
    assert not [n for n in held if re.match(r"lib(torch|c10|cud)", n)]
    assert [n for n in held if n.startswith("libjpeg")]  # auditwheel put the system's libraries in
    assert re.search(r"manylinux_2_\d+_x86_64\.whl$", wheel.name)
    assert "Requires-Dist: numpy" in metadata
    assert "Requires-Dist: torch" not in metadata
    (library,) = (tmp_path / "popaug" / "lib").glob("torch-*/libpopaug_train*")
    linked = succeed("readelf", "-d", library)
    assert "libtorch_cpu.so" in linked and "libtorch.so" in linked
    assert "libtorch_cuda" not in linked  # one library for the CPU and the CUDA build
    path = re.search(r"R(?:UN)?PATH.*\[(.*)\]", linked)
    assert path is not None
    assert all(part.startswith("$ORIGIN") for part in path[1].split(":"))  # no folder of the building machine


SCRIPT = """
import sys, numpy as np, popaug
assert popaug.__file__.startswith(sys.prefix)
x = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
y = popaug.Schedule.load("rcifar10-paper")(x, 100, 1, samples=0)
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


def test_with_numpy_alone(python: pathlib.Path, photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    names = {line.split("==")[0] for line in succeed(python, *PIP, "freeze").split()}
    assert {n for n in names if n in ("numpy", "torch", "ray")} == {"numpy"}
    x = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    want = popaug.Schedule.load("rcifar10-paper")(x, 100, 1, samples=0)
    done = subprocess.run([str(python), "-I", "-c", SCRIPT, str(tmp_path / "run")], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == want.tobytes()

    program = python.parent / "popaug"
    assert succeed(program, "--version").split()[:2] == ["popaug", popaug.__version__]
    assert "rcifar10-paper" in succeed(program, "schedule", "show", "rcifar10-paper")
    failed = training(python, photos, tmp_path / "network")
    assert sentences(failed) == [
        f"popaug: training needs torch {RELEASE}, which is not installed: pip install 'torch=={RELEASE}.*'"
    ]


def test_it_trains_with_the_users_torch(python: pathlib.Path, photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    lend(python, pathlib.Path(torch.__file__).parents[1])
    done = training(python, photos, tmp_path / "network")
    assert done.returncode == 0, done.stderr
    here = tmp_path / "here"
    command = [
        "train",
        "--data",
        photos,
        "--augment",
        "flipcrop",
        "--network",
        "wrn-10-1",
        "--epochs",
        2,
        "--batch",
        16,
    ]
    succeed(BUILD / "popaug", *command, "--out", here)
    name = "best.safetensors"
    assert (tmp_path / "network" / name).read_bytes() == (here / name).read_bytes()
    assert "images" in succeed(python.parent / "popaug", "eval", tmp_path / "network", "--data", photos, "--json")
    loads = f"import popaug.models; print(popaug.models.load({str(here / name)!r})[1].network)"
    assert succeed(python, "-I", "-c", loads).strip() == "wrn-10-1"


def stand_in(folder: pathlib.Path, version: str) -> pathlib.Path:
    """A torch that has a version and a libtorch with nothing in it; the folder to put on a path."""
    (folder / "torch" / "lib").mkdir(parents=True)
    (folder / "torch" / "__init__.py").touch()
    (folder / "torch" / "version.py").write_text(f"__version__ = '{version}'\n")
    compile_library(folder / "torch" / "lib" / "libtorch.so", "int nothing;")
    return folder


def compile_library(file: pathlib.Path, source: str) -> None:
    file.parent.mkdir(exist_ok=True)
    text = file.with_suffix(".c")
    text.write_text(source)
    succeed("cc", "-shared", "-fPIC", "-o", file, text)


def test_another_torch_is_refused(python: pathlib.Path, photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    lend(python, stand_in(tmp_path / "other", "9.12.1+cpu"))
    failed = training(python, photos, tmp_path / "network")
    want = (
        f"training needs torch {RELEASE}, for which this popaug was built; torch 9.12.1 is installed "
        f"(to change it: pip install 'torch=={RELEASE}.*')"
    )
    assert sentences(failed) == [f"popaug: {want}"]
    assert want in succeed(python.parent / "popaug", "doctor")


def test_the_library_of_the_installed_release_is_opened(
    python: pathlib.Path, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """A stand-in of a library, for a release of torch that is a stand-in too: the program says whose it is."""
    (libraries,) = tmp_path.glob("venv/lib/python3*/site-packages/popaug/lib")
    library = libraries / "torch-9.12" / "libpopaug_train.so.0"
    compile_library(library, "static int version = 999; const void* popaug_training_api(void) { return &version; }")
    lend(python, stand_in(tmp_path / "other", "9.12.1+cpu"))
    refused = f"{library} is of another popaug (its interface is version 999"
    (sentence,) = sentences(training(python, photos, tmp_path / "network"))
    assert refused in sentence
    # In the same process too, whatever another popaug left in the environment.
    script = (
        "import os, popaug; os.environ['POPAUG_NO_TRAINING'] = 'no'; "
        f"popaug.train(data={str(photos)!r}, augment='flipcrop', epochs=1)"
    )
    done = run(python, "-I", "-c", script)
    assert refused in done.stderr, done.stderr

    (tmp_path / "other" / "torch" / "lib" / "libtorch.so").write_text("not a library")
    (sentence,) = sentences(training(python, photos, tmp_path / "network"))
    assert "the installed torch cannot be opened" in sentence


def test_built_without_a_torch(wheel: pathlib.Path, photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """With POPAUG_LONG=1 from a build that finds none; else from the wheel without what such a build leaves out."""
    if LONG:
        wheel = build(tmp_path, "-C", f"build-dir={ROOT / 'build-small'}", "-C", "cmake.define.POPAUG_TORCH=/nowhere")
    python = environment(tmp_path / "venv", wheel)
    (library,) = tmp_path.glob("venv/lib/python3*/site-packages/popaug/lib")
    for folder in () if LONG else library.glob("torch-*"):
        shutil.rmtree(folder)
    assert not list(library.rglob("libpopaug_train*"))
    lend(python, pathlib.Path(torch.__file__).parents[1])
    failed = training(python, photos, tmp_path / "network")
    (sentence,) = sentences(failed)
    assert "installed without training: no torch was at hand" in sentence


def test_a_configuration_without_torch_says_so_and_takes_the_compiler_of_make(tmp_path: pathlib.Path) -> None:
    """ccache tells compilers apart by name, and scikit-build-core takes the name that Python was built with."""
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)
    assert found is not None
    other = tmp_path / "another-name"
    other.symlink_to(found[1])
    command = ["cmake", "-S", str(ROOT), "-B", str(tmp_path / "build"), "-DSKBUILD=2", "-DPOPAUG_TORCH=/nowhere"]
    command += [f"-DPython_EXECUTABLE={sys.executable}"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"CXX": str(other)}, check=False)
    assert done.returncode == 0, done.stderr
    assert "-- popaug: no torch was found, so this build leaves out training" in done.stdout
    cache = (tmp_path / "build" / "CMakeCache.txt").read_text()
    assert re.search(r"^POPAUG_TRAIN:BOOL=(OFF|FALSE|0)$", cache, re.MULTILINE)
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
    assert compiler is not None
    if pathlib.Path(shutil.which("c++") or "/nowhere").resolve() == pathlib.Path(found[1]).resolve():
        assert pathlib.Path(compiler[1]).name == "c++"


def test_which_torch_fits_is_said(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_installed_torch, "_HERE", tmp_path / "popaug")
    for release in ("2.11", "2.9", "2.14"):
        (tmp_path / "popaug" / "lib" / f"torch-{release}").mkdir(parents=True)
        (tmp_path / "popaug" / "lib" / f"torch-{release}" / "libpopaug_train.so.0").touch()
    assert _installed_torch.releases() == ["2.9", "2.11", "2.14"]

    torch_folder = tmp_path / "site" / "torch"
    torch_folder.mkdir(parents=True)
    monkeypatch.setattr(_installed_torch, "folder", lambda: torch_folder)
    wanted = "training needs torch 2.9, 2.11 or 2.14, for which this popaug was built"
    remedy = "(to change it: pip install 'torch==2.14.*')"
    for version, release in (("2.14.1", "2.14"), ("2.9.0+cu130", "2.9"), ("2.11.0.post1", "2.11")):
        (torch_folder / "version.py").write_text(f"from typing import Optional\n__version__ = '{version}'\n")
        environment = {"POPAUG_NO_TRAINING": "what another popaug said", "HOME": "kept"}
        _installed_torch.set_variables(environment)
        lib = str(torch_folder / "lib")
        assert environment == {"HOME": "kept", "POPAUG_TORCH_RELEASE": release, "POPAUG_TORCH_LIB": lib}
    for version in ("2.1.0", "2.12.1", "2.15.0", "2.14.0a0", "2.14.0.dev20261101", "2.14.0rc2"):
        (torch_folder / "version.py").write_text(f"__version__ = '{version}+cpu'\n")
        assert _installed_torch.problem() == f"{wanted}; torch {version} is installed {remedy}"
    (torch_folder / "version.py").unlink()
    assert _installed_torch.problem() == f"{wanted}; torch of an unknown release is installed {remedy}"
    monkeypatch.setattr(_installed_torch, "folder", lambda: None)
    environment = {}
    _installed_torch.set_variables(environment)
    assert list(environment) == ["POPAUG_NO_TRAINING"]
    assert environment["POPAUG_NO_TRAINING"].startswith(
        "training needs torch 2.9, 2.11 or 2.14, which is not installed"
    )


def test_the_package_of_a_build_folder_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POPAUG_NO_TRAINING", "stays")
    _installed_torch.use_here()
    assert os.environ["POPAUG_NO_TRAINING"] == "stays" and "POPAUG_TORCH_LIB" not in os.environ
    folder = _installed_torch.folder()
    assert folder is not None and _installed_torch._version(folder) == TORCH


def test_how_the_program_is_started(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_program, "_HERE", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "popaug").touch()
    assert _program.command() == [sys.executable, "-m", "popaug._program"]
    monkeypatch.setattr(_program, "_HERE", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(BUILD))
    assert _program.command() == [str(BUILD / "popaug")]
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(popaug.Error, match="not on the PATH"):
        _program.command()
