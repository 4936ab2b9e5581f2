"""Every snippet of README, docs and examples: Python runs, commands run (long ones shortened by rule), data parses.

The commands of the README itself run in tests/test_readme.py, as they are written.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

import popaug

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", ROOT / "build"))
PAGES = [p for p in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md"))]
pytestmark = pytest.mark.timeout(600)

# Long work, shortened: (what to look for, what replaces it).
SHORTER = [
    (r"(popaug choose .*)--budget 30m", r"\1--trainings 4"),
    (r"(popaug search .*--preset best.*)", r"\1 --network wrn-10-1 --batch 16 --trainings 4 --epochs 2 --workers 2"),
    (r"(popaug search .*--preset pba.*)", r"\1 --network wrn-10-1 --batch 16 --population 2 --epochs 2 --epochs-per-round 1"),
    (r"(popaug train .*)", r"\1 --network wrn-10-1 --batch 16 --epochs 2"),
    (r"(popaug audit .*)", r"\1 --network wrn-10-1 --batch 16 --epochs 1 --levels 2 --seeds 2"),
    (r"(popaug choose .*)", r"\1 --network wrn-10-1 --batch 16 --epochs 2"),
    (r"(popaug compare .*)--seeds \d+", r"\1--seeds 2 --network wrn-10-1 --batch 16 --epochs 2"),
    (r"-I INCLUDE", f"-I {ROOT}"),
    (r"-I \.\./\.\.", f"-I {ROOT}"),
    (r"--data DATA", "--data photos"),
    (r"^python ", f"{sys.executable} "),
    (r"--address auto ", ""),  # a cluster of this machine alone
    (r"/shared/", "shared-"),
]  # fmt: skip


def blocks(page: pathlib.Path) -> list[tuple[str, str]]:
    """(language, text) of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def snippets(page: pathlib.Path, language: str) -> list[str]:
    return [text for name, text in blocks(page) if name == language]


def pages_with(language: str) -> list[pathlib.Path]:
    return sorted(p for p in PAGES if snippets(p, language))


def name(page: pathlib.Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_every_block_has_a_kind_that_is_tested() -> None:
    # text: what a program printed, and commands that need weights from outside (tests/test_fine_tuning.py) or Docker
    # (tests/test_container.py) or a wheel (test_wheel.py), or that the site runs (tests/test_site.py).
    kinds = {"python", "sh", "json", "toml", "text"}
    assert not [(name(p), language) for p in PAGES for language, _ in blocks(p) if language not in kinds]
    assert sorted(name(p) for p in PAGES if snippets(p, "text")) == [
        "docs/container.md", "docs/demo.md", "docs/fine-tuning.md", "docs/python.md", "docs/reports.md",
    ]  # fmt: skip
    assert sum(len(snippets(p, "python")) for p in PAGES) >= 10
    assert sum(len(snippets(p, "sh")) for p in PAGES) >= 7


# --- a folder with all that snippets name --------------------------------------------------------


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(BUILD), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {"OMP_NUM_THREADS": "1", "PATH": path}


def succeed(command: str | list[str], folder: pathlib.Path, **variables: str) -> str:
    done = subprocess.run(
        command, shell=isinstance(command, str), cwd=folder, env=environment() | variables, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("photos") / "photos"
    random = np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 4)):
        for label, low in (("cat", 0), ("dog", 128)):
            (folder / split / label).mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(low, low + 128, (40, 36, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / label / f"{i}.jpg")
    return folder


@pytest.fixture(scope="module")
def weights(photos: pathlib.Path) -> pathlib.Path:
    command = (
        "popaug train --data photos --size 32 --network wrn-10-1 --epochs 1 --batch 16 --augment none --out network"
    )
    succeed(command, photos.parent)
    return photos.parent / "network" / "best.safetensors"


@pytest.fixture
def folder(photos: pathlib.Path, weights: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """As the reader of a page has it: built program, images, a network, the example's files, two searches."""
    (tmp_path / "build").symlink_to(BUILD)
    (tmp_path / "photos").symlink_to(photos)
    (tmp_path / "best.safetensors").symlink_to(weights)
    for file in (*(ROOT / "examples" / "own_op").iterdir(), ROOT / "CMakeLists.txt"):
        (tmp_path / file.name).symlink_to(file)
    for part in ("cli", "cmake", "popaug", "python", "tests", "data", "bench", ".venv"):
        (tmp_path / part).symlink_to(ROOT / part)
    Image.new("RGB", (32, 32), (200, 10, 80)).save(tmp_path / "in.jpg")
    (tmp_path / "search.toml").write_text(
        f'[data]\ndata = "{photos}"\nsize = "32"\ntrain_size = 24\nval_size = 12\n'
        '[training]\nnetwork = "wrn-10-1"\nbatch = 16\nepochs = 1\n[search]\npopulation = 2\nepochs_per_round = 1\n'
    )
    (tmp_path / "my-search.toml").write_text('population = 2\nepochs = 3\n[trainer]\nkind = "toy"\n')
    (tmp_path / "my_training.py").write_text("from popaug import toy_round as train_round\n")
    yield tmp_path


# --- the snippets --------------------------------------------------------------------------------


def prelude(page: pathlib.Path) -> list[str]:
    """Pages on other libraries show the lines to add to a training, so the test brings the training."""
    adapter = page.parent.name == "adapters"
    if not adapter and not any(library in "".join(snippets(page, "python")) for library in ("torchvision", "timm:")):
        return []
    tests = os.fspath(pathlib.Path(__file__).parent / "adapters")
    lines = [f"import sys; sys.path.insert(0, {tests!r})", "import torchvision_operators"]
    return [*lines, "from adapter_pages import *"] if adapter else lines


@pytest.mark.parametrize("page", pages_with("python"), ids=name)
def test_python_snippets_run(page: pathlib.Path, folder: pathlib.Path) -> None:
    """All of a page's snippets, one after the other, in one process, as a reader would paste them."""
    body = "\n".join([*prelude(page), *snippets(page, "python")]).replace("\n", "\n    ")
    (folder / "snippets.py").write_text(f'if __name__ == "__main__":\n    {body}\n')
    succeed([sys.executable, "snippets.py"], folder)


def beside_torchvision(command: str, folder: pathlib.Path) -> dict[str, str]:
    """For a command that needs torchvision: what makes it importable beside a CPU build of torch."""
    if not any(library in command for library in ("torchvision:", "timm:")):
        return {}
    start = folder / "start"
    start.mkdir(exist_ok=True)
    (start / "sitecustomize.py").write_text("import torchvision_operators\n")
    tests = os.fspath(pathlib.Path(__file__).parent / "adapters")
    return {"PYTHONPATH": os.pathsep.join([str(start), tests, os.environ.get("PYTHONPATH", "")])}


def commands(page: pathlib.Path) -> list[str]:
    lines = [line for text in snippets(page, "sh") for line in text.replace("\\\n", " ").splitlines()]
    return [bare for line in lines if (bare := re.sub(r"(^|\s)#.*", "", line).strip())]


@pytest.mark.parametrize("page", [p for p in pages_with("sh") if p != ROOT / "README.md"], ids=name)
def test_commands_run(page: pathlib.Path, folder: pathlib.Path) -> None:
    for command in commands(page):
        for pattern, instead in SHORTER:
            command = re.sub(pattern, instead, command)
        succeed(command, folder, **beside_torchvision(command, folder))


def loads(text: str) -> None:
    """JSON with "…" for what is left out, perhaps several values on lines of their own."""
    text = re.sub(r",\s*…", "", text)
    text = re.sub(r"([\[{])\s*…\s*([\]}])", r"\1\2", text).replace(":…", ":null")
    assert "…" not in text.replace('"…"', "")
    decoder = json.JSONDecoder()
    while text.strip():
        _, end = decoder.raw_decode(text.strip())
        text = text.strip()[end:]


@pytest.mark.parametrize("page", pages_with("json"), ids=name)
def test_json_is_json(page: pathlib.Path) -> None:
    for text in snippets(page, "json"):
        loads(text)


def test_spaces_in_pages_are_spaces(tmp_path: pathlib.Path) -> None:
    page = ROOT / "docs" / "formats" / "space.md"
    assert pages_with("toml") == [page]
    for text in snippets(page, "toml"):
        (tmp_path / "space.toml").write_text(text)
        assert popaug.Space.load(os.fspath(tmp_path / "space.toml")).ops
    for text in snippets(page, "json"):
        assert popaug.Space.from_json(json.loads(text)).ops


# --- commands inside sentences -------------------------------------------------------------------


@pytest.fixture(scope="module")
def help_of() -> Callable[[str], str]:
    known: dict[str, str] = {}

    def ask(words: str) -> str:
        if words not in known:
            done = subprocess.run(
                [BUILD / "popaug", *words.split(), "--help-all"], capture_output=True, text=True, check=False
            )
            known[words] = done.stdout if done.returncode == 0 else ""
        return known[words]

    return ask


def test_commands_in_sentences_name_verbs_and_flags_that_exist(help_of: Callable[[str], str]) -> None:
    groups = ("data", "schedule")
    seen = 0
    for page in PAGES:
        for command in re.findall(
            r"`(?:build/)?popaug ([a-z][^`]*)`", page.read_text(encoding="utf-8").replace("\n", " ")
        ):
            words = command.split()
            verb = " ".join(words[: 2 if words[0] in groups and len(words) > 1 and words[1].isalpha() else 1])
            assert help_of(verb), f"{name(page)}: popaug {verb}"
            for flag in re.findall(r"(?<!\S)--[a-z][a-z-]*", re.sub(r'"[^"]*"', "", command)):
                assert flag in help_of(verb), f"{name(page)}: popaug {verb} {flag}"
            seen += 1
    assert seen > 20


def test_the_example_trains_on_real_images(tmp_path: pathlib.Path) -> None:
    example = ROOT / "examples" / "pytorch" / "search_fashion.py"
    lines = [line for line in example.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) < 40
    subprocess.run([sys.executable, str(example), str(tmp_path / "run"), "2", "3"], check=True, capture_output=True)
    scores = [r["score"] for r in popaug.Run.load(tmp_path / "run").results]
    assert max(scores) > 0.15  # ten classes: better than guessing after three epochs
    example = ROOT / "examples" / "pytorch" / "compare_fashion.py"
    command = [sys.executable, str(example), str(tmp_path / "comparison"), str(tmp_path / "run"), "2", "1"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = popaug.Comparison.load(tmp_path / "comparison")
    assert repr(found) in said
    assert [arm["name"] for arm in found.arms] == ["none", "mirrored", "flipcrop", "trivial", "schedule", "last"]
