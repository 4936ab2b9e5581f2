#!/usr/bin/env python3
"""Measures libjpeg-turbo's scaled decoding: speed and pixels; writes bench/results/scaled-decoding.json.

    bench/studies/data/scaled_decoding.py BUILD [REPEATS]

Photographs are made here, for none are shipped: spectra that fall with the frequency as those of photographs do, with
edges of random shapes, as JPEG of quality 90. `popaug data convert` packs them at a size, one worker, the two ways in
turns. Pixels are compared as packed: full decode and resize against scaled decode and resize.
"""

import json
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image, ImageDraw

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bench/studies"))

from machine import processor  # noqa: E402

# Size of the photographs, how many, and the sizes to bring them to.
CASES = (((640, 480), 12, (32, 96, 224)), ((2048, 1536), 4, (96, 224)))
COPIES = 5


def photograph(width: int, height: int, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    across, down = np.meshgrid(np.fft.fftfreq(width), np.fft.fftfreq(height))
    fall = 1 / np.maximum(np.hypot(across, down), 1 / max(width, height))
    shared = random.normal(size=(height, width))
    planes = []
    for _ in range(3):
        noise = shared + 0.4 * random.normal(size=(height, width))
        plane = np.real(np.fft.ifft2(np.fft.fft2(noise) * fall))
        planes.append(np.clip(128 + 50 * plane / plane.std(), 0, 255))
    image = Image.fromarray(np.stack(planes, -1).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        size = int(random.integers(width // 40, width // 6))
        colour = tuple(random.integers(0, 256, 3).tolist())
        shape = draw.ellipse if random.integers(2) else draw.rectangle
        shape((x, y, x + size, y + size * 2 // 3), fill=colour)
    return image


def packed(path: pathlib.Path) -> np.ndarray:
    """The pixels of a packed set of one split, by docs/formats/packed.md."""
    content = path.read_bytes()
    offset, length = struct.unpack_from("<QQ", content, 16)
    split = json.loads(content[offset : offset + length])["splits"][0]
    shape = [split[key] for key in ("count", "height", "width", "channels")]
    return np.frombuffer(content, np.uint8, int(np.prod(shape)), split["pixels"]).reshape(shape).astype(int)


def measure(build: pathlib.Path, folder: pathlib.Path, images: int, size: int, repeats: int) -> dict[str, object]:
    seconds: dict[str, list[float]] = {"full": [], "scaled": []}
    pixels = {}
    for _ in range(repeats):
        for name, flags in (("full", []), ("scaled", ["--scaled-decoding"])):
            out = folder.parent / f"{name}.popaug"
            out.unlink(missing_ok=True)
            command = [build / "popaug", "data", "convert", "--data", folder, "--size", size, "--workers", 1, *flags]
            begin = time.perf_counter()
            subprocess.run([*map(str, command), "-o", str(out)], check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - begin)
            pixels[name] = packed(out)
    difference = np.abs(pixels["full"] - pixels["scaled"])
    rates = {name: sorted(images / s for s in values) for name, values in seconds.items()}
    ratios = sorted(full / scaled for full, scaled in zip(seconds["full"], seconds["scaled"], strict=True))
    return {
        "images_per_second": {
            name: {"median": statistics.median(values), "least": values[0], "most": values[-1]}
            for name, values in rates.items()
        },
        "ratio": {"median": statistics.median(ratios), "least": ratios[0], "most": ratios[-1]},
        "difference": {
            "mean": float(difference.mean()),
            "99 % at most": float(np.percentile(difference, 99)),
            "most": int(difference.max()),
        },
    }


def main() -> int:
    build = pathlib.Path(sys.argv[1])
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for (width, height), count, sizes in CASES:
            folder = pathlib.Path(name) / f"{width}" / "photos"
            (folder / "one").mkdir(parents=True)
            for i in range(count):
                first = folder / "one" / f"{i}.jpg"
                photograph(width, height, i).save(first, quality=90)
                for copy in range(1, COPIES):  # the same work again: a program that starts is small beside it
                    shutil.copyfile(first, folder / "one" / f"{i}-{copy}.jpg")
            for size in sizes:
                row = measure(build, folder, count * COPIES, size, repeats)
                rows.append({"photograph": f"{width}x{height}", "size": size, **row})
                print(json.dumps(rows[-1]), file=sys.stderr)
    result = {
        "command": f"bench/studies/data/scaled_decoding.py BUILD {repeats}",
        "machine": {"processor": processor(), "workers": 1, "load_at_the_end": os.getloadavg()[0]},
        "repeats": repeats,
        "rows": rows,
    }
    (ROOT / "bench" / "results" / "scaled-decoding.json").write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
