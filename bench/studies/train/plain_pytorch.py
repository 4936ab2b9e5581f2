#!/usr/bin/env python3
"""The same training in plain PyTorch: a Wide-ResNet on Fashion-MNIST or a folder of CIFAR-10, flip and crop.

    .venv/bin/python bench/studies/train/plain_pytorch.py --fashion /usr/share/datasets/fashion-mnist --network wrn-16-1 \\
        --epochs 5 --out plain-fashion

Eager, channels_last, one thread (`--device cuda`: on a GPU, `--half` in bfloat16 by autocast); SGD with Nesterov momentum, cosine rate per step, weight decay 5e-4,
gradient norm clipped to 5, as `popaug train` has it by default; the order of images and the draws are
PyTorch's own. Writes OUT/progress.csv after every epoch with the test error of the last one, and
continues from OUT/checkpoint.pt after a stop.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from eager import WideResNet
from PIL import Image
from torch import nn


def fashion(folder: Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    prefix = {"train": "train", "test": "t10k"}[part]
    images = np.frombuffer(gzip.decompress((folder / f"{prefix}-images-idx3-ubyte.gz").read_bytes()), np.uint8, -1, 16)
    labels = np.frombuffer(gzip.decompress((folder / f"{prefix}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, -1, 8)
    return torch.from_numpy(images.reshape(-1, 1, 28, 28).copy()), torch.from_numpy(labels.astype(np.int64))


def classes(folder: Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """PART/CLASS/*.jpg; classes in alphabetical order."""
    images, labels = [], []
    for label, place in enumerate(sorted((folder / part).iterdir())):
        for file in sorted(place.iterdir()):
            images.append(np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1))
            labels.append(label)
    return torch.from_numpy(np.stack(images)), torch.tensor(labels)


def flip_and_crop(images: torch.Tensor, random: torch.Generator, pad: int) -> torch.Tensor:
    count, _, height, width = images.shape
    padded = nn.functional.pad(images, [pad] * 4)
    tops = torch.randint(0, 2 * pad + 1, (count,), generator=random).tolist()
    lefts = torch.randint(0, 2 * pad + 1, (count,), generator=random).tolist()
    flips = (torch.rand(count, generator=random) < 0.5).tolist()
    out = torch.empty_like(images)
    for i, (top, left, flip) in enumerate(zip(tops, lefts, flips, strict=True)):
        part = padded[i, :, top : top + height, left : left + width]
        out[i] = part.flip(-1) if flip else part
    return out.contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def error(net: nn.Module, images: torch.Tensor, labels: torch.Tensor, device: str) -> float:
    net.eval()
    wrong = 0
    for at in range(0, len(images), 128):
        part = images[at : at + 128].contiguous(memory_format=torch.channels_last).to(device)
        wrong += int((net(part).argmax(1).cpu() != labels[at : at + 128]).sum())
    net.train()
    return wrong / len(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fashion", type=Path)
    parser.add_argument("--folder", type=Path, help="train/CLASS/*.jpg and test/CLASS/*.jpg")
    parser.add_argument("--network", default="wrn-16-1")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--half", action="store_true", help="bfloat16 where autocast allows it, on a GPU")
    parser.add_argument("--out", type=Path, required=True)
    flags = parser.parse_args()
    if (flags.fashion is None) == (flags.folder is None):
        parser.error("give --fashion or --folder")
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True  # nothing on a CPU
    torch.manual_seed(flags.seed)
    random = torch.Generator().manual_seed(flags.seed)
    read, place = (fashion, flags.fashion) if flags.fashion else (classes, flags.folder)
    (bytes_, labels), (test_bytes, test_labels) = read(place, "train"), read(place, "test")
    mean = bytes_.float().mean((0, 2, 3), keepdim=True)
    std = bytes_.float().std((0, 2, 3), keepdim=True)
    images, test = (bytes_.float() - mean) / std, (test_bytes.float() - mean) / std

    depth, width = (int(part) for part in flags.network.split("-")[1:])
    net = WideResNet(depth, width, channels=images.shape[1]).to(memory_format=torch.channels_last)
    net.to(flags.device)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    flags.out.mkdir(parents=True, exist_ok=True)
    kept = flags.out / "checkpoint.pt"
    rows: list[tuple[int, float, float]] = []
    if kept.exists():
        state = torch.load(kept)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        random.set_state(state["random"])
        rows = state["rows"]
    steps = len(images) // flags.batch
    for epoch in range(len(rows), flags.epochs):
        start, total = time.perf_counter(), 0.0
        order = torch.randperm(len(images), generator=random)
        for step in range(steps):
            done = epoch * steps + step + 1
            for group in optimiser.param_groups:
                group["lr"] = 0.1 * (1 + math.cos(math.pi * done / (flags.epochs * steps))) / 2
            at = order[step * flags.batch : (step + 1) * flags.batch]
            optimiser.zero_grad(set_to_none=True)
            batch = flip_and_crop(images[at], random, 4).to(flags.device)
            with torch.autocast("cuda", torch.bfloat16, enabled=flags.half):
                logits = net(batch)
            loss = nn.functional.cross_entropy(logits.float(), labels[at].to(flags.device))
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5)
            optimiser.step()
            total += float(loss.detach())
        rows.append((epoch + 1, total / steps, time.perf_counter() - start))
        torch.save(
            {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "random": random.get_state(), "rows": rows},
            kept,
        )
        text = "epoch,train_loss,seconds\n" + "".join(f"{e},{loss_:.6f},{s:.1f}\n" for e, loss_, s in rows)
        (flags.out / "progress.csv").write_text(text)
        print(text.splitlines()[-1], flush=True)
    result = {"network": flags.network, "epochs": flags.epochs, "error": error(net, test, test_labels, flags.device)}
    (flags.out / "result.json").write_text(json.dumps(result) + "\n")
    print(result)


if __name__ == "__main__":
    main()
