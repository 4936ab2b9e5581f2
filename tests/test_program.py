"""The program as a whole: help, usage errors, and bad input of the main job."""

import json
import pathlib
import re
import tomllib

import numpy as np
import pytest
from PIL import Image
from popaug_program import FASHION, ROOT, done, popaug, refused


def documented_verbs() -> dict[str, bool]:
    """The verbs in the table of docs/architecture.md; True: a verb with verbs of its own, written `data info`, `verify`."""
    table = (
        (ROOT / "docs/architecture.md").read_text().split("| verb | what it does |\n|---|---|\n")[1].split("\n\n")[0]
    )
    verbs = {}
    for row in table.splitlines():
        names = re.findall(r"`([^`]+)`", row.split(" | ")[0])
        has_own = " " in names[0]
        verbs |= dict.fromkeys([names[0].split()[0]] if has_own else names, has_own)
    return verbs


VERBS = documented_verbs()
TINY = ["--network", "wrn-10-1", "--batch", "16", "--pad", "2", "--cutout", "0"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder of JPEGs: two classes of 24 training and 8 test images, 16x16."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(1)
    for split, count in (("train", 24), ("test", 8)):
        for label, low in (("dark one", 0), ("light", 128)):
            place = folder / split / label
            place.mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(low, low + 128, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.jpg", quality=95)
    return folder


def test_help_names_the_verbs_of_the_page() -> None:
    listed = re.search(r"^Subcommands:\n(.*?)(?:\n\n|\Z)", done("--help"), re.MULTILINE | re.DOTALL)
    assert listed
    assert sorted(re.findall(r"^  (\S+)", listed[1], re.MULTILINE)) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_shows_examples(verb: str) -> None:
    text = done(verb, "--help")
    assert "Examples:" in text
    assert f"popaug {verb}" in text


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_a_screen(verb: str) -> None:
    lines = done(verb, "--help").splitlines()
    assert len(lines) <= 64
    assert max(map(len, lines)) <= 100
    everything = done(verb, "--help-all")
    assert max(map(len, everything.splitlines())) <= 100
    hidden = re.search(r"^(\d+) more flags, rarely needed: popaug (\w+) --help-all$", "\n".join(lines), re.MULTILINE)
    shown = [set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", text, re.MULTILINE)) for text in ("\n".join(lines), everything)]
    assert shown[0] <= shown[1]
    if not VERBS[verb]:  # those have flags of their own verbs
        assert len(shown[1] - shown[0]) == (int(hidden[1]) if hidden else 0)


def described(text: str) -> dict[str, str]:
    """Flag or verb -> its description, from help: on the same line behind two spaces, or on the next line."""
    found = {}
    lines = text.split("\nExamples:")[0].splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if beside := re.match(r" {2,4}(-\S+|[a-z]+)(?: \S.*?)? {2,}(\S.*)$", line):
            found[beside[1]] = beside[2]
        elif above := re.match(r" {2,4}(-\S+)", line):
            found[above[1]] = after.strip()
    return found


def test_descriptions_start_with_a_capital() -> None:
    verbs = list(VERBS)
    for verb in ("data", "schedule", "weights", "bench"):
        verbs += [f"{verb} {name}" for name in described(done(verb, "--help")) if name[0] != "-"]
    texts = {"": done("--help")} | {
        f"{verb} {which}": done(*verb.split(), which) for verb in verbs for which in ("--help", "--help-all")
    }
    assert len(texts) > 60
    assert len(described(texts["search --help-all"])) > 60
    for verb, text in texts.items():
        for name, description in described(text).items():
            assert not re.match("[a-z]", description), f"popaug {verb} {name}: {description}"


@pytest.mark.parametrize("verb", ["search", "train", "compare", "audit", "choose"])
def test_help_shows_defaults_and_leaves_the_papers_presets_to_their_verb(verb: str) -> None:
    text = done(verb, "--help")
    assert not re.search(r"paper-r?(cifar|svhn)", text.split("Examples:")[0])
    (preset,) = re.findall(r"--preset TEXT +(.*\n(?: {20,}.*\n)*)", text)
    assert re.search(r"Settings to start from: best,\s+finetune,\s+finetune-224,\s+pba,\s+photos", preset)
    for flag, default in (("--epochs", 0), ("--seed", 0), ("--workers", 0), ("--pad", 4), ("--population", 16)):
        shown = re.search(rf"^ +{flag} N=(\S+)", text, re.MULTILINE)
        if re.search(rf"^ +{flag} ", text, re.MULTILINE):
            assert shown and float(shown[1]) == default, flag
    assert re.search(r"--out TEXT=[a-z-]+ ", text)
    assert tomllib.loads(done("presets", "best", "--verb", verb))["training"]["network"] == "wrn-16-2"


def test_presets_say_what_they_are_for() -> None:
    text = done("presets")
    listed = json.loads(done("presets", "--json"))
    assert len(listed) >= 19
    for preset in listed:
        assert re.search(rf"^  {preset['name']} +{re.escape(preset['purpose'])}$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 100
    assert 'nearest: "best"' in refused(2, "presets", "bset")


@pytest.mark.parametrize("preset", ["pba", "photos", "finetune", "paper-rsvhn"])
def test_a_printed_preset_is_a_config_with_the_same_settings(preset: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "my.toml").write_text(done("presets", preset))
    toy = ["search", "--method", "pba", "--trainer", "toy", "--epochs", 2, "--epochs-per-round", 1]
    done(*toy, "--preset", preset, "--out", tmp_path / "a")
    done(*toy, "--config", tmp_path / "my.toml", "--out", tmp_path / "b")
    assert (tmp_path / "a" / "config.toml").read_text() == (tmp_path / "b" / "config.toml").read_text()


def test_version() -> None:
    assert re.match(r"popaug \d+\.\d+\.\d+", done("--version"))


def test_unknown_verb_and_flag() -> None:
    assert 'unknown verb "serch" (nearest: "search")' in refused(2, "serch")
    assert 'unknown flag "--populatoin" (nearest: "--population")' in refused(2, "search", "--populatoin", 4)


def test_missing_folder(tmp_path: pathlib.Path) -> None:
    text = refused(1, "search", "--data", tmp_path / "none", "--rounds", 2, "--out", tmp_path / "run")
    assert "none" in text
    assert not (tmp_path / "run").exists()


def test_data_is_asked_for(tmp_path: pathlib.Path) -> None:
    assert "--data is missing" in refused(2, "search", "--rounds", 2, "--out", tmp_path / "run")


def test_truncated_image_is_named(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "broken"
    for path in photos.rglob("*.jpg"):
        copy = folder / path.relative_to(photos)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    victim = folder / "train" / "light" / "3.jpg"
    victim.write_bytes(victim.read_bytes()[:200])
    text = refused(1, "search", "--data", folder, "--rounds", 2, "--val-size", 8, "--out", tmp_path / "run")
    assert "3.jpg" in text


def test_class_with_one_image(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "single"
    for path in photos.rglob("*.jpg"):
        if path.parent.name == "light" and path.parent.parent.name == "train" and path.name != "0.jpg":
            continue
        copy = folder / path.relative_to(photos)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    process = popaug("search", "--data", folder, "--rounds", 2, "--val-size", 8, "--out", tmp_path / "run")
    assert process.returncode == 1
    assert 'the class "light" has one training image' in process.stderr


def test_schedule_of_another_version_or_with_an_unknown_op(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "s.schedule.json"
    done("schedule", "stretch", "rcifar10-paper", "--epochs", 4, "-o", path)
    good = json.loads(path.read_text())
    for change, word in (({"version": 99}, "version"), ({"segments": []}, "segment")):
        path.write_text(json.dumps({**good, **change}))
        text = refused(1, "train", "--data", photos, "--schedule", path, "--out", tmp_path / "t", "--epochs", 1)
        assert word in text
    good["segments"][0]["policy"][0]["op"] = "Rotat"
    path.write_text(json.dumps(good))
    text = refused(1, "train", "--data", photos, "--schedule", path, "--out", tmp_path / "t", "--epochs", 1)
    assert '"Rotat"' in text and '"Rotate"' in text


def test_search_train_eval_on_a_folder_of_jpegs(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = tmp_path / "run"
    search = ["search", "--data", photos, *TINY, "--population", 4, "--rounds", 3, "--epochs-per-round", 1]
    done(*search, "--val-size", 16, "--out", run)
    schedule = json.loads((run / "best.schedule.json").read_text())
    assert schedule["format"] == "popaug-schedule"
    assert sum(s["epochs"] for s in schedule["segments"]) == 3
    # An existing run is never overwritten.
    assert "already contains a search" in refused(2, *search, "--val-size", 16, "--out", run)

    network = tmp_path / "network"
    train = ["train", "--data", photos, "--network", "wrn-10-1", "--batch", 16, "--epochs", 3]
    done(*train, "--schedule", run / "best.schedule.json", "--out", network)
    result = json.loads(done("eval", network, "--data", photos, "--json"))
    assert result["images"] == 16
    assert 0 <= result["error_low"] <= result["error"] <= result["error_high"] <= 1


def test_two_workers_give_the_bytes_of_one(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for workers in (1, 2):
        done(
            *["search", "--data", photos, *TINY, "--population", 4, "--rounds", 3, "--epochs-per-round", 1],
            *["--val-size", 16, "--workers", workers, "--out", tmp_path / str(workers)],
        )
    for name in ("journal.jsonl", "best.schedule.json", "best.safetensors"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_full_disk_ends_in_a_sentence_and_the_run_resumes(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    search = ["search", "--data", photos, *TINY, "--population", 4, "--rounds", 3, "--epochs-per-round", 1]
    done(*search, "--val-size", 16, "--out", tmp_path / "whole")
    out = tmp_path / "full"
    process = popaug(*search, "--val-size", 16, "--out", out, env={"POPAUG_FAILPOINTS": "append.write=enospc*@6"})
    assert process.returncode == 1
    assert "No space left" in process.stderr
    done("search", "--out", out, "--resume")
    for name in ("journal.jsonl", "best.schedule.json", "best.safetensors"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_paper_preset_resolves_and_a_shortened_one_runs(tmp_path: pathlib.Path) -> None:
    done(
        *["search", "--preset", "paper-rcifar10", "--data", FASHION, "--network", "wrn-10-1", "--train-size", 160],
        *["--val-size", 100, "--epochs", 3, "--population", 4, "--out", tmp_path / "run"],
    )
    config = (tmp_path / "run" / "config.toml").read_text()
    assert "weight_decay = 0.0005" in config
    assert "fraction = 0.25" in config
    assert "paper_pixels = true" in config
