"""The files of docker/, read without Docker: what they copy is there, what they call exists, and set-up needs no more."""

from __future__ import annotations

import fnmatch
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tomllib

import pytest

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).resolve().parent.parent))
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
Step = tuple[str, str]


def steps_of(file: pathlib.Path) -> list[Step]:
    """(instruction, its words), lines that are continued joined, comments left out."""
    text = re.sub(r"^#.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def commands_of(rest: str) -> list[list[str]]:
    """The commands of a RUN, without its options."""
    words = re.sub(r"^(--\S+\s+)+", "", rest)
    return [shlex.split(command) for command in words.split("&&")]


def copied(rest: str) -> tuple[list[str], str]:
    *sources, target = [word for word in rest.split() if not word.startswith("--")]
    return sources, target


def ignored(file: pathlib.Path) -> list[str]:
    lines = file.with_name(file.name + ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line.strip().removeprefix("/") for line in lines if line.strip() and not line.startswith("#")]


def is_ignored(path: str, patterns: list[str]) -> bool:
    parts = path.split("/")
    starts = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    return any(
        fnmatch.fnmatchcase(start, pattern) or (pattern.startswith("**/") and start.endswith(pattern[2:]))
        for start in starts
        for pattern in patterns
    )


def checkout() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_there_is_one_for_the_program_and_one_for_development() -> None:
    assert [file.name for file in FILES] == ["development.Dockerfile", "program.Dockerfile"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_is_copied_is_in_the_checkout_and_what_is_called_exists(file: pathlib.Path) -> None:
    names, patterns = checkout(), ignored(file)
    sent = [name for name in names if not is_ignored(name, patterns)]
    stages: list[str] = []
    for word, rest in steps_of(file):
        if word == "FROM":
            base, _, stage = rest.split()
            assert base == "debian:12-slim" or base in stages, rest
            stages.append(stage)
        for stage in re.findall(r"from=(\w+)", rest):
            assert stage in stages, rest
        if word == "COPY":
            for source in copied(rest)[0]:
                assert source == "." or any(name == source or name.startswith(source + "/") for name in sent), source
        if word == "RUN":
            for command in commands_of(rest):
                if command[0].startswith("tools/"):
                    assert os.access(ROOT / command[0], os.X_OK), command
                    assert command[0] in sent
                else:
                    assert command[0] in {"apt-get", "rm", "grep", "make", "python3"} or command[0].endswith(
                        "/bin/pip"
                    ), command
    # What is compiled and tested travels; what was built outside does not.
    for needed in (
        "CMakeLists.txt",
        "pyproject.toml",
        "python/popaug/__init__.py",
        "cli/main.cc",
        "data/presets/best.toml",
    ):
        assert needed in sent, needed
    assert not any(is_ignored(name, patterns) for name in names if name.startswith(("popaug/", "cmake/", "tools/")))
    for made in ("build/popaug", ".venv/bin/python", "build-tidy/x", "python/popaug/__pycache__/x.pyc"):
        assert is_ignored(made, patterns), made


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_set_up_runs_with_the_copied_files_alone(file: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """In a fresh folder that has what is copied before it, with stand-ins for Debian's and Python's installers."""
    tree, bin_ = tmp_path / "popaug", tmp_path / "bin"
    tree.mkdir()
    bin_.mkdir()
    log = tmp_path / "log"
    pip = f'#!/bin/sh\necho pip "$@" >>{log}\n'
    stand_ins = {
        "dpkg-query": "#!/bin/sh\nexit 1\n",  # nothing is installed
        "apt-get": f'#!/bin/sh\necho apt-get "$@" >>{log}\n',
        "id": "#!/bin/sh\necho 0\n",
        "python3": f"""#!/bin/sh
case "$1" in --version) echo Python 3.11.2 ;; -c) exit 0 ;; -m)
  mkdir -p .venv/bin
  for name in python pip; do printf '%s' '{pip}' >.venv/bin/$name; chmod +x .venv/bin/$name; done ;; esac
""",
    }
    for name, text in stand_ins.items():
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    for word, rest in steps_of(file):
        if word == "COPY" and copied(rest)[0] != ["."]:
            (source,), target = copied(rest)
            place = tree / target
            place.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, place)
        if word == "RUN" and "tools/setup" in rest:
            command = re.sub(r"^(--\S+\s+)+", "", rest).replace("/tmp/", f"{tmp_path}/")
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command], cwd=tree, capture_output=True, text=True, check=False,
                env={"PATH": f"{bin_}:/usr/bin:/bin", "TMPDIR": str(tmp_path)},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            break
    else:
        pytest.fail("no step runs tools/setup")
    said = log.read_text()
    assert "apt-get -o DPkg::Lock::Timeout=300 install" in said and "libhwy-dev" in said
    assert "-r tools/requirements/pip-build.txt" in said and "-r tools/requirements/pip-torch.txt" in said
    assert ("clang-16" in said) == (file.name == "development.Dockerfile")


def test_the_program_is_the_wheels() -> None:
    (file,) = [file for file in FILES if file.name.startswith("program")]
    steps = steps_of(file)
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert ("ENTRYPOINT", '["popaug"]') in steps and "popaug" in scripts
    wheels = [rest for word, rest in steps if word == "RUN" and "tools/wheel" in rest]
    assert [commands_of(rest)[0] for rest in wheels] == [["tools/wheel", "/wheels"]]
    assert any("/wheels/popaug-*.whl" in rest for word, rest in steps if word == "RUN")
    assert [rest for word, rest in steps if word == "USER"] == ["1000:1000"]  # not root
    last = [i for i, (word, _) in enumerate(steps) if word == "FROM"][-1]
    installed = " ".join(rest for word, rest in steps[last:] if word == "RUN")
    assert not re.search(r"g\+\+|cmake|-dev\b", installed)  # no compiler in the image


def test_the_page_has_the_commands_of_the_files() -> None:
    page = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
    for file in FILES:
        (command,) = re.findall(r"^#   (docker build .*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert command in page
    for argument in re.findall(r"--build-arg (\w+)=", page):
        known = [rest.partition("=")[0] for word, rest in steps_of(FILES[1]) if word == "ARG"]
        assert argument in known, argument
