#!/usr/bin/env python3
"""Makes the nine sets of the regret study, with 1,000 labelled images each.

Each set becomes a folder OUT/NAME:

set.npz       train_*: the labelled images; test_*: the test part of the set
judge.npz     train_*: the same images; test_*: up to 3,000 other images of the training part
groups.txt    the group of each labelled image, one a line

Decisions are made on the judging images. The test part is read for the final figures only. Images that
belong together (a track, a place, a writer, near-duplicates) are either labelled or judging images, never
both. The same command writes the same arrays.

The origin and licence of each set are in docs/results.md. SOURCE is a folder with NAME.npz and, where
there are groups, NAME.train_groups.txt. CIFAR is the folder of CIFAR-10 as JPEG files
(train/CLASS/*.jpg, test/CLASS/*.jpg). Fashion-MNIST is Debian's package dataset-fashion-mnist.

    bench/studies/regret/sets.py --source ../shared/sets --cifar CIFAR10 OUT
"""

from __future__ import annotations

import argparse
import gzip
import pathlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
SHOES = (5, 7, 9)  # sandal, sneaker, ankle boot: photographed with the toe to the left
FROM_SOURCE = ("trash", "signs", "satellite", "arabic", "pneumonia", "shapes")
NAMES = ("cifar10", "fashion", *FROM_SOURCE, "orientation")
LABELLED = 1000
JUDGES = 3000
SEED = 20261128

Images = npt.NDArray[np.uint8]


@dataclass
class Part:
    """Images [n, height, width] or [n, height, width, 3], labels [n], and the group of each image."""

    images: Images
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.str_]

    def take(self, rows: npt.NDArray[np.int64]) -> Part:
        return Part(self.images[rows], self.labels[rows], self.groups[rows])


def ungrouped(images: Images, labels: npt.NDArray[np.int64]) -> Part:
    return Part(images, labels, np.array([f"image{i}" for i in range(len(labels))]))


def choose(part: Part, count: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Rows of `count` images: groups in random order, each class up to its share of `count`.

    A group may be cut where a class has its share; the rest of the group is not used.
    """
    classes, sizes = np.unique(part.labels, return_counts=True)
    quota = dict(zip(classes.tolist(), np.floor(sizes * count / len(part.labels) + 0.5).astype(int), strict=True))
    names, group_of = np.unique(part.groups, return_inverse=True)
    members = np.split(np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of))[:-1])
    chosen: list[int] = []
    for group in random.permutation(len(names)):
        for row in members[group].tolist():
            label = int(part.labels[row])
            if quota[label] > 0:
                quota[label] -= 1
                chosen.append(row)
    return random.permutation(np.array(chosen))


def from_source(source: pathlib.Path, name: str) -> tuple[Part, Part]:
    arrays = np.load(source / f"{name}.npz")
    train = ungrouped(arrays["train_images"], arrays["train_labels"].astype(np.int64))
    group_file = source / f"{name}.train_groups.txt"
    if group_file.exists():
        train.groups = np.array(group_file.read_text().split("\n")[: len(train.labels)])
    return train, ungrouped(arrays["test_images"], arrays["test_labels"].astype(np.int64))


def from_cifar(folder: pathlib.Path) -> tuple[Part, Part]:
    from PIL import Image

    def part(split: str, per_class: int) -> Part:
        images, labels = [], []
        for label, path in enumerate(sorted(p for p in (folder / split).iterdir() if p.is_dir())):
            for file in sorted(path.iterdir())[:per_class]:
                images.append(np.asarray(Image.open(file).convert("RGB")))
                labels.append(label)
        return ungrouped(np.stack(images), np.array(labels))

    return part("train", 500), part("test", 1000)


def from_idx(part: str) -> Part:
    def read(kind: str, rank: int, header: int) -> Images:
        with gzip.open(FASHION / f"{part}-{kind}-idx{rank}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8)[header:]

    labels = read("labels", 1, 8).astype(np.int64)
    return ungrouped(read("images", 3, 16).reshape(-1, 28, 28), labels)


def oriented(part: Part, random: np.random.Generator) -> Part:
    """Shoes, half of each kind mirrored; the label names the kind and the side of the toe."""
    shoes = part.take(np.flatnonzero(np.isin(part.labels, SHOES)))
    side = random.permutation(np.arange(len(shoes.labels)) % 2)
    images = np.where(side[:, None, None] == 1, shoes.images[:, :, ::-1], shoes.images)
    return Part(images, np.searchsorted(SHOES, shoes.labels) * 2 + side, shoes.groups)


def load(name: str, source: pathlib.Path, cifar: pathlib.Path, random: np.random.Generator) -> tuple[Part, Part]:
    if name == "cifar10":
        return from_cifar(cifar)
    if name == "fashion":
        return from_idx("train"), from_idx("t10k")
    if name == "orientation":
        return oriented(from_idx("train"), random), oriented(from_idx("t10k"), random)
    return from_source(source, name)


def save(path: pathlib.Path, train: Part, test: Part) -> None:
    np.savez_compressed(
        path,
        train_images=train.images,
        train_labels=train.labels.astype(np.uint8),
        test_images=test.images,
        test_labels=test.labels.astype(np.uint8),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path("../shared/sets"))
    parser.add_argument("--cifar", type=pathlib.Path, required=True, help="folder with train/ and test/ of CIFAR-10")
    settings = parser.parse_args()
    for name in NAMES:
        random = np.random.default_rng([SEED, NAMES.index(name)])
        train, test = load(name, settings.source, settings.cifar, random)
        rows = choose(train, LABELLED, random)
        labelled = train.take(rows)
        left = np.flatnonzero(~np.isin(train.groups, labelled.groups))
        judges = train.take(random.permutation(left)[:JUDGES])
        folder = settings.out / name
        folder.mkdir(parents=True, exist_ok=True)
        save(folder / "set.npz", labelled, test)
        save(folder / "judge.npz", labelled, judges)
        (folder / "groups.txt").write_text("".join(group + "\n" for group in labelled.groups))
        print(f"{name}: {len(rows)} labelled, {len(judges.labels)} judging, {len(test.labels)} test images")


if __name__ == "__main__":
    main()
