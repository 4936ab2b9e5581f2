"""The Trainer of transformers: a callback for the epoch, and a function for a data set's set_transform().

epoch = popaug.torch.Epoch(total=3)  # num_train_epochs
data.set_transform(popaug.adapters.transformers.transform(schedule, epoch, prepare=RandomResizedCrop(224)))
trainer = Trainer(..., train_dataset=data, callbacks=[popaug.adapters.transformers.ScheduleEpoch(epoch)])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from popaug._arguments import Numbers
from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug.adapters._lengths import check_length
from popaug.torch._augment import Transform
from popaug.torch._epoch import Epoch, check_epoch

try:
    from transformers import TrainerCallback
except ModuleNotFoundError:
    raise UsageError("popaug.adapters.transformers needs transformers: pip install transformers") from None


class ScheduleEpoch(TrainerCallback):
    """Sets an Epoch at the start of each epoch of a Trainer, also of a resumed one."""

    def __init__(self, epoch: Epoch) -> None:
        check_epoch(epoch)
        self.epoch = epoch

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        check_length(self.epoch, state.num_train_epochs, "TrainingArguments(num_train_epochs= or max_steps=)")

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # Counted in steps, for example 1.9999 or 2.0; 1.5 where a training resumes in the middle of an epoch.
        self.epoch.set(int((state.epoch or 0) + 1e-3))


def transform(
    schedule: Schedule,
    epoch: Epoch,
    *,
    prepare: Callable[[Any], Any] | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    image_key: str = "image",
    output_key: str = "pixel_values",
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What datasets.Dataset.set_transform() takes: augmented tensors under `output_key` for the images of a batch.

    prepare: brings each Pillow image to the size of the network first, for example a RandomResizedCrop. mean, std: one
    number per channel on the scale 0..1. The image under `image_key` is left out of the result. The Trainer needs
    remove_unused_columns=False, or it drops the column before this sees it. Draws come from torch's generator.
    """
    check_epoch(epoch)
    augment = Transform(schedule, epoch, mean=mean, std=std)

    def apply(batch: dict[str, Any]) -> dict[str, Any]:
        if image_key not in batch:
            raise UsageError(
                f'the rows have no "{image_key}", they have {", ".join(batch)}: say image_key=, and '
                "remove_unused_columns=False in TrainingArguments"
            )
        images = [image if prepare is None else prepare(image.convert("RGB")) for image in batch[image_key]]
        rest = {key: values for key, values in batch.items() if key != image_key}
        return {**rest, output_key: [augment(image) for image in images]}

    return apply


__all__ = ["ScheduleEpoch", "transform"]
