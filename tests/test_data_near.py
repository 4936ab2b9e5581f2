"""Near-duplicates: pairs between splits, contact sheet, groups that stay on one side."""

import io
import json
import pathlib

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from sets import popaug, refusal


def scene(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :64]
    waves = [
        sum(w * np.sin(9 * a * x / 64 + 9 * b * y / 48 + 6 * p + c) for a, b, p, w in random.random((6, 4)))
        for c in range(3)
    ]
    patches = np.kron(random.random((6, 8)) - 0.5, np.ones((8, 8)))[..., None]
    return Image.fromarray(np.clip(127 + 30 * np.stack(waves, -1) + 60 * patches, 0, 255).astype(np.uint8))


def again(image: Image.Image) -> Image.Image:
    """The same photograph, darker and compressed."""
    file = io.BytesIO()
    ImageEnhance.Brightness(image).enhance(0.9).save(file, "JPEG", quality=70)
    return Image.open(file)


def put(folder: pathlib.Path, name: str, image: Image.Image) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


@pytest.fixture
def photos(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "photos"
    for i in range(40):
        put(folder, f"train/{'ab'[i % 2]}/{i:02}.png", scene(i))
    for i in range(8):
        put(folder, f"test/{'ab'[i % 2]}/{i}.png", scene(100 + i))
    return folder


def report(folder: pathlib.Path, *words: object) -> dict[str, list[str]]:
    got = json.loads(popaug("data", "verify", "--data", folder, "--json", *words).stdout)
    return {finding["check"]: finding["images"] for finding in got["findings"]} | {"near": got["near"]}


def test_different_pictures_are_not_reported(photos: pathlib.Path) -> None:
    assert report(photos) == {"near": []}


def test_pairs_between_splits(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    put(photos, "test/a/again.png", again(scene(10)))
    put(photos, "test/b/smaller.png", scene(7).resize((64, 48)).resize((48, 36)).resize((64, 48)))
    got = report(photos, "--sheet", tmp_path / "near.png")
    pairs = {(pair["first"], pair["second"]) for pair in got["near"]}
    assert pairs == {("train/a/10.png", "test/a/again.png"), ("train/b/07.png", "test/b/smaller.png")}
    assert all(0.98 <= pair["likeness"] <= 1 for pair in got["near"])
    assert sorted(line.split(" (")[0] for line in got["near-leak"]) == sorted(" ~ ".join(pair) for pair in pairs)
    assert set(got) == {"near", "near-leak"}
    sheet = Image.open(tmp_path / "near.png")
    assert sheet.width > 4 * 64  # two pairs in a row
    text = popaug("data", "verify", "--data", photos).stdout
    assert "2 images are nearly equal to one of another split" in text and "no faults" in text
    assert "standard output" in refusal("data", "verify", "--data", photos, "--sheet", "-", code=2)


def test_equal_images_are_a_leak_and_not_a_near_one(photos: pathlib.Path) -> None:
    put(photos, "test/a/same.png", scene(10))
    got = json.loads(popaug("data", "verify", "--data", photos, "--json", code=1).stdout)
    assert [finding["check"] for finding in got["findings"]] == ["leak"] and got["near"] == []


def test_packed_sets_and_other_sizes_find_the_same(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    put(photos, "test/a/again.png", again(scene(10)))
    popaug("data", "convert", "--data", photos, "--size", "32", "-o", tmp_path / "x.popaug")
    pairs = report(tmp_path / "x.popaug")["near"]
    assert [(pair["first"][:5], pair["second"][:4]) for pair in pairs] == [("train", "test")]


@pytest.mark.parametrize("words", [("--val-size", 12), ("--folds", 4), ()])
def test_groups_stay_on_one_side(photos: pathlib.Path, tmp_path: pathlib.Path, words: tuple[object, ...]) -> None:
    names = [f"{i:02}" for i in range(40)]
    for i in range(12):
        put(photos, f"train/{'ab'[i % 2]}/{i:02}-again.png", again(scene(i)))
        names.append(f"{i:02}-again")
    order = [f"{name}.png" for name in names]
    order.sort(key=lambda name: (int(name[:2]) % 2, name))  # by class, then by name
    out = tmp_path / "s.split.json"
    done = popaug("data", "split", "--data", photos, *words, "--group-duplicates", "-o", out)
    assert "12 groups of nearly equal images" in done.stdout
    files = sorted(tmp_path.glob("s*.split.json"))
    assert len(files) == (4 if "--folds" in words else 1)
    for file in files:
        division = json.loads(file.read_text())
        assert division["how"]["group_duplicates"] == 12
        sides = [{order[i][:2] for i in division[side]} for side in ("train", "validation")]
        assert sides[1] and not sides[0] & sides[1]
    assert len(report(photos)["near-duplicate"]) == 12
