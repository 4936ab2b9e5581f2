"""Every setting of a search: refused before work where it is wrong, felt by a real search where it is right."""

from __future__ import annotations

import gzip
import json
import pathlib
import re
import subprocess

import numpy as np
import pytest
from popaug_program import FASHION, PROGRAM, done, popaug, refused
from search_runs import WORKER, assert_same_run

TINY = [
    *("--network", "wrn-10-1", "--train-size", 128, "--val-size", 100, "--batch", 32),
    *("--epochs-per-round", 1, "--seed", 3),
]
SMALL = [*TINY, "--population", 4, "--rounds", 3, "--workers", 2]
BAD = [
    (["--population", 1], "--population: 1 is not in 2 .."),
    (["--rounds", 0], "how long to search is missing"),
    (["--rounds", 2, "--epochs-per-round", 0], "--epochs-per-round: 0 is not in 1 .."),
    (["--rounds", 2, "--ops", "Rotat"], 'unknown op "Rotat" (nearest: "Rotate")'),
    (["--rounds", 2, "--space", "pbaa"], 'unknown space "pbaa" (nearest: "pba")'),
    (["--rounds", 2, "--limits", "Rotate:level=3..99"], "within 0 .. 10"),
    (["--rounds", 2, "--genes", "lr"], '"lr" has no range'),
    (["--rounds", 2, "--genes", "lr=0.2..0.1"], "low below high"),
    (["--rounds", 2, "--genes", "cutout=0..0"], "low below high"),
    (["--rounds", 2, "--genes", "rate=0.1..1"], 'unknown gene "rate"'),
    (["--rounds", 2, "--genes", "pad=0..4", "--resized-crop", 0.3], '"pad" cannot be searched beside --resized-crop'),
    (["--rounds", 2, "--resized-crop", -0.1], "--resized-crop: -0.1 is not in 0 .. 1"),
    (["--rounds", 2, "--scaled-decoding"], "give --size too"),
    (["--rounds", 2, "--amounts", ","], "amounts is empty"),
    (["--rounds", 2, "--reset-probability", 1.5], "1.5 is not in 0 .. 1"),
    (["--rounds", 2, "--selection", "best"], "--selection"),
    (["--rounds", 2, "--significance", 0], "--significance: 0 is not in"),
    (["--rounds", 2, "--fraction", 0.6], "--fraction: 0.6 is not in"),
    (["--rounds", 2, "--selection", "significant", "--metric", "loss"], "its metric is accuracy"),
    (["--rounds", 2, "--start", "zerro"], '(nearest: "zero")'),
    (["--rounds", 2, "--network", "wrn-10"], '"wrn-10"'),
    (["--rounds", 2, "--budget", "soon"], "--budget: expected a time such as 90s"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """The first 1,000 images of Fashion-MNIST, which every search here reads in no time."""
    path = tmp_path_factory.mktemp("data") / "first.npz"
    with gzip.open(FASHION / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(16 + 1000 * 784)[16:], np.uint8).reshape(-1, 28, 28)
    with gzip.open(FASHION / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + 1000)[8:], np.uint8)
    np.savez(path, train_images=images, train_labels=labels)
    return ["--data", path]


@pytest.fixture(scope="module")
def plain(data: list[object], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A search without further settings."""
    run = tmp_path_factory.mktemp("plain") / "run"
    done("search", *data, *SMALL, "--out", run)
    return run


@pytest.mark.parametrize(("flags", "sentence"), BAD, ids=[" ".join(map(str, flags)) for flags, _ in BAD])
def test_wrong_settings_are_refused_before_anything_is_read(
    tmp_path: pathlib.Path, flags: list[object], sentence: str
) -> None:
    # The data are not there: whatever looks at them first would say so instead.
    text = refused(2, "search", "--data", tmp_path / "none", *flags, "--out", tmp_path / "run")
    assert sentence in text, text
    assert not (tmp_path / "run").exists()


def test_a_class_of_one_image_cannot_be_divided(tmp_path: pathlib.Path) -> None:
    table = tmp_path / "two.csv"
    for name in ("a", "b"):
        done("augment", "--op", "Invert", "--level", 0, first_image(tmp_path), tmp_path / f"{name}.png")
    rows = [f"{name}.png,{name}" for name in ("a", "b")]
    table.write_text("path,label\n" + "\n".join(rows) + "\n")
    text = refused(1, "search", "--data", table, "--rounds", 2, "--out", tmp_path / "run")
    assert 'the class "a" has one training image; at least 2 are needed' in text, text
    assert not (tmp_path / "run" / "journal.jsonl").exists()


def first_image(folder: pathlib.Path) -> pathlib.Path:
    from PIL import Image

    path = folder / "first.png"
    Image.new("RGB", (16, 16), (10, 200, 30)).save(path)
    return path


def journal(run: pathlib.Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]


def test_a_real_search_uses_every_setting_of_what_is_searched(tmp_path: pathlib.Path, data: list[object]) -> None:
    flags = [
        *("--genes", "lr=0.01..0.2,weight_decay=1e-5..1e-2,flip=0..1:start=0.25,pad=0..6,cutout=0..20"),
        *("--ops", "Rotate,ShearX,Invert", "--limits", "Rotate:p=0.2..0.6:level=2..5", "--copies", 1),
        *("--amounts", "0,1", "--reset-probability", 0.5, "--start", "random"),
        *("--selection", "significant", "--significance", 0.4, "--fraction", 0.5),
    ]
    threads, processes = tmp_path / "threads", tmp_path / "processes"
    progress = popaug("search", *data, *SMALL, *flags, "--out", threads)
    assert progress.returncode == 0, progress.stderr
    # The note of the last line shows every member, worst 0 to best 9.
    assert re.search(r"member \d\) \[[0-9 ]{4}\], policies differ by", progress.stderr), progress.stderr
    lines = journal(threads)
    start = lines[1]["start"]
    assert len({json.dumps(member["genes"]) for member in start}) == 4
    assert {member["genes"]["flip"] for member in start} == {0.25}
    genomes = [*start, *(copy for line in lines if "decision" in line for copy in line["copies"])]
    assert len(genomes) > 4, "no member copied another"
    for genome in genomes:
        assert len(genome["policy"]) == 6
        assert 2 <= genome["policy"][0] <= 6 and 2 <= genome["policy"][1] <= 5
        genes = genome["genes"]
        assert 0.01 <= genes["lr"] <= 0.2 and 1e-5 <= genes["weight_decay"] <= 1e-2 and 0 <= genes["flip"] <= 1
        assert genes["pad"] in range(7) and genes["cutout"] in range(21)
    schedule = json.loads((threads / "best.schedule.json").read_text())
    last = schedule["provenance"]["genes"][-1]
    assert schedule["base"]["flip"] == last["flip"] and schedule["base"]["cutout"] == last["cutout"]
    assert [op["op"] for op in schedule["space"]["ops"]] == ["Rotate", "Invert", "ShearX"]

    # The same from config.toml and through the worker protocol, but for how it was carried out.
    done("search", "--config", threads / "config.toml", "--worker-cmd", WORKER, "--out", processes)
    differing = {"worker_cmd"}
    assert lines_without(threads, differing) == lines_without(processes, differing)
    (processes / "config.toml").write_bytes((threads / "config.toml").read_bytes())
    assert_same_run(threads, processes)


def test_what_trains_elsewhere_needs_no_torch_and_no_device_here(tmp_path: pathlib.Path, data: list[object]) -> None:
    without = {"POPAUG_NO_TRAINING": "there is no torch here"}
    flags = [*data, *TINY, "--population", 4, "--rounds", 2]
    worker = f"env -u POPAUG_NO_TRAINING {WORKER}"
    assert "there is no torch here" in refused(1, "search", *flags, "--out", tmp_path / "own", env=without)
    done("search", *flags, "--worker-cmd", worker, "--out", tmp_path / "run", env=without)
    assert json.loads((tmp_path / "run/result.json").read_text())["worker_kind"] == "process"


def test_a_resized_crop_is_searched_with_and_stands_in_the_schedule(
    tmp_path: pathlib.Path, data: list[object], plain: pathlib.Path
) -> None:
    threads, processes = tmp_path / "threads", tmp_path / "processes"
    done("search", *data, *SMALL, "--resized-crop", 0.5, "--out", threads)
    base = json.loads((threads / "best.schedule.json").read_text())["base"]
    assert base == {"pad": 0, "flip": 0.5, "cutout": 16, "scale_pixels": True, "resized_crop": 0.5}
    assert "resized_crop" not in json.loads((plain / "best.schedule.json").read_text())["base"]
    assert first_round(threads) != first_round(plain)
    done("search", "--config", threads / "config.toml", "--worker-cmd", WORKER, "--out", processes)
    (processes / "config.toml").write_bytes((threads / "config.toml").read_bytes())
    assert_same_run(threads, processes)
    assert "random resized crop from 0.5 of the area" in done("schedule", "show", threads / "best.schedule.json")


def lines_without(run: pathlib.Path, keys: set[str]) -> list[str]:
    lines = (run / "config.toml").read_text().splitlines()
    return [line for line in lines if line.split(" = ")[0] not in keys]


def test_genes_change_what_is_trained(tmp_path: pathlib.Path, data: list[object], plain: pathlib.Path) -> None:
    """The first round of a member whose gene starts at V is that of a search with the setting V, weights and all."""
    gene, setting = tmp_path / "gene", tmp_path / "setting"
    done("search", *data, *SMALL, "--genes", "lr=0.01..1:start=0.03", "--out", gene)
    done("search", *data, *SMALL, "--lr", 0.03, "--out", setting)
    assert first_round(gene) == first_round(setting)
    assert first_round(gene) != first_round(plain)


def first_round(run: pathlib.Path) -> list[tuple[object, ...]]:
    results = [line for line in journal(run) if line.get("round") == 0]
    assert len(results) == 4
    return [(line["score"], line["metrics"], line["checkpoint"]) for line in results]


@pytest.mark.parametrize("conv", ["exact", "fast"])
def test_a_search_survives_diverged_members(tmp_path: pathlib.Path, data: list[object], conv: str) -> None:
    flags = [*data, *TINY, "--genes", "lr=0.02..1000", "--clip", 0, "--population", 6, "--rounds", 3, "--conv", conv]
    done("search", *flags, "--workers", 2, "--out", tmp_path / "run")
    results = [line for line in journal(tmp_path / "run") if "round" in line]
    lost = [line for line in results if line["score"] is None]
    assert 0 < len(lost) < len(results)
    assert all(line["checkpoint"] == "" for line in lost)
    events = [json.loads(line) for line in (tmp_path / "run/run.log").read_text().splitlines()]
    reasons = [event["reason"] for event in events if event["event"] == "diverged"]
    assert len(reasons) == len(lost)
    assert all("training diverged" in reason for reason in reasons)
    done("search", *flags, "--worker-cmd", WORKER, "--workers", 1, "--out", tmp_path / "again")
    assert journal(tmp_path / "again") == journal(tmp_path / "run")
    done("report", tmp_path / "run")
    hopeless = ["--lr", 1000, "--weight-decay", 1, "--clip", 0, "--conv", conv]
    everybody = popaug("search", *data, *SMALL, *hopeless, "--out", tmp_path / "all")
    assert everybody.returncode == 1
    assert "all 4 members diverged" in everybody.stderr and "a lower --lr" in everybody.stderr


def test_a_budgets_numbers_stand_in_config_toml_and_repeat(tmp_path: pathlib.Path, data: list[object]) -> None:
    # Twice what the smallest search takes on this machine now.
    smallest = ["--population", 8, "--rounds", 3, "--workers", 2, "--dry-run", "--json"]
    seconds = json.loads(done("search", *data, *TINY, *smallest))["seconds"]
    large = [*data, *TINY, "--population", 12, "--rounds", 400, "--workers", 2]
    told = popaug("search", *large, "--budget", f"{2 + 2 * int(seconds)}s", "--out", tmp_path / "run")
    assert told.returncode == 0, told.stderr
    assert re.search(r"epochs: \d+ instead of 400", told.stderr), told.stderr
    config = (tmp_path / "run" / "config.toml").read_text()
    epochs = int(re.search(r"^epochs = (\d+)$", config, re.MULTILINE)[1])
    population = int(re.search(r"^population = (\d+)$", config, re.MULTILINE)[1])
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["epochs"], result["population"]) == (epochs, population)
    assert 3 <= epochs < 400
    done("search", "--config", tmp_path / "run" / "config.toml", "--out", tmp_path / "again")
    assert_same_run(tmp_path / "run", tmp_path / "again")
    assert "a resumed run keeps its numbers" in refused(
        2, "search", "--resume", "--budget", "9s", "--out", tmp_path / "run"
    )


def test_a_dry_run_leaves_nothing_and_says_the_plan(tmp_path: pathlib.Path, data: list[object]) -> None:
    plan = json.loads(done("search", *data, *SMALL, "--dry-run", "--json", "--out", tmp_path / "run"))
    assert (plan["members"], plan["rounds"], plan["epochs"]) == (4, 3, 3)
    assert plan["images_trained"] == 4 * 3 * 128
    assert plan["images_evaluated"] == 4 * 3 * 100
    assert plan["seconds"] > 0 and plan["memory_bytes"] > 1e7 and plan["disk_bytes"] > 1e5
    assert not (tmp_path / "run").exists()


def test_a_schedule_without_ops_is_called_that(tmp_path: pathlib.Path) -> None:
    toy = ["search", "--trainer", "toy", "--population", 4]
    empty = done(*toy, "--rounds", 1, "--out", tmp_path / "empty")  # a single round: nobody copies
    assert "copied 0 times; its schedule has 1 segment over" in empty
    assert "It applies no op" in empty
    assert "It applies no op" not in done(*toy, "--rounds", 20, "--out", tmp_path / "some")


def test_the_plan_of_an_asynchronous_search_says_what_it_leaves_out(tmp_path: pathlib.Path) -> None:
    toy = ["--trainer", "toy", "--population", 4, "--rounds", 2, "--async", "--dry-run", "--out", tmp_path / "run"]
    process = subprocess.run([PROGRAM, "search", *map(str, toy)], capture_output=True, text=True, check=True)
    assert "more may be trained than planned" in process.stderr


def test_ctrl_c_says_how_to_continue_and_the_run_does(
    tmp_path: pathlib.Path, data: list[object], plain: pathlib.Path
) -> None:
    run = tmp_path / "run"
    stop = {"POPAUG_FAILPOINTS": "append.sync=stop@2"}  # the first append is the header
    error = refused(130, "search", *data, *SMALL, "--out", run, env=stop)
    assert '"round"' in (run / "journal.jsonl").read_text()
    assert f"popaug search --out {run} --resume" in error
    done("search", "--out", run, "--resume")
    assert_same_run(run, plain)
