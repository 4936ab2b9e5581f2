"""Manifests as spreadsheets, scripts and competitions write them."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sets import popaug, refusal

NAMES = ["cat_1", "cat_2", "cat_3", "dog_1", "dog_2", "dog_3"]
COUNTS = {"cat": 3, "dog": 3}


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "images").mkdir()
    for i, name in enumerate(NAMES):
        pixels = np.random.default_rng(i).integers(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
    return tmp_path


def info(path: pathlib.Path, *flags: object) -> dict[str, Any]:
    return json.loads(popaug("data", "info", "--data", path, "--json", *flags).stdout)  # type: ignore[no-any-return]


def table(folder: pathlib.Path, row: str, heading: str | None, end: str = "\n", **words: str) -> pathlib.Path:
    """A file with one line for each image, made from {name} and {label}."""
    lines = [] if heading is None else [heading]
    lines += [row.format(name=name, label=name[:3], **words) for name in NAMES]
    path = folder / "m.csv"
    path.write_bytes((end.join(lines) + end).encode())
    return path


READ = {
    "comma": ("images/{name}.png,{label}", "path,label"),
    "semicolon": ("images/{name}.png;{label}", "path;label"),
    "tab": ("images/{name}.png\t{label}", "path\tlabel"),
    "bar": ("images/{name}.png|{label}", "path|label"),
    "a comma in a field of semicolons": ("images/{name}.png;{label};a, b", "path;label;remark"),
    "spaces behind commas": ("images/{name}.png, {label}, x", "path, label, remark"),
    "quotes": ('"images/{name}.png","{label}"', '"path","label"'),
    "quotes behind spaces": ('"images/{name}.png", "{label}"', '"path", "label"'),
    "no heading": ("images/{name}.png,{label}", None),
    "no heading, label first": ("{label},images/{name}.png", None),
    "no heading, with splits": ("train,images/{name}.png,{label}", None),
    "a word apart": ("images/{name}.png {label}", None),
    "columns of HAM10000": ("HAM_7,{name},{label},50.0", "lesion_id,image_id,dx,age"),
    "columns of APTOS": ("{name},{label}", "id_code,diagnosis"),
    "columns of Hugging Face": ("images/{name}.png,{label}", "file_name,label"),
    "columns in another case": ("images/{name}.png,{label}", "Image Path,Class Name"),
    "columns of GTSRB": ("27;26;{label};images/{name}.png", "Width;Height;ClassId;Path"),
    "an index by pandas": ("0,images/{name}.png,{label}", ",path,label"),
    "a comma at the end": ("images/{name}.png,{label},", "path,label,"),
    "a comma at the end of rows": ("images/{name}.png,{label},", "path,label"),
    "a comment above": ("images/{name}.png,{label}", "# by a tool\npath,label"),
    "Excel's separator": ("images/{name}.png;{label}", "sep=;\npath;label"),
    "dots before": ("./images/{name}.png,{label}", "path,label"),
    "backslashes": ("images\\{name}.png,{label}", "path,label"),
    "another computer": ("C:\\Users\\me\\data\\images\\{name}.png,{label}", "path,label"),
    "another home": ("/srv/nobody-here/data/images/{name}.png,{label}", "path,label"),
    "no ending": ("images/{name},{label}", "path,label"),
    "no folder": ("{name}.png,{label}", "path,label"),
    "another case": ("images/{name}.PNG,{label}", "path,label"),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_tables_that_are_read(folder: pathlib.Path, name: str, end: str) -> None:
    row, heading = READ[name]
    path = table(folder, row, None if heading is None else heading.replace("\n", end), end)
    got = info(path)
    assert got["classes"] == ["cat", "dog"] and got["class_counts"]["train"] == COUNTS


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(folder: pathlib.Path, encoding: str) -> None:
    lines = ["path,label", *(f"images/{name}.png,{'kötér' if name < 'd' else 'mačka'}" for name in NAMES)]
    (folder / "m.csv").write_bytes("\n".join([*lines, ""]).encode(encoding))
    assert sorted(info(folder / "m.csv")["classes"]) == ["kötér", "mačka"]
    (folder / "classes.txt").write_bytes("mačka\nkötér\n".encode(encoding))
    assert info(folder / "m.csv")["classes"] == ["mačka", "kötér"]


def test_columns_by_name_and_by_number(folder: pathlib.Path) -> None:
    path = table(folder, "7,{label}-x,images/{name}.png,{label}", "a,b,c,d")
    assert info(path, "--image-column", "c", "--label-column", "D")["class_counts"]["train"] == COUNTS
    assert info(path, "--image-column", 3, "--label-column", 2)["classes"] == ["cat-x", "dog-x"]
    said = refusal("data", "info", "--data", path)
    assert 'found the columns "a", "b", "c", "d", separated by commas' in said and "--image-column NAME" in said
    assert 'no column "e"' in refusal("data", "info", "--data", path, "--image-column", "e", code=2)
    bare = table(folder, "7,{label}-x,images/{name}.png,{label}", None)
    assert "--label-column NUMBER" in refusal("data", "info", "--data", bare)
    assert info(bare, "--image-column", 3, "--label-column", 4)["class_counts"]["train"] == COUNTS


def test_one_hot_columns(folder: pathlib.Path) -> None:
    rows = [f"{name},{int(name < 'd')}.0,{int(name > 'd')}.0,0.0" for name in NAMES]
    (folder / "m.csv").write_text("\n".join(["image,cat,dog,owl", *rows, ""]))
    got = info(folder / "m.csv")
    assert got["class_counts"]["train"] == COUNTS and any("one-hot" in note for note in got["notes"])
    (folder / "m.csv").write_text("\n".join(["image,cat,dog,owl", *rows[:-1], "dog_3,1,1,0", ""]))
    assert "m.csv:7: has several labels" in refusal("data", "info", "--data", folder / "m.csv")
    (folder / "m.csv").write_text("\n".join(["image,cat,dog,owl", *rows[:-1], "dog_3,0,0,0", ""]))
    assert "m.csv:7: no column of a class has a 1" in refusal("data", "info", "--data", folder / "m.csv")


def test_numbers_of_spreadsheets_and_of_classes_txt(folder: pathlib.Path) -> None:
    rows = [f"images/{name}.png,{float(name > 'd')}" for name in NAMES]
    (folder / "m.csv").write_text("\n".join(["path,label", *rows, ""]))
    assert info(folder / "m.csv")["classes"] == ["0", "1"]
    (folder / "classes.txt").write_text("cat\ndog\n")
    assert info(folder / "m.csv")["class_counts"]["train"] == COUNTS


def test_splits_in_any_spelling(folder: pathlib.Path) -> None:
    words = ["TRAIN", "Training", "train_set", "valid", "Test", "testing"]
    rows = [f"images/{name}.png,x{i % 2},{word}" for i, (name, word) in enumerate(zip(NAMES, words, strict=True))]
    (folder / "m.csv").write_text("\n".join(["path,label,split", *rows, ""]))
    assert info(folder / "m.csv")["counts"] == {"train": 3, "val": 1, "test": 2}
    (folder / "m.csv").write_text("\n".join(["path,label,Usage", *rows, ""]))
    assert info(folder / "m.csv")["counts"] == {"train": 3, "val": 1, "test": 2}
    (folder / "m.csv").write_text("\n".join(["path,label,set", *(row + "?z" for row in rows), ""]))
    assert info(folder / "m.csv")["counts"] == {"train": 6}


def test_a_missing_file_is_named_with_what_is_there(folder: pathlib.Path) -> None:
    (folder / "m.csv").write_text("path,label\nimages/cat_1.png,cat\nimages/cat-2.png,cat\n")
    said = refusal("data", "info", "--data", folder / "m.csv")
    assert "m.csv:3: " in said and "cat-2.png is not there; there is" in said and "cat_2.png" in said
    (folder / "m.csv").write_text("path,label\nelsewhere/qqqqqqqqqqqq.png,cat\n")
    assert "the first is" in refusal("data", "info", "--data", folder / "m.csv")


def test_one_name_of_two_files_is_refused(folder: pathlib.Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "cat_1.png").write_bytes((folder / "images/dog_1.png").read_bytes())
    said = refusal("data", "info", "--data", table(folder, "{name},{label}", "image_id,dx"))
    assert "may be" in said and "write the folder too" in said


def test_labels_that_differ_in_case_are_a_fault(folder: pathlib.Path) -> None:
    rows = [f"images/{name}.png,{name[:3].upper() if i % 2 else name[:3]}" for i, name in enumerate(NAMES)]
    (folder / "m.csv").write_text("\n".join(["path,label", *rows, ""]))
    report = json.loads(popaug("data", "verify", "--data", folder / "m.csv", "--json", code=1).stdout)
    assert report["findings"][0]["images"] == ['"CAT" = "cat"', '"DOG" = "dog"']


def test_lines_that_name_an_image_again_are_noted(folder: pathlib.Path) -> None:
    path = table(folder, "images/{name}.png,{label}\nimages/{name}.png,{label}", "path,label")
    assert any("6 lines name an image that an earlier line names" in note for note in info(path)["notes"])


def test_several_columns_that_might_be_meant_are_noted(folder: pathlib.Path) -> None:
    path = table(folder, "images/{name}.png,{label},12", "path,label,class_id")
    assert any('the column "label"' in note and "class_id" in note for note in info(path)["notes"])
