"""Image sets for the tests of room data, and a second reader of packed sets: an independent look at what popaug read."""

import json
import os
import pathlib
import struct
import subprocess
from typing import Any

import numpy as np

BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", "build"))
PROGRAM = BUILD / "popaug"
CIFAR = pathlib.Path(os.environ.get("POPAUG_CIFAR10", pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"))


def popaug(*words: object, code: int = 0, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [str(PROGRAM), *map(str, words)],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def refusal(*words: object, code: int = 1) -> str:
    """The one sentence that a failing command says."""
    lines = [line for line in popaug(*words, code=code).stderr.splitlines() if line.startswith("popaug: ")]
    assert len(lines) == 1, lines
    return lines[0]


def unpack(path: pathlib.Path) -> dict[str, Any]:
    """A packed set by docs/formats/packed.md: classes, and arrays of pixels and labels by split."""
    data = path.read_bytes()
    magic, version, zero, offset, size = struct.unpack_from("<8sIIQQ", data)
    assert magic == b"\x89PAUG\r\n\x1a" and version == 1 and zero == 0
    table = json.loads(data[offset : offset + size])
    assert offset + size == len(data)
    out: dict[str, Any] = {"classes": table["classes"], "fingerprint": table["fingerprint"], "notes": table["notes"]}
    for split in table["splits"]:
        shape = (split["count"], split["height"], split["width"], split["channels"])
        pixels = np.frombuffer(data, np.uint8, int(np.prod(shape)), split["pixels"]).reshape(shape)
        labels = np.frombuffer(data, "<u4", split["count"], split["labels"])
        out[split["name"]] = (pixels, labels)
    return out


def read(source: object, folder: pathlib.Path, *flags: object) -> dict[str, Any]:
    """What popaug reads of a set, through a packed file."""
    packed = folder / f"packed-{len(list(folder.glob('packed-*')))}.popaug"
    popaug("data", "convert", "--data", source, "-o", packed, *flags)
    return unpack(packed)
