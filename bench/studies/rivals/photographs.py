"""Makes a folder of JPEGs for jpeg.py: parts of the photographs that scikit-image ships, in ten class folders.

    photographs.py FOLDER [COUNT]

Each is a part of 4:3, of 60 to 100 % of the largest one's width, at a random place, mirrored or not, about 500x375 pixels (a
tenth more or less), quality 90, colours at half the resolution: as photographs of data sets are. The same files each time
with the same Pillow.
"""

import importlib.util
import pathlib
import sys

import numpy as np
from PIL import Image

NAMES = ["astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png",
         "motorcycle_right.png", "retina.jpg", "rocket.jpg"]  # fmt: skip


def photographs() -> list[Image.Image]:
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        sys.exit("photographs: scikit-image is not installed; its photographs are needed")
    folder = pathlib.Path(package.origin).parent / "data"
    return [Image.open(folder / name).convert("RGB") for name in NAMES]


def make(folder: pathlib.Path, count: int) -> None:
    whole, random = photographs(), np.random.default_rng(1)
    for number in range(count):
        photo = whole[number % len(whole)]
        largest = min(photo.width, photo.height * 4 // 3)
        width = int(largest * random.uniform(0.6, 1.0))
        height = width * 3 // 4
        left = int(random.integers(0, photo.width - width + 1))
        top = int(random.integers(0, photo.height - height + 1))
        scale = random.uniform(0.9, 1.1)
        size = (round(500 * scale), round(375 * scale))
        part = photo.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BICUBIC)
        if random.random() < 0.5:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        path = folder / f"class{number % 10}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        part.save(path, quality=90, subsampling="4:2:0")


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
