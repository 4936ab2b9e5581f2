"""The documents hold together: links and anchors exist, code cites pages that exist, the include table is the enforced one."""

import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import types

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).resolve().parent.parent))
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
CITATION = re.compile(r"(?<![\w/.-])((?:docs/[\w./-]+|README|CONTRIBUTING|CHANGELOG)\.md)(?:#([\w-]+))?")


def tracked(*patterns: str) -> list[pathlib.Path]:
    """Files that git knows or would know; results of measurements and test inputs speak for themselves."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = sorted(set(done.stdout.split("\0")) - {""})
    kept = (n for n in names if not n.startswith(("bench/results/", "tests/corpus/", "tests/golden/")))
    return [ROOT / n for n in kept if (ROOT / n).is_file()]


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(page: pathlib.Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        name = base = slug(heading)
        count = 0
        while name in found:
            count += 1
            name = f"{base}-{count}"
        found.add(name)
    return found


def broken_links(page: pathlib.Path) -> list[str]:
    faults = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        name = page.relative_to(ROOT) if page.is_relative_to(ROOT) else page.name
        if not file.exists():
            faults.append(f"{name}: {target}: there is no such file")
        elif anchor and (file.is_dir() or anchor not in anchors(file)):
            faults.append(f"{name}: {target}: that page has no such heading")
    return faults


def test_links_of_pages_lead_somewhere() -> None:
    pages = tracked("*.md")
    assert len(pages) > 30
    assert [fault for page in pages for fault in broken_links(page)] == []


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target.partition("#")[0]).resolve() for target in LINK.findall(index.read_text("utf-8"))}
    assert [p.name for p in tracked("docs/*.md") if p != index and p.resolve() not in listed] == []


def test_a_broken_link_is_seen(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.md").write_text("# One thing\n[a](b.md) [b](#one-thing) [c](#two) [d](a.md#one-thing)\n")
    assert [fault.split(": ")[1] for fault in broken_links(tmp_path / "a.md")] == ["b.md", "#two"]


def test_code_cites_pages_and_headings_that_exist() -> None:
    faults, seen = [], 0
    for file in tracked():
        if file.suffix == ".md" or file.name == pathlib.Path(__file__).name:
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for page, anchor in CITATION.findall(text):
            seen += 1
            if not (ROOT / page).is_file():
                faults.append(f"{file.relative_to(ROOT)}: {page}: there is no such page")
            elif anchor and anchor not in anchors(ROOT / page):
                faults.append(f"{file.relative_to(ROOT)}: {page}#{anchor}: that page has no such heading")
    assert faults == []
    assert seen > 60


def tool(name: str) -> types.ModuleType:
    """A script of tools/ as a module."""
    path = next(p for p in (ROOT / "tools").glob(f"{name}*"))
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), os.fspath(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_include_table_of_the_architecture_is_the_enforced_one() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("| room | what it knows | may include |\n", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    written = {room: set() if may == "nothing" else set(may.split(", ")) for room, _, may in rows}
    assert written == tool("check-includes").MAY_INCLUDE
    assert set(written) == {p.name for p in (ROOT / "popaug").iterdir() if any(p.glob("*.h"))}


def test_documents_wrap_and_use_plain_words() -> None:
    checker = tool("check-prose")
    names = checker.tracked()
    assert {"README.md", "popaug/base/error.h", "cli/main.cc", "python/popaug/__init__.py", "tools/demo"} <= set(names)
    faults = [f for name in names for f in checker.faults_of((ROOT / name).read_text("utf-8"), name)]
    assert faults == []


def test_the_prose_check_sees_what_it_is_for() -> None:
    checker = tool("check-prose")
    long = "word " * 30
    text = f"{long}\n\n| {long} |\n\n```text\n{long}\n```\n\n[{'x' * 120}](y)\n\nWhat was cut short goes\non later.\n"
    assert checker.faults_of(text, "a.md") == [
        'a.md:11: "goes on"; write: continues',
        "a.md:1: 150 columns; wrap at 100",
    ]
    assert checker.faults_of("// a file that is no\n// JSON\n// there is no JSON\n", "a.cc") == [
        'a.cc:1: "is no JSON"; write: is not a ...'
    ]
