#!/usr/bin/env python3
"""What training costs on a GPU: images per second of popaug's whole training and of PyTorch's bare step, and of a
search whose members share the GPU.

    bench/studies/train/device.py --images cifar10 -o bench/results/device.json [--networks wrn-28-2,wrn-28-10] [--repeats 3]

IMAGES is a folder train/CLASS/*.jpg and test/CLASS/*.jpg of 32x32 images. popaug: `train --device cuda` with flip and
crop, whose batches are made on the CPU; time of the epochs after the first. PyTorch: the same network, eager,
channels_last, cuDNN's trials on, the same SGD and clipping, one batch that lies on the GPU: nothing is augmented or
copied. Ways alternate; medians. Search: members times images after round 0, by workers as threads, which take turns,
and as processes. Needs a CUDA build of torch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from eager import WideResNet
from torch import nn

ROOT = Path(__file__).resolve().parents[3]
BATCH = 128


def training(flags: argparse.Namespace, network: str, half: bool, work: Path) -> float:
    """Images per second of a whole training, its first epoch left out."""
    command = [flags.program, "train", "--data", flags.images, "--augment", "flipcrop", "--device", "cuda"]
    command += ["--network", network, "--epochs", str(flags.epochs), "--train-size", str(flags.train_size)]
    subprocess.run([*command, "--out", work, *["--mixed-precision"] * half], check=True, stderr=subprocess.DEVNULL)
    rows = [json.loads(line) for line in (work / "run.log").read_text().splitlines()]
    seconds = [row["seconds"] for row in rows if row["event"] == "epoch"]
    return flags.train_size // BATCH * BATCH / statistics.median(seconds[1:])


def plain_step(network: str, half: bool, steps: int) -> float:
    """Images per second of PyTorch's step on one batch."""
    torch.backends.cudnn.benchmark = True
    depth, width = (int(part) for part in network.split("-")[1:])
    net = WideResNet(depth, width).cuda().to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images = torch.randn(BATCH, 3, 32, 32, device="cuda").to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (BATCH,), device="cuda")
    start = 0.0
    for i in range(-10, steps):
        if i == 0:
            torch.cuda.synchronize()
            start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=half):
            logits = net(images)
        loss = nn.functional.cross_entropy(logits.float(), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimiser.step()
        loss.item()  # popaug too looks at every step's loss
    torch.cuda.synchronize()
    return steps * BATCH / (time.perf_counter() - start)


def search(flags: argparse.Namespace, network: str, workers: int, processes: bool, work: Path) -> float:
    """Images per second of all members together, after round 0."""
    images, rounds = 4096, 4
    command = [flags.program, "search", "--data", flags.images, "--network", network, "--mixed-precision"]
    command += ["--device", "cuda", "--train-size", str(images), "--val-size", "1000", "--population", "8"]
    command += ["--rounds", str(rounds), "--epochs", str(rounds), "--epochs-per-round", "1", "--start", "random"]
    command += ["--workers", str(workers), "--out", work]
    if processes:
        command += ["--worker-cmd", f"{flags.program} worker"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    rows = [json.loads(line) for line in (work / "run.log").read_text().splitlines()]
    results = [row for row in rows if row["event"] == "result"]
    begun = max(row["clock"] for row in results if row["round"] == 0)
    return 8 * (rounds - 1) * images / (max(row["clock"] for row in results) - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True)
    parser.add_argument("--networks", default="wrn-28-2,wrn-40-2,wrn-28-10")
    parser.add_argument("--workers", default="1,8")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--train-size", type=int, default=12800)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--program", default=str(ROOT / "build/popaug"))
    parser.add_argument("-o", "--output", type=Path, required=True)
    flags = parser.parse_args()
    rows: list[dict[str, Any]] = []
    result = {
        "command": " ".join(["device.py", *sys.argv[1:]]),
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "rows": rows,
    }

    def note(**row: object) -> None:
        rows.append(row)
        print(json.dumps(row), flush=True)
        flags.output.write_text(json.dumps(result, indent=1) + "\n")

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for network in flags.networks.split(","):
            for half in (False, True):
                ours, plain = [], []
                for i in range(flags.repeats):
                    ours.append(training(flags, network, half, work / f"{network}-{half}-{i}"))
                    plain.append(plain_step(network, half, 40))
                common = {"network": network, "precision": "bfloat16" if half else "float32"}
                note(**common, way="popaug train", images_per_second=statistics.median(ours), all=ours)
                note(**common, way="PyTorch's bare step", images_per_second=statistics.median(plain), all=plain)
        network = flags.networks.split(",")[0]
        for workers in map(int, flags.workers.split(",")):
            for processes in (False, True)[: 1 + (workers > 1)]:
                rate = search(flags, network, workers, processes, work / f"search-{workers}-{processes}")
                way = f"popaug search, {workers} {'processes' if processes else 'threads'}"
                note(network=network, precision="bfloat16", way=way, images_per_second=rate)


if __name__ == "__main__":
    main()
