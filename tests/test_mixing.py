"""CutMix, mixup and symmetries in the verbs: arms, workers, settings, and what is refused."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

BUILD = pathlib.Path(os.environ["POPAUG_BUILD"])
SMALL = ["--network", "wrn-10-1", "--batch", 16, "--val-size", 16, "--epochs", 2]


def run(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [str(BUILD / "popaug"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def images(path: pathlib.Path, width: int = 16, height: int = 16, classes: int = 3) -> pathlib.Path:
    """A set whose classes are brightnesses."""
    random = np.random.default_rng(5)
    arrays = {}
    for name, count in (("train", 64), ("test", 30)):
        labels = np.arange(count) % classes
        noise = random.integers(0, 60, (count, height, width, 3))
        arrays[f"{name}_images"] = (noise + 60 * labels[:, None, None, None]).astype(np.uint8)
        arrays[f"{name}_labels"] = labels
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return images(tmp_path_factory.mktemp("mixing") / "set.npz")


def rows(out: pathlib.Path) -> dict[tuple[str, int], int]:
    lines = (out / "runs.jsonl").read_text().splitlines()[1:]
    return {(row["arm"], row["seed"]): row["wrong"] for row in map(json.loads, lines)}


def test_mixing_arms_do_not_depend_on_workers_and_equal_trainings(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    arms = "flipcrop,flipcrop+cutmix,dihedral+mixup-0.5"
    flags = ["compare", "--data", photos, *SMALL, "--arms", arms, "--seeds", 2]
    text = run(*flags, "--workers", 2, "--out", tmp_path / "two").stdout
    run(*flags, "--workers", 1, "--out", tmp_path / "one")
    assert rows(tmp_path / "one") == rows(tmp_path / "two")
    assert "flip + crop, CutMix 0.5" in text and "all eight flips and turns + crop, mixup 0.5" in text
    train = ["train", "--data", photos, *SMALL, "--augment", "flipcrop+cutmix", "--seed", 1, "--out", tmp_path / "net"]
    run(*train)
    report = json.loads(run("eval", tmp_path / "net", "--data", photos, "--json").stdout)
    assert report["wrong"] == rows(tmp_path / "one")["flipcrop+cutmix", 1]
    used = json.loads((tmp_path / "net" / "used.schedule.json").read_text())
    assert used["version"] == 2 and used["base"]["cutmix"] == 0.5 and used["base"]["cutmix_alpha"] == 1


def test_a_search_over_mixing_writes_it_into_the_schedule(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    genes = "cutmix=0..1,vflip=0..0.5,turn=0..1,erase=0..0.5,mixup_alpha=0.1..1"
    flags = [
        "search",
        "--data",
        photos,
        *SMALL,
        "--population",
        2,
        "--epochs-per-round",
        1,
        "--genes",
        genes,
        "--mixup",
        0.3,
    ]
    run(*flags, "--workers", 2, "--out", tmp_path / "two")
    run(*flags, "--workers", 1, "--out", tmp_path / "one")
    for name in ("best.schedule.json", "journal.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    schedule = json.loads((tmp_path / "one" / "best.schedule.json").read_text())
    every = schedule["provenance"]["genes"]
    for segment, genes_of_segment in zip(schedule["segments"], every, strict=True):
        base = segment.get("base", schedule["base"])
        for gene in ("cutmix", "vflip", "turn", "erase", "mixup_alpha"):
            assert base.get(gene, 0) == genes_of_segment[gene], gene
    assert "base" not in schedule["segments"][-1]
    assert schedule["base"]["mixup"] == 0.3
    shown = run("schedule", "show", tmp_path / "one" / "best.schedule.json").stdout
    assert "mixup 0.3 (alpha" in shown


def test_version_1_is_upgraded_and_its_future_keys_are_refused(tmp_path: pathlib.Path) -> None:
    old = tmp_path / "old.schedule.json"
    text = run("schedule", "export", "trivial", "--to", "json").stdout
    assert '"version":2' in text
    old.write_text(text.replace('"version":2', '"version":1'))
    assert run("schedule", "export", old, "--to", "json").stdout == text
    text = run("schedule", "export", "flipcrop+cutmix", "--to", "json").stdout
    old.write_text(text.replace('"version":2', '"version":1'))
    refused = run("schedule", "validate", old, code=1).stderr
    assert 'version 1 of schedule files does not have "cutmix"; write "version": 2' in refused


def test_bad_input_is_a_sentence(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = ["--out", tmp_path / "out"]
    wide = images(tmp_path / "wide.npz", width=20)
    sentence = "images of 20x16 cannot be turned by 90 degrees, only square ones"
    assert sentence in run("compare", "--data", wide, *SMALL, "--arms", "dihedral,flipcrop", *out, code=2).stderr
    assert sentence in run("train", "--data", wide, *SMALL, "--augment", "dihedral", *out, code=2).stderr
    search = ["search", "--data", wide, *SMALL, "--population", 2, "--epochs-per-round", 1]
    assert sentence in run(*search, "--genes", "turn=0..0.5", *out, code=2).stderr
    train = ["train", "--data", photos, *SMALL, *out, "--augment"]
    assert "unknown baseline" in run(*train, "flipcrop+cutmix-1.5", code=2).stderr
    search[2] = photos
    assert "--cutmix-alpha" in run(*search, "--cutmix-alpha", 0, *out, code=2).stderr
    assert "--mixup" in run(*search, "--mixup", 1.2, *out, code=2).stderr
    assert "is not within what --cutmix accepts" in run(*search, "--genes", "cutmix=0..2", *out, code=2).stderr
    one = images(tmp_path / "one.npz", classes=1)
    mixing = ["--augment", "flipcrop+mixup"]
    text = run("train", "--data", one, *SMALL, *mixing, *out, code=2).stderr
    assert "mixup: a mixed image has two labels, but the data have one class" in text or "class" in text
    assert "--augment" in run("predict", tmp_path, photos, *mixing, code=2).stderr
    assert (
        "at least two arms"
        in run("choose", "--data", photos, *SMALL, "--budget-images", 9000, "--arms", "crop", *out, code=2).stderr
    )


def test_a_sheet_of_pairs_shows_what_is_mixed(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    from PIL import Image

    sheet = ["augment", "--sheet", "pairs", photos]
    run(*sheet, tmp_path / "mixed.png", "--augment", "flipcrop+cutmix", "--rows", 2, "--seed", 3)
    run(*sheet, tmp_path / "again.png", "--augment", "flipcrop+cutmix", "--rows", 2, "--seed", 3)
    run(*sheet, tmp_path / "more.png", "--augment", "flipcrop+cutmix", "--rows", 4, "--seed", 3)
    assert (tmp_path / "mixed.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    two, four = (Image.open(tmp_path / name) for name in ("mixed.png", "more.png"))
    assert two.width == four.width > 3 * 100 and four.height > 1.7 * two.height
    # The schedule decides at which epochs images are mixed.
    document = json.loads(run("schedule", "export", "flipcrop", "--to", "json").stdout)
    segment = document["segments"][0]
    mixing = {"base": document["base"] | {"mixup": 1.0}}
    document["segments"] = [segment | mixing | {"epochs": 2}, segment | {"epochs": 2}]
    changing = tmp_path / "changing.schedule.json"
    changing.write_text(json.dumps(document))
    run(*sheet, tmp_path / "early.png", "--schedule", changing, "--epoch", 1)
    said = run(*sheet, tmp_path / "late.png", "--schedule", changing, "--epoch", 2, code=2).stderr
    assert "mixes no images at epoch 2" in said
    assert "mixup 0 to 1" in run("schedule", "show", changing).stdout
    said = run(*sheet, tmp_path / "none.png", "--augment", "flipcrop", code=2).stderr
    assert '"flipcrop" mixes no images at epoch 0' in said


def test_a_search_over_strengths_writes_values_into_the_segments(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    flags = ["search", "--data", photos, *SMALL, "--population", 2, "--epochs-per-round", 1]
    genes = ["--genes", "strength=0.1..0.9,strength_tone=0..1,head_dropout=0..0.5,resized_crop=0.3..0.9"]
    run(*flags, *genes, "--out", tmp_path / "run")
    schedule = json.loads((tmp_path / "run" / "best.schedule.json").read_text())
    (rotate,) = (op["values"] for op in schedule["space"]["ops"] if op["op"] == "Rotate")
    for segment, genes_of_segment in zip(schedule["segments"], schedule["provenance"]["genes"], strict=True):
        strength = genes_of_segment["strength"]
        assert segment["values"]["Rotate"] == pytest.approx([strength * value for value in rotate])
        base = segment.get("base", schedule["base"])
        assert base["resized_crop"] == genes_of_segment["resized_crop"] and base["pad"] == 0
    again = ["train", "--data", photos, *SMALL, "--schedule", tmp_path / "run" / "best.schedule.json"]
    run(*again, "--out", tmp_path / "net")
    fixed = ["--strength", 0.5, "--strength-colour", 0.5]
    run(*flags, *fixed, "--out", tmp_path / "fixed")
    schedule = json.loads((tmp_path / "fixed" / "best.schedule.json").read_text())
    (half,) = (op["values"] for op in schedule["space"]["ops"] if op["op"] == "Rotate")
    assert half == pytest.approx([value / 2 for value in rotate])
    assert schedule["space"]["name"] == "pba:scaled" and "values" not in schedule["segments"][0]
    # A search continues from a schedule of the same strength, and refuses one of another.
    start = ["--start", tmp_path / "fixed" / "best.schedule.json"]
    run(*flags, *fixed, *start, "--out", tmp_path / "on")
    assert "another strength" in run(*flags, *start, "--out", tmp_path / "no", code=2).stderr
    # The base transforms of an import are those of all segments.
    learned = tmp_path / "run" / "best.schedule.json"
    text = run("schedule", "import", learned, "--base", "svhn", "-o", tmp_path / "svhn.schedule.json").stderr
    shown = run("schedule", "show", tmp_path / "svhn.schedule.json").stdout
    assert "base transforms: cutout 20\n" in shown and "value of the highest level, by segment: Rotate" in shown, text
    by_segment = json.loads(run("schedule", "show", learned, "--json").stdout)["space_by_segment"]
    assert by_segment[0]["ops"][0]["values"] != [value for value in rotate]
    screen = [*flags[:3], *SMALL, "--method", "screen", "--strength", 0.5, "--out", tmp_path / "screen"]
    assert "--strength belongs to --method pba" in run(*screen, code=2).stderr
    model = ["--model", tmp_path / "own.pt", "--genes", "head_dropout=0..0.5"]
    assert "needs a built-in network" in run(*flags, *model, "--out", tmp_path / "model", code=2).stderr
    out = ["--out", tmp_path / "out"]
    toy = ["search", "--trainer", "toy", "--epochs", 2, "--population", 2, "--epochs-per-round", 1, *out]
    assert "a share of the area must stay within 0 .. 1" in run(*toy, "--genes", "resized_crop=2..5", code=2).stderr
    assert "--strength accepts" in run(*flags, "--genes", "strength=0..2", *out, code=2).stderr
    assert "cannot be searched beside" in run(*flags, "--genes", "pad=0..4,resized_crop=0.3..1", *out, code=2).stderr


def test_pictures_say_that_mixing_is_left_out(tmp_path: pathlib.Path) -> None:
    from PIL import Image

    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "in.png")
    said = run("augment", "--augment", "flipcrop+cutmix", tmp_path / "in.png", tmp_path / "out.png").stderr
    assert "CutMix and mixup are left out" in said
