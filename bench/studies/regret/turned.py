#!/usr/bin/env python3
"""What networks that trained without flips recognise of mirrored and turned images: one raw line a set.

    bench/studies/regret/turned.py SETS --lines bench/results/regret/turned.jsonl

SETS is the folder that sets.py made. A network trains as in table.py, outside fold 0, and is shown that fold: as it is ("plain"),
mirrored, and by the six other flips and turns of a square ("turned", their mean); accuracies from 0 to 1. Lines that are in the
file already are not made again.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
import sets
import summary
import table

FOLDS = 4

Images = npt.NDArray[np.uint8]


def turns_of(images: Images) -> list[Images]:
    """[n, side, side] or [n, side, side, 3], mirrored, then the six other flips and turns."""
    mirrored = images[:, :, ::-1]
    quarters = [np.rot90(each, k, (1, 2)) for each in (images, mirrored) for k in range(4)]
    return [mirrored, *quarters[1:4], *quarters[5:]]


def look(popaug: str, folder: pathlib.Path, arm: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="popaug-turned-") as name:
        work = pathlib.Path(name)
        table.fold_file(folder, 0, FOLDS, work / "fold.npz")
        weights = table.train_arm(popaug, work / "fold.npz", arm, 0, work) / "best.safetensors"
        held = np.load(work / "fold.npz")
        images, labels = held["test_images"], held["test_labels"].astype(np.int64)

        def accuracy(seen: Images) -> float:
            return float((table.logits_of(weights, np.ascontiguousarray(seen)).argmax(1) == labels).mean())

        plain, mirrored, *turned = [accuracy(seen) for seen in (images, *turns_of(images))]
        classes = int(np.load(folder / "set.npz")["train_labels"].max()) + 1
    line = {"set": folder.name, "arm": arm, "fold": 0, "images": len(labels), "classes": classes}
    shares = {"plain": plain, "mirrored": mirrored, "turned": float(np.mean(turned))}
    return line | {key: round(share, 4) for key, share in shares.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=pathlib.Path)
    parser.add_argument("--lines", type=pathlib.Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--popaug", default="build/popaug")
    parser.add_argument("--only", default=",".join(sets.NAMES), help="sets, separated by commas")
    parser.add_argument("--arm", default=summary.FIRST_WITHOUT_FLIPS)
    settings = parser.parse_args()
    done = {(line["set"], line["arm"]) for line in table.read_lines(settings.lines)}
    for name in settings.only.split(","):
        if (name, settings.arm) in done:
            continue
        line = look(settings.popaug, settings.sets / name, settings.arm)
        with settings.lines.open("a") as out:
            out.write(json.dumps(line) + "\n")
        print(line, flush=True)


if __name__ == "__main__":
    main()
