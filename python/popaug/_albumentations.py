"""A pipeline of albumentations, from a file that albumentations.save wrote.

albumentations makes every pixel. What its pipelines do besides augmentation is left out: the last steps that turn bytes into
numbers or a tensor, because popaug normalises afterwards, and what concerns boxes and points, because an arm has images alone.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from popaug._core import UsageError
from popaug._optional import needed
from popaug._recipe_files import read_recipe, with_nearest

_CLASS: Final = "__class_fullname__"
# They turn the bytes into other numbers, or into a tensor.
_NUMBERS: Final = ("Normalize", "ToFloat", "FromFloat", "ToTensorV2", "ToTensor3D")
_IN_ORDER: Final = ("Compose", "ReplayCompose", "Sequential")
# They refuse an image of one channel.
_COLOURS: Final = (
    "ChannelDropout", "ChromaticAberration", "HEStain", "ISONoise", "PlanckianJitter", "RandomFog", "RandomGravel",
    "RandomRain", "RandomSnow", "RandomSunFlare", "Spatter", "ToRGB",
)  # fmt: skip


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """The transforms of a file, each with those inside it."""
    if isinstance(node, dict):
        yield node
        inner = node.get("transforms")
        for child in inner if isinstance(inner, list) else []:
            yield from _nodes(child)


def _kind(node: Mapping[str, Any]) -> str:
    return str(node.get(_CLASS)).rsplit(".", 1)[-1]


def check(values: Mapping[str, Any], path: str, known: list[str]) -> dict[str, Any]:
    """The pipeline of a file, without what is not augmentation. Raises UsageError for a file of another kind, and for
    transforms that are not in `known` (the names that albumentations can load), all of them with the nearest name."""
    pipeline = values.get("transform")
    if not isinstance(pipeline, dict):
        replay = _CLASS in values and "applied" in values
        found = "; this one is a replay, which repeats the draws of one image" if replay else ""
        raise UsageError(f'{path}: expected "transform", as albumentations.save writes it{found}')
    nodes = list(_nodes(json.loads(json.dumps(pipeline))))  # a copy
    if any(not isinstance(node.get(_CLASS), str) for node in nodes):
        raise UsageError(f'{path}: a transform without "{_CLASS}"; expected what albumentations.save writes')
    own = [str(node.get("__name__")) for node in nodes if _kind(node) == "Lambda"]
    if own:
        raise UsageError(
            f"{path}: {', '.join(own)}: the function of a Lambda is not in the file; make the pipeline in Python, and "
            'give it as an arm: arms={"mine": pipeline}'
        )
    unknown = dict.fromkeys(node[_CLASS] for node in nodes if node[_CLASS] not in known and _kind(node) not in known)
    if unknown:
        named = ", ".join(with_nearest(name, known) for name in unknown)
        raise UsageError(f"{path}: albumentations does not have {named}")
    outer = nodes[0]
    steps = outer.get("transforms")
    if _kind(outer) in _IN_ORDER and outer.get("p", 1) == 1 and isinstance(steps, list):
        while steps and _kind(steps[-1]) in _NUMBERS and steps[-1].get("p", 1) == 1:
            steps.pop()
    numbers = dict.fromkeys(_kind(node) for node in _nodes(outer) if _kind(node) in _NUMBERS)
    if numbers:
        raise UsageError(
            f"{path}: {', '.join(numbers)}: a recipe gives bytes, and popaug normalises afterwards; such steps are "
            "left out at the end of the file alone"
        )
    boxes = [_kind(node) for node in _nodes(outer) if "BBox" in _kind(node)]
    if boxes:
        raise UsageError(f"{path}: {', '.join(boxes)}: these need boxes, and an arm has images alone")
    for node in _nodes(outer):
        for key in {"bbox_params", "keypoint_params"} & node.keys():
            node[key] = None
        if node.get("always_apply") is False:  # older releases write it; it says nothing
            del node["always_apply"]
    return outer


class Pipeline:
    """The transform of one image: a uint8 array [height, width, 1 or 3], and the same afterwards."""

    def __init__(self, name: str, path: str, pipeline: Mapping[str, Any], written_by: str) -> None:
        """pipeline: as check() gives it. written_by: the release of albumentations that wrote the file."""
        library = _library(name)
        self.name, self._file, self._pipeline = name, (path, written_by), dict(pipeline)
        self._version: str = library.__version__
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                self._transform = library.from_dict({"transform": self._pipeline})
            except Exception as error:
                raise UsageError(f"{path}: albumentations {self._version} refuses it: {error}") from None
        # A release passes over the arguments of another one, and takes its defaults instead.
        passed_over = [str(w.message) for w in said if "are not valid for transform" in str(w.message)]
        if passed_over and written_by != self._version:
            raise UsageError(
                f"{path} was written by albumentations {written_by}, and albumentations {self._version} would pass over a "
                f"part of it: {'; '.join(dict.fromkeys(passed_over))}. Install that release, or save the recipe again"
            )
        for leaf in _leaves(self._transform):
            missing = list(leaf.targets_as_params)
            if missing or "image" not in leaf.available_keys:
                needs = ", ".join(missing) or "a volume"
                raise UsageError(f"{path}: {type(leaf).__name__} needs {needs}, and an arm has images alone")
        self._colours = any(_kind(node) in _COLOURS for node in _nodes(self._pipeline))

    @staticmethod
    def load(name: str, path: str) -> Pipeline:
        """Reads a file. Raises UsageError for what is not a recipe, or where albumentations is not installed."""
        if os.path.splitext(path)[1] not in (".yaml", ".yml", ".json"):
            raise UsageError(f'recipe "{name}"; expected a file *.yaml or *.json that albumentations.save wrote')
        if not os.path.exists(path):
            raise UsageError(f'recipe "{name}": there is no file {path}')
        _library(name)
        values = read_recipe(name, path, "albumentations.save writes them")
        known = needed("albumentations.core.serialization", "albumentations", f'the recipe "{name}"')
        needed("albumentations.pytorch", "albumentations", f'the recipe "{name}"')
        pipeline = check(values, path, list(known.SERIALIZABLE_REGISTRY))
        return Pipeline(name, path, pipeline, str(values.get("__version__", "of an unknown release")))

    def set_random_seed(self, seed: int) -> None:
        """albumentations draws from generators of its own."""
        self._transform.set_random_seed(seed)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if image.shape[2] == 3 or not self._colours:
            found: NDArray[np.uint8] = self._transform(image=image)["image"]
            return found
        from PIL import Image

        colours = np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
        result = self._transform(image=colours)["image"]
        if result.dtype != np.uint8:
            raise UsageError(f"{self.name} returned {result.dtype}; expected uint8")
        return np.asarray(Image.fromarray(result).convert("L"))

    def __reduce__(self) -> Any:
        return Pipeline, (self.name, self._file[0], self._pipeline, self._file[1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pipeline) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"{self.name} ({json.dumps(self._pipeline, sort_keys=True)}, albumentations {self._version})"


def _library(name: str) -> Any:
    # Importing it would otherwise ask a host for its newest release.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    return needed("albumentations", "albumentations", f'the recipe "{name}" needs albumentations')


def _leaves(transform: Any) -> Iterator[Any]:
    """The transforms of a pipeline that are not made of others."""
    if hasattr(transform, "targets_as_params"):
        yield transform
        return
    for child in transform.transforms:
        yield from _leaves(child)
