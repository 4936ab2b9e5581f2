"""The demo in miniature: the same script, with less of everything."""

import json
import os
import pathlib
import re
import subprocess

from popaug_program import PROGRAM, ROOT

SHORT = {
    "DEMO_SEARCH": "--train-size 100 --val-size 100 --epochs 3 --trainings 4",
    "DEMO_TRAIN": "--epochs 2 --seeds 2",
}


def demo(out: pathlib.Path) -> str:
    process = subprocess.run(
        [str(ROOT / "tools" / "demo"), str(out)],
        env={**os.environ, "POPAUG": str(PROGRAM), **SHORT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_demo_in_miniature(tmp_path: pathlib.Path) -> None:
    out = tmp_path / "demo"
    said = demo(out)
    comparison = json.loads((out / "compare.json").read_text())
    assert comparison["verdict"] in said
    assert "--preset best" in said  # the preset that the README recommends
    assert [arm["name"] for arm in comparison["arms"]] == ["schedule", "flipcrop", "trivial"]
    assert len({arm["images"] for arm in comparison["arms"]}) == 1  # equal numbers of images
    assert f"xdg-open {out}/report.html" in said

    page = (out / "report.html").read_text(encoding="utf-8")
    parts = re.findall(r'<section id="([a-z-]+)"', page)
    assert parts[0] == "answer"
    assert {"schedule", "images", "cost"} <= set(parts)
    answer = page.split('<section id="answer"')[1].split("</section>")[0]
    assert 'id="arms"' in answer  # the errors of the arms with their intervals
    for arm in comparison["arms"]:
        low, high = arm["interval"]
        assert f"{low:.2f} to {high:.2f}" in answer

    # A second run keeps what is finished, and a lost comparison is made again from its own folder.
    made = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file() and path.name != "report.html"}
    again = demo(out)
    assert again.count("done before") == 2
    assert {path: path.stat().st_mtime_ns for path in made} == made
    (out / "compare.json").unlink()
    third = demo(out)
    assert third.count("done before") == 1
    assert json.loads((out / "compare.json").read_text())["arms"] == comparison["arms"]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_only_the_readme_says_how_long_the_demo_takes() -> None:
    assert len(re.findall(r"The demo takes about \d+ minutes on", page("README.md"))) == 1
    for name in ("Makefile", "tools/demo", "tools/demo-summary", ".ci/run"):
        assert not re.search(r"\bminutes?\b", page(name)), name
    for path in (ROOT / "docs").rglob("*.md"):
        for sentence in re.split(r"(?<=[.:;|])\s", path.read_text(encoding="utf-8")):
            named = re.search(r"\bdemo\b", sentence) or path.name == "demo.md"
            assert not (named and re.search(r"\d\s+minutes?\b", sentence)), f"{path.name}: {sentence}"


def test_the_time_of_the_demo_is_that_of_its_transcript() -> None:
    transcript = page("docs/demo.md").split("```text\n")[1]
    for variable in ("DEMO_SEARCH", "DEMO_TRAIN"):  # of the demo as it is, not of a shortened one
        flags = re.search(rf"\{{{variable}:-(.*?)\}}", page("tools/demo"))
        assert flags and flags[1] in transcript
    time = re.search(r"^Time +(\d+):(\d\d)$", transcript, re.MULTILINE)
    assert time
    seconds = 60 * int(time[1]) + int(time[2])
    assert seconds <= 8 * 60
    assert f"The demo takes about {-(-seconds // 60)} minutes on" in page("README.md")
