"""What every rival shares: pictures, clocks, and the check that its output is augmented."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import sys
import time
from collections.abc import Callable

import numpy as np

MEAN = np.array([0.49056774, 0.48116026, 0.44726052])
STD = np.array([0.24710728, 0.24451308, 0.26235099])


def pictures(count: int, side: int, seed: int = 1) -> np.ndarray:
    """Slopes, a blob and noise, uint8 [count, side, side, 3]: what `popaug bench augment` makes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side]
    out = np.empty((count, side, side, 3), np.uint8)
    for i in range(count):
        base = rng.integers(30, 190, 3)
        slope_x, slope_y = rng.integers(-60, 61, (2, 3))
        cx, cy = rng.integers(0, side, 2)
        blob = np.where(9 * ((x - cx) ** 2 + (y - cy) ** 2) < side * side, 70, 0)
        picture = base + (x[..., None] * slope_x + y[..., None] * slope_y) // side - blob[..., None]
        picture = picture + rng.integers(0, 16, (side, side, 3))
        out[i] = np.clip(picture, 0, 255)
    return out


def normalised(images: np.ndarray) -> np.ndarray:
    return ((images / 255.0 - MEAN) / STD).astype(np.float32)


def check_augmented(plain: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Both float [n, side, side, 3]. A rival that hands back its input has no speed to report."""
    if output.shape != plain.shape or not np.isfinite(output).all():
        sys.exit(f"output of shape {output.shape}, expected finite {plain.shape}")
    mirrored = plain[:, :, ::-1]
    changed = [
        min(np.abs(o - p).mean(), np.abs(o - m).mean()) > 0.02 for o, p, m in zip(output, plain, mirrored, strict=True)
    ]
    share = float(np.mean(changed))
    if share < 0.3:
        sys.exit(f"only {share:.0%} of the images differ from their originals and mirror images")
    if not 0.02 < float(output.std()) < 20:
        sys.exit("the output is no normalised image")
    return {"changed": share, "mean": float(output.mean()), "std": float(output.std())}


def main(name: str, side: int, packages: list[str], run: Callable[[np.ndarray], np.ndarray], batch: int) -> None:
    """`run` augments uint8 [batch, side, side, 3] and returns float32 in any layout of the same images."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0)
    args = parser.parse_args()
    images = pictures(max(batch, 256), side)
    sample = images[:batch]
    out = np.asarray(run(sample))
    if out.shape[1] == 3 and out.shape[-1] != 3:
        out = out.transpose(0, 2, 3, 1)
    check = check_augmented(normalised(sample), out)
    done = 0
    start, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < args.seconds:
        at = done % (len(images) - batch + 1)
        run(images[at : at + batch])
        done += batch
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    versions = {package: importlib.metadata.version(package) for package in packages}
    print(
        json.dumps(
            {
                "name": name,
                "side": side,
                "images_per_second": done / wall,
                "images_per_cpu_second": done / cpu,
                "images": done,
                "threads": 1,
                "check": check,
                "versions": {"python": platform.python_version(), **versions},
            }
        )
    )
