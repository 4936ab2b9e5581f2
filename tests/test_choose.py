"""popaug choose: a screening under a budget, then one training with the winner, the same bytes from its config.toml."""

import json
import os
import pathlib
import subprocess
import sys
import tomllib
import urllib.request

import numpy as np
import pytest
from popaug_program import PROGRAM, ROOT, done, popaug, refused

TINY = ["--network", "wrn-10-1", "--conv", "fast", "--batch", 32, "--val-size", 60]
BUDGET = ["--budget-images", 8000, "--trainings", 7]
DETERMINED = ("choose.json", "used.schedule.json", "best.safetensors", "split.json")


@pytest.fixture(scope="module")
def shoes(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Labels that tell left from right: every arm with flips must lose to none."""
    folder = tmp_path_factory.mktemp("shoes")
    command = [sys.executable, ROOT / "bench" / "studies" / "sets" / "make_set.py", "orientation", folder / "set.npz"]
    subprocess.run([*command, "--train", "180", "--test", "60"], check=True)
    return folder


@pytest.fixture(scope="module")
def chosen(shoes: pathlib.Path) -> pathlib.Path:
    done("choose", "--data", shoes / "set.npz", *TINY, *BUDGET, "--out", shoes / "chosen")
    return shoes / "chosen"


def test_the_screening_and_the_network(chosen: pathlib.Path, shoes: pathlib.Path) -> None:
    screening = json.loads((chosen / "choose.json").read_text())
    assert screening["format"] == "popaug-choose"
    arms = {arm["name"]: arm for arm in screening["arms"]}
    assert len(arms) == 9
    assert screening["stages"] == [3, 2, 2]
    assert sum(len(arm["accuracy"]) for arm in arms.values()) == 7
    assert all(len(arm["accuracy"]) == len(arm["loss"]) for arm in arms.values())
    assert arms[screening["winner"]]["behind"] == 0
    assert {(worth["factor"], worth["level"]) for worth in screening["worth"]} == {
        ("symmetry", "flip"),
        ("symmetry", "dihedral"),
        ("strength", "0.25"),
        ("strength", "0.5"),
    }
    # 180 labelled images, 135 outside each of four folds; whole batches of 32.
    assert screening["epochs"] == 8000 // (7 * 128 + 160)
    assert screening["images_trained"] == 7 * 128 * screening["epochs"]
    lines = [json.loads(line) for line in (chosen / "runs.jsonl").read_text().splitlines()]
    assert len(lines) == 1 + 7
    assert all(line["tested"] == 45 and line["loss"] > 0 for line in lines[1:])
    # Every network that trained without flips was shown mirrored and turned images, and no other.
    unflipped = {line["arm"]: line for line in lines[1:] if {"mirrored", "turned"} <= set(line)}
    assert set(unflipped) == {
        line["arm"] for line in lines[1:] if line["arm"] in ("crop", "mild+noflip", "mild-0.5+noflip")
    }
    assert {test["level"] for test in screening["symmetries"]} == {"flip", "dihedral"}
    assert {name for name, arm in arms.items() if arm["left_out"]} <= {
        name for name in arms if "noflip" not in name
    } - {"crop"}
    # All labels: every fold is trained on.
    rows = (chosen / "progress.csv").read_text().splitlines()
    assert len(rows) - 1 == screening["epochs"]
    result = json.loads(done("eval", chosen, "--data", shoes / "set.npz", "--json"))
    assert result["images"] == 60


def test_its_report_shows_how_the_recipe_was_chosen(chosen: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done("report", chosen, "-o", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "How the augmentation was chosen" in page
    assert "What each part is worth on these images" in page
    screening = json.loads((chosen / "choose.json").read_text())
    assert f"The training is finished: {screening['epochs']} epochs." in page
    assert "an unknown number" not in page
    assert "popaug choose --config" in page


def test_no_image_that_judges_was_trained_on(tmp_path: pathlib.Path) -> None:
    """Noise with random labels: whoever is right about an image of a fold has seen it, or its twin."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (120, 16, 16), dtype=np.uint8)
    twins = np.clip(images + random.integers(-20, 21, images.shape), 0, 255).astype(np.uint8)
    arrays = {
        "train_images": np.stack([images, twins], 1).reshape(-1, 16, 16),
        "train_labels": np.repeat(random.integers(0, 2, len(images)), 2),
        "test_images": random.integers(0, 256, (40, 16, 16), dtype=np.uint8),
        "test_labels": random.integers(0, 2, 40),
    }
    np.savez(tmp_path / "apart.npz", **arrays)
    np.savez(tmp_path / "grouped.npz", train_groups=np.repeat(np.arange(len(images)), 2), **arrays)
    flags = ["--network", "wrn-10-1", "--conv", "fast", "--batch", 20, "--epochs", 30]
    flags += ["--trainings", 8, "--arms", "none,mild+noflip"]
    accuracy = {}
    for name in ("apart", "grouped"):
        done("choose", "--data", tmp_path / f"{name}.npz", *flags, "--out", tmp_path / name)
        arms = json.loads((tmp_path / name / "choose.json").read_text())["arms"]
        folds = next(arm["accuracy"] for arm in arms if arm["name"] == "none")
        assert len(folds) == 4
        accuracy[name] = sum(folds) / 4
    # Twins on both sides of a fold are known by heart. Where a group keeps them together, there is nothing to know.
    assert accuracy["apart"] > 75
    assert accuracy["grouped"] < 66  # 120 pairs: a standard deviation is 4.6


@pytest.mark.skipif(not os.environ.get("POPAUG_LONG"), reason="long form: POPAUG_LONG=1")
def test_no_flips_are_taken_where_flips_change_labels(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, ROOT / "bench" / "studies" / "sets" / "make_set.py", "orientation", tmp_path / "set.npz"]
    subprocess.run([*command, "--train", "600", "--test", "60"], check=True)
    done("choose", "--data", tmp_path / "set.npz", *TINY[:-2], "--epochs", 20, "--out", tmp_path / "chosen")
    screening = json.loads((tmp_path / "chosen" / "choose.json").read_text())
    worth = {entry["level"]: entry for entry in screening["worth"]}
    assert worth["flip"]["points"] + worth["flip"]["half_interval"] < 0
    assert [test["left_out"] for test in screening["symmetries"]] == [True, True]
    flipped = [arm for arm in screening["arms"] if arm["left_out"]]
    assert len(flipped) == 6 and all(len(arm["accuracy"]) <= 1 for arm in flipped)
    assert json.loads((tmp_path / "chosen" / "used.schedule.json").read_text())["base"]["flip"] == 0


def test_a_validation_split_of_ones_own_judges_every_stage(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    split = tmp_path / "split.json"
    done("data", "split", "--data", shoes / "set.npz", "--val-size", 40, "-o", split)
    flags = [*TINY[:-2], "--split", split, "--epochs", 1, "--trainings", 4]
    done("choose", "--data", shoes / "set.npz", *flags, "--out", tmp_path / "own")
    lines = [json.loads(line) for line in (tmp_path / "own" / "runs.jsonl").read_text().splitlines()][1:]
    assert [line["tested"] for line in lines] == [40] * 4
    assert {line["seed"] for line in lines} == {0, 1}


def test_its_config_gives_the_same_bytes_on_other_workers(chosen: pathlib.Path, tmp_path: pathlib.Path) -> None:
    text = done("choose", "--config", chosen / "config.toml", "--workers", 1, "--out", tmp_path / "again")
    assert "chosen: " in text
    for name in DETERMINED:
        assert (tmp_path / "again" / name).read_bytes() == (chosen / name).read_bytes(), name


def test_a_stopped_screening_goes_on(chosen: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "stopped"
    command = ["choose", "--config", chosen / "config.toml", "--out", out]
    said = refused(130, *command, env={"POPAUG_FAILPOINTS": "append.sync=stop@4"})
    assert 4 <= (out / "runs.jsonl").read_bytes().count(b"\n") < (chosen / "runs.jsonl").read_bytes().count(b"\n")
    assert f"popaug choose --out {out} --resume" in said
    assert "choose another --out" in refused(2, "choose", "--config", chosen / "config.toml", "--out", out)
    done("choose", "--out", out, "--resume")
    for name in DETERMINED:
        assert (out / name).read_bytes() == (chosen / name).read_bytes(), name


def test_a_stopped_final_training_goes_on(chosen: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "stopped"
    trainings = (chosen / "runs.jsonl").read_bytes().count(b"\n")
    in_first_epoch = {"POPAUG_FAILPOINTS": f"append.sync=stop@{trainings}"}  # after the last one of the screening
    said = refused(130, "choose", "--config", chosen / "config.toml", "--out", out, env=in_first_epoch)
    assert f"popaug choose --out {out} --resume" in said
    assert (out / "checkpoint.safetensors").exists() and not (out / "progress.csv").exists()
    later = {"POPAUG_FAILPOINTS": "file.rename=stop@5"}
    assert f"popaug choose --out {out} --resume" in refused(130, "choose", "--out", out, "--resume", env=later)
    rows = (out / "progress.csv").read_bytes().count(b"\n")
    assert 1 < rows < (chosen / "progress.csv").read_bytes().count(b"\n")
    assert not (out / "result.json").exists()
    done("choose", "--out", out, "--resume")
    for name in DETERMINED:
        assert (out / name).read_bytes() == (chosen / name).read_bytes(), name


def test_a_time_becomes_images(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    said = refused(2, "choose", "--data", shoes / "set.npz", *TINY, "--budget", "1s", "--out", tmp_path / "a",
                   "--epochs", 50)  # fmt: skip
    assert "--budget: the shortest screening takes about " in said
    assert not (tmp_path / "a" / "config.toml").exists()
    command = ["choose", "--data", shoes / "set.npz", *TINY, "--epochs", 2, "--out", tmp_path / "b"]
    process = popaug(*command, "--budget", "10m")  # every recipe outside every fold takes less
    assert process.returncode == 0, process.stderr
    assert "trainings of 2 epochs favour weak augmentation" in process.stderr
    assert "give a longer --budget, a smaller --network or more --epochs" in process.stderr
    config = tomllib.loads((tmp_path / "b" / "config.toml").read_text())["choose"]
    screening = json.loads((tmp_path / "b" / "choose.json").read_text())
    assert screening["epochs"] == 2
    assert 0 < screening["images_trained"] <= config["budget_images"]


def test_refusals(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    data = ["--data", shoes / "set.npz", *TINY]
    assert "--budget is missing" in refused(2, "choose", *data, "--out", tmp_path / "a")
    few = refused(2, "choose", *data, "--budget-images", 600, "--out", tmp_path / "b")
    assert "the budget of 600 images is too small" in few
    assert "need at least " in few
    missing = refused(1, "choose", *data, *BUDGET, "--schedule", tmp_path / "no.json", "--out", tmp_path / "c")
    assert "no.json" in missing
    both = refused(2, "choose", *data, *BUDGET, "--budget", "1h", "--out", tmp_path / "d")
    assert "give one of them" in both
    assert "there is no screening in" in refused(2, "choose", "--out", tmp_path / "e", "--resume")
    whole = refused(2, "choose", "--data", shoes / "set.npz", "--val-size", 180, *BUDGET, "--out", tmp_path / "f")
    assert "popaug: " in whole


def test_a_search_that_screens(shoes: pathlib.Path, tmp_path: pathlib.Path, chosen: pathlib.Path) -> None:
    epochs = json.loads((chosen / "choose.json").read_text())["epochs"]
    command = ["search", "--method", "screen", "--data", shoes / "set.npz", *TINY, "--out", tmp_path / "run"]
    length = ["--epochs", epochs, "--trainings", 7]
    out = done(*command, *length)
    screening = json.loads((tmp_path / "run" / "choose.json").read_text())
    assert screening == json.loads((chosen / "choose.json").read_text())
    schedule = json.loads((tmp_path / "run" / "best.schedule.json").read_text())
    used = json.loads((chosen / "used.schedule.json").read_text())
    assert schedule["segments"] == used["segments"]
    assert schedule["base"] == used["base"]
    assert schedule["provenance"]["arm"] == screening["winner"]
    assert schedule["provenance"]["images_trained"] == screening["images_trained"]
    assert f"--schedule {tmp_path / 'run' / 'best.schedule.json'}" in out
    done("schedule", "validate", tmp_path / "run" / "best.schedule.json")
    page = (pathlib.Path(done("report", tmp_path / "run").strip())).read_text()
    assert "Which simple recipe suits these images?" in page
    assert "points behind the chosen recipe" in page and "all eight flips and turns" in page
    figures = json.loads(done("report", tmp_path / "run", "--format", "json"))
    assert (figures["kind"], figures["finished"], figures["trainings"]) == ("screening", True, 7)
    assert figures["screening"] == screening and figures["compare"] is None
    assert "contains a screening" in refused(1, "report", tmp_path / "run", "--format", "tensorboard")
    # A stopped one continues from its finished trainings, to the same bytes.
    lines = (tmp_path / "run" / "runs.jsonl").read_text().splitlines()
    (tmp_path / "run" / "runs.jsonl").write_text("".join(f"{line}\n" for line in lines[:4]))
    (tmp_path / "run" / "best.schedule.json").unlink()
    done("search", "--out", tmp_path / "run", "--resume")
    again = (tmp_path / "run" / "runs.jsonl").read_text().splitlines()
    assert again[:4] == lines[:4]  # the others differ in seconds
    losses = [sorted((r["arm"], r["seed"], r["loss"]) for r in map(json.loads, each[4:])) for each in (again, lines)]
    assert losses[0] == losses[1]
    assert json.loads((tmp_path / "run" / "best.schedule.json").read_text()) == schedule
    plan = json.loads(done(*command[:-2], *length, "--dry-run", "--json"))
    assert (plan["trainings"], plan["epochs"], plan["images_trained"]) == (7, epochs, screening["images_trained"])
    assert done(*command[:-2], *length, "--dry-run").startswith(f"7 trainings of {epochs} epochs, on ")
    assert "keeps no network" in refused(2, "eval", tmp_path / "run", "--data", shoes / "set.npz")


def test_a_search_that_screens_refuses_what_it_cannot(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    flags = ["--data", shoes / "set.npz", "--epochs", 1, "--out", tmp_path / "run"]
    assert "--trainer" in refused(2, "search", "--method", "screen", "--trainer", "toy", *flags)
    assert "--trainings belongs to --method screen" in refused(2, "search", *flags, "--trainings", 9)
    best = ["search", "--preset", "best", *flags]
    for setting in (["--population", 4], ["--genes", "pad=0..4"], ["--flip", 0], ["--selection", "none"]):
        assert f"{setting[0]} belongs to --method pba" in refused(2, *best, *setting)
    for flag in (["--attempts", 9], ["--worker-silence", 3]):
        assert f"{flag[0]} is about workers of a population" in refused(2, *best, *flag)
    assert "--lineages belongs to --trainer none: leave it out, or give that too" in refused(2, *best, "--lineages", 7)
    assert "--epochs" in refused(2, "search", "--method", "screen", *flags[:2], "--out", tmp_path / "none")
    assert not (tmp_path / "run").exists()


def test_a_budget_decides_how_many_trainings(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The five trainings of the preset are those of a screening without a budget."""
    small = ["--data", shoes / "set.npz", "--preset", "finetune", "--head-epochs", 0, "--size", 16, *TINY]
    plan = ["search", *small, "--out", tmp_path / "run", "--dry-run", "--json"]
    assert json.loads(done(*plan))["trainings"] == 5
    assert json.loads(done(*plan, "--budget", "2h"))["trainings"] == 36
    assert json.loads(done(*plan, "--budget", "2h", "--trainings", 6))["trainings"] == 6


def test_a_comparison_is_the_answer_of_a_screened_run(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = tmp_path / "run"
    short = ["--data", shoes / "set.npz", "--preset", "best", *TINY, "--epochs", 1]
    done("search", *short, "--trainings", 4, "--out", run)
    page = pathlib.Path(done("report", run).strip()).read_text()
    assert f"--run {run} --all-labels" in page and 'id="screening"' not in page
    done(
        "compare",
        *short,
        "--run",
        run,
        "--all-labels",
        "--arms",
        "schedule,flipcrop",
        "--seeds",
        2,
        "--out",
        tmp_path / "c",
    )
    page = pathlib.Path(done("report", run).strip()).read_text()
    verdict = json.loads((run / "compare.json").read_text())["verdict"]
    answer, chosen = page.split('<section id="screening"')
    assert verdict.split(";")[0] in answer and "points behind the chosen recipe" not in answer
    assert "points behind the chosen recipe" in chosen and "--all-labels" not in answer
    assert json.loads(done("report", run, "--format", "json"))["compare"]["verdict"] == verdict


def test_the_live_page_of_a_screening(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = tmp_path / "run"
    done(
        "search", "--data", shoes / "set.npz", "--preset", "best", *TINY, "--epochs", 1, "--trainings", 4, "--out", run
    )
    server = subprocess.Popen([PROGRAM, "serve", run, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        url = server.stdout.readline().strip()
        with urllib.request.urlopen(url + "state.json", timeout=60) as state:
            assert json.loads(state.read())["line"] == "4 trainings, finished"
        with urllib.request.urlopen(url + "main.html", timeout=60) as main:
            assert "Which simple recipe suits these images?" in main.read().decode()
    finally:
        server.terminate()
        server.wait()
    # Before the end it shows what the trainings so far gave.
    for name in ("choose.json", "best.schedule.json"):
        (run / name).unlink()
    lines = (run / "runs.jsonl").read_text().splitlines(keepends=True)
    (run / "runs.jsonl").write_text("".join(lines[:3]))
    server = subprocess.Popen([PROGRAM, "serve", run, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        url = server.stdout.readline().strip()
        with urllib.request.urlopen(url + "main.html", timeout=60) as main:
            page = main.read().decode()
        assert "2 of 4 trainings" in page and "seed of its fold" in page and "compare --config" not in page
    finally:
        server.terminate()
        server.wait()
