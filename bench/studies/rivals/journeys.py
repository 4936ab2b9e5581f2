"""Trainings as users of the real packages write them: Lightning (also resumed), the Hugging Face Trainer, torchvision v2.

Each records the bytes of the images that its network sees, and compares them with what the engine gives for the epoch and
the number of each image. Run in an environment with lightning, transformers, accelerate, datasets and torchvision:
PYTHONPATH=build/python PYTHON bench/studies/rivals/journeys.py
"""

import tempfile
import warnings
from typing import Any

import numpy as np
import torch
from PIL import Image

import popaug
import popaug.torch as pt

COUNT, SIDE, EPOCHS = 24, 16, 3
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)


def schedule() -> popaug.Schedule:
    """Another policy in every epoch."""
    space = popaug.Space.load("pba").only(["Solarize", "Rotate"])
    segments = [popaug.Segment(1, [("Rotate", 1.0, k + 1), ("Solarize", 1.0, k + 1)]) for k in range(EPOCHS)]
    return popaug.Schedule(space, popaug.Rule(), segments, popaug.Base.load("flipcrop"))


def expected(epoch: int) -> np.ndarray:
    return schedule()(PIXELS, epoch, 7, samples=0, output="float32")


def check(seen: dict[int, list[tuple[torch.Tensor, torch.Tensor]]], epochs: range, what: str) -> None:
    for epoch in epochs:
        want = expected(epoch)
        numbers = [int(label) for _, labels in seen[epoch] for label in labels]
        assert sorted(numbers) == list(range(COUNT)), (what, epoch, numbers)
        for images, labels in seen[epoch]:
            for image, label in zip(images, labels, strict=True):
                assert np.array_equal(image.numpy(), want[int(label)]), (what, epoch, int(label))
    print(f"{what}: epochs {epochs.start} to {epochs.stop - 1} saw the engine's images")


def with_lightning(workers: int) -> None:
    import lightning

    class Model(lightning.LightningModule):  # type: ignore[misc]  # not installed with the tests
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3 * SIDE * SIDE, COUNT)
            self.seen: dict[int, list[Any]] = {}

        def train_dataloader(self) -> Any:
            data = [(image, label) for label, image in enumerate(PIXELS)]
            epoch = pt.Epoch(EPOCHS, source=lambda: self.trainer.current_epoch)
            return pt.loader(data, schedule(), epoch, 7, batch_size=5, shuffle=True, num_workers=workers,
                             persistent_workers=workers > 0)  # fmt: skip

        def training_step(self, batch: Any) -> torch.Tensor:
            images, labels = batch
            self.seen.setdefault(self.current_epoch, []).append((images.clone(), labels.clone()))
            return torch.nn.functional.cross_entropy(self.layer(images.flatten(1)), labels)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    with tempfile.TemporaryDirectory() as folder:
        quiet = {"default_root_dir": folder, "enable_progress_bar": False, "enable_model_summary": False,
                 "logger": False, "accelerator": "cpu"}  # fmt: skip
        model = Model()
        lightning.Trainer(max_epochs=EPOCHS, enable_checkpointing=False, **quiet).fit(model)
        check(model.seen, range(EPOCHS), f"Lightning, {workers} workers")
        first = Model()
        trainer = lightning.Trainer(max_epochs=1, enable_checkpointing=False, **quiet)
        trainer.fit(first)
        trainer.save_checkpoint(f"{folder}/one.ckpt")
        resumed = Model()
        lightning.Trainer(max_epochs=EPOCHS, enable_checkpointing=False, **quiet).fit(
            resumed, ckpt_path=f"{folder}/one.ckpt"
        )
        check(resumed.seen, range(1, EPOCHS), f"Lightning resumed, {workers} workers")


def with_transformers(workers: int) -> None:
    import datasets
    import transformers

    rows = datasets.Dataset.from_dict(
        {"pixel_values": [Image.fromarray(image) for image in PIXELS], "labels": list(range(COUNT))}
    )
    epoch = pt.Epoch(EPOCHS)
    seen: dict[int, list[Any]] = {}

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3 * SIDE * SIDE, COUNT)

        def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            seen.setdefault(epoch.get(), []).append((pixel_values.clone(), labels.clone()))
            logits = self.layer(pixel_values.flatten(1))
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder, num_train_epochs=EPOCHS, per_device_train_batch_size=5, report_to=[], save_strategy="no",
            logging_strategy="no", disable_tqdm=True, dataloader_num_workers=workers, use_cpu=True,
            dataloader_persistent_workers=workers > 0,
        )  # fmt: skip
        transformers.Trainer(
            model=Model(),
            args=arguments,
            train_dataset=pt.Indexed(rows, epoch),
            data_collator=pt.Collate(schedule(), epoch, 7),
        ).train()
    check(seen, range(EPOCHS), f"Hugging Face Trainer, {workers} workers")


def with_torchvision() -> None:
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    image = tv_tensors.Image(torch.from_numpy(PIXELS[0]).permute(2, 0, 1))
    epoch = pt.Epoch(EPOCHS)
    epoch.set(1)
    pipeline = v2.Compose([
        pt.Transform(schedule(), epoch, output="same"),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5] * 3, [0.25] * 3),
    ])  # fmt: skip
    got, label = pipeline(image, 7)
    assert type(got) is tv_tensors.Image and label == 7 and got.dtype == torch.float32
    boxes = tv_tensors.BoundingBoxes([[0, 0, 4, 4]], format="XYXY", canvas_size=(SIDE, SIDE))
    try:
        pipeline(image, boxes)
        raise AssertionError("boxes were accepted")
    except popaug.UsageError as error:
        assert "BoundingBoxes" in str(error)
    picture = Image.fromarray(PIXELS[0])
    for ours, theirs in (
        (pt.TrivialAugmentWide, v2.TrivialAugmentWide),
        (pt.RandAugment, v2.RandAugment),
    ):
        for transform in (ours(interpolation=v2.InterpolationMode.NEAREST, fill=None), theirs(fill=None)):
            assert transform(picture).mode == "RGB"
    pt.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)(picture)
    print("torchvision v2: types, labels and drop-ins")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    with_torchvision()
    for count in (0, 2):
        with_lightning(count)
        with_transformers(count)
