"""The build backend of `pip install .`: what it tells the person in front of it."""

import os
import pathlib
import pty
import subprocess
import sys
import tarfile

import pytest
from packaging import metadata

import popaug

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
sys.path.insert(0, str(ROOT / "python" / "build_backend"))
popaug_build = pytest.importorskip("popaug_build")  # needs scikit-build-core


def test_progress_names_files_and_time_now_and_then() -> None:
    now = 0.0
    progress = popaug_build.Progress(lambda: now)
    assert progress.line("-- Configuring done") is None
    assert progress.line("[0/2] Re-checking globbed directories...") is None
    assert progress.line("[1/2] Re-running CMake...") is None
    assert progress.line("-- popaug: no torch was found, so") == "popaug: no torch was found, so"
    assert progress.line("[1/200] Building CXX object a.cc.o") == "popaug: 1 of 200 files compiled"
    now = 5.0
    assert progress.line("[2/200] Building CXX object b.cc.o") is None
    now = 60.0
    assert progress.line("[50/200] Building") == "popaug: 50 of 200 files compiled, about 3 min left"
    now = 61.0
    assert progress.line("[200/200] Linking") == "popaug: 200 of 200 files compiled"


SCRIPT = """
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
import popaug_build
log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)  # as pip's pipe
os.dup2(log, 1)
with popaug_build._watched():
    subprocess.run(["sh", "-c", "echo -- popaug: building without training; echo '[7/7] Linking'; echo more"])
print("after", flush=True)
"""


def test_lines_reach_the_terminal_and_the_log(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    folder = ROOT / "python" / "build_backend"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT, str(folder), str(log)])
    said = b""
    try:
        while part := os.read(terminal, 1000):
            said += part
    except OSError:  # the other end is closed
        pass
    assert os.waitpid(pid, 0)[1] == 0, said
    os.close(terminal)
    assert (
        said.replace(b"\x1b[K", b"").split()
        == b"popaug: building without training popaug: 7 of 7 files compiled".split()
    )
    assert log.read_text() == "-- popaug: building without training\n[7/7] Linking\nmore\nafter\n"


def test_without_a_terminal_nothing_is_in_the_way(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(popaug_build, "_TERMINAL", str(tmp_path / "no" / "terminal"))
    before = os.fstat(1).st_ino
    with popaug_build._watched():
        assert os.fstat(1).st_ino == before


def test_the_source_archive_is_the_tree_and_its_metadata_are_valid(tmp_path: pathlib.Path) -> None:
    """What an index would check: twine looks at the same fields."""
    script = f"import popaug_build; print(popaug_build.build_sdist({str(tmp_path)!r}))"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "python" / "build_backend")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.split("/", 1)[1] for name in tar.getnames()}
        (info,) = [tar.extractfile(member) for member in tar.getmembers() if member.name.endswith("/PKG-INFO")]
        assert info is not None
        text = info.read()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()  # fmt: skip
    assert names == {name for name in listed if (ROOT / name).is_file()} | {"PKG-INFO"}
    assert archive.stat().st_size < 8e6
    found = metadata.Metadata.from_email(text)
    assert (found.name, str(found.version)) == ("popaug", popaug.__version__)
    assert found.description_content_type == "text/markdown" and "popaug from Python" in (found.description or "")
    assert found.requires_dist is not None and [r.name for r in found.requires_dist if r.marker is None] == ["numpy"]
