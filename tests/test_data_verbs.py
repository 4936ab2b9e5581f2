"""data info, verify, split and convert as a user meets them: faults, splits, stops and bad input."""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import time

import numpy as np
import pytest
from PIL import Image
from sets import CIFAR, PROGRAM, popaug, read, refusal, unpack

ARCHIVE = CIFAR / "cifar10-jpeg.tar.xz"
FASHION = "/usr/share/datasets/fashion-mnist"


def save(path: pathlib.Path, seed: int, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(path)


def save_large(path: pathlib.Path, shade: int) -> None:
    """3.4 MiB of pixels in few bytes: four to a block of a packed set."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((1200, 1000, 3), shade, np.uint8)).save(path)


@pytest.fixture
def photos(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "photos"
    seed = 0
    for split, count in (("train", 20), ("test", 5)):
        for label in ("cat", "dog"):
            for i in range(count):
                seed += 1
                save(folder / split / label / f"{i:03}.png", seed)
    return folder


def verify(folder: pathlib.Path, code: int) -> dict[str, list[str]]:
    report = json.loads(popaug("data", "verify", "--data", folder, "--json", code=code).stdout)
    assert report["sound"] == (code == 0)
    return {finding["check"]: finding["images"] for finding in report["findings"]}


def test_info_as_json(photos: pathlib.Path) -> None:
    info = json.loads(popaug("data", "info", "--data", photos, "--json").stdout)
    pixels = np.stack([np.asarray(Image.open(p)) for p in sorted((photos / "train").rglob("*.png"))]) / 255
    np.testing.assert_allclose(info["mean"], pixels.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(info["std"], pixels.std((0, 1, 2)), rtol=1e-9)
    assert info["counts"] == {"train": 40, "test": 10}
    assert info["class_counts"]["test"] == {"cat": 5, "dog": 5}
    assert info["classes"] == ["cat", "dog"] and len(info["fingerprint"]) == 32


def test_info_of_fashion_mnist(tmp_path: pathlib.Path) -> None:
    sheet = tmp_path / "sheet.png"
    text = popaug("data", "info", "--data", FASHION, "--sheet", sheet).stdout
    assert "mean 0.286041, standard deviation 0.353024" in text
    assert "Ankle boot       6000      1000" in text
    assert Image.open(sheet).size[0] > 400


def test_sound_set(photos: pathlib.Path) -> None:
    assert verify(photos, 0) == {}


def test_faults_are_found_and_named(photos: pathlib.Path) -> None:
    shutil.copy(photos / "train/cat/001.png", photos / "test/cat/leak.png")
    shutil.copy(photos / "train/cat/002.png", photos / "train/dog/both.png")
    shutil.copy(photos / "train/cat/003.png", photos / "train/cat/again.png")
    save(photos / "train/cat/large.png", 900, (9, 9))
    (photos / "train/dog/empty.png").write_bytes(b"")
    (photos / "test/owl").mkdir()
    found = verify(photos, 1)
    assert found["leak"] == ["train/cat/001.png = test/cat/leak.png"]
    assert found["two-labels"] == ["train/cat/002.png = train/dog/both.png"]
    assert found["duplicate"] == ["train/cat/003.png = train/cat/again.png"] or found["duplicate"] == [
        "train/cat/again.png = train/cat/003.png"
    ]
    assert found["size"][0].startswith("8x8: ") and found["size"][1].startswith("9x9: 1 image")
    assert len(found["unreadable"]) == 1 and "empty.png: the file is empty" in found["unreadable"][0]
    assert found["empty-class"] == ["owl"]
    text = popaug("data", "verify", "--data", photos, code=1).stdout
    assert "fault: 1 image is in two splits" in text


def test_the_same_pixels_in_another_file_are_found(photos: pathlib.Path) -> None:
    Image.open(photos / "train/cat/005.png").save(photos / "test/dog/other.png", compress_level=0)
    assert "leak" in verify(photos, 1)


def test_imbalance_is_a_note(photos: pathlib.Path) -> None:
    for i in range(2, 20):
        (photos / "train" / "dog" / f"{i:03}.png").unlink()
    assert verify(photos, 0) == {"imbalance": ["cat: 20 images", "dog: 2 images"]}


def split(folder: pathlib.Path, out: pathlib.Path, *flags: object) -> dict[str, list[int]]:
    popaug("data", "split", "--data", folder, "-o", out, *flags)
    return json.loads(out.read_text())  # type: ignore[no-any-return]


def test_dropping_duplicates_mends_a_set(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    shutil.copy(photos / "train/cat/001.png", photos / "test/cat/leak.png")
    shutil.copy(photos / "train/cat/002.png", photos / "train/dog/both.png")
    shutil.copy(photos / "train/cat/003.png", photos / "train/cat/x-again.png")
    whole = split(photos, tmp_path / "a.json", "--val-size", "25%")
    assert len(whole["train"]) + len(whole["validation"]) == 42
    mended = split(photos, tmp_path / "b.json", "--val-size", "25%", "--drop-duplicates")
    left = set(mended["train"]) | set(mended["validation"])
    files = sorted((photos / "train").rglob("*.png"))
    gone = {files[i].name for i in set(range(42)) - left}
    assert gone == {"001.png", "002.png", "both.png", "x-again.png"}
    assert not set(mended["train"]) & set(mended["validation"])


def test_split_is_stratified_by_count_share_and_seed(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    one = split(photos, tmp_path / "a.json", "--train-size", 10, "--val-size", "0.2", "--seed", 1)
    assert len(one["train"]) == 10 and len(one["validation"]) == 8
    assert sum(i < 20 for i in one["train"]) == 5 and sum(i < 20 for i in one["validation"]) == 4
    assert (
        split(photos, tmp_path / "b.json", "--train-size", 10, "--val-size", "20%", "--seed", 1)["train"]
        == one["train"]
    )
    assert (
        split(photos, tmp_path / "c.json", "--train-size", 10, "--val-size", "0.2", "--seed", 2)["train"]
        != one["train"]
    )
    assert "--train-size 41 and --val-size 1: split" in refusal(
        "data", "split", "--data", photos, "--train-size", 41, "--val-size", 1, "-o", tmp_path / "d", code=2
    )
    assert "is not understood" in refusal(
        "data", "split", "--data", photos, "--val-size", "1.5", "-o", tmp_path / "d", code=2
    )


def test_a_given_validation_split_is_used_as_it_is(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (photos / "test").rename(photos / "val")
    got = split(photos, tmp_path / "a.json")
    assert got["train"] == list(range(40)) and got["validation"] == list(range(10))
    assert got["validation_from"] == "val"


def test_folds_validate_each_image_once(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    popaug("data", "split", "--data", photos, "--folds", 3, "-o", tmp_path / "cv.split.json")
    folds = [json.loads((tmp_path / f"cv-{k}.split.json").read_text()) for k in (1, 2, 3)]
    assert sorted(i for fold in folds for i in fold["validation"]) == list(range(40))
    for fold in folds:
        assert sorted(fold["train"] + fold["validation"]) == list(range(40))
        assert sum(i < 20 for i in fold["validation"]) in (6, 7)


def test_no_patient_stands_on_both_sides(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    files = sorted((photos / "train").rglob("*.png"))
    rows = [f"{f.relative_to(photos)},{f.parent.name},p{i % 8}" for i, f in enumerate(files)]
    (photos / "m.csv").write_text("\n".join(["path,label,patient", *rows]) + "\n")
    got = split(photos / "m.csv", tmp_path / "a.json", "--val-size", 10)
    assert got["validation"] and not {i % 8 for i in got["train"]} & {i % 8 for i in got["validation"]}
    popaug("data", "split", "--data", photos / "m.csv", "--folds", 4, "-o", tmp_path / "cv")
    seen = [
        {i % 8 for i in json.loads((tmp_path / f"cv-{k}.split.json").read_text())["validation"]} for k in range(1, 5)
    ]
    assert sum(map(len, seen)) == 8 and set().union(*seen) == set(range(8))


def test_one_image_of_a_class_is_refused(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    save(photos / "train/owl/one.png", 77)
    said = refusal("data", "split", "--data", photos, "--val-size", 5, "-o", tmp_path / "a", code=2)
    assert "1 image; at least 2 are needed" in said


def test_resume_after_a_kill_gives_the_same_bytes(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "large"
    for i in range(12):
        save_large(source / "ab"[i % 2] / f"{i}.png", i)
    popaug("data", "convert", "--data", source, "-o", tmp_path / "whole.popaug")
    out = tmp_path / "set.popaug"
    for visit in range(1, 12):
        env = {"POPAUG_FAILPOINTS": f"pack.write=kill@{visit}"}
        killed = subprocess.run(
            [PROGRAM, "data", "convert", "--data", source, "-o", out],
            env={**os.environ, **env},
            check=False,
            capture_output=True,
        )
        if killed.returncode == 0:
            break
        assert killed.returncode == -9 and not out.exists()
        done = json.loads(popaug("data", "convert", "--data", source, "-o", out, "--json").stdout)
        assert done["images"] == 12 and done["resumed"] == min((visit - 1) // 2, 3) * 4
        assert out.read_bytes() == (tmp_path / "whole.popaug").read_bytes()
        assert sorted(p.name for p in tmp_path.glob("set.popaug*")) == ["set.popaug"]
        out.unlink()
    assert visit > 6


def test_a_changed_source_is_packed_anew(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "set.popaug"
    env = {"POPAUG_FAILPOINTS": "pack.write=kill@3"}
    subprocess.run(
        [PROGRAM, "data", "convert", "--data", photos, "-o", out],
        env={**os.environ, **env},
        check=False,
        capture_output=True,
    )
    save(photos / "train/cat/000.png", 1234)
    assert json.loads(popaug("data", "convert", "--data", photos, "-o", out, "--json").stdout)["resumed"] == 0
    np.testing.assert_array_equal(unpack(out)["train"][0][0], np.asarray(Image.open(photos / "train/cat/000.png")))


@pytest.mark.parametrize("point", ["pack.write=enospc@2", "pack.allocate=enospc"])
def test_a_full_disk_is_said(photos: pathlib.Path, tmp_path: pathlib.Path, point: str) -> None:
    out = tmp_path / "set.popaug"
    done = popaug("data", "convert", "--data", photos, "-o", out, code=1, env={"POPAUG_FAILPOINTS": point})
    assert "No space left on device" in done.stderr and "run the same command again" in done.stderr
    assert not out.exists()
    popaug("data", "convert", "--data", photos, "-o", out)


@pytest.mark.parametrize("name", ["set.popaug.partial", "set.popaug.partial.journal"])
@pytest.mark.parametrize("way", ["file", "link", "dangling", "fifo", "folder"])
def test_a_conversion_takes_only_its_own_files(
    photos: pathlib.Path, tmp_path: pathlib.Path, name: str, way: str
) -> None:
    taken, thesis = tmp_path / name, tmp_path / "thesis.doc"
    thesis.write_text("precious\n")
    if way == "file":
        taken.write_text("precious\n")
    elif way == "link":
        taken.symlink_to(thesis)
    elif way == "dangling":
        taken.symlink_to(tmp_path / "nowhere")
    elif way == "fifo":
        os.mkfifo(taken)
    else:
        taken.mkdir()
    before = taken.lstat()
    said = refusal("data", "convert", "--data", photos, "-o", tmp_path / "set.popaug")
    assert name in said and "give another name or remove it" in said
    assert taken.lstat().st_ino == before.st_ino
    assert way != "file" or taken.read_text() == "precious\n"
    assert thesis.read_text() == "precious\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        {name, "thesis.doc", photos.relative_to(tmp_path).parts[0]}
    )


def test_a_damaged_journal_costs_its_blocks_only(tmp_path: pathlib.Path) -> None:
    source, out = tmp_path / "large", tmp_path / "set.popaug"
    for i in range(12):
        save_large(source / "ab"[i % 2] / f"{i}.png", i)
    popaug("data", "convert", "--data", source, "-o", tmp_path / "whole.popaug")
    for damage in ("block 1", "block 0", "block ", "block 99999999999999999999999 0", "block x 1", "\xff", "plan"):
        popaug("data", "convert", "--data", source, "-o", out, code=-9, env={"POPAUG_FAILPOINTS": "pack.write=kill@5"})
        journal = tmp_path / "set.popaug.partial.journal"
        lines = journal.read_text().splitlines(keepends=True)
        assert [line.split()[:2] for line in lines[1:]] == [["block", "0"], ["block", "1"]]
        lines[2] = damage + lines[2][len("block 1") :] if damage.startswith("block 0") else f"{damage}\n"
        journal.write_text("".join(lines))
        done = json.loads(popaug("data", "convert", "--data", source, "-o", out, "--json").stdout)
        assert done["resumed"] == 4, damage
        assert out.read_bytes() == (tmp_path / "whole.popaug").read_bytes(), damage
        out.unlink()


def test_interrupting_a_conversion(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "large"
    for i in range(40):
        save_large(source / "ab"[i % 2] / f"{i}.png", i)
    running = subprocess.Popen(
        [PROGRAM, "data", "convert", "--data", source, "-o", tmp_path / "x"], stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "x.partial.journal").exists() and running.poll() is None:
        time.sleep(0.01)
    running.terminate()
    said = running.communicate()[1]
    assert running.returncode in (0, 130)
    if running.returncode == 130:
        assert "Run the same command again to continue" in said
        popaug("data", "convert", "--data", source, "-o", tmp_path / "x")
    popaug("data", "verify", "--data", tmp_path / "x")


def test_an_existing_file_is_not_overwritten(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").write_text("mine")
    assert "exists and is not overwritten" in refusal("data", "convert", "--data", photos, "-o", tmp_path / "x")
    assert (tmp_path / "x").read_text() == "mine"


def test_a_damaged_packed_set(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "set.popaug"
    popaug("data", "convert", "--data", photos, "-o", out)
    assert verify(out, 0) == {}
    whole = out.read_bytes()
    broken = bytearray(whole)
    broken[4096 + 192 * 3 + 5] ^= 1
    out.write_bytes(broken)
    assert verify(out, 1)["damaged"] == ["train[3]"]
    for size in (*range(0, 64), 64, 4096, len(whole) // 2, len(whole) - 1):
        out.write_bytes(whole[:size])
        assert "set.popaug" in refusal("data", "info", "--data", out)
    for at in (8, 20, len(whole) - 30):
        out.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert "set.popaug" in refusal("data", "info", "--data", out)


def test_more_than_the_memory_limit_is_mapped(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    said = refusal("data", "info", "--data", photos, "--memory", 5e-6)
    assert f"popaug data convert --data {photos} --size 8x8 -o set.popaug" in said
    popaug("data", "convert", "--data", photos, "-o", tmp_path / "set.popaug", "--memory", 5e-6)
    popaug("data", "info", "--data", tmp_path / "set.popaug", "--memory", 5e-6)


def test_manifests_that_are_wrong(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "set"
    save(folder / "a.png", 1)
    save(tmp_path / "outside.png", 2)
    (folder / "classes.txt").write_text("cat\ndog\n")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")

    def said(text: str, *flags: object) -> str:
        (folder / "m.csv").write_text(text)
        return refusal("data", "info", "--data", folder / "m.csv", *flags)

    assert 'm.csv:2: label "cat " is not in classes.txt (nearest: "cat")' in said("path,label\na.png,cat \n")
    assert "m.csv:3: " in said('path,label\n"a.png",cat\nb.png,dog\n')
    assert "is outside the folder" in said("path,label\n../outside.png,cat\n")
    assert "is outside the folder" in said("path,label\nlink.png,cat\n")
    assert "is outside the folder" in said(f"path,label\n{tmp_path / 'outside.png'},cat\n")
    popaug("data", "info", "--data", folder / "m.csv", "--allow-outside")
    assert "m.csv:1: the first line must name" in said("first,second\na.png,cat\n")
    assert "m.csv:2: has 3 fields" in said("path,label\na.png,cat,x\n")
    assert "m.csv:2: a quoted field has no end" in said('path,label\n"a.png,cat\n')
    assert 'm.csv:2: split "tarin" is not known' in said("path,label,split\na.png,cat,tarin\n")
    assert "names no images" in said("path,label\n")
    (folder / "classes.txt").unlink()
    assert 'm.csv:2: label "cat " begins or ends with a space' in said("path,label\na.png,cat \n")


def test_names_of_any_bytes(tmp_path: pathlib.Path) -> None:
    folder = os.fsencode(tmp_path / "set")
    odd = [b"with space", b"quote\"'", b"new\nline", b"\xff\xfe", "ünï".encode(), b"-dash", b"$(x)", b"%s%n"]
    for i, name in enumerate(odd):
        for split_name in (b"train", b"test"):
            path = os.path.join(folder, split_name, name, name + b".png")
            os.makedirs(os.path.dirname(path))
            save(pathlib.Path(os.fsdecode(path)), i + 100 * (split_name == b"test"))
    source = pathlib.Path(os.fsdecode(folder))
    got = read(source, tmp_path)
    assert len(got["classes"]) == len(odd) and "\\xff\\xfe" in got["classes"] and "new\\nline" in got["classes"]
    assert verify(source, 0) == {}
    for split_name in (b"train", b"test"):
        with open(os.path.join(folder, split_name, b"\xff\xfe", b"\xff\xfe.png"), "wb"):
            pass
    assert '\\xff\\xfe.png": the file is empty' in refusal("data", "info", "--data", source)


def test_what_is_not_there_or_no_set(tmp_path: pathlib.Path) -> None:
    assert "does not exist" in refusal("data", "info", "--data", tmp_path / "none")
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 9)
    assert "is not an image set that popaug knows" in refusal("data", "info", "--data", tmp_path / "noise.bin")
    (tmp_path / "empty").write_bytes(b"")
    assert "is empty" in refusal("data", "info", "--data", tmp_path / "empty")
    assert 'unknown flag "--jsom" (nearest: "--json")' in refusal("data", "info", "--data", "x", "--jsom", code=2)
    assert "is not understood" in refusal("data", "info", "--data", tmp_path, "--size", "32x", code=2)


@pytest.mark.parametrize("verb", ["info", "verify", "split", "convert"])
def test_help_shows_examples(verb: str) -> None:
    text = popaug("data", verb, "--help").stdout
    assert "Examples:" in text and f"popaug data {verb} --data" in text


def extract_cifar(folder: pathlib.Path, train: int, test: int) -> pathlib.Path:
    """So many images of each class of the two splits, or a skip where the archive is absent."""
    if not ARCHIVE.exists():
        pytest.skip(f"{ARCHIVE} is absent (POPAUG_CIFAR10 names its folder)")
    seen: collections.Counter[str] = collections.Counter()
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            place = pathlib.PurePath(member.name)
            if not member.isfile() or place.suffix != ".jpg":
                continue
            seen[str(place.parent)] += 1
            if seen[str(place.parent)] <= (train if "train" in place.parts else test):
                archive.extract(member, folder, filter="data")
    return folder


def equal_to_pillow(source: pathlib.Path, folder: pathlib.Path, count: int) -> None:
    got = read(source, folder)
    compared = 0
    for split_name in ("train", "test"):
        files = sorted((source / split_name).rglob("*.jpg"))
        pixels, labels = got[split_name]
        assert len(files) == len(pixels)
        for file, image, label in zip(files, pixels, labels, strict=True):
            np.testing.assert_array_equal(image, np.asarray(Image.open(file)), err_msg=str(file))
            assert got["classes"][label] == file.parent.name
            compared += 1
    assert compared == count
    assert not set(verify(source, 0)) - {"near-leak", "near-duplicate"}  # CIFAR-10 has some


def test_cifar_subset(tmp_path: pathlib.Path) -> None:
    equal_to_pillow(extract_cifar(tmp_path / "cifar", 300, 100), tmp_path, 4000)


@pytest.mark.skipif(not os.environ.get("POPAUG_LONG"), reason="all 60,000 images: POPAUG_LONG=1")
def test_cifar_whole(tmp_path: pathlib.Path) -> None:
    equal_to_pillow(extract_cifar(tmp_path / "cifar", 5000, 1000), tmp_path, 60000)
