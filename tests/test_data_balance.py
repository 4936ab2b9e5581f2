"""Sets in which classes have very different numbers of images: what is said, sampled and weighed."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image
from sets import popaug, refusal

NET = ("--network", "wrn-10-1", "--batch", 8, "--device", "cpu")
TRAIN = (*NET, "--augment", "flipcrop", "--epochs", 1)


def put(folder: pathlib.Path, counts: dict[str, int]) -> pathlib.Path:
    for label, (name, count) in enumerate(counts.items()):
        path = folder / name
        path.mkdir(parents=True)
        for i in range(count):
            values = np.random.default_rng(1000 * label + i).integers(0, 60, (8, 8, 3), np.uint8)
            values[..., label % 3] += 150
            Image.fromarray(values).save(path / f"{i:03}.png")
    return folder


@pytest.fixture(scope="module")
def rare(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return put(tmp_path_factory.mktemp("rare") / "set", {"train/cat": 60, "train/dog": 12, "train/fox": 6})


def test_info_says_how_unbalanced_a_set_is(rare: pathlib.Path, tmp_path: pathlib.Path) -> None:
    said = popaug("data", "info", "--data", rare).stdout
    assert "cat has 10.0 times the images of fox (60 and 6)" in said
    assert "--sampling balanced" in said and "--class-weights" in said
    balance = json.loads(popaug("data", "info", "--data", rare, "--json").stdout)["balance"]
    assert balance == {"largest": "cat", "most": 60, "smallest": "fox", "fewest": 6, "ratio": 10}
    even = put(tmp_path / "even", {"train/cat": 5, "train/dog": 5})
    assert "balance:" not in popaug("data", "info", "--data", even).stdout
    uneven = put(tmp_path / "uneven", {"train/cat": 10, "train/dog": 5})
    said = popaug("data", "info", "--data", uneven).stdout
    assert "cat has 2.0 times the images of dog" in said and "--sampling" not in said


@pytest.mark.parametrize("flags", [("--sampling", "balanced"), ("--class-weights",)])
def test_rare_classes_are_learned(rare: pathlib.Path, tmp_path: pathlib.Path, flags: tuple[str, ...]) -> None:
    popaug("train", "--data", rare, *TRAIN, "--out", tmp_path / "plain")
    popaug("train", "--data", rare, *TRAIN, *flags, "--out", tmp_path / "even")
    popaug("train", "--data", rare, *TRAIN, *flags, "--out", tmp_path / "again")
    weights = [(tmp_path / name / "last.safetensors").read_bytes() for name in ("plain", "even", "again")]
    assert weights[0] != weights[1] and weights[1] == weights[2]
    config = (tmp_path / "even" / "config.toml").read_text()
    assert "sampling = 'balanced'" in config.replace('"', "'") or "class_weights = true" in config


def test_workers_do_not_change_a_balanced_search(rare: pathlib.Path, tmp_path: pathlib.Path) -> None:
    words = ("--population", 2, "--epochs", 2, "--epochs-per-round", 1, "--sampling", "balanced", "--val-size", 20)
    journals = []
    for workers in (1, 2):
        popaug("search", "--data", rare, *NET, *words, "--workers", workers, "--out", tmp_path / f"{workers}")
        journals.append((tmp_path / f"{workers}" / "journal.jsonl").read_bytes())
    assert journals[0] == journals[1] and b'"sampling":"balanced"' in journals[0].replace(b" ", b"")


def test_a_changed_sampling_does_not_resume(rare: pathlib.Path, tmp_path: pathlib.Path) -> None:
    popaug("train", "--data", rare, *TRAIN, "--out", tmp_path / "net")
    (tmp_path / "net" / "result.json").unlink()  # as if killed before it was written
    said = refusal("train", "--data", rare, *TRAIN, "--class-weights", "--out", tmp_path / "net", "--resume")
    assert "other settings" in said


def test_what_cannot_be_balanced(rare: pathlib.Path, tmp_path: pathlib.Path) -> None:
    both = ("--sampling", "balanced", "--class-weights")
    assert "give one of the two" in refusal("train", "--data", rare, *TRAIN, *both, "--out", tmp_path / "o", code=2)
    assert "shuffled" in refusal("train", "--data", rare, *TRAIN, "--sampling", "even", "--out", tmp_path / "p", code=2)
    one = put(tmp_path / "one", {"train/cat": 20, "val/cat": 4, "val/dog": 4})
    for flags in (("--sampling", "balanced"), ("--class-weights",)):
        out = tmp_path / flags[0]
        assert "class" in refusal("train", "--data", one, *TRAIN, *flags, "--out", out, code=2)
    (tmp_path / "flat").mkdir()
    for i in range(9):
        Image.new("RGB", (8, 8), (i, 0, 0)).save(tmp_path / "flat" / f"{i}.png")
    refusal("train", "--data", tmp_path / "flat", *TRAIN, "--sampling", "balanced", "--out", tmp_path / "q")


def test_a_class_without_images_is_named(tmp_path: pathlib.Path) -> None:
    folder = put(tmp_path / "set", {"train/cat": 20, "train/dog": 8, "val/cat": 4, "val/dog": 4, "val/fox": 4})
    done = popaug("train", "--data", folder, *TRAIN, "--sampling", "balanced", "--out", tmp_path / "net")
    assert 'no training images of "fox"; the other classes are balanced' in done.stdout + done.stderr
