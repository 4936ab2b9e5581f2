"""Ops of the user's own: registered again, loaded from a plugin, and looked at where nobody knows them."""

import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import popaug

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", ROOT / "build"))
Bytes = NDArray[np.uint8]
IMAGES: Bytes = np.random.default_rng(2).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)


def schedule_of(name: str, *values: float) -> popaug.Schedule:
    space = popaug.Space("own", (popaug.SpaceOp(name, values),), levels=max(1, len(values)), search_levels=1)
    rule = popaug.Rule("sub-policies", group=1)
    return popaug.Schedule(space, rule, [popaug.Segment(1, [(name, 1.0, max(0, len(values) - 1))])])


# --- defined again -------------------------------------------------------------------------------------


def test_running_a_cell_again_replaces_the_op() -> None:
    def define(factor: float, high: float) -> None:
        @popaug.op("CellDim", low=0.0, high=high)
        def dim(image: Bytes, value: float, uniform: Callable[[], float]) -> None:
            image[..., :3] = (image[..., :3] * factor).astype(np.uint8)

    define(0.5, 1.0)
    schedule = schedule_of("CellDim", 1.0)
    assert np.array_equal(schedule(IMAGES, samples=0), IMAGES // 2)
    define(0.0, 2.0)
    assert not schedule(IMAGES, samples=0).any()  # a schedule that was made before, too
    rows = [row for row in popaug.ops() if row.name == "CellDim"]
    assert len(rows) == 1 and rows[0].high == 2.0
    schedule_of("CellDim", 2.0)
    with pytest.raises(popaug.Error, match="already known"):
        popaug.op("Rotate", low=0, high=1)(lambda image, value, uniform: None)


def test_a_forgotten_name_is_said() -> None:
    with pytest.raises(popaug.UsageError, match=r'needs the name of the op in brackets: @popaug\.op\("Dim"'):

        @popaug.op  # type: ignore[arg-type]
        def dim(image: Bytes, value: float, uniform: Callable[[], float]) -> None:
            pass


# --- plugins -------------------------------------------------------------------------------------------

PLUGIN = """
#include "popaug/augment/plugin.h"

static int32_t dark(const popaug_call* call) {
  for (int64_t i = 0; i < (int64_t)call->width * call->height; ++i) {
    for (int c = 0; c < 3; ++c) call->pixels[4 * i + c] = 0;
  }
  return 0;
}

extern "C" const popaug_plugin* popaug_plugin_entry(void) {
  static const popaug_op ops[] = {{"PluginDark", "makes it dark", "", 0, 0, 0, 0, dark}};
  static const popaug_plugin plugin = {POPAUG_PLUGIN_ABI, sizeof(popaug_op), "dark", "1", 1, ops};
  return &plugin;
}
"""


def test_a_plugin_is_loaded(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dark.cc").write_text(PLUGIN)
    plugin = tmp_path / "dark.so"
    command = ["c++", "-shared", "-fPIC", "-I", str(ROOT), str(tmp_path / "dark.cc"), "-o", str(plugin)]
    subprocess.run(command, check=True)
    assert popaug.load_plugin(plugin) == popaug.load_plugin(plugin) == ["PluginDark"]
    assert not schedule_of("PluginDark")(IMAGES, samples=0).any()
    row = next(row for row in popaug.ops() if row.name == "PluginDark")
    assert row.origin.endswith("dark.so")
    with pytest.raises(popaug.Error, match="already known"):
        popaug.op("PluginDark")(lambda image, value, uniform: None)
    with pytest.raises(popaug.Error, match=r"nothing\.so: there is no such plugin"):
        popaug.load_plugin(tmp_path / "nothing.so")


# --- looked at elsewhere -------------------------------------------------------------------------------

SEARCH = """
import sys, popaug
@popaug.op("Swirl", low=0, high=1)
def swirl(image, value, uniform):
    pass
space = popaug.Space("mine", (*popaug.Space.load("pba").only(["Rotate"]).ops, popaug.SpaceOp("Swirl", (0.5,) * 11)))
popaug.search(popaug.toy_round, space, 4, epochs=6, out=sys.argv[1], show=False, trainer={"kind": "toy"})
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A search in another process, with an op that this one does not know."""
    folder = tmp_path_factory.mktemp("swirl") / "run"
    subprocess.run([sys.executable, "-c", SEARCH, str(folder)], check=True)
    return folder


def test_a_run_with_unknown_ops_is_shown(run: pathlib.Path) -> None:
    shown = popaug.Run.load(run)
    assert "Swirl" in shown._repr_html_()
    schedule = shown.schedule
    assert [op.op for op in schedule.space.ops] == ["Rotate", "Swirl"]
    assert any(entry.op == "Swirl" for entry in schedule.at(0))
    with pytest.raises(popaug.Error, match=r'unknown op "Swirl".*an op of your own needs popaug\.load_plugin'):
        schedule(IMAGES, 0, samples=0)


@pytest.mark.parametrize(
    "command",
    [
        ["report", "RUN"],
        ["schedule", "show", "RUN/best.schedule.json"],
        ["schedule", "plot", "RUN/best.schedule.json", "-o", "OUT.svg"],
        ["schedule", "export", "RUN/best.schedule.json", "--to", "csv", "-o", "OUT.csv"],
    ],
)
def test_the_program_shows_it_too(command: list[str], run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    words = [word.replace("RUN", str(run)).replace("OUT", str(tmp_path / "out")) for word in command]
    done = subprocess.run([BUILD / "popaug", *words], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    written = [path.read_text() for path in (*tmp_path.iterdir(), run / "report.html") if path.is_file()]
    assert any("Swirl" in text for text in (done.stdout, *written))


def test_only_augmenting_needs_the_op(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "in.png").write_bytes(b"")
    schedule = str(run / "best.schedule.json")
    with pytest.raises(popaug.Error, match="unknown op"):
        popaug.Schedule.load(schedule)
    done = subprocess.run(
        [BUILD / "popaug", "schedule", "export", schedule, "--to", "python"], capture_output=True, text=True
    )
    assert done.returncode == 1 and 'the op "Swirl" has no twin' in done.stderr


# --- what Python says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Continue it with --resume, or choose another --out", "Continue it with resume=True, or choose another out="),
        ("no run directory is given; use --out DIR", "no run directory is given; use out="),
        ("--workers must be at least 1", "workers= must be at least 1"),
        ("with --epochs-per-round 3", "with epochs_per_round= 3"),
        ("run popaug search --out x --resume", "run popaug search --out x --resume"),
        ("popaug data verify --data x. Then use --resume", "popaug data verify --data x. Then use resume=True"),
        ("a dash - and -- two, and a--b", "a dash - and -- two, and a--b"),
        ('"--resume"', '"resume=True"'),
        ('add setting "resume", or choose another setting "out"', "add resume=True, or choose another out="),
        ('no run directory is given; use setting "out" DIR', "no run directory is given; use out="),
        ('setting "worker_cmd" is missing', "worker_command= is missing"),
        ('setting "population": 1 is not in 2 .. 100000', 'setting "population": 1 is not in 2 .. 100000'),
        ('setting "out', 'setting "out'),
    ],
)
def test_messages_speak_of_arguments(text: str, said: str) -> None:
    assert popaug._core.in_python(text) == said


def test_a_run_that_exists_is_refused_in_words_of_python(tmp_path: pathlib.Path) -> None:
    small: dict[str, Any] = {"population": 4, "epochs": 6, "trainer": {"kind": "toy"}, "show": False}
    popaug.search(popaug.toy_round, out=tmp_path / "run", **small)
    with pytest.raises(popaug.Error, match="resume=True") as caught:
        popaug.search(popaug.toy_round, out=tmp_path / "run", **small)
    assert "--" not in str(caught.value)


def test_spawned_workers_end_without_noise(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import numpy as np, popaug, popaug.torch as pt\n"
        "data = [(np.zeros((8, 8, 3), np.uint8), 0)] * 8\n"
        "if __name__ == '__main__':\n"
        "    epoch = pt.Epoch()\n"
        "    loader = pt.loader(data, popaug.TrivialAugment(), epoch, 1, batch_size=4, num_workers=1,\n"
        "                       multiprocessing_context='spawn')\n"
        "    for number in range(2):\n"
        "        epoch.set(number)\n"
        "        for batch, labels in loader:\n"
        "            pass\n"
        "    print('done')\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", str(script)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")
