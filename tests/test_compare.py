"""popaug compare on small real trainings: paired, resumable, fair, and clear when it refuses."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from popaug_program import FASHION, ROOT, done, refused

SMALL = ["--network", "wrn-10-1", "--batch", 16, "--lr", 0.05, "--epochs", 2]


@pytest.fixture(scope="module")
def shoes(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """96 training and 100 test images of Fashion-MNIST as .npz; another file tests with the first's training images."""
    import gzip

    def pixels(part: str, count: int) -> np.ndarray:
        with gzip.open(FASHION / f"{part}-images-idx3-ubyte.gz") as file:
            return np.frombuffer(file.read(16 + count * 784), np.uint8)[16:].reshape(-1, 28, 28)

    def labels(part: str, count: int) -> np.ndarray:
        with gzip.open(FASHION / f"{part}-labels-idx1-ubyte.gz") as file:
            return np.frombuffer(file.read(8 + count), np.uint8)[8:].reshape(-1, 1)

    folder = tmp_path_factory.mktemp("shoes")
    train, test = (pixels("train", 96), labels("train", 96)), (pixels("t10k", 100), labels("t10k", 100))
    for name, first, second in (("set", train, test), ("leak", test, train)):
        np.savez(
            folder / f"{name}.npz", train_images=first[0], train_labels=first[1], test_images=second[0],
            test_labels=second[1],
        )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def comparison(shoes: pathlib.Path) -> pathlib.Path:
    out = shoes / "comparison"
    done("compare", "--data", shoes / "set.npz", *SMALL, "--arms", "flipcrop,trivial", "--seeds", 2, "--out", out)
    return out


def rows(out: pathlib.Path) -> dict[tuple[str, int], dict]:
    lines = (out / "runs.jsonl").read_text().splitlines()[1:]
    return {(r["arm"], r["seed"]): r for r in map(json.loads, lines)}


def test_an_arm_is_what_train_and_eval_give_under_that_seed(
    shoes: pathlib.Path, comparison: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    data = ["--data", shoes / "set.npz"]
    done("train", *data, *SMALL, "--augment", "trivial", "--seed", 1, "--out", tmp_path / "net")
    report = json.loads(done("eval", tmp_path / "net", *data, "--json"))
    assert report["wrong"] == rows(comparison)["trivial", 1]["wrong"]


def test_any_number_of_workers_gives_the_same_figures(
    shoes: pathlib.Path, comparison: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    flags = ["--arms", "flipcrop,trivial", "--seeds", 2, "--workers", 1, "--out", tmp_path / "one"]
    done("compare", "--data", shoes / "set.npz", *SMALL, *flags)

    # Trainings end in any order, and the check of a line follows from the line before.
    def figures(out: pathlib.Path) -> dict:
        return {key: {**row, "seconds": 0, "check": ""} for key, row in rows(out).items()}

    assert figures(tmp_path / "one") == figures(comparison)


def test_seeds_and_arms_are_added(shoes: pathlib.Path, comparison: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "more"
    shutil.copytree(comparison, out)
    before = (out / "runs.jsonl").read_text()
    text = done(
        "compare", "--data", shoes / "set.npz", *SMALL, "--arms", "flipcrop,trivial,none", "--seeds", 3, "--resume",
        "--out", out, "--json",
    )  # fmt: skip
    assert (out / "runs.jsonl").read_text().startswith(before)
    assert len(rows(out)) == 9
    result = json.loads(text)
    assert [arm["name"] for arm in result["arms"]] == ["flipcrop", "trivial", "none"]
    assert all(arm["seeds"] == 3 for arm in result["arms"])
    errors = [100 * rows(out)["none", seed]["wrong"] / 100 for seed in range(3)]
    assert result["arms"][2]["error"] == pytest.approx(np.mean(errors))
    assert result["verdict"]


def test_other_settings_and_an_existing_comparison_are_refused(shoes: pathlib.Path, comparison: pathlib.Path) -> None:
    base = ["compare", "--data", shoes / "set.npz", "--arms", "flipcrop,trivial", "--seeds", 2, "--out", comparison]
    assert "--resume" in refused(2, *base, *SMALL)
    assert "epochs = 2" in refused(2, *base, *SMALL[:-1], 3, "--resume")


def test_one_seed_says_that_it_proves_nothing(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    text = done(
        "compare", "--data", shoes / "set.npz", *SMALL, "--arms", "none", "--seeds", 1, "--out", tmp_path / "one"
    )
    assert "one seed gives no spread" in text


def test_bad_arms_are_sentences(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    base = ["compare", "--data", shoes / "set.npz", *SMALL, "--out", tmp_path / "x", "--arms"]
    assert 'nearest: "trivial"' in refused(2, *base, "trival")
    assert "needs a learned schedule" in refused(2, *base, "schedule")
    assert "--unequal" in refused(2, *base, "flipcrop,trivial@4")
    assert "twice" in refused(2, *base, "none,none")


def test_a_tuned_randaugment_pays_for_its_grid(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    flags = ["--val-size", 32, "--all-labels", "--arms", "randaugment-tuned,none", "--seeds", 2, "--json"]
    result = json.loads(done("compare", "--data", shoes / "set.npz", *SMALL, *flags, "--out", tmp_path / "tuned"))
    tuned, plain = result["arms"]
    assert tuned["images"] == plain["images"] == 2 * 96
    assert tuned["search_images"] == 4 * (2 * 64 + 32)
    assert any("was the best of 4" in note for note in result["notes"])


def test_a_choice_is_the_training_of_what_it_chose(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done("compare", "--data", shoes / "set.npz", *SMALL, "--arms", "flipcrop,choose", "--seeds", 1, "--trainings", 4,
         "--val-size", 32, "--workers", 2, "--out", tmp_path / "c")  # fmt: skip
    screening = json.loads((tmp_path / "c/screenings/choose-0/choose.json").read_text())
    chosen = next(
        arm for arm in json.loads((tmp_path / "c/compare.json").read_text())["arms"] if arm["name"] == "choose"
    )
    assert chosen["error"] == pytest.approx(100 - 100 * rows(tmp_path / "c")[screening["winner"], 0]["accuracy"])
    trained = [
        json.loads(line) for line in (tmp_path / "c/screenings/choose-0/runs.jsonl").read_text().splitlines()[1:]
    ]
    assert {line["judge"] for line in trained} == {"validation"}
    judged = [
        line["tested"] * (8 if "mirrored" in line else 1) for line in trained
    ]  # some saw all eight flips and turns
    assert chosen["search_images"] == sum(line["images_trained"] for line in trained) + sum(judged)


def test_every_arm_gets_the_resized_crop_or_a_note_says_who_does(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    schedule = json.loads(done("schedule", "export", "trivial", "--to", "json"))
    schedule["base"] = {"pad": 0, "flip": 0.5, "cutout": 0, "scale_pixels": True, "resized_crop": 0.4}
    (tmp_path / "s.schedule.json").write_text(json.dumps(schedule))
    command = ["compare", "--data", shoes / "set.npz", *SMALL, "--schedule", tmp_path / "s.schedule.json", "--seeds", 1]
    command += ["--arms", "flipcrop,trivial,schedule"]
    note = "--resized-crop 0.4 gives it to every arm"
    assert note in done(*command, "--out", tmp_path / "apart")
    assert note not in done(*command, "--resized-crop", 0.4, "--out", tmp_path / "together")
    apart, together = ({k[0]: row["wrong"] for k, row in rows(tmp_path / n).items()} for n in ("apart", "together"))
    # Now the schedule is TrivialAugment itself; the crop changed nothing of the arm that had it.
    assert together["trivial"] == together["schedule"] == apart["schedule"]
    (tmp_path / "s.toml").write_text('name = "s"\nops = ["Invert"]\n')
    audit = ["--space", tmp_path / "s.toml", "--train-size", 60, "--val-size", 30, "--epochs", 1]
    audit += ["--levels", 1, "--seeds", 2, "--resized-crop", 0.4]
    done("audit", "--data", shoes / "set.npz", *SMALL[:4], *audit, "--out", tmp_path / "audit")
    assert "resized_crop = 0.4" in (tmp_path / "audit" / "config.toml").read_text()


def test_charging_the_search_gives_the_others_its_images(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    flags = ["--val-size", 32, "--all-labels", "--arms", "randaugment-tuned,none", "--seeds", 1, "--json"]
    text = done(
        "compare", "--data", shoes / "set.npz", *SMALL, *flags, "--charge-search", "--out", tmp_path / "charged"
    )
    tuned, plain = json.loads(text)["arms"]
    assert plain["images"] == (2 + tuned["search_images"] // 96) * 96


def test_an_interrupted_comparison_goes_on(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "out"
    flags = ["compare", "--data", shoes / "set.npz", *SMALL[:-1], 12, "--arms", "none,flipcrop", "--seeds", 3]
    stop = {"POPAUG_FAILPOINTS": "append.sync=stop@3"}
    assert "--resume" in refused(130, *flags, "--workers", 1, "--out", out, env=stop)
    before = rows(out)
    assert len(before) == 2
    assert not list(out.glob("*.safetensors"))
    done(*flags, "--resume", "--out", out)
    assert len(rows(out)) == 6
    assert all(rows(out)[key] == row for key, row in before.items())


def test_a_search_that_saw_the_test_images_is_found_out(shoes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    search = [
        "--val-size",
        32,
        "--population",
        2,
        "--epochs-per-round",
        1,
        "--fraction",
        0.5,
        "--out",
        tmp_path / "run",
    ]
    done("search", "--data", shoes / "leak.npz", *SMALL, *search)
    flags = [*SMALL, "--arms", "flipcrop,schedule", "--seeds", 2, "--run", tmp_path / "run"]
    result = json.loads(done("compare", "--data", shoes / "set.npz", *flags, "--json", "--out", tmp_path / "leaky"))
    assert any("saw the test images" in note for note in result["notes"])
    honest = json.loads(
        done("compare", "--data", shoes / "leak.npz", *flags, "--all-labels", "--json", "--out", tmp_path / "honest")
    )
    assert not any("saw the test images" in note for note in honest["notes"])
    arm = honest["arms"][1]
    assert arm["search_images"] == 2 * 2 * (64 + 32)
    assert json.loads((tmp_path / "run" / "compare.json").read_text()) == honest
    done("report", tmp_path / "run", "--no-images")
    assert honest["verdict"].split("(")[0].strip() in (tmp_path / "run" / "report.html").read_text()


def test_the_page_of_results_has_the_regrets_of_the_raw_lines() -> None:
    lines = ROOT / "bench" / "results" / "regret"
    script = ROOT / "bench" / "studies" / "regret" / "summary.py"
    command = [
        sys.executable,
        script,
        lines / "arms.jsonl",
        "--folds",
        lines / "folds.jsonl",
        "--turned",
        lines / "turned.jsonl",
    ]
    pages = ["--page", ROOT / "docs" / "results.md", "--readme", ROOT / "README.md"]
    subprocess.run([*command, *pages, "--check"], check=True)


def test_the_replay_has_the_grid_of_the_program() -> None:
    program = (ROOT / "popaug" / "compare" / "screen.cc").read_text()
    cells = re.findall(r'\{"([a-z0-9.+-]+)", "(none|flip|dihedral)", ([0-9.]+)\}', program)
    study = "import json, summary; print(json.dumps(summary.GRID))"
    folder = ROOT / "bench" / "studies" / "regret"
    text = subprocess.run([sys.executable, "-c", study], check=True, capture_output=True, text=True, cwd=folder).stdout
    grid = [(arm, symmetry, strength) for arm, symmetry, strength in json.loads(text)]
    assert [(arm.replace("+", "-"), symmetry, float(strength)) for arm, symmetry, strength in cells] == grid
    for begin in (0, 3, 6):  # every symmetry and every strength once
        assert all(len({cell[part] for cell in grid[begin : begin + 3]}) == 3 for part in (1, 2))


def test_the_page_of_results_has_the_fine_tunings_of_the_raw_lines() -> None:
    script = ROOT / "bench" / "studies" / "train" / "fine_tuning_table.py"
    lines = ROOT / "bench" / "results" / "fine-tuning.jsonl"
    subprocess.run([sys.executable, script, lines, "--page", ROOT / "docs" / "results.md", "--check"], check=True)


def test_the_page_of_settings_has_the_batches_of_the_raw_lines() -> None:
    script = ROOT / "bench" / "studies" / "regret" / "small_batches.py"
    lines = ROOT / "bench" / "results" / "small-batches.jsonl"
    page = ROOT / "docs" / "decisions" / "settings.md"
    subprocess.run([sys.executable, script, "-", "--lines", lines, "--page", page, "--check"], check=True)


def test_the_picture_of_reduced_cifar10_shows_the_raw_lines() -> None:
    script = ROOT / "bench" / "studies" / "sets" / "figure.py"
    picture = ROOT / "docs" / "pictures" / "rcifar10.svg"
    subprocess.run([sys.executable, script, ROOT / "bench" / "results" / "rcifar10", picture, "--check"], check=True)


def test_the_page_of_results_says_what_the_trainings_gave(tmp_path: pathlib.Path) -> None:
    script = pathlib.PurePath("bench", "studies", "sets", "results_page.py")
    subprocess.run([sys.executable, ROOT / script, "--check"], check=True)
    copy = tmp_path / "tree"
    (copy / script).parent.mkdir(parents=True)
    shutil.copy(ROOT / script, copy / script)
    shutil.copytree(ROOT / "bench" / "results", copy / "bench" / "results")
    (copy / "docs").mkdir()
    text = (ROOT / "docs" / "results.md").read_text()
    (copy / "docs" / "results.md").write_text(text.replace("| flip + crop | ", "| flip + crop | 1"))
    process = subprocess.run([sys.executable, copy / script, "--check"], check=False)
    assert process.returncode == 1
