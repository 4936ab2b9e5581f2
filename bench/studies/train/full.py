#!/usr/bin/env python3
"""A whole training by popaug and the same by plain PyTorch: errors of the test images side by side.

    bench/studies/train/full.py --images /usr/share/datasets/fashion-mnist --network wrn-16-1 --epochs 4 --seeds 1,2 \\
        --work fashion-runs -o bench/results/full-fashion

IMAGES is Fashion-MNIST's folder of IDX files, or a folder train/CLASS/*.jpg and test/CLASS/*.jpg. Flip and crop,
batch 128, learning rate 0.1 with cosine, `--conv fast`. Run folders lie in WORK; a stopped run is resumed.
`--only popaug` or `--only pytorch` makes one side alone, so that each may have a core; `--device cuda` makes both on a
GPU, in float32 with TF32 as PyTorch has it by default. OUT gets a CSV for every
finished training, and result.json with the errors of all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from compare import ROOT, processor


def commands(flags: argparse.Namespace, seed: int) -> dict[str, list[str]]:
    """How each side trains; the run folder comes last."""
    idx = any(flags.images.glob("*-ubyte.gz"))
    ours = [flags.program, "train", "--data", str(flags.images), "--augment", "flipcrop", "--network", flags.network]
    ours += ["--conv", "fast", "--device", flags.device, "--epochs", str(flags.epochs), "--seed", str(seed)]
    plain = [sys.executable, str(ROOT / "bench/studies/train/plain_pytorch.py"), "--fashion" if idx else "--folder"]
    plain += [str(flags.images), "--device", flags.device, "--network", flags.network]
    plain += ["--epochs", str(flags.epochs), "--seed", str(seed)]
    return {"popaug": ours, "pytorch": plain}


def train(flags: argparse.Namespace, side: str, seed: int) -> None:
    run = flags.work / f"{side}-{seed}"
    if not (run / "result.json").exists():
        resume = ["--resume"] if side == "popaug" and (run / "config.toml").exists() else []
        subprocess.run([*commands(flags, seed)[side], "--out", str(run), *resume], check=True)
    if side == "popaug" and not (run / "eval.json").exists():
        evaluated = subprocess.run(
            [flags.program, "eval", str(run), "--data", str(flags.images), "--json"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        (run / "eval.json").write_text(evaluated.stdout)


def outcome(flags: argparse.Namespace, side: str, seed: int) -> dict[str, Any] | None:
    """The error of a finished training, whose curve is copied; None if there is none."""
    run = flags.work / f"{side}-{seed}"
    path = run / ("eval.json" if side == "popaug" else "result.json")
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    keep = ("images", "wrong", "error", "error_low", "error_high", "loss", "calibration_error")
    (flags.output / f"{side}-{seed}.csv").write_text((run / "progress.csv").read_text())
    return {key: found[key] for key in keep if key in found}


def said(command: list[str]) -> str:
    """As a reader would type it: no path of this machine."""
    return " ".join("IMAGES" if "/" in word and Path(word).is_dir() else Path(word).name for word in command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--network", default="wrn-16-1")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--machine", default=processor(), help="its name in result.json")
    parser.add_argument("--only", choices=["popaug", "pytorch"])
    parser.add_argument("--collect", action="store_true", help="train nothing, gather what is finished")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("-o", "--output", type=Path, required=True)
    flags = parser.parse_args()
    flags.output.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in flags.seeds.split(",")]
    for seed in seeds:
        for side in ("popaug", "pytorch"):
            if not flags.collect and flags.only in (None, side):
                train(flags, side, seed)
    runs = [{"seed": seed, **{side: outcome(flags, side, seed) for side in ("popaug", "pytorch")}} for seed in seeds]
    told = {side: said(command) for side, command in commands(flags, seeds[0]).items()}
    result = {
        "machine": flags.machine,
        "network": flags.network,
        "epochs": flags.epochs,
        "commands": told,
        "runs": runs,
    }
    (flags.output / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(runs, indent=1))


if __name__ == "__main__":
    main()
