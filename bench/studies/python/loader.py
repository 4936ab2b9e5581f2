"""Per image through a DataLoader against torchvision v2's RandAugment in the same loader, interleaved; and our transform
inside a torchvision v2 pipeline. Run in the rivals' environment: PYTHONPATH=build/python
bench/studies/rivals/.venv/bin/python bench/studies/python/loader.py
"""

import json
import statistics
import time

import numpy as np
import torch
import torchvision
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

import popaug
import popaug.torch

COUNT, RUNS = 2000, 5
MEAN, STD = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]
pixels = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8)
epoch = popaug.torch.Epoch(total=200)
epoch.set(0)
ours = popaug.torch.Transform(popaug.RandAugment(base="flipcrop"), epoch, mean=MEAN, std=STD)


class Images(Dataset):
    def __init__(self, transform, indexed):
        self.transform, self.indexed = transform, indexed

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        image = torch.from_numpy(pixels[index])
        return (self.transform(image, index=index) if self.indexed else self.transform(image)), index


def theirs():
    return v2.Compose([
        v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), v2.RandAugment(2, 9),
        v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD),
    ])  # fmt: skip


def speed(data):
    loader = DataLoader(data, batch_size=128, num_workers=0)
    started = time.process_time()
    for _ in loader:
        pass
    return COUNT / (time.process_time() - started)


torch.set_num_threads(1)
# A torchvision v2 pipeline around our transform: bytes in, the rest of the pipeline after it.
inside = v2.Compose([
    popaug.torch.Transform(popaug.Schedule.load("rcifar10-paper"), epoch, output="uint8"),
    v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD),
])  # fmt: skip
torch.manual_seed(1)
first = inside(torch.from_numpy(pixels[0]))
torch.manual_seed(1)
assert torch.equal(first, inside(torch.from_numpy(pixels[0])))
assert first.shape == (3, 32, 32) and first.dtype == torch.float32

sets = {"popaug, per image": Images(ours, True), "torchvision v2": Images(theirs(), False)}
for data in sets.values():
    speed(data)
runs = [{name: speed(data) for name, data in sets.items()} for _ in range(RUNS)]
rows = [{"name": n, "images_per_cpu_second": statistics.median(r[n] for r in runs),
         "lowest": min(r[n] for r in runs), "highest": max(r[n] for r in runs)} for n in sets]  # fmt: skip
indexed = popaug.torch.Indexed(Images(lambda image: image, False))
collate = popaug.torch.Collate(popaug.RandAugment(base="flipcrop"), epoch, mean=MEAN, std=STD)
started = time.process_time()
for _ in DataLoader(indexed, batch_size=128, collate_fn=collate):
    pass
rows.append({"name": "popaug, whole batch", "images_per_cpu_second": COUNT / (time.process_time() - started)})
print(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__, "loader_workers": 0, "runs": RUNS,
                  "rows": rows, "ratio": rows[0]["images_per_cpu_second"] / rows[1]["images_per_cpu_second"]}, indent=1))  # fmt: skip
