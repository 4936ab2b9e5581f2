"""timm's training script: its create_transform() with a schedule in the place of --aa and --color-jitter.

from popaug.adapters.timm import create_transform

schedule_epoch = popaug.torch.Epoch(total=num_epochs)
dataset_train.transform = create_transform(schedule, schedule_epoch, data_config["input_size"], is_training=True)
...
schedule_epoch.set(epoch)  # in the loop over epochs, beside dataset_train.set_epoch(epoch)
"""

from __future__ import annotations

from typing import Any

from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug.torch._augment import Transform
from popaug.torch._epoch import Epoch, check_epoch

try:
    from timm.data import transforms_factory
except ModuleNotFoundError:
    raise UsageError("popaug.adapters.timm needs timm: pip install timm") from None

# What timm does between the crop and the tensor: a schedule takes the place of all of it.
REPLACED = ("auto_augment", "color_jitter", "color_jitter_prob", "grayscale_prob", "gaussian_blur_prob")


def create_transform(
    schedule: Schedule, epoch: Epoch, input_size: Any = 224, is_training: bool = False, **options: Any
) -> Any:
    """timm.data.create_transform() whose training transform has `schedule` between crop and tensor.

    input_size, is_training, options: as for timm. Without is_training, or with no_aug, the result is timm's own.
    use_prefetcher must be as for create_loader(), where it is True by default: then a loader normalises, and this does
    not. The options that would augment as well (auto_augment, color_jitter ...) are refused unless they are off.
    Draws come from torch's generator, which timm seeds in each worker.
    """
    check_epoch(epoch)
    given = [name for name in REPLACED if options.get(name)]
    if given and is_training:
        raise UsageError(f"{', '.join(given)}: the schedule takes their place; leave them out")
    options.setdefault("use_prefetcher", True)
    if not is_training or options.get("no_aug"):
        return transforms_factory.create_transform(input_size, is_training=is_training, **options)
    if options.pop("separate", False):
        raise UsageError("separate=True (--aug-splits) needs timm's own transforms; leave it out")
    if options.get("tf_preprocessing") or options.get("naflex"):
        raise UsageError("tf_preprocessing and naflex need timm's own transforms; leave them out")
    options.update(dict.fromkeys(REPLACED, 0.0) | {"auto_augment": None, "color_jitter_prob": None})
    crop, _, tensor = transforms_factory.create_transform(input_size, is_training=True, separate=True, **options)
    return type(crop)([crop, Transform(schedule, epoch, output="same"), tensor])


__all__ = ["create_transform"]
