"""What the pages of docs/adapters take for granted: a data set, a model, a loader, under the names that they use."""

from typing import Any

import accelerate
import datasets
import lightning
import marked
import torch
import transformers
from timm.data import create_loader
from torch.utils.data import DataLoader

import popaug
import popaug.torch

data = marked.ROWS
schedule = popaug.Schedule.load("rcifar10-paper")
mean, std = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]
num_epochs = epochs = 3
start_epoch = 0
input_size = (3, 16, 16)


class Module(lightning.LightningModule):
    """A model that Lightning, transformers and plain loops can train."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3 * marked.SIDE**2, marked.COUNT)

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        logits = self.layer(pixel_values.flatten(1))
        if labels is None:
            return logits
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    def training_step(self, batch: Any) -> torch.Tensor:
        loss: torch.Tensor = self(*batch)["loss"]
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


class Pictures(torch.utils.data.Dataset[Any]):
    transform: Any = None

    def __len__(self) -> int:
        return len(marked.PICTURES)

    def __getitem__(self, index: int) -> Any:
        image, label = marked.PICTURES[index]
        return self.transform(image), label


model = Module()
optimizer = model.configure_optimizers()
images_of_rows, labels_of_rows = zip(*marked.PICTURES, strict=True)
rows = datasets.Dataset.from_dict({"image": list(images_of_rows), "labels": list(labels_of_rows)})
arguments = transformers.TrainingArguments(
    output_dir="trainer", num_train_epochs=3, per_device_train_batch_size=5, report_to=[], save_strategy="no",
    disable_tqdm=True, use_cpu=True,
)  # fmt: skip
accelerator = accelerate.Accelerator(cpu=True)  # after the arguments, which reset the state of accelerate
dataset_train = dataset = Pictures()
loader_train = create_loader(
    dataset_train, input_size, batch_size=4, is_training=True, num_workers=0, device=torch.device("cpu")
)
data_loader = DataLoader(dataset, batch_size=4, shuffle=True)
__all__ = [name for name in dir() if not name.startswith("_")]
