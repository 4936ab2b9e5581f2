"""Image files that depart from their format: which are read, which are refused, and what --keep-going leaves out."""

import io
import json
import pathlib
import re

import numpy as np
import pytest
from PIL import Image
from sets import popaug, read, refusal

ROOT = pathlib.Path(__file__).resolve().parents[1]
TRAIN = ("--network", "wrn-10-1", "--batch", 4, "--device", "cpu")


def jpeg(seed: int) -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JPEG", quality=90)
    return file.getvalue()


def old_revision(file: bytes) -> bytes:
    at = file.index(b"JFIF\0") + 5
    return file[:at] + b"\0\2" + file[at + 2 :]


def padded(file: bytes) -> bytes:
    return file[:-2] + bytes(40) + file[-2:]


def endless(file: bytes) -> bytes:
    return file[:-2]


def cut(file: bytes) -> bytes:
    return file[: len(file) * 2 // 3]


def put(folder: pathlib.Path, name: str, file: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file)


@pytest.fixture
def photos(tmp_path: pathlib.Path) -> pathlib.Path:
    for i in range(12):
        put(tmp_path / "set", f"{('cat', 'dog')[i % 2]}/{i:02}.jpg", jpeg(i))
    return tmp_path / "set"


def test_harmless_faults_are_read_noted_and_named(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    clean = json.loads(popaug("data", "info", "--data", photos, "--json").stdout)
    assert clean["notes"] == []
    odd = {"cat/00.jpg": old_revision, "dog/01.jpg": padded, "cat/02.jpg": endless, "cat/04.jpg": padded}
    for name, change in odd.items():
        put(photos, name, change((photos / name).read_bytes()))
    got = json.loads(popaug("data", "info", "--data", photos, "--json").stdout)
    assert got["fingerprint"] == clean["fingerprint"]
    assert len(got["notes"]) == 2 and any(note.startswith("2 images with stray bytes") for note in got["notes"])
    said = popaug("data", "verify", "--data", photos).stdout
    assert "no faults" in said
    assert [name in said for name in odd] == [False, True, True, True]
    pixels = read(photos, tmp_path)["train"][0]
    expected = [
        np.asarray(Image.open(photos / f"{name}/{i:02}.jpg"))
        for name in ("cat", "dog")
        for i in range(12)
        if i % 2 == (name == "dog") and not (name == "cat" and i == 2)
    ]  # Pillow refuses 02.jpg
    np.testing.assert_array_equal(np.delete(pixels, 1, 0), expected)


def spoil(photos: pathlib.Path) -> list[str]:
    names = ["cat/06.jpg", "cat/08.jpg", "dog/05.jpg"]
    for name in names:
        put(photos, name, cut((photos / name).read_bytes()))
    return names


def test_doubtful_files_are_all_named(photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    names = spoil(photos)
    for words in (
        ("data", "info", "--data", photos),
        ("data", "convert", "--data", photos, "-o", tmp_path / "x.popaug"),
        ("train", "--data", photos, *TRAIN, "--augment", "none", "--epochs", 1, "--out", tmp_path / "net"),
    ):
        said = refusal(*words)
        assert "3 of 12 images cannot be read" in said and "--keep-going" in said
        assert all(name in said for name in names)
    for i in range(150):
        put(photos, f"dog/z{i:03}.jpg", cut(jpeg(1000 + i)))
    assert "and 103 more" in refusal("data", "info", "--data", photos)
    said = popaug("data", "verify", "--data", photos, code=1).stdout
    assert all(f"z{i:03}.jpg" in said for i in range(150))


@pytest.mark.parametrize("verb", ["train", "search"])
def test_runs_record_what_they_left_out(photos: pathlib.Path, tmp_path: pathlib.Path, verb: str) -> None:
    names = spoil(photos)
    length: tuple[object, ...] = ("--augment", "none", "--epochs", 1)
    if verb == "search":
        length = ("--population", 2, "--epochs", 2, "--epochs-per-round", 1, "--workers", 1)
    done = popaug(verb, "--data", photos, *TRAIN, *length, "--keep-going", "--out", tmp_path / "run")
    assert "3 images were left out" in done.stdout + done.stderr
    lines = (tmp_path / "run" / "left-out.txt").read_text().splitlines()
    assert len(lines) == 3
    assert all(name in line and "broken or cut short" in line for name, line in zip(names, lines, strict=True))
    if verb == "search":
        return
    for name in names:
        put(photos, name, jpeg(int(name[4:6])))
    popaug(verb, "--data", photos, *TRAIN, *length, "--keep-going", "--out", tmp_path / "sound")
    assert not (tmp_path / "sound" / "left-out.txt").exists()


def test_the_page_lists_the_table_of_the_code() -> None:
    verdicts = {"kNone": "read", "kNoted": "noted", "kAtTheEnd": "noted or refused", "kPixels": "refused"}
    code = (ROOT / "popaug/image/internal/jpeg_warnings.cc").read_text()
    rows = re.findall(r'\{(JWRN_\w+), "(\w+)",\s*JpegDoubt::(\w+)', code)
    assert len(rows) == 12 and all(code_name == name for code_name, name, _ in rows)
    page = (ROOT / "docs/formats/data.md").read_text()
    assert [(name, verdicts[doubt]) for _, name, doubt in rows] == re.findall(r"\| `(JWRN_\w+)` \| ([^|]+) \|", page)
