"""Other people's recipes by name: "timm:rand-m9-n2-mstd0.5", "torchvision:augmix", "albumentations:recipe.yaml",
"ultralytics:args.yaml".

What the ops of popaug express exactly becomes a Schedule. Everything else is run by the library that it comes from, image
by image, so its pixels are that library's own.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Callable
from typing import Any, Final

from popaug._baselines import AutoAugment, RandAugment, TrivialAugment
from popaug._core import UsageError
from popaug._optional import needed
from popaug._own_transform import OwnTransform
from popaug._schedule import Schedule

KINDS: Final = ("timm", "torchvision", "albumentations", "ultralytics")
_IMAGENET_MEAN: Final = (124, 116, 104)  # what timm fills with, as its training script sets it

# The sections of timm's strings: a pattern of the value. timm itself passes over a section that it does not know, or
# that has no number.
_NUMBER: Final = r"\d+(\.\d+)?"
_RAND: Final = {
    "mstd": rf"({_NUMBER}|inf)",
    "mmax": r"[1-9]\d*",
    "inc": r"[01]",
    "m": r"\d+",
    "n": r"[1-9]\d*",
    "p": _NUMBER,
}
_TIMM: Final[dict[str, dict[str, str]]] = {
    "rand": _RAND,
    "augmix": {
        "mstd": rf"({_NUMBER}|inf)",
        "m": r"\d+",
        "w": r"[1-9]\d*",
        "d": r"[1-9]\d*",
        "a": _NUMBER,
        "b": r"[01]",
    },
} | {name: {"mstd": _NUMBER} for name in ("original", "originalr", "v0", "v0r", "3a")}
_RAND_SETS: Final = ("weights", "3a", "3aw")


def is_recipe(name: str) -> bool:
    """Whether a text names a recipe of another library, rather than a baseline or a file."""
    return name.startswith((*(f"{kind}:" for kind in KINDS), "rand-", "augmix-"))


def recipe(name: str, epochs: int = 1) -> Schedule:
    """A recipe of another library, called as a Schedule is.

        popaug.recipe("timm:rand-m9-n2-mstd0.5")(images, samples="random")
        popaug.compare(train, arms=["timm:augmix-m5-w4-d2", "torchvision:augmix", "trivial"], epochs=30)

    name: "timm:" and a string of its --aa (rand-..., augmix-..., original, originalr, v0, v0r, 3a; the first two also
    without "timm:"); "torchvision:" and trivialaugmentwide, randaugment or randaugment-N-M (ops, magnitude),
    autoaugment-imagenet, -cifar10 or -svhn, augmix or augmix-S (severity); "albumentations:" and a YAML or JSON file
    that albumentations.save wrote; "ultralytics:" and the args.yaml of a classification by Ultralytics (docs/recipes.md).
    epochs: the length of the schedule.

    A recipe of torchvision that consists of our ops becomes a Schedule: the same distribution, at the engine's speed,
    with draws of its own. All others are an OwnTransform around the library itself. Raises UsageError for a name with an
    unknown part, and where the library is not installed.
    """
    kind, _, rest = name.partition(":") if ":" in name else ("timm", "", name)
    makers: dict[str, Callable[[str, str], Schedule]] = {
        "timm": _of_timm, "torchvision": _of_torchvision, "albumentations": _of_albumentations,
        "ultralytics": _of_ultralytics,
    }  # fmt: skip
    if kind not in makers or not is_recipe(name):
        raise UsageError(
            f'recipe "{name}"; expected timm:, torchvision:, albumentations: or ultralytics: and its name there'
        )
    found = makers[kind](name, rest)
    return found if epochs == 1 else found.stretch(epochs)


def _library(module: str, package: str, name: str) -> Any:
    return needed(module, package, f'the recipe "{name}" needs {package}')


class ByLibrary:
    """A transform of another library that takes and gives a Pillow image, as a function of an array.

    Two of one name are equal: the library makes the same of it.
    """

    def __init__(self, name: str, version: str, make: Callable[[int], Callable[[Any], Any]]) -> None:
        """make: the transform for images of this shorter side."""
        self.name, self.version, self._make = name, version, make
        self._made: dict[int, Callable[[Any], Any]] = {}

    def __call__(self, image: Any) -> Any:
        from PIL import Image

        picture = Image.fromarray(image if image.shape[2] == 3 else image[..., 0])
        # Their fills are colours, so a grey image takes the way over RGB.
        grey = picture.mode == "L"
        side = min(picture.size)
        if side not in self._made:
            self._made[side] = self._make(side)
        result = self._made[side](picture.convert("RGB") if grey else picture)
        return result.convert("L") if grey else result

    def __reduce__(self) -> Any:
        return _by_name, (self.name,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByLibrary) and (self.name, self.version) == (other.name, other.version)

    def __hash__(self) -> int:
        return hash((self.name, self.version))

    def __repr__(self) -> str:
        return f"{self.name} ({self.version})"


def _by_name(name: str) -> Any:
    made = recipe(name)
    assert isinstance(made, OwnTransform)
    return made.transform


# --- timm ------------------------------------------------------------------------------------------


def check_timm(text: str) -> str:
    """The kind of a string of timm's --aa. Raises UsageError for a part that timm does not know, or would pass over."""
    kind, *sections = text.split("-")
    if kind not in _TIMM:
        raise UsageError(f'timm knows no augmentation "{text}"; expected {", ".join(_TIMM)}, and then -KEYNUMBER')
    seen: set[str] = set()
    for section in sections:
        if kind == "rand" and section.startswith("t"):
            key, value, pattern = "t", section[1:], "|".join(_RAND_SETS)
        else:
            key = next((key for key in sorted(_TIMM[kind], key=len, reverse=True) if section.startswith(key)), "")
            value, pattern = section[len(key) :], _TIMM[kind].get(key, "")
        if not key or not re.fullmatch(pattern, value):
            known = [f"{key}{_EXAMPLES[key]}" for key in _TIMM[kind]] + (["tweights"] if kind == "rand" else [])
            raise UsageError(f'"{text}": the part "{section}" means nothing to timm; parts are like {", ".join(known)}')
        if key in seen:
            raise UsageError(f'"{text}": "{key}" is given twice')
        seen.add(key)
        if key == "p" and float(value) > 1:
            raise UsageError(f'"{text}": "p" is a probability, 0 .. 1')
        if value == "inf":
            raise UsageError(f'"{text}": timm reads numbers alone: write "mstd101" for a uniform magnitude')
    return kind


_EXAMPLES: Final = {
    "mstd": "0.5",
    "mmax": "15",
    "inc": "1",
    "m": "9",
    "n": "2",
    "p": "0.5",
    "w": "3",
    "d": "2",
    "a": "1",
    "b": "0",
}


def _of_timm(name: str, text: str) -> Schedule:
    kind = check_timm(text)
    made = _library("timm.data.auto_augment", "timm", name)
    version = importlib.import_module("timm").__version__
    functions = {"rand": made.rand_augment_transform, "augmix": made.augment_and_mix_transform}
    function = functions.get(kind, made.auto_augment_transform)

    def make(side: int) -> Callable[[Any], Any]:
        # As timm.data.create_transform() with --train-interpolation random, the default of its training script.
        options: dict[str, Any] = {"translate_const": int(side * 0.45), "img_mean": _IMAGENET_MEAN}
        if kind == "augmix":
            options["translate_pct"] = 0.3
        transform: Callable[[Any], Any] = function(text, options)
        return transform

    make(224)  # what timm refuses, it refuses now
    return OwnTransform(ByLibrary(f"timm:{text}", f"timm {version}", make), name)


# --- torchvision -----------------------------------------------------------------------------------


def _of_torchvision(name: str, text: str) -> Schedule:
    kind, *numbers = text.split("-")
    with contextlib.suppress(ValueError):
        if kind == "trivialaugmentwide" and not numbers:
            return TrivialAugment()
        if kind == "randaugment" and len(numbers) in (0, 2):
            count, level = (int(n) for n in numbers or ("2", "9"))
            return RandAugment(count, level)
        if kind == "autoaugment" and numbers in (["cifar10"], ["svhn"]):
            return AutoAugment(numbers[0])
        if kind == "autoaugment" and numbers == ["imagenet"]:
            return _by_torchvision(name, "AutoAugment")
        if kind == "augmix" and len(numbers) < 2:
            severity = int(numbers[0]) if numbers else 3
            if 1 <= severity <= 10:
                return _by_torchvision(name, "AugMix", severity=severity)
    raise UsageError(
        f'recipe "{name}"; of torchvision there are trivialaugmentwide, randaugment, randaugment-N-M (ops, magnitude '
        "0..30), autoaugment-imagenet, autoaugment-cifar10, autoaugment-svhn, augmix and augmix-S (severity 1..10)"
    )


def _by_torchvision(name: str, kind: str, **options: Any) -> Schedule:
    v2 = _library("torchvision.transforms.v2", "torchvision", name)
    version = importlib.import_module("torchvision").__version__

    def make(side: int) -> Callable[[Any], Any]:
        transform: Callable[[Any], Any] = getattr(v2, kind)(**options)
        return transform

    return OwnTransform(ByLibrary(name, f"torchvision {version}", make), name)


# --- albumentations --------------------------------------------------------------------------------


def _of_albumentations(name: str, path: str) -> Schedule:
    from popaug._albumentations import Pipeline  # not at the top: few need it

    return OwnTransform(Pipeline.load(name, path), name)


# --- ultralytics -----------------------------------------------------------------------------------


def _of_ultralytics(name: str, path: str) -> Schedule:
    from popaug._ultralytics import Classification  # not at the top: few need it

    return OwnTransform(Classification.load(name, path), name)
