"""The augmentation of a classification by Ultralytics, from its args.yaml.

Its steps are those that Ultralytics makes of the arguments, by torchvision: a random resized crop to the size of the image,
flips, then one automatic augmentation or a jitter of colours, and random erasing. The erased pixels are 0 after normalisation, so
they are holes here. Arguments that Ultralytics has, but does not apply when it trains a classifier, must have their default.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from popaug._core import UsageError
from popaug._optional import needed
from popaug._recipe_files import read_recipe, with_nearest

# Applied to classification, with Ultralytics' defaults.
_APPLIED: Final[dict[str, Any]] = {
    "scale": 0.5, "fliplr": 0.5, "flipud": 0.0, "hsv_h": 0.015, "hsv_s": 0.7, "hsv_v": 0.4, "erasing": 0.4,
    "auto_augment": "randaugment",
}  # fmt: skip
# Of detection and the like: a classification passes over them.
_PASSED_OVER: Final[dict[str, Any]] = {
    "degrees": 0.0, "translate": 0.1, "shear": 0.0, "perspective": 0.0, "bgr": 0.0, "mosaic": 1.0, "mixup": 0.0,
    "cutmix": 0.0, "copy_paste": 0.0, "copy_paste_mode": "flip", "augmentations": None,
}  # fmt: skip
_AUTOMATIC: Final = {"randaugment": "RandAugment", "augmix": "AugMix", "autoaugment": "AutoAugment"}
# Everything else that a training writes into args.yaml, up to Ultralytics 8.4.190.
_NAMES: Final = """
    agnostic_nms amp angle augment batch box cache cfg channels_last classes close_mosaic cls cls_pw cls_remap compile conf
    cos_lr crop_fraction data deterministic device dfl dgrad dis distill_model dlam dlog dnn dropout dynamic embed end2end
    epochs exist_ok format fraction freeze half imgsz int8 iou keras kobj label_smoothing line_width lr0 lrf mask_ratio
    max_det mode model momentum multi_scale name nbs nms opset optimize optimizer overlap_mask patience plots pose pretrained
    profile project quantize rect resume retina_masks rle save save_conf save_crop save_dir save_frames save_hybrid save_json
    save_period save_txt seed show show_boxes show_conf show_labels simplify single_cls source split stream_buffer task time
    tracker val verbose vid_stride visualize warmup_bias_lr warmup_epochs warmup_momentum weight_decay workers workspace
"""
_OTHERS: Final = frozenset(_NAMES.split())


def _read(name: str, path: str) -> dict[str, Any]:
    if os.path.splitext(path)[1] not in (".yaml", ".yml"):
        raise UsageError(f'recipe "{name}"; expected the args.yaml of a training by Ultralytics')
    return read_recipe(name, path, "Ultralytics writes args.yaml")


def check(values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The arguments that a classification applies. Raises UsageError, naming all keys, for those that no training by
    Ultralytics has, that a classification passes over, or whose values cannot be."""
    known = {*_APPLIED, *_PASSED_OVER, *_OTHERS}
    unknown = [key for key in values if key not in known]
    if unknown:
        named = ", ".join(with_nearest(key, sorted(known)) for key in unknown)
        raise UsageError(
            f"{path}: these are not arguments of Ultralytics 8.4: {named}. Correct them, or delete them if they come from a "
            "newer release and do not change images"
        )
    if values.get("task", "classify") != "classify":
        raise UsageError(f"{path} is of the task {values['task']}; expected classify")
    passed_over = [key for key, usual in _PASSED_OVER.items() if values.get(key, usual) != usual and values[key]]
    if passed_over:
        named = ", ".join(f"{key}: {values[key]}" for key in passed_over)
        raise UsageError(
            f"{path}: Ultralytics does not apply {named} when it trains a classifier, so there is nothing to translate; "
            "set them to 0, and compare what you want of them as an arm of its own (CutMix and mixup: +cutmix, +mixup)"
        )
    chosen = _APPLIED | {key: values[key] for key in _APPLIED if key in values}
    automatic = chosen["auto_augment"] or None
    if automatic is not None and automatic not in _AUTOMATIC:
        raise UsageError(
            f"{path}: auto_augment: {with_nearest(str(automatic), _AUTOMATIC)}; expected {', '.join(_AUTOMATIC)} or nothing"
        )
    for key in _APPLIED:
        if key == "auto_augment":
            continue
        most = 0.5 if key == "hsv_h" else 1
        value = chosen[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            raise UsageError(f"{path}: {key}: {value}; expected a number in 0 .. {most}")
    if chosen["scale"] == 1:
        raise UsageError(f"{path}: scale: 1 crops parts without area; expected less than 1")
    return chosen | {"auto_augment": automatic}


class Classification:
    """The transform of one image: a uint8 array [height, width, 1 or 3], and the same afterwards."""

    def __init__(self, name: str, chosen: Mapping[str, Any]) -> None:
        self.name, self._chosen = name, dict(chosen)
        self._transforms = needed("torchvision.transforms", "torchvision", f'the recipe "{name}" needs torchvision')
        self._version = importlib.import_module("torchvision").__version__
        self._made: dict[tuple[int, int], Callable[[Any], Any]] = {}

    @staticmethod
    def load(name: str, path: str) -> Classification:
        """Reads a file. Raises UsageError for what cannot be translated, or where torchvision is not installed."""
        return Classification(name, check(_read(name, path), path))

    def _make(self, height: int, width: int) -> Callable[[Any], Any]:
        t, chosen = self._transforms, self._chosen
        bilinear = t.InterpolationMode.BILINEAR
        steps = [t.RandomResizedCrop((height, width), scale=(1 - chosen["scale"], 1.0), interpolation=bilinear)]
        if chosen["fliplr"] > 0:
            steps.append(t.RandomHorizontalFlip(chosen["fliplr"]))
        if chosen["flipud"] > 0:
            steps.append(t.RandomVerticalFlip(chosen["flipud"]))
        if chosen["auto_augment"]:
            steps.append(getattr(t, _AUTOMATIC[chosen["auto_augment"]])(interpolation=bilinear))
        else:
            value, colour, hue = chosen["hsv_v"], chosen["hsv_s"], chosen["hsv_h"]
            steps.append(t.ColorJitter(brightness=value, contrast=value, saturation=colour, hue=hue))
        made: Callable[[Any], Any] = t.Compose(steps)
        return made

    def _colours(self, image: NDArray[np.uint8], grey: bool) -> NDArray[np.uint8]:
        from PIL import Image

        picture = Image.fromarray(image if image.shape[2] == 3 else image[..., 0]).convert("RGB")
        size = image.shape[0], image.shape[1]
        if size not in self._made:
            self._made[size] = self._make(*size)
        result = self._made[size](picture)
        return np.asarray(result.convert("L").convert("RGB") if grey else result)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._chosen["erasing"] > 0:
            raise UsageError(
                f"{self.name}: erasing: {self._chosen['erasing']}: Ultralytics erases after normalisation, which a transform of "
                "bytes cannot do: set erasing: 0 in the file, or name the recipe as an arm of popaug.compare(data=...)"
            )
        found = self._colours(image, image.shape[2] == 1)
        return found[..., : image.shape[2]]

    def with_holes(self, image: NDArray[np.uint8], grey: bool) -> NDArray[np.uint8]:
        """The same with alpha, 0 where it is erased: what is a hole is 0 after normalisation."""
        import torch

        result = np.empty((*image.shape[:2], 4), np.uint8)
        result[..., :3], result[..., 3] = self._colours(image, grey), 255
        if torch.rand(1) < self._chosen["erasing"]:
            erase = self._transforms.RandomErasing
            alpha = torch.ones(1, *image.shape[:2])
            i, j, height, width, _ = erase.get_params(alpha, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=[0.0])
            # Where no rectangle fits, the whole image is returned, which is not to be erased.
            if (height, width) != image.shape[:2]:
                result[i : i + height, j : j + width] = 0
        return result

    def __reduce__(self) -> Any:
        return Classification, (self.name, self._chosen)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Classification) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"{self.name} ({self._chosen}, torchvision {self._version})"
