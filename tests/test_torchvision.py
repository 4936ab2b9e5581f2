"""The spaces randaugment and trivial equal torchvision's: levels, and what its ops make of a picture.

The golden figures come from tools/make-torchvision-levels, in an environment of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import struct
import subprocess

import numpy as np
import pytest

BUILD = pathlib.Path(os.environ["POPAUG_BUILD"])
SOURCE = pathlib.Path(os.environ["POPAUG_SOURCE"])
GOLDEN = json.loads((SOURCE / "tests/golden/torchvision.json").read_text())
SPACES = ("randaugment", "trivial")


def space(name: str) -> dict[str, dict]:
    command = [BUILD / "popaug", "ops", "--space", name, "--json"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {op["op"]: op for op in json.loads(text)["spaces"][0]["ops"]}


def pixels_at(op: dict, level: int, width: int, height: int) -> float:
    """The value in pixels at a level, as torchvision's dispatch truncates it."""
    side = {"width-truncated": width, "height-truncated": height}.get(op.get("scale", "none"), 32)
    return float(int(np.float32(op["values"][level] * side / 32)))


@pytest.mark.parametrize("name", SPACES)
def test_ops_values_and_signs_are_torchvisions(name: str) -> None:
    golden = GOLDEN["randaugment"]["32x32"] if name == "randaugment" else GOLDEN["trivial"]
    ours = space(name)
    assert set(ours) == set(golden)
    for op, row in golden.items():
        assert ours[op]["signed"] == row["signed"], op
        assert ours[op]["values"] == row["values"], op
        enhancer = op in ("Brightness", "Color", "Contrast", "Sharpness")
        assert ours[op].get("centre", 0) == (1 if enhancer else 0), op


@pytest.mark.parametrize("size", sorted(GOLDEN["randaugment"]))
def test_translation_follows_the_image_size(size: str) -> None:
    width, height = map(int, size.split("x"))
    ours, golden = space("randaugment"), GOLDEN["randaugment"][size]
    for op in ("TranslateX", "TranslateY"):
        for level, theirs in enumerate(golden[op]["values"]):
            assert pixels_at(ours[op], level, width, height) == int(theirs), (op, level)


def picture(width: int, height: int) -> np.ndarray:
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * x * (3 + c) + y * 17 * (c + 1) + x * y * 5) % 251).astype(np.uint8)


def record(op: str, value: float, image: np.ndarray) -> bytes:
    height, width = image.shape[:2]
    rgba = np.dstack([image, np.full((height, width), 255, np.uint8)])
    name = op.encode()
    head = struct.pack("<I", len(name)) + name + struct.pack("<dIIIQ", value, 0, width, height, 0)
    return head + rgba.tobytes()


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("size", sorted(GOLDEN["outputs"]))
def test_outputs_are_torchvisions(name: str, size: str, tmp_path: pathlib.Path) -> None:
    width, height = map(int, size.split("x"))
    image, ours, golden = picture(width, height), space(name), GOLDEN["outputs"][size][name]
    records = []
    for key in golden:
        op, level, sign = key.split()
        row = ours[op]
        value = row["values"][int(level)] if row["values"] else 0.0
        if op.startswith("Translate"):
            # torchvision moves the picture, PBA the place it is read from: opposite signs.
            value = -pixels_at(row, int(level), width, height)
        signed = row.get("centre", 0) + (value if sign == "+" else -value)
        records.append(record(op, signed, image))
    (tmp_path / "in").write_bytes(b"".join(records))
    subprocess.run([BUILD / "op_batch", tmp_path / "in", tmp_path / "out"], check=True)
    out = (tmp_path / "out").read_bytes()
    size_bytes = 8 + width * height * 4
    assert len(out) == size_bytes * len(golden)
    differing = []
    for i, (key, digest) in enumerate(golden.items()):
        pixels = np.frombuffer(out, np.uint8, width * height * 4, i * size_bytes + 8).reshape(-1, 4)
        assert (pixels[:, 3] == 255).all(), key
        if hashlib.sha256(pixels[:, :3].tobytes()).hexdigest()[:12] != digest:
            differing.append(key)
    assert not differing
