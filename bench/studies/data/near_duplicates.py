#!/usr/bin/env python3
"""Measures how well near-duplicates are found and how often they are false; writes bench/results/near-duplicates.json.

    bench/studies/data/near_duplicates.py POPAUG [SET.npz ...]

POPAUG is the program. Of each set, which has train_images, train_labels, test_images and test_labels, it counts

* found: the share of changed copies of test images that are found when the copies are the training images;
* pairs: test images that are reported as nearly equal to a training image, and those of them whose two labels
  differ, which are false alarms for sure.

Without SET, only Fashion-MNIST (Debian's dataset-fashion-mnist) is measured.
"""

import gzip
import io
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageEnhance

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bench/studies"))

from machine import processor  # noqa: E402

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
COPIES = 300


def compressed(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def resized(image: Image.Image, share: float) -> Image.Image:
    size = (round(image.width * share), round(image.height * share))
    return image.resize(size, Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.BICUBIC)


CHANGES = {
    "JPEG of quality 75": lambda image: compressed(image, 75),
    "JPEG of quality 50": lambda image: compressed(image, 50),
    "half as large again": lambda image: resized(image, 1.5),
    "three quarters as large": lambda image: resized(image, 0.75),
    "15 % brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "20 % more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.2),
    "an edge of 3 % cut off": lambda image: image.crop((1, 0, image.width, image.height - 1)).resize(image.size),
}


def near(program: str, data: pathlib.Path) -> list[dict]:
    done = subprocess.run([program, "data", "verify", "--data", data, "--json"], capture_output=True, check=False)
    return json.loads(done.stdout)["near"]


def index(name: str) -> int:
    """Of a name such as train[17] (shirt)."""
    return int(name.split("[")[1].split("]")[0])


def study(program: str, path: pathlib.Path, folder: pathlib.Path) -> dict:
    with np.load(path) as arrays:
        train, test = arrays["train_images"], arrays["test_images"]
        labels = [arrays["train_labels"].ravel(), arrays["test_labels"].ravel()]
    pairs = near(program, path)
    other = sum(labels[0][index(pair["first"])] != labels[1][index(pair["second"])] for pair in pairs)
    row: dict = {
        "set": path.stem,
        "train": len(train),
        "test": len(test),
        "pairs": len(pairs),
        "pairs_of_two_labels": int(other),
        "found": {},
    }
    chosen = np.random.default_rng(0).permutation(len(test))[:COPIES]
    for name, change in CHANGES.items():
        copies = np.stack([np.asarray(change(Image.fromarray(test[i]))) for i in chosen])
        file = folder / "copies.npz"
        zeros = np.arange(len(chosen)) % 2
        np.savez(file, train_images=copies, train_labels=zeros, test_images=test[chosen], test_labels=zeros)
        found = near(program, file)
        row["found"][name] = sum(index(p["first"]) == index(p["second"]) for p in found) / len(chosen)
    return row


def fashion(program: str) -> dict:
    """The time of the processor that data verify takes for 70,000 images, all checks together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    pairs = near(program, FASHION)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    labels = {}
    for split, file in (("train", "train-labels-idx1-ubyte.gz"), ("test", "t10k-labels-idx1-ubyte.gz")):
        labels[split] = gzip.decompress((FASHION / file).read_bytes())[8:]
    other = sum(labels["train"][index(p["first"])] != labels["test"][index(p["second"])] for p in pairs)
    return {
        "images": 70000,
        "processor_seconds_of_data_verify": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "pairs": len(pairs),
        "pairs_of_two_labels": other,
    }


def main() -> int:
    program = sys.argv[1]
    result: dict = {"command": "bench/studies/data/near_duplicates.py POPAUG SET.npz ...", "machine": processor()}
    with tempfile.TemporaryDirectory() as name:
        result["sets"] = [study(program, pathlib.Path(path), pathlib.Path(name)) for path in sys.argv[2:]]
    if FASHION.is_dir():
        result["fashion_mnist"] = fashion(program)
    out = ROOT / "bench/results/near-duplicates.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(out.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
