#!/usr/bin/env python3
"""Makes the sets of docs/results.md that no package holds, from the images of Fashion-MNIST.

orientation   labels that depend on orientation, so that a horizontal flip turns one class into another. The rule: the shoes
              (sandals, sneakers, ankle boots) are photographed with the toe to the left. A random half of each class is
              mirrored, and the label tells which: sandal-left, sandal-right, and so on, six classes. An image is used once,
              either as it is or mirrored.
fashion       the ten classes as they are

With --development the test images come from the training part too, others than the training images: choices are made on such
a set, and the real test part stays unseen. OUT is a .npz file as MedMNIST lays it out (train_images, train_labels, test_images,
test_labels), with classes.txt beside it. Which images are taken and mirrored depends on --seed alone, so the same command makes
the same bytes.

make_set.py orientation OUT.npz                      1,000 training images (stratified), all 3,000 shoes of the test part
make_set.py orientation OUT.npz --train 300 --test 300
make_set.py fashion OUT.npz --development --seed 2   1,000 training images, 3,000 others that judge
"""

from __future__ import annotations

import argparse
import gzip
import io
import pathlib
import sys
import zipfile

import numpy as np
import numpy.typing as npt

SOURCE = pathlib.Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist
SHOES = {5: "sandal", 7: "sneaker", 9: "ankle-boot"}
FASHION = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"]
IDX_HEADER = {"images": 16, "labels": 8}  # bytes before the pixels or labels
SIDE = 28

Pixels = npt.NDArray[np.uint8]


def read_idx(part: str, kind: str) -> Pixels:
    rank = 3 if kind == "images" else 1
    with gzip.open(SOURCE / f"{part}-{kind}-idx{rank}-ubyte.gz") as file:
        data = np.frombuffer(file.read(), np.uint8)[IDX_HEADER[kind] :]
    return data.reshape(-1, SIDE, SIDE) if kind == "images" else data


class Part:
    """One part of Fashion-MNIST, drawn from without repeats."""

    def __init__(self, name: str, labels: list[int], random: np.random.Generator) -> None:
        self.name = name
        self.images, told = read_idx(name, "images"), read_idx(name, "labels")
        self.left = {label: random.permutation(np.flatnonzero(told == label)) for label in labels}

    def take(self, label: int, count: int) -> Pixels:
        if count > len(self.left[label]):
            sys.exit(f"make_set.py: {self.name} has no {count} images of class {label} left")
        taken, self.left[label] = self.left[label][:count], self.left[label][count:]
        return self.images[taken]


def share(count: int, number: int, classes: int) -> int:
    """Images of class `number` of `classes` among `count`, as even as can be."""
    return (count + classes - 1 - number) // classes


def oriented(part: Part, count: int | None, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """`count` shoes (all of them where None), as many of each class as of the next, half of each mirrored."""
    chosen, told = [], []
    halves = {label: len(part.left[label]) // 2 for label in SHOES}
    for number, (label, side) in enumerate((label, side) for label in SHOES for side in range(2)):
        taken = part.take(label, halves[label] if count is None else share(count, number, 2 * len(SHOES)))
        chosen.append(taken[:, :, ::-1] if side else taken)
        told.append(np.full(len(taken), number, np.uint8))
    return shuffled(chosen, told, random)


def plain(part: Part, count: int | None, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """`count` images of all ten classes (all of them where None), as they are."""
    chosen = [part.take(c, len(part.left[c]) if count is None else share(count, c, 10)) for c in range(10)]
    return shuffled(chosen, [np.full(len(taken), c, np.uint8) for c, taken in enumerate(chosen)], random)


def shuffled(chosen: list[Pixels], told: list[Pixels], random: np.random.Generator) -> tuple[Pixels, Pixels]:
    order = random.permutation(sum(map(len, told)))
    return np.concatenate(chosen)[order], np.concatenate(told)[order, None]


def write_npz(path: pathlib.Path, arrays: dict[str, Pixels]) -> None:
    """As np.savez_compressed, but with a fixed time in the ZIP entries: the same arrays give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array))
            file.writestr(zipfile.ZipInfo(name + ".npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["orientation", "fashion"])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--train", type=int, default=1000, help="training images (default: 1000)")
    parser.add_argument(
        "--test", type=int, help="test images (default: all of the test part; 3,000 with --development)"
    )
    parser.add_argument("--development", action="store_true", help="test images from the training part")
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()
    random = np.random.default_rng(settings.seed)
    draw, labels = (oriented, list(SHOES)) if settings.kind == "orientation" else (plain, list(range(10)))
    part = Part("train", labels, random)
    train_images, train_labels = draw(part, settings.train, random)
    count = settings.test or (3000 if settings.development else None)
    test_images, test_labels = draw(part if settings.development else Part("t10k", labels, random), count, random)
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    write_npz(
        settings.out,
        {
            "train_images": train_images,
            "train_labels": train_labels,
            "test_images": test_images,
            "test_labels": test_labels,
        },
    )
    names = [f"{SHOES[label]}-{side}" for label in SHOES for side in ("left", "right")]
    if settings.kind == "fashion":
        names = FASHION
    (settings.out.parent / "classes.txt").write_text("".join(name + "\n" for name in names))


if __name__ == "__main__":
    main()
