"""popaug doctor: what it finds where all is there, and where something is missing or broken."""

import json
import os
import pathlib
import subprocess
import sys

import torch
from popaug_program import BUILD, done, popaug


def findings(**variables: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and (state, text) by what was looked at."""
    process = popaug("doctor", "--json", env=variables)
    told = json.loads(process.stdout)
    return process.returncode, {finding["what"]: (finding["state"], finding["text"]) for finding in told}


def test_ten_lines_where_all_is_there() -> None:
    text = done("doctor")
    lines = text.splitlines()
    assert 7 <= len(lines) <= 10
    code, found = findings()
    assert code == 0
    assert [line.split()[0] for line in lines] == list(found)
    assert {what for what, (state, _) in found.items() if state != "ok"} <= {"gpu"}
    assert found["popaug"][1].startswith(done("--version").split()[1])
    assert found["machine"][1].startswith(f"{len(os.sched_getaffinity(0))} cores, ")
    assert f"torch {torch.__version__.split('+')[0]}" in found["training"][1]
    presets = len(json.loads(done("presets", "--json")))
    assert found["shipped"][1].startswith(f"{presets} presets and ")


def test_what_is_missing_is_said_and_the_rest_works(tmp_path: pathlib.Path) -> None:
    code, found = findings(POPAUG_NO_TRAINING="training needs torch 9", PATH=str(tmp_path))
    assert code == 0
    assert found["training"] == ("missing", "training needs torch 9")
    assert "gpu" not in found
    state, text = found["png"]
    assert state == "missing" and "librsvg2-bin" in text
    assert found["ops"][0] == "ok"


def test_what_is_broken_fails(tmp_path: pathlib.Path) -> None:
    code, found = findings(POPAUG_DATA=str(tmp_path))
    assert code == 1
    assert found["shipped"][0] == "broken" and str(tmp_path) in found["shipped"][1]


def test_python_adds_its_packages() -> None:
    path = os.pathsep.join([str(BUILD), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(BUILD / "python")}
    command = [sys.executable, "-m", "popaug", "doctor"]
    text = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    lines = text.splitlines()
    assert len(lines) <= 10
    assert lines[0] == done("doctor").splitlines()[0]
    python = next(line for line in lines if line.startswith("python "))
    assert f"torch {torch.__version__}" in python and "NumPy" in python
    refused = subprocess.run(
        [sys.executable, "-m", "popaug", "doctr"], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2 and 'nearest: "doctor"' in refused.stderr
    gone = subprocess.run(command, env=environment | {"PATH": "/nowhere"}, capture_output=True, text=True, check=False)
    assert gone.returncode == 1 and "the program popaug is not on the PATH" in gone.stderr
