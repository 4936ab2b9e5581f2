"""Documents and comments name only what exists: files of the repository, flags of the program, fields of formats,
functions, tests."""

import ast
import functools
import json
import pathlib
import re
import subprocess
from collections.abc import Iterable, Iterator

import pytest
from popaug_program import ROOT, done

# Words of a path that stand for any name: x_test.cc, tests/corpus/x, popaug/ROOM/ROOM.h, pbt_policy_N.txt.
PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9])(?:x(?=[._]|$)|[A-Z]{1,}(?=[^a-z]|$))")
TOP = r"(?:popaug|cli|python|tests|bench|docs|tools|cmake|examples|data/(?:schedules|policies|python|presets|export_templates))"
PATH = re.compile(rf"(?<![\w./<>{{$-]){TOP}/[\w.*/{{}},-]*[\w*}}]")
SOURCE_NAME = re.compile(r"(?<![\w./*<>{}$-])(?:[\w-]+/)*[\w*-]+\.(?:cc|h|cmake)\b(?!\.)")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Files, flags and fields that documents and comments name although they belong to another project or stand for any.
THEIR_FILES = {"jpeglib.h"}
ANY_FLAG = {"--key"}
# Of timm's training script, which docs/adapters/timm.md names.
ANY_FLAG |= {
    *("--aa", "--aug-splits", "--color-jitter", "--no-prefetcher", "--use-multi-epochs-loader", "--worker-seeding"),
    "--train-interpolation",
}
THEIR_FIELDS = {
    "x_train",
    "y_train",
    "x_test",
    "seg_train",
    "training_set",
}  # names in archives and folders of data sets


def tracked(*patterns: str) -> list[pathlib.Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = sorted(set(listed.split("\0")) - {""})
    return [ROOT / n for n in names if not n.startswith(("bench/results/", "tests/corpus/")) and (ROOT / n).is_file()]


def pages() -> list[pathlib.Path]:
    """Every page but the changelog, which also names what is gone."""
    return [p for p in tracked("*.md") if p.name != "CHANGELOG.md"]


def shown(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


def comments(path: pathlib.Path) -> str:
    """The comments of a source (in Python its docstrings too), a line for a line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in {".cc", ".h", ".c"}:
        code = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(//[^\n]*|/\*.*?\*/)'
    elif path.suffix == ".py":
        code = r'(""".*?"""|#[^\n]*)|"(?:\\.|[^"\\\n])*"'
    else:
        code = r'"(?:\\.|[^"\\])*"|(?<!\S)(#[^\n]*)'
    return "\n".join(found for found in re.findall(code, text, re.DOTALL) if found)


def commented() -> Iterator[tuple[pathlib.Path, str]]:
    for path in tracked("*.cc", "*.h", "*.c", "*.py", "*.cmake", "*CMakeLists.txt", "tools/*", "Makefile", "bench/*"):
        if path.suffix in {".md", ".json", ".txt"} and path.name != "CMakeLists.txt":
            continue
        if path == pathlib.Path(__file__).resolve():
            continue
        yield path, comments(path)


# --- files ---------------------------------------------------------------------------------------


@functools.cache
def known_paths() -> frozenset[str]:
    """Every file that git knows, and every folder of one."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = set(listed.split("\0")) - {""} | {shown(path) for path in tracked()}
    return frozenset(files | {parent.as_posix() for f in files for parent in pathlib.PurePosixPath(f).parents})


def variants(name: str) -> Iterable[str]:
    """What a name with {a,b} means."""
    braces = re.search(r"\{([^{}]*)\}", name)
    if not braces:
        return [name]
    return [v for part in braces[1].split(",") for v in variants(name[: braces.start()] + part + name[braces.end() :])]


def exists(name: str) -> bool:
    paths = known_paths()
    for variant in variants(name.rstrip("/.,")):
        wild = re.sub(r"(?<=/)x$", "*", PLACEHOLDER.sub("*", variant))
        if wild in paths or (ROOT / wild).exists():
            continue
        pattern = re.compile("(?:.*/)?" + re.escape(wild).replace(r"\*", "[^/]*"))
        if not any(pattern.fullmatch(known) for known in paths):
            return False
    return True


def unknown_files(text: str) -> list[str]:
    flat = re.sub(r"https?://\S+", "", text)
    named = [m[0] for m in PATH.finditer(flat)] + [m[0] for m in SOURCE_NAME.finditer(flat)]
    return sorted({n for n in named if n not in THEIR_FILES and "/.venv" not in n and not exists(n)})


def test_pages_name_files_that_exist() -> None:
    assert {shown(p): bad for p in pages() if (bad := unknown_files(p.read_text(encoding="utf-8")))} == {}


def test_comments_name_files_that_exist() -> None:
    faults = {}
    for path, text in commented():
        # A benchmark names the file of results that it writes, before anyone has run it.
        made = "bench/results/" if shown(path).startswith("bench/") else None
        if bad := [n for n in unknown_files(text) if made is None or not n.startswith(made)]:
            faults[shown(path)] = bad
    assert faults == {}


def test_a_file_that_does_not_exist_is_seen() -> None:
    assert unknown_files("see popaug/base/base.h, `base/json.h`, kernels/conv*.cc, x_fuzz.cc") == []
    assert unknown_files("see popaug/base/bass.h and `base/jason.h`") == ["base/jason.h", "popaug/base/bass.h"]


# --- tests ---------------------------------------------------------------------------------------


def test_pages_name_tests_that_exist() -> None:
    cases = set()
    for path in tracked("*_test.cc"):
        text = path.read_text(encoding="utf-8")
        cases |= {f"{a}.{b}" for a, b in re.findall(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)", text)}
        cases |= {f"{a}.{b}" for a, b in re.findall(r"_TEST\(\s*(\w+),\s*(\w+)\s*\)", text)}
    functions = {
        name for path in tracked("*.py") for name in re.findall(r"\bdef (test_\w+)", path.read_text(encoding="utf-8"))
    }
    files = {path.stem for path in tracked("*.py")}
    suites = {case.split(".")[0] for case in cases}
    faults = []
    for page in pages():
        for span in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
            case = re.fullmatch(r"([A-Z]\w+)\.([A-Z]\w+)(…|\*)?", span)
            if case and not any(known == span or (case[3] and known.startswith(span[:-1])) for known in cases):
                faults.append(f"{shown(page)}: {span}")
            if re.fullmatch(r"test_\w+", span) and span not in functions | files:
                faults.append(f"{shown(page)}: {span}")
            whole = re.fullmatch(r"([A-Z]\w+)\.\*", span)
            if whole and whole[1] not in suites:
                faults.append(f"{shown(page)}: {span}")
    assert faults == []


# --- flags ---------------------------------------------------------------------------------------


@functools.cache
def help_flags() -> frozenset[str]:
    """The flags of every verb, as the program prints them."""

    def verbs(text: str) -> list[str]:
        block = re.search(r"(?ms)^(?:Subcommands|SUBCOMMANDS|Verbs):?\s*\n(.*?)(?=^\S|\Z)", text)
        return re.findall(r"(?m)^  ([a-z][\w-]*)\s", block[1]) if block else []

    flags: set[str] = set()
    waiting: list[list[str]] = [[]]
    while waiting:
        words = waiting.pop()
        flags |= set(FLAG.findall(done(*words, "--help-all")))
        waiting += [[*words, verb] for verb in verbs(done(*words, "--help"))]
    assert len(flags) > 100, "too few flags: is the help of every verb read?"
    return frozenset(flags)


@functools.cache
def script_flags() -> frozenset[str]:
    """The flags of the project's scripts and of the programs that they and the pages call."""
    flags: set[str] = set()
    for path in tracked("tools/*", "bench/*", "python/popaug/*", "tests/*.py", "*_bench.cc", "examples/*"):
        if path.suffix == ".md":
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        flags |= set(re.findall(r'"(--[a-z][a-z0-9-]*)"', text))
        flags |= set(re.findall(r"(?m)^\s*(--[a-z][a-z0-9-]*)\)", text))
        flags |= set(re.findall(r"= (--[a-z][a-z0-9-]*) \]", text))
    others = {
        "--build",
        "--build-arg",  # of Docker, as the next two
        "--entrypoint",
        "--rm",
        "--target",
        "--test-dir",
        "--gtest_filter",
        "--benchmark_filter",
        "--version",
        "--help",
        "--help-all",
    }
    return frozenset(flags | others)


def unknown_flags(text: str) -> set[str]:
    named = {flag.rstrip("-") for flag in FLAG.findall(text)}
    # Flags of GoogleTest and Google Benchmark have underscores; a placeholder is no flag.
    return {
        f
        for f in named
        if f not in help_flags() | script_flags() | ANY_FLAG and not f.startswith(("--gtest", "--benchmark"))
    }


def test_pages_name_flags_that_exist() -> None:
    faults = {}
    for page in pages():
        if bad := unknown_flags(page.read_text(encoding="utf-8")):
            faults[shown(page)] = sorted(bad)
    assert faults == {}


def test_comments_name_flags_that_exist() -> None:
    faults = {}
    for path, text in commented():
        if bad := unknown_flags(text):
            faults[shown(path)] = sorted(bad)
    assert faults == {}


def test_messages_name_flags_that_exist() -> None:
    faults = {}
    for path in tracked("cli/*.cc", "popaug/*.cc", "python/bindings/*.cc"):
        if re.search(r"_(test|bench|fuzz)\.cc$", path.name):
            continue
        if bad := unknown_flags(" ".join(strings(path))):
            faults[shown(path)] = sorted(bad)
    for path in tracked("python/popaug/*.py"):
        if bad := unknown_flags(path.read_text(encoding="utf-8")):
            faults[shown(path)] = sorted(bad)
    assert faults == {}


C_TOKEN = re.compile(r"\"((?:\\.|[^\"\\\n])*)\"|//[^\n]*|/\*.*?\*/|\s+|'(?:\\.|[^'\\\n])'|.", re.DOTALL)


def strings(path: pathlib.Path) -> list[str]:
    """The text literals of a C++ source; those that follow each other are one."""
    found, open_literal = [], False
    for token in C_TOKEN.finditer(path.read_text(encoding="utf-8")):
        if token[1] is not None:
            found.append(found.pop() + token[1] if open_literal else token[1])
            open_literal = True
        elif not (token[0].isspace() or token[0].startswith(("//", "/*"))):
            open_literal = False
    return found


def library_sources() -> list[pathlib.Path]:
    return [p for p in tracked("popaug/*.cc", "popaug/*.h") if not re.search(r"_(test|bench|fuzz)\.cc$", p.name)]


# The literals of the library that hold flags: all are commands, of popaug or of another program, to run as they are.
# What a message asks of a user is the name of a setting, which the program shows as a flag and Python as an argument.
COMMANDS = {
    "popaug/compare/internal/audited_space.cc": ["# popaug search --space THIS-FILE", " --flip 0"],
    "popaug/data/internal/memory.cc": ["popaug data convert --data "],
    "popaug/data/load.cc": ["popaug data convert --data ", " --size "],
    "popaug/report/png.cc": ["--zoom", "--format", "--output"],
    "popaug/report/sections.cc": [
        *(" --plugin ", "popaug compare --config ", " --run ", "search --selection none --trainer none</code>"),
        *("<code>popaug search --config ", " --out NEW-RUN</code>"),
    ],
    "popaug/report/screening_view.cc": ["popaug compare --config ", " --run ", " --all-labels --arms schedule"],
    "popaug/report/train_page.cc": [
        *(" --data DIR --json &gt; ", "popaug train --config ", "popaug choose --config ", " --out NEW-RUN</code>"),
    ],
}


def literals_with_flags(path: pathlib.Path, allowed: list[str]) -> list[str]:
    found = [text for text in strings(path) if FLAG.search(text)]
    return [text for text in found if not any(part in text for part in allowed)]


def test_messages_of_the_library_name_settings_and_no_flags() -> None:
    faults = {}
    for path in library_sources():
        if bad := literals_with_flags(path, COMMANDS.get(shown(path), [])):
            faults[shown(path)] = bad
    assert faults == {}
    for name, allowed in COMMANDS.items():  # no exception without its reason
        texts = strings(ROOT / name)
        assert [part for part in allowed if not any(part in text for text in texts)] == [], name


def test_a_flag_in_a_message_of_the_library_is_seen(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "a.cc"
    source.write_text('throw Error(x + "give " // --no\n"--val-size 3");\nint a;  // "--b"\nauto c = "a --";\n')
    assert literals_with_flags(source, []) == ["give --val-size 3"]
    assert literals_with_flags(source, ["--val-size"]) == []


def test_settings_that_messages_name_are_flags() -> None:
    faults: dict[str, list[str]] = {}
    seen = 0
    for path in library_sources():
        text = path.read_text(encoding="utf-8")
        keys = re.findall(r'name_setting\("(\w+)"\)', text) + re.findall(r'\bsetting \\"(\w+)\\"', text)
        seen += len(keys)
        if bad := [key for key in keys if "--" + key.replace("_", "-") not in help_flags()]:
            faults[shown(path)] = bad
    assert faults == {}
    assert seen > 100


# --- fields, functions and other names ------------------------------------------------------------

# Names in formulas, of test inputs and of other projects, which comments and pages use as they are.
THEIR_NAMES = {
    *("i_1", "i_k", "p_i", "p_i1", "p_ik", "p_j", "x_in", "y_in"),
    *("mnist_test", "mnist_train", "train_test", "x_val"),  # names of splits in data sets
    *("rand_bbox", "kat_vectors", "resample_probability"),  # of CutMix's code, Random123, Ray Tune
    "bench_search",  # a target of CMake, whose name is made of the room's
    *("augmix_severity", "auto_augment_policy", "ra_magnitude", "tv_tensor"),  # of torchvision
    *("tf_efficientnet_lite0", "timm_model", "data_config", "data_files"),  # of timm and Hugging Face
    *("MyNetwork", "accuracy_on_test_images", "my_transform", "epoch_of_schedule"),  # of a user, in examples
}
SNAKE = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+"
NAME_IN_PAGE = re.compile(rf"`({SNAKE})(?:\(\))?`")
NAME_IN_COMMENT = re.compile(rf"(?<![\w./$:{{-])({SNAKE})\b(?!\.\w|/)|\b([A-Za-z]\w+)\(\)")


def words_of_python(text: str) -> set[str]:
    """Identifiers, and words of texts that are not docstrings."""
    tree, words = ast.parse(text), set()
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(id(node.value))
        for name in ("id", "attr", "arg", "name", "asname", "module"):
            if isinstance(found := getattr(node, name, None), str):
                words |= set(found.split("."))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            words |= set(re.findall(r"[A-Za-z_]\w*", node.value))
    return words


@functools.cache
def words_of_code() -> frozenset[str]:
    """Every word of the sources outside of their comments, and the names of their files."""
    words = {word for path in known_paths() for word in re.findall(r"[A-Za-z_]\w*", path)}
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path.suffix == ".md" or path == pathlib.Path(__file__).resolve():
            continue
        if path.suffix == ".py":
            words |= words_of_python(text)
            continue
        if path.suffix in {".cc", ".h", ".c"}:
            text = re.sub(r"(?m)(?:^|\s)//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
        words |= set(re.findall(r"[A-Za-z_]\w*", text))
    return frozenset(words)


def unknown_names(found: Iterable[str]) -> list[str]:
    return sorted(set(found) - words_of_code() - THEIR_NAMES)


def test_pages_name_fields_and_functions_that_exist() -> None:
    faults = {}
    for page in pages():
        if bad := unknown_names(NAME_IN_PAGE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))):
            faults[shown(page)] = bad
    assert faults == {}


def test_comments_name_fields_and_functions_that_exist() -> None:
    faults = {}
    for path, text in commented():
        if bad := unknown_names(a or b for a, b in NAME_IN_COMMENT.findall(text)):
            faults[shown(path)] = bad
    assert faults == {}


def test_a_field_that_does_not_exist_is_seen() -> None:
    comment = "// name_setting() and val_size, then " + "name_sitting() and val" + "_sise"
    assert unknown_names(a or b for a, b in NAME_IN_COMMENT.findall(comment)) == ["name_sitting", "val" + "_sise"]
    assert unknown_names(NAME_IN_PAGE.findall("`val_size` and `val" + "_sise`")) == ["val" + "_sise"]


# --- genes ---------------------------------------------------------------------------------------


def test_the_page_of_settings_lists_every_gene() -> None:
    genes = set()
    for file in ("search/setting_rows.h", "train/setting_rows.h", "experiment/settings_table.cc"):
        rows = (ROOT / "popaug" / file).read_text(encoding="utf-8").split("{setting_at<")
        genes |= {re.findall(r'"(\w+)"', row)[1] for row in rows[1:] if re.search(r"Searched::kL\w+}", row)}
    page = (ROOT / "docs" / "decisions" / "settings.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `genes` .*? numbers searched along with the policy: (.*?)\. ", page, re.MULTILINE)
    assert genes == set(re.findall(r"`(\w+)`", listed[0]))
    assert {"lr", "flip"} <= genes


# --- fields of formats ---------------------------------------------------------------------------

# The rooms whose code writes or reads what a page of docs/formats describes.
ROOMS = {
    "audit": ["popaug/compare", "popaug/experiment", "cli"],
    "band": ["popaug/search", "popaug/rundir"],
    "checkpoint": ["popaug/model", "popaug/train", "popaug/rundir"],
    "choose": ["popaug/compare", "popaug/experiment", "popaug/rundir", "cli"],
    "compare": ["popaug/compare", "popaug/experiment", "popaug/rundir", "cli"],
    "data": ["popaug/data", "popaug/experiment", "cli"],
    "journal": ["popaug/search", "popaug/rundir"],
    "live": ["popaug/report"],
    "packed": ["popaug/data"],
    "plugin": ["popaug/augment"],
    "policy": ["popaug/augment"],
    "report": ["popaug/report", "popaug/rundir"],
    "run": ["popaug/search", "popaug/train", "popaug/rundir", "popaug/experiment", "cli"],
    "schedule": ["popaug/augment", "popaug/schedule", "popaug/search"],
    "space": ["popaug/augment"],
    "split": ["popaug/data"],
    "worker": ["popaug/search"],
}


def fields_of(page: str) -> set[str]:
    """Names that can only be fields: code spans with an underscore, and keys of JSON examples."""
    inline = FENCE.sub("", page)
    fields = set(re.findall(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`", inline))
    for language, block in FENCE.findall(page):
        if language == "json":
            fields |= set(re.findall(r'"([a-z][a-z0-9_]*)"\s*:', block))
    return fields


@pytest.mark.parametrize("page", sorted(p.stem for p in (ROOT / "docs" / "formats").glob("*.md")))
def test_fields_of_a_format_are_in_the_code_of_its_owner(page: str) -> None:
    code = ""
    for room in ROOMS[page]:
        for path in tracked(f"{room}/*.cc", f"{room}/*.h"):
            if not re.search(r"_(test|bench|fuzz)\.cc$", path.name):
                code += re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
    strings = " ".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', code)) + " ".join(
        re.findall(r'R"\w*\((.*?)\)\w*"', code, re.DOTALL)
    )
    written = set(re.findall(r"[A-Za-z][A-Za-z0-9_]*", strings)) | THEIR_FIELDS
    if page == "plugin":  # an interface of C
        written |= set(re.findall(r"\w+", (ROOT / "popaug" / "augment" / "plugin.h").read_text(encoding="utf-8")))
    fields = fields_of((ROOT / "docs" / "formats" / f"{page}.md").read_text(encoding="utf-8"))
    assert sorted(fields - written) == []


def documented(section: str) -> str:
    page = (ROOT / "docs" / "formats" / "run.md").read_text(encoding="utf-8")
    return page.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A finished search of toys."""
    out = tmp_path_factory.mktemp("named") / "run"
    done("search", "--trainer", "toy", "--population", 4, "--epochs", 4, "--epochs-per-round", 1, "--out", out)
    return out


def test_result_json_has_the_documented_fields(run: pathlib.Path) -> None:
    named = set(re.findall(r"`([a-z_]+)`", documented("result.json")))
    assert set(json.loads((run / "result.json").read_text())) == named


def test_run_log_has_the_documented_fields(run: pathlib.Path) -> None:
    text = documented("run.log")
    common = set(re.findall(r"`(\w+)`", text.split("|")[0]))
    fields: dict[str, set[str]] = {}
    for events, _, named in re.findall(r"^\| (`.+?) \| (.*?) \| (.*?)\|$", text, re.MULTILINE):
        for event in re.findall(r"`(\w+)`", events):
            fields[event] = set(re.findall(r"`(\w+)`", named))
    lines = [json.loads(line) for line in (run / "run.log").read_text().splitlines()]
    assert {line["event"] for line in lines} >= {"start", "workers", "result", "end"}
    for line in lines:
        assert set(line) == common | fields[line["event"]], line


def test_progress_csv_has_the_documented_columns(run: pathlib.Path) -> None:
    named = re.findall(r"`([a-z_]+)`", documented("progress.csv"))
    columns = (run / "progress.csv").read_text().splitlines()[0].split(",")
    assert columns[: len(named)] == named


def test_run_directory_has_the_documented_files(run: pathlib.Path) -> None:
    table = documented("The directory of a search")
    named = re.findall(r"^\| `([\w.]+)`?", table, re.MULTILINE)
    files = {re.sub(r"\d+", "N", p.name) for p in run.iterdir()}
    assert files <= set(named) | {"pbt_policy_N.txt"}, files - set(named)
    assert {"journal.jsonl", "result.json", "run.log", "best.schedule.json"} <= files
