"""popaug ops and popaug augment, from the outside."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest
from PIL import Image
from pillow_ops import pillow_op

BUILD = pathlib.Path(os.environ["POPAUG_BUILD"])
SOURCE = pathlib.Path(os.environ["POPAUG_SOURCE"])


def popaug(*words: object, code: int = 0, **settings: object) -> subprocess.CompletedProcess[str]:
    command = [str(BUILD / "popaug"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * (5 + c) + y * 3 * (c + 1) + seed * 31 + x * y) % 256).astype(np.uint8)


@pytest.fixture
def image(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "in.png"
    Image.fromarray(picture(48, 40)).save(path)
    return path


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    for i in range(12):
        path = tmp_path / "photos" / f"class{i % 2}" / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(20 + i % 3, 24, i)).save(path)
    Image.fromarray(picture(30, 30)[..., 0]).save(tmp_path / "photos" / "grey.jpg")
    return tmp_path / "photos"


def tree(path: pathlib.Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


PBA = json.loads(subprocess.check_output([BUILD / "popaug", "ops", "--space", "pba", "--json"]))["spaces"][0]


PURE = [row for row in PBA["ops"] if row["op"] != "Cutout"]  # Cutout draws: below


@pytest.mark.parametrize("row", PURE, ids=lambda row: row["op"])
def test_one_op_writes_rgba_as_pillow(row: dict, image: pathlib.Path, tmp_path: pathlib.Path) -> None:
    rgba = np.dstack([picture(48, 40), np.full((40, 48), 255, np.uint8)])
    for sign in ("+", "-") if row["signed"] else ("+",):
        out = tmp_path / "out.png"
        popaug("augment", "--op", row["op"], "--level", 7, "--sign", sign, image, out)
        made = Image.open(out)
        assert made.mode == "RGBA"
        value = (row["values"] or [0] * 11)[7] * (1 if sign == "+" else -1)
        # Unscaled, although the image is not 32x32.
        assert np.array_equal(np.asarray(made), pillow_op(row["op"], value, rgba)), sign


def test_cutout_repeats_by_seed(image: pathlib.Path, tmp_path: pathlib.Path) -> None:
    made = []
    for seed in (1, 1, 2):
        popaug("augment", "--op", "Cutout", "--level", 8, "--seed", seed, image, tmp_path / "out.png")
        made.append(np.asarray(Image.open(tmp_path / "out.png")))
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])
    holes = made[0][..., 3] == 0
    assert 0 < holes.sum() <= 16 * 16
    assert (made[0][holes][:, :3] == (125, 122, 113)).all()


def test_pixels_scale_on_request(image: pathlib.Path, tmp_path: pathlib.Path) -> None:
    words = ("augment", "--op", "TranslateX", "--level", 8, image)
    popaug(*words, tmp_path / "a.png")
    popaug(*words, tmp_path / "b.png", "--scale-pixels")
    widths = [int((np.asarray(Image.open(tmp_path / n))[0, :, 3] == 0).sum()) for n in ("a.png", "b.png")]
    assert widths == [8, 12]  # 8 px for side 32 are 12 for side 48


def test_extra_and_plain_value(image: pathlib.Path, tmp_path: pathlib.Path) -> None:
    rgba = np.dstack([picture(48, 40), np.full((40, 48), 255, np.uint8)])
    for words, op, value in [
        (("--op", "FlipLR"), "FlipLR", 0),
        (("--op", "CropBilinear", "--level", 6), "CropBilinear", 6),
        (("--op", "Rotate", "--value", "-12.25"), "Rotate", -12.25),
    ]:
        popaug("augment", *words, image, tmp_path / "out.png")
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), pillow_op(op, value, rgba))


def test_folder_does_not_depend_on_workers(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    words = ("augment", "--schedule", "rcifar10-paper", "--epoch", 150, "--seed", 3)
    done = popaug(*words, "--workers", 1, folder, tmp_path / "a")
    popaug(*words, "--workers", 4, folder, tmp_path / "b")
    popaug(*words[:-1], 4, folder, tmp_path / "c")
    assert "13 images written" in done.stderr and "13 of 13" in done.stderr
    a, b, c = (tree(tmp_path / name) for name in "abc")
    assert a == b and a != c
    assert set(a) == {str(p.relative_to(folder).with_suffix(".png")) for p in folder.rglob("*.*")}
    grey = np.asarray(Image.open(tmp_path / "a" / "grey.png"))
    assert (grey[..., 0] == grey[..., 1]).all() and (grey[..., 0] == grey[..., 2]).all()


@pytest.mark.parametrize("name", ["none", "flipcrop", "randaugment-3-12", "trivial-0.5", "autoaugment-cifar10"])
def test_baselines_and_copies(name: str, folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    listing = tmp_path / "list.txt"
    listing.write_text("# two images\nphotos/class0/00.png\n\nphotos/class1/01.png\n")
    popaug("augment", "--augment", name, "--copies", 3, listing, tmp_path / "out")
    made = tree(tmp_path / "out")
    assert sorted(made) == sorted(f"photos/class{i}/0{i}-{k}.png" for i in (0, 1) for k in range(3))
    unchanged = sum(
        np.array_equal(np.asarray(Image.open(tmp_path / "out" / path))[..., :3], picture(20 + i, 24, i))
        for i in (0, 1)
        for path in (f"photos/class{i}/0{i}-{k}.png" for k in range(3))
    )
    assert unchanged == 6 if name == "none" else unchanged < 6


def test_policy_file(image: pathlib.Path, tmp_path: pathlib.Path) -> None:
    rule = {"kind": "pba", "count_weights": [0, 1]}
    policy = {"rule": rule, "policy": [{"op": "Invert", "probability": 1, "level": 0}]}
    (tmp_path / "p.json").write_text(json.dumps(policy))
    popaug("augment", "--policy", tmp_path / "p.json", image, tmp_path / "out.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png"))[..., :3], 255 - picture(48, 40))


def test_contact_sheets(image: pathlib.Path, tmp_path: pathlib.Path) -> None:
    popaug("augment", "--sheet", "levels", image, tmp_path / "levels.png")
    popaug("augment", "--sheet", "levels", "--op", "Rotate", image, tmp_path / "one.png")
    epochs = ("augment", "--sheet", "epochs", "--schedule", "rcifar10-paper", image)
    popaug(*epochs, tmp_path / "epochs.png", "--rows", 2, "--columns", 5)
    popaug(*epochs, tmp_path / "again.png", "--rows", 2, "--columns", 5)
    levels, one = Image.open(tmp_path / "levels.png"), Image.open(tmp_path / "one.png")
    assert levels.width == one.width and levels.height > 8 * one.height
    assert (tmp_path / "epochs.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    assert Image.open(tmp_path / "epochs.png").width > 5 * 48


def photo(path: pathlib.Path, width: int, height: int) -> np.ndarray:
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    pixels = np.clip(127 + 70 * np.sin(x / 31 + c) + 50 * np.cos(y / (17 + c)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=92)
    return np.asarray(Image.open(path).convert("RGB"))


def test_size_and_resized_crop(tmp_path: pathlib.Path) -> None:
    path, out = tmp_path / "in.jpg", tmp_path / "out.png"
    pixels = photo(path, 120, 100)

    def made(*words: object) -> np.ndarray:
        popaug("augment", "--augment", "none", *words, path, out)
        return np.asarray(Image.open(out))

    whole = np.asarray(Image.fromarray(pixels).resize((48, 40), Image.Resampling.BILINEAR))
    assert np.array_equal(made("--size", "48x40")[..., :3], whole)
    # All of the area fits no box but the image itself.
    assert np.array_equal(made("--size", "48x40", "--resized-crop", 1)[..., :3], whole)
    part = made("--size", 48, "--resized-crop", 0.1, "--seed", 3)
    assert part.shape == (48, 48, 4) and (part[..., 3] == 255).all()
    assert np.array_equal(part, made("--size", 48, "--resized-crop", 0.1, "--seed", 3))
    assert not np.array_equal(part, made("--size", 48, "--resized-crop", 0.1, "--seed", 4))
    assert made("--resized-crop", 0.1).shape == (100, 120, 4)
    popaug("augment", "--op", "Invert", "--size", 48, "--resized-crop", 0.1, "--seed", 3, path, out)
    assert np.array_equal(np.asarray(Image.open(out))[..., :3], 255 - part[..., :3])


def test_resized_crops_are_pillows_of_the_part_that_the_rule_draws(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The part by the Python form of the rule (the exported file's), cut and resized by Pillow."""
    specification = importlib.util.spec_from_file_location(
        "exported", SOURCE / "data/export_templates/schedule_transform.py"
    )
    assert specification and specification.loader
    exported = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(exported)
    shapes = set()
    words = ("augment", "--augment", "none", "--copies", 3, "--seed", 5, "--epoch", 2, "--workers", 2)
    popaug(*words, "--size", "40x24", "--resized-crop", 0.08, folder, tmp_path / "out")
    sample = 0
    for path in sorted(folder.rglob("*.png")):
        whole = Image.open(path).convert("RGB")
        for copy in range(3):
            stream = exported._Random(5, 14, 0, 2, sample)
            box = exported.crop_box(*whole.size, 0.08, stream)
            expected = np.asarray(whole.crop(box).resize((40, 24), Image.Resampling.BILINEAR))
            name = path.relative_to(folder).with_suffix("")
            got = np.asarray(Image.open(tmp_path / "out" / f"{name}-{copy}.png"))
            assert np.array_equal(got[..., :3], expected), (name, copy, box)
            shapes.add((box[2] - box[0], box[3] - box[1]))
            sample += 1
    assert sample == 3 * 12 and len(shapes) > 20
    popaug(*words[:-1], 1, "--size", "40x24", "--resized-crop", 0.08, folder, tmp_path / "again")
    assert tree(tmp_path / "out") == tree(tmp_path / "again")


def test_a_schedules_own_resized_crop_is_applied_at_the_images_size(
    image: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    policy = {"base": {"resized_crop": 0.2}, "policy": []}
    (tmp_path / "p.json").write_text(json.dumps(policy))
    out = tmp_path / "out.png"
    popaug("augment", "--policy", tmp_path / "p.json", "--seed", 3, image, out)
    own = np.asarray(Image.open(out))
    popaug("augment", "--augment", "none", "--resized-crop", 0.2, "--seed", 3, image, out)
    assert np.array_equal(own, np.asarray(Image.open(out)))
    popaug("augment", "--policy", tmp_path / "p.json", "--no-base", image, out)
    assert not np.array_equal(own, np.asarray(Image.open(out)))
    (tmp_path / "p.json").write_text(json.dumps(policy | {"base": {"resized_crop": 2}}))
    assert "resized_crop" in popaug("augment", "--policy", tmp_path / "p.json", image, out, code=1).stderr


def test_scaled_decoding_is_near_but_not_equal(tmp_path: pathlib.Path) -> None:
    path, out = tmp_path / "in.jpg", tmp_path / "out.png"
    photo(path, 640, 480)

    def made(*words: object) -> np.ndarray:
        popaug("augment", "--augment", "none", "--size", "64x48", *words, path, out)
        return np.asarray(Image.open(out))[..., :3].astype(int)

    scaled, full = made("--scaled-decoding"), made()
    drafted = Image.open(path)
    drafted.draft("RGB", (64, 48))
    assert drafted.size == (80, 60)
    theirs = np.asarray(drafted.convert("RGB").resize((64, 48), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(scaled - theirs).max() <= 2  # the versions of libjpeg-turbo differ
    assert 0 < np.abs(scaled - full).mean() < 3
    # A crop leaves at least --size of the smallest part: 640x480 stays whole for 0.08 of it.
    crop = ("--resized-crop", 0.08, "--seed", 1)
    assert np.array_equal(made(*crop, "--scaled-decoding"), made(*crop))


def test_interrupt_leaves_whole_images(tmp_path: pathlib.Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(600):
        Image.fromarray(picture(64, 64, i)).save(tmp_path / "photos" / f"{i:03}.png")
    command = ["augment", "--augment", "trivial", "--workers", 2, tmp_path / "photos"]
    out = tmp_path / "out"
    process = popaug(*command, out, code=130, env={**os.environ, "POPAUG_FAILPOINTS": "file.rename=stop@20"})
    assert process.stdout == ""
    assert re.search(r"stopped after \d+ of 600 images; the same command writes them all", process.stderr)
    files = tree(out)
    assert 0 < len(files) < 600
    assert all(re.fullmatch(r"\d\d\d\.png", name) for name in files)  # no temporary file stays
    # What was written is what the whole run writes.
    popaug(*command, tmp_path / "whole")
    whole = tree(tmp_path / "whole")
    assert len(whole) == 600 and all(whole[name] == content for name, content in files.items())


def test_a_broken_image_in_a_folder(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    whole = (folder / "class0" / "02.png").read_bytes()
    (folder / "class0" / "02.png").write_bytes(whole[: len(whole) // 2])
    words = ("augment", "--augment", "trivial", folder, tmp_path / "out")
    stopped = popaug(*words, code=1)
    assert "02.png" in stopped.stderr.splitlines()[-1]
    kept = popaug(*words, "--keep-going")
    assert "12 images written" in kept.stderr and "1 skipped" in kept.stderr
    assert "skipped: " in kept.stderr and "02.png" in kept.stderr
    assert len(tree(tmp_path / "out")) == 12


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--op", "Rotat", "--level", "1", "IN", "OUT"], 2, 'unknown op "Rotat" (nearest: "Rotate")'),
        (["--op", "Rotate", "IN", "OUT"], 2, "needs --level 0..10"),
        (["--op", "Rotate", "--level", "11", "IN", "OUT"], 2, "has levels 0..10"),
        (["--op", "Color", "--level", "1", "--sign", "-", "IN", "OUT"], 2, "has no sign"),
        (["--op", "Rotate", "--value", "nan", "IN", "OUT"], 2, "outside"),
        (["--op", "Posterize", "--value", "9", "IN", "OUT"], 2, "outside 0..8"),
        (["IN", "OUT"], 2, "one of --op, --policy, --schedule and --augment"),
        (["--augment", "trivia", "IN", "OUT"], 2, '"trivial"'),
        (["--op", "Invert", "IN", "OUT.bmp"], 2, "ends in .png"),
        (["--op", "Invert", "gone.png", "OUT"], 1, "gone.png: there is no such file"),
        (["--op", "Invert", "IN", "/proc/none/out.png"], 1, "/proc/none"),
        (["--op", "Invert", "--plugin", "gone.so", "IN", "OUT"], 1, "gone.so: there is no such plugin"),
        (["--sheet", "levels", "--augment", "trivial", "IN", "OUT"], 2, "--space and --op only"),
        (["--sheet", "pairs", "--op", "Invert", "IN", "OUT"], 2, "--sheet pairs shows a schedule"),
        (["--augment", "trivial", "--space", "x", "--polcy", "p", "IN", "OUT"], 2, "--policy"),
        (["--augment", "trivial", "--scaled-decoding", "IN", "OUT"], 2, "give --size too"),
        (["--augment", "trivial", "--resized-crop", "1.5", "IN", "OUT"], 2, "1.5 is not in 0 .. 1"),
        (["--augment", "trivial", "--resized-crop", "-1", "IN", "OUT"], 2, "-1 is not in 0 .. 1"),
        (["--augment", "trivial", "--resized-crop", "nan", "IN", "OUT"], 2, "nan is not in 0 .. 1"),
        (["--augment", "trivial", "--size", "0", "IN", "OUT"], 2, "1 to 16384"),
        (["--augment", "trivial", "--size", "32x", "IN", "OUT"], 2, "1 to 16384"),
        (["--sheet", "levels", "--resized-crop", "0.5", "IN", "OUT"], 2, "leave out --sheet"),
    ],
)
def test_wrong_usage_is_a_sentence(
    words: list[str], code: int, sentence: str, image: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    place = {"IN": image, "OUT": tmp_path / "out.png", "OUT.bmp": tmp_path / "out.bmp"}
    done = popaug("augment", *[place.get(word, word) for word in words], code=code, cwd=tmp_path)
    assert sentence in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


def test_help_has_examples_and_ops_lists_everything() -> None:
    assert "Examples:" in popaug("augment", "--help").stdout
    assert "Examples:" in popaug("ops", "--help").stdout
    table = popaug("ops").stdout
    assert all(row["op"] in table for row in PBA["ops"])
    every = json.loads(popaug("ops", "--json").stdout)
    assert every["spaces"][0]["name"] == "pba" and len(every["ops"]) == 21
    levels = {op["op"]: op["identity_levels"] for op in every["spaces"][0]["ops"]}
    assert levels["Brightness"] == [5] and levels["Rotate"] == [0] and levels["Posterize"] == []
    assert levels["Solarize"] == [] and levels["Cutout"] == [0]  # docs/pba.md#only-probability-0-means-off
    assert [op["op"] for op in every["ops"] if not op["changes_grey"]] == ["Color", "Identity"]


def test_own_space(tmp_path: pathlib.Path) -> None:
    (tmp_path / "s.toml").write_text('name = "s"\nops = ["Invert"]\n[[op]]\nname = "Rotate"\nrange = [0, 20]\n')
    ops = json.loads(popaug("ops", "--space", tmp_path / "s.toml", "--json").stdout)["spaces"][0]["ops"]
    assert ops[1]["values"] == [2.0 * m for m in range(11)] and ops[1]["signed"] is True
    for text, sentence in [
        ('name = "s"\nops = ["Rotat"]\n', '"Rotate"'),
        ('name = "s"\nopps = ["Rotate"]\n', '"ops"'),
        ('name = "s"\n[[op]]\nname = "Rotate"\nvalues = [1, 2]\n', "2 values"),
        ('name = "s"\n[[op]]\nname = "Posterize"\nrange = [0, 9]\n', "accepts 0..8"),
        ('name = "s"\n[[op]]\nname = "Rotate"\nrange = [0, nan]\n', "finite"),
        ("name = ", "line 1"),
    ]:
        (tmp_path / "s.toml").write_text(text)
        done = popaug("ops", "--space", tmp_path / "s.toml", code=1)
        assert sentence in done.stderr and "s.toml" in done.stderr, done.stderr
    assert "trivial" in popaug("ops", "--space", "trivia", code=2).stderr
    assert "0..1" in popaug("ops", "--space", "trivial:1.5", code=2).stderr


def compiler() -> str:
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)
    assert found
    return found[1]


def build_plugin(source: str, out: pathlib.Path) -> pathlib.Path:
    code = out.with_suffix(".cc")
    code.write_text(source)
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", f"-I{SOURCE}"]
    subprocess.run([compiler(), *flags, code, "-o", out], check=True)
    return out


EXAMPLE = (SOURCE / "examples/own_op/my_ops.cc").read_text()


def test_plugin_of_the_example(image: pathlib.Path, tmp_path: pathlib.Path) -> None:
    plugin = build_plugin(EXAMPLE, tmp_path / "my_ops.so")
    table = popaug("ops", "--check", "--plugin", plugin, "--plugin", plugin).stdout
    assert "23 ops checked, 0 broken" in table
    space = SOURCE / "examples/own_op/space.toml"
    assert "Gamma" in popaug("ops", "--space", space, "--plugin", plugin).stdout
    words = ("augment", "--op", "Gamma", "--level", 10, "--space", space, "--plugin", plugin)
    popaug(*words, image, tmp_path / "out.png")
    expected = np.floor(255 * (picture(48, 40) / 255) ** 2.5 + 0.5)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png"))[..., :3], expected)
    sheet = ("augment", "--sheet", "levels", "--space", space, "--plugin", plugin)
    popaug(*sheet, image, tmp_path / "sheet.png")
    missing = popaug("ops", "--space", space, code=1)
    assert "--plugin" in missing.stderr


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("POPAUG_PLUGIN_ABI, sizeof", "POPAUG_PLUGIN_ABI + 1, sizeof", "version 2 of the plugin interface"),
        ('"Gamma"', '"Rotate"', "already known"),
        ('"Speckle"', '"Gamma"', "given twice"),
        ("0.1, 10, 1, gamma", "10, 0.1, 1, gamma", "lower first"),
        ("popaug_plugin_entry(void)", "popaug_plugin_entry_(void)", "exports no popaug_plugin_entry"),
    ],
)
def test_plugins_that_are_refused(old: str, new: str, sentence: str, tmp_path: pathlib.Path) -> None:
    assert EXAMPLE.count(old) == 1
    source = EXAMPLE.replace(old, new)
    if "entry_" in new:
        source = source.replace(f"const popaug_plugin* {new}", f'extern "C" const popaug_plugin* {new}')
    plugin = build_plugin(source, tmp_path / "bad.so")
    done = popaug("ops", "--plugin", plugin, code=1)
    assert sentence in done.stderr and "bad.so" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("int32_t gamma(const popaug_call* call) {\n", "int32_t gamma(const popaug_call* call) {\n"
         "  call->pixels[4 * call->width * call->height] ^= 1;\n", "wrote outside the pixels"),
        ("  return 0;\n}\n\n// A share", "  static int n = 0;\n  call->pixels[0] ^= ++n;\n  return 0;\n}\n\n// A share",
         "other bytes when called again"),
        ("call->pixels[4 * i + c] = table", "call->pixels[4 * i + c] = 7 + table", "changes pixels at its identity"),
        ("call->pixels[4 * i + c] = 255", "call->pixels[4 * i + c] = 250 + c", "makes a grey image coloured"),
        ("  return 0;\n}\n\n// A share", "  return 5;\n}\n\n// A share", "failed with number 5"),
    ],
)  # fmt: skip
def test_ops_that_break_their_promises(old: str, new: str, sentence: str, tmp_path: pathlib.Path) -> None:
    assert EXAMPLE.count(old) == 1
    plugin = build_plugin(EXAMPLE.replace(old, new), tmp_path / "bad.so")
    done = popaug("ops", "--check", "--plugin", plugin, code=1)
    assert sentence in done.stdout and "1 broken" in done.stdout, done.stdout


def test_a_file_that_is_no_plugin(tmp_path: pathlib.Path) -> None:
    (tmp_path / "text.so").write_text("not a shared object")
    assert "cannot be loaded" in popaug("ops", "--plugin", tmp_path / "text.so", code=1).stderr
