"""popaug.adapters.transformers in real trainings: set_transform, the callback, a resumed training, workers that stay."""

import pathlib
from typing import Any

import datasets
import marked
import pytest
import torch
import transformers

import popaug
import popaug.torch as pt
from popaug.adapters.transformers import ScheduleEpoch, transform

pytestmark = pytest.mark.filterwarnings("ignore")


class Model(torch.nn.Module):
    """Notes what it sees, under the epoch of the trainer."""

    def __init__(self, epoch: pt.Epoch) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3 * marked.SIDE**2, marked.COUNT)
        self.epoch, self.seen = epoch, marked.Seen()

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        self.seen.add(self.epoch.get(), (pixel_values * 255).round().to(torch.uint8), labels)
        logits = self.layer(pixel_values.flatten(1))
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def pictures() -> Any:
    images, labels = zip(*marked.PICTURES, strict=True)
    return datasets.Dataset.from_dict({"image": list(images), "labels": list(labels)})


def trainer(
    folder: pathlib.Path, model: Model, data: Any, workers: int, callbacks: list[Any], **more: Any
) -> transformers.Trainer:
    arguments = transformers.TrainingArguments(
        output_dir=str(folder), num_train_epochs=marked.EPOCHS, per_device_train_batch_size=5, report_to=[],
        save_strategy="epoch", logging_strategy="no", disable_tqdm=True, use_cpu=True, remove_unused_columns=False,
        dataloader_num_workers=workers, dataloader_persistent_workers=workers > 0,
    )  # fmt: skip
    return transformers.Trainer(model=model, args=arguments, train_dataset=data, callbacks=callbacks, **more)


class Stop(transformers.TrainerCallback):
    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop = round(state.epoch) == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_set_transform_in_a_training_and_a_resumed_one(workers: int, tmp_path: pathlib.Path) -> None:
    epoch, data = pt.Epoch(marked.EPOCHS), pictures()
    data.set_transform(transform(marked.schedule(), epoch))
    model = Model(epoch)
    trainer(tmp_path, model, data, workers, [ScheduleEpoch(epoch), Stop()]).train()
    model.seen.check(range(2))

    epoch, data = pt.Epoch(marked.EPOCHS), pictures()
    data.set_transform(transform(marked.schedule(), epoch))
    resumed = Model(epoch)
    trainer(tmp_path, resumed, data, workers, [ScheduleEpoch(epoch)]).train(resume_from_checkpoint=True)
    resumed.seen.check(range(2, marked.EPOCHS))


def test_whole_batches_through_the_collator(tmp_path: pathlib.Path) -> None:
    epoch = pt.Epoch(marked.EPOCHS)
    rows = [{"pixel_values": image, "labels": label} for image, label in marked.ROWS]
    model = Model(epoch)
    collate = pt.Collate(marked.schedule(), epoch)
    trainer(tmp_path, model, pt.Indexed(rows, epoch), 0, [ScheduleEpoch(epoch)], data_collator=collate).train()
    model.seen.check(range(marked.EPOCHS))


@pytest.mark.parametrize("workers", [0, 2])
def test_without_the_callback_the_first_batch_fails(workers: int, tmp_path: pathlib.Path) -> None:
    epoch, data = pt.Epoch(marked.EPOCHS), pictures()
    data.set_transform(transform(marked.schedule(), epoch))
    with pytest.raises(popaug.UsageError, match="the epoch was never set"):
        trainer(tmp_path, Model(epoch), data, workers, []).train()


def test_another_length_is_refused(tmp_path: pathlib.Path) -> None:
    epoch, data = pt.Epoch(7), pictures()
    data.set_transform(transform(marked.schedule(), epoch))
    with pytest.raises(popaug.UsageError, match=r"Epoch\(total=7\), but TrainingArguments.* says 4 epochs"):
        trainer(tmp_path, Model(epoch), data, 0, [ScheduleEpoch(epoch)]).train()


def test_the_rows_of_a_transform() -> None:
    epoch = pt.Epoch(marked.EPOCHS)
    epoch.set(2)
    told = transform(marked.schedule(), epoch, prepare=lambda image: image.resize((4, 4)), output_key="x")(
        {"image": [marked.PICTURES[0][0]], "labels": [3]}
    )
    assert told["labels"] == [3] and set(told) == {"labels", "x"}
    assert told["x"][0].shape == (3, 4, 4)
    with pytest.raises(popaug.UsageError, match=r'the rows have no "image", they have labels: .*remove_unused_columns'):
        transform(marked.schedule(), epoch)({"labels": [3]})
