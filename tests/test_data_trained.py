"""Trained networks on other sets: classes by name, grey and colour, splits; images that cannot be read."""

import csv
import json
import pathlib

import numpy as np
import pytest
from PIL import Image
from sets import popaug, refusal

CLASSES = ("cat", "dog", "fox")
TRAIN = ("--network", "wrn-10-1", "--augment", "none", "--epochs", 2, "--batch", 6, "--device", "cpu")


def picture(label: int, seed: int, grey: bool = False) -> Image.Image:
    """A colour for each class, so that two epochs learn it; as grey, a brightness."""
    values = np.full((8, 8, 3), 40, np.uint8)
    values[..., label] = 200
    noise = np.random.default_rng(seed).integers(0, 20, values.shape, np.uint8)
    image = Image.fromarray(values + noise)
    return image.convert("L") if grey else image


def put(folder: pathlib.Path, counts: dict[str, int], seed: int = 0, grey: bool = False) -> pathlib.Path:
    for name, count in counts.items():
        path = folder / name
        path.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            picture(CLASSES.index(path.name), seed + i, grey).save(path / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("trained")
    put(folder / "set", {f"train/{name}": 12 for name in CLASSES} | {f"test/{name}": 4 for name in CLASSES})
    popaug("train", "--data", folder / "set", *TRAIN, "--out", folder / "net")
    return folder / "net"


def confusion(network: pathlib.Path, *words: object) -> dict[str, list[int]]:
    """How often each true class was taken for each of the network's classes."""
    got = json.loads(popaug("eval", network, "--json", *words).stdout)
    names = [row["class"] for row in got["classes"]]
    assert names == list(CLASSES)
    return {name: row for name, row in zip(names, got["confusion"], strict=True)}


def test_another_order_is_matched_by_name(network: pathlib.Path, tmp_path: pathlib.Path) -> None:
    whole = confusion(network, "--data", network.parent / "set")
    rows = [f"test/{name}/{i}.png,{name},test" for name in ("fox", "dog", "cat") for i in range(4)]
    for name in CLASSES:
        put(tmp_path, {f"test/{name}": 4})
    (tmp_path / "m.csv").write_text("\n".join(["path,label,split", *rows, ""]))
    (tmp_path / "classes.txt").write_text("fox\ndog\ncat\n")
    assert confusion(network, "--data", tmp_path / "m.csv") == whole


@pytest.mark.parametrize("layout", ["test/", ""])
@pytest.mark.parametrize("names", [("dog", "fox"), ("fox",), CLASSES])
def test_a_subset_is_a_subset(
    network: pathlib.Path, tmp_path: pathlib.Path, layout: str, names: tuple[str, ...]
) -> None:
    whole = confusion(network, "--data", network.parent / "set")
    put(tmp_path / "set", {f"{layout}{name}": 4 for name in names})
    got = confusion(network, "--data", tmp_path / "set")
    assert got == {name: whole[name] if name in names else [0, 0, 0] for name in CLASSES}
    done = popaug("eval", network, "--data", tmp_path / "set")
    assert ("without images:" in done.stderr) == (len(names) < 3)


def test_classes_that_the_network_does_not_know_are_named(network: pathlib.Path, tmp_path: pathlib.Path) -> None:
    put(tmp_path / "set", {"test/cat": 4})
    (tmp_path / "set/test/cat").rename(tmp_path / "set/test/cats")
    put(tmp_path / "set", {"test/dog": 4})
    said = refusal("eval", network, "--data", tmp_path / "set")
    assert "4 images of the class cats" in said and 'nearest to "cats": "cat"' in said


def test_grey_and_colour_are_converted_as_predict_does(network: pathlib.Path, tmp_path: pathlib.Path) -> None:
    counts = {f"test/{name}": 4 for name in CLASSES}
    put(tmp_path / "grey", counts, grey=True)
    got = confusion(network, "--data", tmp_path / "grey")
    table = popaug("predict", network, tmp_path / "grey").stdout.splitlines()
    predicted = [(pathlib.Path(row["file"]).parent.name, row["class"]) for row in csv.DictReader(table)]
    for name in CLASSES:
        row = [sum(pair == (name, other) for pair in predicted) for other in CLASSES]
        assert got[name] == row
    put(tmp_path / "set", {f"train/{name}": 12 for name in CLASSES} | counts, grey=True)
    popaug("train", "--data", tmp_path / "set", *TRAIN, "--out", tmp_path / "net")
    put(tmp_path / "colour", counts)
    got = confusion(tmp_path / "net", "--data", tmp_path / "colour")
    table = popaug("predict", tmp_path / "net", tmp_path / "colour").stdout.splitlines()
    predicted = [(pathlib.Path(row["file"]).parent.name, row["class"]) for row in csv.DictReader(table)]
    for name in CLASSES:
        assert got[name] == [sum(pair == (name, other) for pair in predicted) for other in CLASSES]


def test_numbered_folders_and_their_csv_agree(tmp_path: pathlib.Path) -> None:
    rows = []
    for label in range(11):
        for i in range(3):
            path = tmp_path / "set" / "train" / str(label) / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(label % 3, 100 * label + i).save(path)
            rows.append(f"train/{label}/{i}.png,{label}")
    popaug("train", "--data", tmp_path / "set", *TRAIN, "--out", tmp_path / "net")
    (tmp_path / "set" / "m.csv").write_text("\n".join(["path,label", *rows, ""]))
    whole = popaug("eval", tmp_path / "net", "--data", tmp_path / "set", "--json").stdout
    assert popaug("eval", tmp_path / "net", "--data", tmp_path / "set" / "m.csv", "--json").stdout == whole


def spoil(folder: pathlib.Path) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "movie.png").write_bytes(b"\0\0\0\x20ftypisom")
    (folder / "notes.txt").write_text("x")


def test_predict_labels_the_good_ones(network: pathlib.Path, tmp_path: pathlib.Path) -> None:
    put(tmp_path / "new", {"cat": 5})
    spoil(tmp_path / "new" / "cat")
    said = refusal("predict", network, tmp_path / "new", "--out", tmp_path / "o.csv")
    assert "3 of 8 images cannot be read" in said and "--keep-going" in said
    assert all(name in said for name in ("broken.png", "empty.jpg", "movie.png"))
    assert not (tmp_path / "o.csv").exists()
    done = popaug("predict", network, tmp_path / "new", "--keep-going", "--out", tmp_path / "o.csv")
    assert all(name in done.stderr for name in ("broken.png", "empty.jpg", "movie.png"))
    rows = list(csv.DictReader((tmp_path / "o.csv").open()))
    assert [pathlib.Path(row["file"]).name for row in rows] == [f"{i}.png" for i in range(5)]
    alone = popaug("predict", network, tmp_path / "new" / "cat" / "3.png").stdout.splitlines()[1]
    assert alone.split(",", 1)[1] == f"{rows[3]['class']},{rows[3]['probability']}"
    only = tmp_path / "only"
    only.mkdir()
    spoil(only)
    refusal("predict", network, only, "--keep-going")


@pytest.mark.parametrize("verb", ["info", "convert", "train", "eval"])
def test_every_verb_can_leave_out_what_cannot_be_read(network: pathlib.Path, tmp_path: pathlib.Path, verb: str) -> None:
    put(tmp_path / "set", {f"{s}/{name}": 4 for s in ("train", "test") for name in CLASSES})
    clean = json.loads(popaug("data", "info", "--data", tmp_path / "set", "--json").stdout)
    spoil(tmp_path / "set" / "train" / "dog")
    spoil(tmp_path / "set" / "test" / "cat")
    words: dict[str, list[object]] = {
        "info": ["data", "info", "--data", tmp_path / "set", "--json"],
        "convert": ["data", "convert", "--data", tmp_path / "set", "-o", tmp_path / "x.popaug", "--json"],
        "train": ["train", "--data", tmp_path / "set", *TRAIN, "--out", tmp_path / "net"],
        "eval": ["eval", network, "--data", tmp_path / "set", "--json"],
    }
    refusal(*words[verb])
    done = popaug(*words[verb], "--keep-going")
    said = (done.stdout + done.stderr).replace('setting \\"keep_going\\"', "--keep-going")  # of --json
    assert "6 images were left out (--keep-going)" in said and "broken.png" in said
    if verb == "info":
        got = json.loads(done.stdout)
        assert got["fingerprint"] == clean["fingerprint"] and len(got["left_out"]) == 6
    if verb == "convert":
        got = json.loads(popaug("data", "info", "--data", tmp_path / "x.popaug", "--json").stdout)
        assert got["fingerprint"] == clean["fingerprint"]


def test_a_table_with_missing_files_can_be_used(tmp_path: pathlib.Path) -> None:
    put(tmp_path, {"cat": 3, "dog": 3})
    rows = [f"{name}/{i}.png,{name}" for name in ("cat", "dog") for i in range(4)]
    (tmp_path / "m.csv").write_text("\n".join(["path,label", *rows, ""]))
    refusal("data", "info", "--data", tmp_path / "m.csv")
    got = json.loads(popaug("data", "info", "--data", tmp_path / "m.csv", "--keep-going", "--json").stdout)
    assert got["counts"] == {"train": 6} and len(got["left_out"]) == 2


@pytest.mark.parametrize(
    ("flag", "value", "near"),
    [
        ("--network", "resnet50", '"resnet-50"'),
        ("--network", "WRN_28_10", '"wrn-28-10"'),
        ("--network", "wrn-28-1O", '"wrn-28-2"'),
        ("--device", "mps", "expected cpu, cuda"),
    ],
)
def test_a_wrong_word_is_said_before_the_images_are_read(
    tmp_path: pathlib.Path, flag: str, value: str, near: str
) -> None:
    """The images are broken: whoever reads them first says so."""
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "x.png").write_bytes(b"broken")
    words: list[object] = ["--data", tmp_path / "set", "--epochs", 1, flag, value, "--out", tmp_path / "run"]
    for verb in (["train", "--augment", "none"], ["search", "--population", 2], ["audit"]):
        assert near in refusal(*verb, *words, code=2)
        assert not (tmp_path / "run").exists()
