"""How folders of images are recognised: what is read, what is refused and with which words, and class lists."""

import json
import pathlib
import unicodedata
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sets import popaug, refusal

SEEDS = iter(range(1 << 30))


def put(path: pathlib.Path, count: int = 3, prefix: str = "") -> None:
    """So many different images, PATH/0.png and so on."""
    path.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        pixels = np.random.default_rng(next(SEEDS)).integers(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(pixels).save(path / f"{prefix}{i}.png")


def tree(root: pathlib.Path, *folders: str) -> pathlib.Path:
    for folder in folders:
        put(root / folder)
    return root


def info(path: pathlib.Path, *flags: object) -> dict[str, Any]:
    return json.loads(popaug("data", "info", "--data", path, "--json", *flags).stdout)  # type: ignore[no-any-return]


def findings(path: pathlib.Path, code: int) -> dict[str, list[str]]:
    report = json.loads(popaug("data", "verify", "--data", path, "--json", code=code).stdout)
    return {finding["check"]: finding["images"] for finding in report["findings"]}


def notes(path: pathlib.Path, *flags: object) -> str:
    return "\n".join(info(path, *flags)["notes"])


READ = {
    "plain": (["cat", "dog"], {"train": 6}),
    "splits": (["train/cat", "train/dog", "test/cat", "test/dog"], {"train": 6, "test": 6}),
    "any case": (["Training/cat", "Training/dog", "TESTING/cat", "TESTING/dog"], {"train": 6, "test": 6}),
    "sets": (
        [
            "training_set/cat",
            "training_set/dog",
            "validation-set/cat",
            "validation-set/dog",
            "TestSet/cat",
            "TestSet/dog",
        ],
        {"train": 6, "val": 6, "test": 6},
    ),
    "numbers": (["train1/cat", "train1/dog", "val2017/cat", "val2017/dog"], {"train": 6, "val": 6}),
    "doubled": (["train/train/cat", "train/train/dog", "test/test/cat", "test/test/dog"], {"train": 6, "test": 6}),
    "seg": (
        [
            "seg_train/seg_train/cat",
            "seg_train/seg_train/dog",
            "seg_test/seg_test/cat",
            "seg_test/seg_test/dog",
            "seg_pred/seg_pred",
        ],
        {"train": 6, "test": 6},
    ),
    "pair": (["pets_train/cat", "pets_train/dog", "pets_test/cat", "pets_test/dog"], {"train": 6, "test": 6}),
    "wrapper": (["101_Objects/cat", "101_Objects/dog"], {"train": 6}),
    "two wrappers": (["a/b/train/cat", "a/b/train/dog"], {"train": 6}),
    "images inside": (["train/images/cat", "train/images/dog"], {"train": 6}),
    "only test": (["test/cat", "test/dog"], {"test": 6}),
    "deep classes": (["cat/tabby", "cat/siamese", "dog"], {"train": 9}),
    "test without labels": (["train/cat", "train/dog", "test"], {"train": 6}),
    "left by a Mac": (["__MACOSX/cat", "cat", "dog", ".hidden"], {"train": 6}),
}


@pytest.mark.parametrize("name", READ)
def test_layouts_that_are_read(tmp_path: pathlib.Path, name: str) -> None:
    folders, counts = READ[name]
    got = info(tree(tmp_path / "set", *folders))
    assert got["classes"] == ["cat", "dog"]
    assert got["counts"] == counts


@pytest.mark.parametrize("name", ["sets", "numbers", "doubled", "seg", "pair", "wrapper", "images inside"])
def test_a_guessed_layout_is_said_and_is_a_fault_of_verify(tmp_path: pathlib.Path, name: str) -> None:
    folder = tree(tmp_path / "set", *READ[name][0])
    assert "class folders" in notes(folder)
    assert list(findings(folder, 1)) == ["layout"]


@pytest.mark.parametrize("name", ["plain", "splits", "any case", "only test", "left by a Mac", "test without labels"])
def test_a_plain_layout_is_sound(tmp_path: pathlib.Path, name: str) -> None:
    assert findings(tree(tmp_path / "set", *READ[name][0]), 0) == {}


REFUSED = {
    "flat splits": (["train", "test"], "train/ has 3 images and test/ has 3 images, not in class folders"),
    "flat, numbered": (["train1", "test1"], "not in class folders"),
    "flat, doubled": (["train/train", "test/test"], "not in class folders"),
    "flat": (["."], "3 images, not in class folders"),
    "a split among classes": (["train", "car", "ship"], "name it in a file classes.txt"),
    "classes beside test": (["cat", "dog", "test/cat", "test/dog"], "there is no train/"),
    "classes on top": (["cat/train", "cat/test", "dog/train", "dog/test"], "Put the splits on top: train/cat/"),
    "sites": (["north/ill", "north/well", "south/ill", "south/well"], "each contain ill/, well/"),
    "two of one split": (["train/cat", "train/dog", "training/cat"], "name the split train; remove one"),
    "two of validation": (["train/cat", "train/dog", "val/cat", "dev/cat"], "name the split val; remove one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_layouts_that_are_refused(tmp_path: pathlib.Path, name: str) -> None:
    folders, sentence = REFUSED[name]
    folder = tree(tmp_path / "set", *folders)
    for verb in ("info", "verify"):
        said = refusal("data", verb, "--data", folder)
        assert sentence in said, said
        assert "set" in said


def test_labels_in_names_and_tables_beside_are_pointed_at(tmp_path: pathlib.Path) -> None:
    put(tmp_path / "a" / "train", 3, "cat.")
    put(tmp_path / "a" / "train", 3, "dog.")
    put(tmp_path / "a" / "test1", 4)
    assert "begin with cat, dog: move them into train/cat/" in refusal("data", "info", "--data", tmp_path / "a")
    (tmp_path / "a" / "labels.csv").write_text("id,breed\n")
    assert "If labels.csv contains the labels" in refusal("data", "info", "--data", tmp_path / "a")
    folder = tree(tmp_path / "b", "train/cat", "train/dog")
    (folder / "train.csv").write_text("id,breed\n")
    assert "train.csv beside the folders of images is not read" in notes(folder)


def test_classes_txt_makes_a_split_name_a_class_and_gives_the_order(tmp_path: pathlib.Path) -> None:
    folder = tree(tmp_path / "set", "train", "car", "ship")
    (folder / "classes.txt").write_text("ship\ntrain\ncar\n")
    assert info(folder)["classes"] == ["ship", "train", "car"]
    (folder / "classes.txt").write_text("ship\ntrain\n")
    assert info(folder)["classes"] == ["car", "ship", "train"]
    assert "classes.txt is not used" in notes(folder)


def test_numbered_folders_sort_by_number(tmp_path: pathlib.Path) -> None:
    folder = tree(tmp_path / "set", *(str(i) for i in range(12)))
    assert info(folder)["classes"] == [str(i) for i in range(12)]
    folder = tree(tmp_path / "padded", "010", "9", "1")
    assert info(folder)["classes"] == ["1", "9", "010"]
    folder = tree(tmp_path / "mixed", "10", "9", "b")
    assert info(folder)["classes"] == ["10", "9", "b"]


def test_a_folder_holds_files_of_other_tools(tmp_path: pathlib.Path) -> None:
    folder = tree(tmp_path / "set", "cat", "dog")
    for name in ("metadata.jsonl", "train.cache", "README", "cat/0.png.bak", "cat/0.npy", "dog/Thumbs.db", "dog/.x"):
        (folder / name).write_bytes((folder / "cat/0.png").read_bytes() if name.endswith("bak") else b"x")
    Image.open(folder / "cat/1.png").save(folder / "dog/no_ending", "PNG")
    got = info(folder)
    assert got["counts"] == {"train": 7}
    said = "\n".join(got["notes"])
    assert "skipped 4 files that are not images: cat/0.npy, cat/0.png.bak, README, train.cache" in said or (
        "skipped 4 files" in said and "train.cache" in said
    )
    assert "metadata.jsonl" in said and "Thumbs.db" not in said


def test_an_image_that_is_broken_is_no_side_file(tmp_path: pathlib.Path) -> None:
    folder = tree(tmp_path / "set", "cat", "dog")
    (folder / "cat/9.JPG").write_bytes(b"not an image")
    assert "cat/9.JPG" in refusal("data", "info", "--data", folder)


def test_composed_and_decomposed_names_are_one_class(tmp_path: pathlib.Path) -> None:
    names = ["café", "Ångström", "한국"]
    for name in names:
        put(tmp_path / "set" / "train" / unicodedata.normalize("NFC", name))
        put(tmp_path / "set" / "test" / unicodedata.normalize("NFD", name))
    got = info(tmp_path / "set")
    assert any("written in several Unicode forms" in note for note in got["notes"])
    assert sorted(got["classes"]) == sorted(unicodedata.normalize("NFC", name) for name in names)
    assert got["class_counts"]["test"] == got["class_counts"]["train"]
    assert findings(tmp_path / "set", 0) == {}


def test_a_class_without_training_images_is_named(tmp_path: pathlib.Path) -> None:
    folder = tree(tmp_path / "set", "train/cat", "train/dog", "test/cat", "test/owl")
    said = notes(folder)
    assert "1 class has no training image" in said and ": owl" in said
    assert "split test has no image of 1 class: dog" in said
    assert "empty-class" in findings(folder, 1)
    (folder / "train" / "elk").mkdir()
    assert "no image of any split; add some or remove the class: elk" in notes(folder)


@pytest.mark.parametrize("names", [("cat", "Cat"), ("hot dog", "hot_dog"), ("café", "CAFÉ"), ("type-1", "Type 1")])
def test_names_that_look_alike_are_a_fault(tmp_path: pathlib.Path, names: tuple[str, str]) -> None:
    folder = tree(tmp_path / "set", *names, "other")
    assert findings(folder, 1) == {"similar-classes": [" = ".join(f'"{n}"' for n in sorted(names))]}
    assert "classes look like one" in notes(folder)


def test_single_letters_may_differ_in_case(tmp_path: pathlib.Path) -> None:
    assert findings(tree(tmp_path / "set", "a", "A", "b"), 0) == {}


TRAIN = ("--network", "wrn-10-1", "--augment", "none", "--epochs", 1, "--batch", 2)


def test_what_teaches_nothing_is_not_trained(tmp_path: pathlib.Path) -> None:
    one = tree(tmp_path / "one", "cat")
    assert "one-class" in findings(one, 1)
    said = refusal("train", "--data", one, *TRAIN, "--out", tmp_path / "a", code=2)
    assert 'all training images are of one class, "cat"' in said
    case = tree(tmp_path / "case", "train/cat", "train/dog", "test/Cat", "test/Dog")
    said = refusal("train", "--data", case, *TRAIN, "--out", tmp_path / "b", code=2)
    assert 'the class "Cat" has no training image, but looks like "cat"' in said
    test = tree(tmp_path / "test-only", "test/cat", "test/dog")
    assert "there are no training images, only the split test" in refusal(
        "train", "--data", test, *TRAIN, "--out", tmp_path / "c"
    )
    assert not any((tmp_path / name).exists() for name in "abc")


def test_a_training_says_which_class_it_cannot_learn(tmp_path: pathlib.Path) -> None:
    folder = tree(tmp_path / "set", "train/cat", "train/dog", "test/cat", "test/owl")
    done = popaug("train", "--data", folder, *TRAIN, "--out", tmp_path / "run")
    assert "no training image" in done.stderr + done.stdout and "owl" in done.stderr + done.stdout


@pytest.mark.parametrize("grey_first", [False, True])
def test_mixed_grey_and_colour_is_noted_in_any_order(tmp_path: pathlib.Path, grey_first: bool) -> None:
    folder = tree(tmp_path / "set", "a", "b")
    files = sorted(folder.rglob("*.png"))
    for file in files[: len(files) // 2] if grey_first else files[len(files) // 2 :]:
        Image.open(file).convert("L").save(file)
    assert "grey and colour images are mixed: all were read as colour (3 are grey)" in notes(folder)
    popaug("data", "convert", "--data", folder, "-o", tmp_path / "set.popaug")
    assert "grey and colour images are mixed" in notes(tmp_path / "set.popaug")
