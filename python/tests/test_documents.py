"""Every Python snippet of README and docs runs; the example trains; commands name verbs and flags that exist."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", ROOT / "build"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OURS = [ROOT / "docs" / name for name in ("python.md", "ray.md", "ray-tune.md")]


def snippets(page: pathlib.Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.is_file() and snippets(p, "python")], ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_python_snippets_run(page: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """All of a page's snippets, one after the other, in one process, as a reader would paste them."""
    script = tmp_path / "snippets.py"
    body = "\n".join(snippets(page, "python")).replace("\n", "\n    ")
    script.write_text(f'if __name__ == "__main__":\n    {body}\n')
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_a_broken_snippet_would_be_seen() -> None:
    assert sum(len(snippets(page, "python")) for page in OURS) >= 9


@pytest.mark.timeout(300)
def test_the_example_trains_on_real_images(tmp_path: pathlib.Path) -> None:
    example = ROOT / "examples" / "pytorch" / "search_fashion.py"
    lines = [line for line in example.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) < 40
    subprocess.run([sys.executable, str(example), str(tmp_path / "run"), "2", "3"], check=True, capture_output=True)
    scores = [r["score"] for r in __import__("popaug").Run.load(tmp_path / "run").results]
    assert max(scores) > 0.15  # ten classes: better than guessing after three epochs
