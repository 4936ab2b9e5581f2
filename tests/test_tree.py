"""The tree keeps its own rules: includes, and nothing large in it."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECK = ROOT / "tools" / "check-includes"


def test_includes_follow_the_table() -> None:
    done = subprocess.run([sys.executable, CHECK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_include_check_sees_a_fault(tmp_path: pathlib.Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "popaug" / "search").mkdir(parents=True)
    (tmp_path / "tools" / "check-includes").write_text(CHECK.read_text())
    (tmp_path / "popaug" / "search" / "a.cc").write_text(
        '#include <torch/torch.h>\n#include "popaug/train/train.h"\n#include "popaug/base/text.h"\n'
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "tools" / "check-includes"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "torch stays" in done.stdout
    assert "search may not include train" in done.stdout
    assert "enter by popaug/base/base.h" in done.stdout


def test_no_large_file_is_committed() -> None:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    large = [n for n in names if n and (ROOT / n).is_file() and (ROOT / n).stat().st_size > 1 << 20]
    assert not large
