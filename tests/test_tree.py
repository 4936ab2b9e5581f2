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


def check_names(root: pathlib.Path) -> subprocess.CompletedProcess[str]:
    tool = root / "tools" / "check-names"
    return subprocess.run([sys.executable, tool], capture_output=True, text=True, check=False)


def test_no_class_name_is_defined_twice() -> None:
    done = check_names(ROOT)
    assert done.returncode == 0, done.stdout


def test_name_check_sees_a_second_definition(tmp_path: pathlib.Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "check-names").write_text((ROOT / "tools" / "check-names").read_text())
    for room in ("search", "train"):
        (tmp_path / "popaug" / room).mkdir(parents=True)
    search = tmp_path / "popaug" / "search" / "files.h"
    search.write_text("namespace popaug {\nclass RunFiles;\nclass RunFiles final : public Base {\n  int a;\n};\n}\n")
    train = tmp_path / "popaug" / "train" / "files.cc"
    # A name in an anonymous namespace, in a function, in a comment, in a text, or nested is another name.
    train.write_text(
        "namespace popaug {\nnamespace {\nstruct RunFiles { char c = '{'; };\n}\n"
        "void f() { struct RunFiles { int b; }; }  // class RunFiles {\n"
        'const char* t = "struct RunFiles {";\nstruct Other { struct RunFiles { int c; }; };\n}\n'
    )
    assert check_names(tmp_path).returncode == 0, check_names(tmp_path).stdout
    train.write_text("namespace popaug {\nstruct RunFiles {\n  double b;\n};\n}\n")
    done = check_names(tmp_path)
    assert done.returncode == 1
    assert "popaug::RunFiles is defined 2 times: popaug/search/files.h:3, popaug/train/files.cc:2" in done.stdout


def test_no_large_file_is_committed() -> None:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    large = [n for n in names if n and (ROOT / n).is_file() and (ROOT / n).stat().st_size > 1 << 20]
    assert not large
