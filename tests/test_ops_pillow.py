"""The plain twins equal Pillow 12.3.0, byte for byte: every op, level, sign, size and hole pattern."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import re
import struct
import subprocess
from dataclasses import dataclass, field

import numpy as np
import PIL
import pytest
from pillow_ops import OPS, pillow_op

BUILD = pathlib.Path(os.environ["POPAUG_BUILD"])
SOURCE = pathlib.Path(os.environ["POPAUG_SOURCE"])
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz")
SEED = 20190514
COMPARED_PER_OP = 60000 if os.environ.get("POPAUG_LONG") else 10200

SIGNED = {"Rotate", "TranslateX", "TranslateY", "ShearX", "ShearY"}
ENHANCERS = {"Brightness", "Color", "Contrast", "Sharpness"}
SIZES = [(1, 1), (1, 7), (7, 1), (2, 2), (3, 3), (4, 5), (5, 5), (28, 28), (31, 33), (32, 32)]
SIZES += [(16, 48), (17, 9), (32, 32), (32, 32), (28, 28), (40, 40)]
LARGE = [(300, 200), (200, 300), (224, 224), (257, 131)]


def pba_values(op: str) -> list[float]:
    """The table of docs/pba.md#operations, written a second time: the value at levels 0..10."""
    levels = range(11)
    if op in ENHANCERS:
        return [m * 1.8 / 10 + 0.1 for m in levels]
    table = {
        "Rotate": lambda m: 3 * m,
        "TranslateX": lambda m: m,
        "TranslateY": lambda m: m,
        "ShearX": lambda m: 0.03 * m,
        "ShearY": lambda m: 0.03 * m,
        "Posterize": lambda m: 4 - int(0.4 * m),
        "Solarize": lambda m: 256 - int(25.6 * m),
        "Cutout": lambda m: 2 * m,
        "CropBilinear": lambda m: m,
    }
    return [float(table[op](m)) for m in levels] if op in table else [0.0]


def wide_values(op: str) -> list[float]:
    """The 31 bins of torchvision's TrivialAugmentWide (docs/pba.md#baselines), float32 as there."""
    ramp = {"Rotate": 135, "TranslateX": 32, "TranslateY": 32, "ShearX": 0.99, "ShearY": 0.99}
    if op in ramp:
        values = [float(v) for v in np.linspace(0, ramp[op], 31, dtype=np.float32)]
        return [float(int(v)) for v in values] if op.startswith("Translate") else values
    if op in ENHANCERS:
        return [1.0 + s * float(v) for v in np.linspace(0, 0.99, 31, dtype=np.float32) for s in (1, -1)]
    if op == "Posterize":
        return [float(b) for b in range(2, 9)]
    if op == "Solarize":
        return [float(v) for v in np.linspace(255, 0, 31, dtype=np.float32)]
    return []


def own_values(op: str) -> list[float]:
    """What a user's own space may hold."""
    if op == "Rotate":
        return [45.0, 60.5, 89.9999, 90.0, 180.0, 270.0, 359.0, 360.0, 1e-7]
    if op in ("ShearX", "ShearY"):
        return [2.5, 10.0, 1e-9]
    if op.startswith("Translate"):
        return [0.5, 1.25, 400.0]
    if op in ENHANCERS:
        return [-1.0, 0.0, 1.0, 3.7, 10.0]
    if op == "Posterize":
        return [0.0, 1.0]
    if op == "Solarize":
        return [0.5, 127.5]
    if op == "CropBilinear":
        return [15.0, 100.0]
    if op == "Cutout":
        return [1.0, 3.0, 7.0, 40.0, 600.0]
    return []


def signs(op: str) -> tuple[int, ...]:
    return (1, -1) if op in SIGNED else (1,)


class Pictures:
    """Random, flat, smooth and real pictures of any size, with holes of several kinds."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        raw = gzip.decompress(FASHION.read_bytes())
        self.fashion = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)

    def colours(self, width: int, height: int) -> np.ndarray:
        kind = self.random.integers(6)
        shape = (height, width, 3)
        if kind == 0:
            return self.random.integers(0, 256, shape, dtype=np.uint8)
        if kind == 1:  # few values: histograms with gaps
            return self.random.choice(self.random.integers(0, 256, 3), shape).astype(np.uint8)
        if kind == 2:
            return np.full(shape, self.random.integers(0, 256, 3), dtype=np.uint8)
        if kind == 3:  # narrow range
            low = self.random.integers(0, 200)
            return self.random.integers(low, low + 55, shape, dtype=np.uint8)
        if kind == 4:  # smooth, coloured
            y, x = np.mgrid[0:height, 0:width]
            waves = self.random.uniform(0.01, 0.4, (3, 2))
            phases = self.random.uniform(0, 6, 3)
            planes = [np.sin(a * x + b * y + p) for (a, b), p in zip(waves, phases, strict=True)]
            return (127.5 + 127.5 * np.stack(planes, axis=-1)).astype(np.uint8)
        picture = self.fashion[self.random.integers(len(self.fashion))]
        rows = np.arange(height) * 28 // height
        columns = np.arange(width) * 28 // width
        grey = picture[rows][:, columns]
        return np.stack([grey, grey, grey], axis=-1)

    def alpha(self, width: int, height: int) -> np.ndarray:
        kind = self.random.integers(6)
        alpha = np.full((height, width), 255, np.uint8)
        if kind == 1:
            alpha[self.random.random((height, width)) < 0.2] = 0
        elif kind == 2:
            alpha[: self.random.integers(height + 1), self.random.integers(width + 1) :] = 0
        elif kind == 3:
            alpha[:] = 0
        elif kind == 4:  # as Blur leaves it
            alpha = self.random.integers(0, 256, (height, width), dtype=np.uint8)
        return alpha

    def picture(self, width: int, height: int) -> np.ndarray:
        colours, alpha = self.colours(width, height), self.alpha(width, height)
        if self.random.integers(2):  # what lies under a hole: black after an affine op, or anything
            colours[alpha == 0] = 0
        return np.ascontiguousarray(np.concatenate([colours, alpha[..., None]], axis=-1))


@dataclass
class Case:
    op: str
    value: float
    pixels: np.ndarray
    sample: int
    black: bool = False
    grey: bool = False

    def record(self) -> bytes:
        name = self.op.encode()
        height, width = self.pixels.shape[:2]
        flags = (0 if self.black else 1) | (2 if self.grey else 0)
        head = struct.pack("<I", len(name)) + name + struct.pack("<dIII", self.value, flags, width, height)
        return head + struct.pack("<Q", self.sample) + self.pixels.tobytes()


@dataclass
class Batch:
    cases: list[Case] = field(default_factory=list)

    def run(self, folder: pathlib.Path, preload: pathlib.Path | None = None) -> list[str]:
        """Applies all with popaug and with Pillow; gives a sentence for each difference."""
        (folder / "in").write_bytes(b"".join(case.record() for case in self.cases))
        environment = dict(os.environ) | ({"LD_PRELOAD": str(preload)} if preload else {})
        done = subprocess.run(
            [BUILD / "op_batch", folder / "in", folder / "out"],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        out = (folder / "out").read_bytes()
        faults, at = [], 0
        for case in self.cases:
            centre = struct.unpack_from("<II", out, at)
            ours = np.frombuffer(out, np.uint8, case.pixels.size, at + 8).reshape(case.pixels.shape)
            at += 8 + case.pixels.size
            theirs = pillow_op(case.op, case.value, case.pixels, centre, case.grey, case.black)
            if not np.array_equal(ours, theirs):
                where = np.argwhere((ours != theirs).any(axis=-1))
                y, x = where[0]
                faults.append(
                    f"{case.op} {case.value} at {case.pixels.shape} black={case.black}: "
                    f"{len(where)} pixels differ, first ({x}, {y}): "
                    f"{case.pixels[y, x]} -> {ours[y, x]}, Pillow {theirs[y, x]}"
                )
        assert at == len(out)
        return faults


def cases_of(op: str, count: int, seed: int) -> list[Case]:
    pictures = Pictures(seed)
    published = [(s * v, False) for v in pba_values(op) for s in signs(op)]
    others = [(s * v, False) for v in own_values(op) for s in signs(op)]
    others += [(s * v, True) for v in wide_values(op) for s in signs(op)]
    cases = []
    for i in range(count):
        if i % 400 == 399:
            width, height = LARGE[i // 400 % len(LARGE)]
        elif i % 3 == 2:
            width, height = (int(n) for n in pictures.random.integers(1, 41, 2))
        else:
            width, height = SIZES[pictures.random.integers(len(SIZES))]
        values = others if others and i % 3 == 1 else published
        value, black = values[i // 3 % len(values)]
        pixels = pictures.picture(width, height)
        if black:
            pixels[..., 3] = 255
        cases.append(Case(op, value, pixels, i, black))
    return cases


def test_the_oracle_is_the_pinned_pillow() -> None:
    pins = (SOURCE / "tools/requirements/pip-test.txt").read_text().lower()
    assert f"pillow=={PIL.__version__}" in pins


def test_every_op_of_the_table_has_an_oracle() -> None:
    listed = subprocess.run([BUILD / "popaug", "ops", "--json"], capture_output=True, check=True, text=True)
    rows = json.loads(listed.stdout)["ops"]
    assert sorted(row["op"] for row in rows) == sorted(OPS)
    assert [row["op"] for row in rows if row["uses_value"] != (len(pba_values(row["op"])) > 1)] == []


@pytest.mark.parametrize("op", OPS)
def test_op_equals_pillow(op: str, tmp_path: pathlib.Path) -> None:
    cases = cases_of(op, COMPARED_PER_OP, SEED)
    assert len(cases) >= 10000
    faults = Batch(cases).run(tmp_path)
    assert not faults, f"{len(faults)} of {len(cases)} images differ:\n" + "\n".join(faults[:5])


def test_grey_images_stay_grey_and_equal_pillow(tmp_path: pathlib.Path) -> None:
    pictures = Pictures(SEED + 1)
    cases = []
    for op in OPS:
        for i in range(150):
            pixels = pictures.picture(*SIZES[i % len(SIZES)])
            pixels[..., 1] = pixels[..., 2] = pixels[..., 0]
            values = pba_values(op)
            cases.append(Case(op, values[i % len(values)], pixels, i, grey=True))
    assert not Batch(cases).run(tmp_path)
    out, at = (tmp_path / "out").read_bytes(), 0
    for case in cases:
        ours = np.frombuffer(out, np.uint8, case.pixels.size, at + 8).reshape(case.pixels.shape)
        at += 8 + case.pixels.size
        assert (ours[..., 0] == ours[..., 1]).all() and (ours[..., 0] == ours[..., 2]).all(), case.op
        if case.op in ("Color", "Identity"):  # the rows that say so
            assert np.array_equal(ours, case.pixels)


def test_affine_beyond_fixed_point(tmp_path: pathlib.Path) -> None:
    """Coordinates past 32768 take Pillow's floating-point path."""
    pictures = Pictures(SEED + 2)
    cases = []
    for i, (op, width, height) in enumerate([("ShearX", 3, 9000), ("ShearY", 9000, 3)]):
        for value in (10.0, -10.0, 9.87654321, 3.6):
            cases.append(Case(op, value, pictures.picture(width, height), i))
    assert not Batch(cases).run(tmp_path)


# One constant of each kernel, changed: the comparison above must see it.
MUTATIONS = [
    ("internal/affine_plain.cc", "value * 65536.0 + 0.5", "value * 65536.0 + 0.75", "Rotate"),
    ("internal/affine_plain.cc", "a[2] + a[0] * 0.5 + a[1] * 0.5", "a[2] + a[0] * 0.5 + a[1] * 0.4", "ShearX"),
    ("internal/filter_plain.cc", "kWeights, 13", "kWeights, 14", "Sharpness"),
    ("internal/blend_plain.h", "38470 *", "38471 *", "Color"),
    ("ops/invert.cc", "(255 - i);", "(254 - i);", "Invert"),
    ("ops/equalize.cc", "(total - last) / 255", "(total - last) / 254", "Equalize"),
    ("ops/auto_contrast.cc", "255.0 / (high - low)", "254.9 / (high - low)", "AutoContrast"),
    ("ops/contrast.cc", "(pixels) + 0.5", "(pixels) + 0.4", "Contrast"),
    ("ops/crop_bilinear.cc", "(255 * int{pixel[c]}", "(254 * int{pixel[c]}", "CropBilinear"),
    ("ops/cutout.cc", "{125, 122, 113}", "{125, 122, 114}", "Cutout"),
]


@pytest.mark.parametrize(("file", "old", "new", "op"), MUTATIONS)
def test_a_changed_constant_is_seen(file: str, old: str, new: str, op: str, tmp_path: pathlib.Path) -> None:
    room = SOURCE / "popaug/augment"
    copy = tmp_path / "popaug/augment"
    (copy / file).parent.mkdir(parents=True)
    text = (room / file).read_text()
    assert text.count(old) == 1, f"{old!r} in {file}"
    (copy / file).write_text(text.replace(old, new))
    # A header is altered through the op that includes it.
    source = copy / file if file.endswith(".cc") else room / "ops/color.cc"
    cache = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache, re.MULTILINE)
    assert found
    # The altered kernel takes the place of the library's by symbol interposition.
    altered = tmp_path / "altered.so"
    flags = ["-std=c++20", "-O1", "-fPIC", "-shared", "-ffp-contract=off"]
    includes = [f"-I{tmp_path}", f"-I{SOURCE}"]
    subprocess.run([found[1], *flags, *includes, source, "-o", altered], check=True)
    batch = Batch(cases_of(op, 300, SEED))
    assert not batch.run(tmp_path)
    assert batch.run(tmp_path, preload=altered)
