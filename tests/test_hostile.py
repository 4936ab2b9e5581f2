"""Hostile surroundings: closed and full outputs, devices in the place of files, plugins that throw, little memory,
names that a terminal or a shell would obey. Every end is a sentence and an exit code, and nothing is lost silently."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shlex
import subprocess
from collections.abc import Callable

import pytest
from PIL import Image
from popaug_program import BUILD, PROGRAM, ROOT, done, popaug

TOY = ("search", "--trainer", "toy", "--population", 4, "--epochs", 6, "--epochs-per-round", 3)
ESCAPE = "\x1b[31m\x1b]0;title\x07"
NAMES = ["\u009b31m", "a\u202eb", "\u2066c", "d\x1b[2J", "e\x7f"]  # C1, bidirectional marks, CSI, DEL
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def shell(script: str, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        cwd=cwd,
        env={**os.environ, "P": str(PROGRAM)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("hostile") / "run"
    done(*TOY, "--out", folder)
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("images")
    for number, name in enumerate(NAMES):
        (folder / "train" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (8, 8), (40 * number, 20 * i, 7)).save(folder / "train" / name / f"{i}{name}.png")
    return folder


# --- Standard descriptors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "ops", "ops --json", "ops --check", "--help", "--version", "search --help", "schedule show trivial",
        "schedule show trivial --json", "schedule validate {run}/best.schedule.json", "schedule plot trivial",
        "schedule export trivial --to python", "schedule diff trivial trivial", "report {run} --format md",
        "report {run}", "report {run} -o -", "data info --data {images}", "data info --data {images} --json",
        "data verify --data {images}", "search --trainer toy --epochs 2 --out {tmp}/new", "search --out {run} --resume --json",
        "search --trainer none --selection none --epochs 5 --out {tmp}/drift", "presets", "presets best", "doctor",
        "schedule flatten {run}/best.schedule.json", "schedule last {run}/best.schedule.json",
        "schedule stretch {run}/best.schedule.json --epochs 8", "schedule shuffle {run}/best.schedule.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("output", [">/dev/full", ">&-"])
def test_lost_output_is_said(
    words: str, output: str, run: pathlib.Path, images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    command = words.format(run=shlex.quote(str(run)), images=shlex.quote(str(images)), tmp=shlex.quote(str(tmp_path)))
    process = shell(f'"$P" {command} {output}', tmp_path)
    assert process.returncode == 1, process.stderr
    assert "popaug: standard output cannot be written" in process.stderr


def test_a_reader_that_leaves_ends_the_program_quietly(tmp_path: pathlib.Path) -> None:
    process = shell('"$P" ops --json | head -c 10 >/dev/null; echo "${PIPESTATUS[0]}"', tmp_path)
    assert process.stdout.strip() in {"0", "141"}  # all fitted into the pipe, or SIGPIPE
    assert process.stderr == ""


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", ">&- 2>&-", "2>&-", "<&- 2>&-", "<&-"])
def test_no_file_of_a_run_gets_text(closed: str, run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    shell(f'"$P" {" ".join(map(str, TOY))} --workers 2 --out r {closed}', tmp_path)
    done("search", "--out", tmp_path / "r", "--resume")  # which reads the journal
    for name in ("journal.jsonl", "progress.csv", "best.schedule.json"):
        assert (tmp_path / "r" / name).read_bytes() == (run / name).read_bytes(), name
    assert re.fullmatch(r"\d+\n", (tmp_path / "r/lock").read_text())


def test_process_workers_with_closed_descriptors(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    words = f'{" ".join(map(str, TOY))} --workers 2 --worker-cmd "$P worker" --out r'
    shell(f'"$P" {words} <&- >&- 2>&-', tmp_path)
    assert (tmp_path / "r/journal.jsonl").read_bytes() == (run / "journal.jsonl").read_bytes()
    process = shell('echo \'{"type":"stop"}\' | "$P" worker >&-', tmp_path)
    assert process.returncode == 1
    assert "standard output is closed" in process.stderr


# --- Output over devices ----------------------------------------------------------------------------------------------


def verbs_that_write(run: pathlib.Path, images: pathlib.Path) -> list[list[object]]:
    best = run / "best.schedule.json"
    return [
        ["report", run, "-o"],
        ["report", run, "--format", "md", "-o"],
        ["report", run, "--format", "json", "-o"],
        ["schedule", "plot", best, "-o"],
        ["schedule", "export", best, "--to", "csv", "-o"],
        ["schedule", "stretch", best, "--epochs", 30, "-o"],
        ["data", "split", "--data", images, "--val-size", 5, "-o"],
    ]


def test_every_output_goes_through_a_link_and_to_standard_output(
    run: pathlib.Path, images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for number, words in enumerate(verbs_that_write(run, images)):
        plain, target, link = (tmp_path / f"{name}{number}.svg" for name in ("plain", "target", "link"))
        link.symlink_to(target.name)
        done(*words, plain)
        done(*words, link)
        assert link.is_symlink(), words
        assert target.read_bytes() == plain.read_bytes(), words
        for name in ("-", "/dev/stdout"):
            if words[:2] == ["schedule", "plot"] and name != "-":
                continue  # plot takes the kind of picture from the name
            assert done(*words, name) == plain.read_text(), (words, name)


def test_a_fifo_and_a_device_are_written_through(
    run: pathlib.Path, images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for number, words in enumerate(verbs_that_write(run, images)):
        if words[:2] == ["schedule", "plot"]:
            continue
        fifo = tmp_path / f"fifo{number}"
        os.mkfifo(fifo)
        copy = tmp_path / f"copy{number}"
        with copy.open("wb") as out:
            reader = subprocess.Popen(["cat", fifo], stdout=out)
        through = False
        try:
            done(*words, fifo)
            through = fifo.is_fifo()
        finally:
            if not through:
                reader.kill()  # it would wait for ever
            reader.wait()
        text = copy.read_bytes()
        assert fifo.is_fifo(), words
        done(*words, tmp_path / "file")
        assert text == (tmp_path / "file").read_bytes(), words
        full = popaug(*words, "/dev/full")
        assert full.returncode == 1, words
        assert "/dev/full: cannot write: No space left on device" in full.stderr
    assert pathlib.Path("/dev/full").is_char_device()


def test_what_cannot_go_to_standard_output_says_so(
    run: pathlib.Path, images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for words in (
        [*TOY, "--out", "-"],
        ["train", "--data", images, "--out", "-"],
        ["data", "convert", "--data", images, "-o", "-"],
        ["data", "split", "--data", images, "--folds", 3, "-o", "-"],
        ["data", "info", "--data", images, "--sheet", "-"],
        ["report", run, "--format", "tensorboard", "-o", "-"],
    ):
        process = popaug(*words, cwd=tmp_path)
        assert process.returncode == 2, (words, process.stderr)
        assert "standard output" in process.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_image_goes_to_standard_output(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = next((images / "train" / NAMES[1]).iterdir())
    words = ["augment", "--op", "Invert", "--value", "1", source]
    done(*words, tmp_path / "out.png")
    piped = subprocess.run([PROGRAM, *words, "-"], capture_output=True, check=True).stdout
    assert piped == (tmp_path / "out.png").read_bytes()


# --- Files in the way, memory, exceptions -----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["search", "train", "compare", "audit", "choose"])
@pytest.mark.parametrize("below", ["", "/below/it"])
def test_out_is_a_file(verb: str, below: str, images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_text("x")
    words = {"search": list(TOY), "choose": ["choose", "--budget-images", 99999]}.get(verb, [verb, "--epochs", 1])
    if verb != "search":
        words += ["--data", images, "--network", "wrn-10-1", "--val-size", 5]
    process = popaug(*words, "--out", str(tmp_path / "f") + below)
    assert process.returncode in {1, 2}
    assert "popaug: " in process.stderr
    assert (tmp_path / "f").read_text() == "x"


PLUGIN = """
#include "popaug/augment/plugin.h"
#include <cstdlib>
#include <stdexcept>
struct Odd {};
static int32_t apply(const popaug_call* call) {
#if defined(APPLY_ODD)
  throw Odd();
#elif defined(APPLY_ERROR)
  throw std::runtime_error("boom\\x1b[31m\\nnext line");
#elif defined(APPLY_EXIT)
  std::exit(0);
#endif
  return call == nullptr;
}
static popaug_op ops[1];
static popaug_plugin plugin;
extern "C" const popaug_plugin* popaug_plugin_entry() {
#if defined(ENTRY_ODD)
  throw Odd();
#elif defined(ENTRY_EXIT)
  std::exit(0);
#elif defined(ENTRY_MEMORY)
  throw std::bad_alloc();
#endif
  ops[0].name = "MyOp";
  ops[0].apply = apply;
  ops[0].flags = POPAUG_OP_USES_VALUE;
  ops[0].high = 1;
  plugin.abi = POPAUG_PLUGIN_ABI;
  plugin.op_size = sizeof(popaug_op);
  plugin.name = "odd";
  plugin.version = "1";
  plugin.ops = ops;
  plugin.op_count = 1;
  return &plugin;
}
"""


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], pathlib.Path]:
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "plugin.cc").write_text(PLUGIN)
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)
    assert found

    def build(kind: str) -> pathlib.Path:
        out = folder / f"{kind}.so"
        flags = ["-std=c++20", "-fPIC", "-shared", f"-I{ROOT}", f"-D{kind}"]
        subprocess.run([found[1], *flags, folder / "plugin.cc", "-o", out], check=True)
        return out

    return build


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("APPLY_ODD", "threw something that is not an exception"),
        ("APPLY_ERROR", "threw an exception: boom\\x1b[31m\\nnext line"),
        ("APPLY_EXIT", "a plugin or a library ended the program"),
        ("ENTRY_ODD", "popaug_plugin_entry threw something that is not an exception"),
        ("ENTRY_EXIT", "a plugin or a library ended the program"),
        ("ENTRY_MEMORY", "popaug_plugin_entry threw an exception"),
    ],
)
def test_a_plugin_that_throws_or_exits(
    kind: str, why: str, plugins: Callable[[str], pathlib.Path], images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    source = next((images / "train" / NAMES[1]).iterdir())
    process = popaug("augment", source, tmp_path / "o.png", "--plugin", plugins(kind), "--op", "MyOp", "--value", "0.5")
    assert process.returncode == 1, process.stderr
    assert why in process.stderr
    assert process.stderr.count("\n") == 1
    assert not (tmp_path / "o.png").exists()


@pytest.mark.parametrize("kibibytes", [120_000, 160_000, 200_000, 250_000, 300_000, 500_000])
def test_little_memory_is_a_sentence(
    kibibytes: int, run: pathlib.Path, images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for words in (
        f"report {run} -o r.html",
        f"data verify --data {images}",
        f"{' '.join(map(str, TOY))} --workers 8 --out toy",
        f"train --data {images} --network wrn-10-1 --val-size 5 --batch 5 --epochs 1 --augment none --out t",
    ):
        process = shell(f'ulimit -v {kibibytes}; ulimit -c 0; "$P" {words} >/dev/null', tmp_path)
        # 127: the loader found no room for the program itself.
        assert process.returncode in {0, 1, 2, 127}, (words, process.returncode, process.stderr)
        shell("rm -rf toy t", tmp_path)


@pytest.mark.parametrize("kibibytes", [120_000, 160_000, 200_000, 250_000, 300_000, 500_000])
def test_a_server_with_little_memory(kibibytes: int, run: pathlib.Path) -> None:
    limited = f'ulimit -v {kibibytes}; ulimit -c 0; exec "{PROGRAM}" serve "{run}" --port 0'
    server = subprocess.Popen(["bash", "-c", limited], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stdout is not None
    serves = server.stdout.readline().startswith("http://")
    server.terminate()  # at the end of its output it has ended already
    _, error = server.communicate()
    assert server.returncode in ({0} if serves else {1, 127}), (server.returncode, error)


def test_a_limit_of_file_sizes_is_a_sentence(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A process that writes past it gets a signal, which would end it without a word."""
    blocks = 2  # of 1 KiB: enough for config.toml, too few for the journal and a report
    words = " ".join(map(str, TOY))
    process = shell(f'ulimit -f {blocks}; "$P" {words} --out r', tmp_path)
    assert process.returncode == 1, process.stderr
    assert "File too large" in process.stderr
    process = shell(f'ulimit -f {blocks}; "$P" report "{run}" -o page.html', tmp_path)
    assert process.returncode == 1, process.stderr
    assert "page.html: cannot write: File too large" in process.stderr
    assert not (tmp_path / "page.html").exists()
    done("search", "--out", tmp_path / "r", "--resume")
    assert (tmp_path / "r/journal.jsonl").read_bytes() == (run / "journal.jsonl").read_bytes()


@pytest.mark.parametrize("number", [7, 10, 14])
def test_few_open_files_are_a_sentence(number: int, run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    process = shell(f'ulimit -n {number}; "$P" {" ".join(map(str, TOY))} --out r', tmp_path)
    assert process.returncode in {0, 1}, process.stderr
    assert process.returncode == 0 or "Too many open files" in process.stderr
    if (tmp_path / "r").exists():
        done("search", "--out", tmp_path / "r", "--resume")
        assert (tmp_path / "r/journal.jsonl").read_bytes() == (run / "journal.jsonl").read_bytes()


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: pathlib.Path) -> None:
    for words in (" ".join(map(str, TOY)) + " --out r", "report . -o page.html", "data info --data ."):
        process = shell(f'mkdir gone; cd gone; rmdir ../gone; "$P" {words}', tmp_path)
        assert process.returncode in {1, 2}, (words, process.stderr)
        assert process.stderr.startswith("popaug: "), words
    process = popaug("worker", "--check", "true", env={"TMPDIR": "/nowhere"})
    assert process.returncode == 1
    assert 'set TMPDIR to a folder that is there (it is "/nowhere" now)' in process.stderr


def test_an_exception_that_nobody_foresaw_fails_every_test() -> None:
    with pytest.raises(AssertionError, match="unexpected: a bug"):
        subprocess.run(["echo", "popaug: unexpected: a bug"], capture_output=True, check=True)
    with pytest.raises(AssertionError, match="unexpected: a bug"):
        shell("echo 'popaug: unexpected: a bug' >&2; exit 1", pathlib.Path("/"))


# --- What a terminal and a shell see ----------------------------------------------------------------------------------


def test_no_verb_shows_what_a_terminal_obeys(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    schedule = json.loads(done("schedule", "export", "trivial", "--to", "json"))
    schedule["name"] = f"n{ESCAPE}\u009b\u202e"
    schedule["provenance"] = {f"k{ESCAPE}": f"v{ESCAPE}\u2066", "other": [f"{ESCAPE}"]}
    (tmp_path / "s.schedule.json").write_text(json.dumps(schedule))
    (tmp_path / f"bad{ESCAPE}.json").write_text(f'{{"{ESCAPE}": 1')
    for words in (
        ["data", "info", "--data", images],
        ["data", "verify", "--data", images],
        ["data", "split", "--data", images, "--val-size", 5, "-o", tmp_path / f"s{ESCAPE}.json"],
        ["schedule", "show", tmp_path / "s.schedule.json"],
        ["schedule", "show", tmp_path / f"bad{ESCAPE}.json"],
        ["schedule", "validate", tmp_path / "s.schedule.json", tmp_path / f"bad{ESCAPE}.json"],
        ["schedule", "show", f"unknown{ESCAPE}"],
        [f"verb{ESCAPE}"],
        ["ops", f"--flag{ESCAPE}"],
        ["search", "--data", f"none{ESCAPE}\u202e", "--network", f"wrn{ESCAPE}"],
        ["eval", f"none{ESCAPE}", "--data", images],
    ):
        process = popaug(*words, cwd=tmp_path)
        text = process.stdout + process.stderr
        assert text, words
        assert not OBEYED.search(text.replace("\n", "").replace("\t", "")), (words, text)


def test_a_workers_words_are_escaped_on_one_line(tmp_path: pathlib.Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import json, sys\n"
        "print(json.dumps({'type': 'hello', 'protocol': 1, 'name': 'w'}), flush=True)\n"
        "for line in sys.stdin:\n"
        "    if json.loads(line)['type'] == 'stop': break\n"
        "    sys.stderr.write('\\x1b[2Jlog\\u202e\\n'); sys.stderr.flush()\n"
        "    text = '\\x1b]0;PWNED\\x07\\npopaug: all is well\\u009b' + 'x' * 100000\n"
        "    print(json.dumps({'type': 'failed', 'error': text}), flush=True)\n"
    )
    process = popaug(*TOY, "--worker-cmd", f"python3 {worker}", "--out", tmp_path / "r")
    assert process.returncode == 1
    assert not OBEYED.search(process.stderr.replace("\n", "").replace("\t", ""))
    assert "\npopaug: all is well" not in process.stderr
    assert len(process.stderr) < 20000


@pytest.mark.parametrize("name", ["my run;touch pwned;", "$(touch pwned)", "it's", "-rf", "a\nb", "plain"])
def test_printed_commands_can_be_pasted(name: str, tmp_path: pathlib.Path) -> None:
    # The folder's name starts with "-" in one case, so it is given with "=".
    output = done(*TOY, f"--out={name}", "--data", f"x {name}", cwd=tmp_path)
    command = output.rstrip().splitlines()[-1].strip()
    assert command.startswith("popaug train "), output
    script = f"popaug() {{ printf '%s\\0' \"$@\"; }}; {command}"
    words = shell(script, tmp_path).stdout.split("\0")
    assert not list(tmp_path.rglob("pwned"))
    schedule = words[words.index("--schedule") + 1]
    assert (tmp_path / schedule).is_file(), words
    assert words[words.index("--data") + 1] == str(tmp_path / f"x {name}")
