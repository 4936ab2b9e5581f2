"""torchvision's transforms v2: a Transform in a Compose, with labels, masks, boxes and key points beside the image."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

import popaug
import popaug.torch as pt

SIZE = 24
PIXELS = np.random.default_rng(2).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def single(op: str, value: float) -> popaug.Schedule:
    """Always this op with this value."""
    values = () if op.startswith("Flip") else (0.0, value)
    space = popaug.Space("single", (popaug.SpaceOp(op, values),), 2, 2, "black")
    rule = popaug.Rule("randaugment", count=1)
    return popaug.Schedule(space, rule, [popaug.Segment(1, [(op, 1.0, 1)])])


def affine(value: Any, **given: Any) -> Any:
    return functional.affine(value, **({"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]} | given))


def degrees(share: float) -> float:
    return math.degrees(math.atan(share))


# What torchvision's own AutoAugment and RandAugment call for these ops.
CALLS: dict[tuple[str, float], Any] = {
    ("Rotate", 30.0): lambda v: functional.rotate(v, 30.0),
    ("Rotate", -17.0): lambda v: functional.rotate(v, -17.0),
    ("TranslateX", -5.0): lambda v: affine(v, translate=[5, 0]),
    ("TranslateY", 3.0): lambda v: affine(v, translate=[0, -3]),
    ("ShearX", 0.25): lambda v: affine(v, shear=[degrees(0.25), 0.0], center=[0, 0]),
    ("ShearY", -0.3): lambda v: affine(v, shear=[0.0, degrees(-0.3)], center=[0, 0]),
    ("FlipLR", 0.0): functional.horizontal_flip,
    ("FlipUD", 0.0): functional.vertical_flip,
}


def boxes_of(form: str) -> Any:
    corners = torch.tensor([[3.0, 4.0, 15.0, 11.0], [0.0, 0.0, 24.0, 24.0], [20.0, 18.0, 23.0, 22.0]])
    given = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=(SIZE, SIZE))  # type: ignore[call-overload]
    return functional.convert_bounding_box_format(given, new_format=tv_tensors.BoundingBoxFormat[form])


@pytest.mark.parametrize("form", ["XYXY", "XYWH", "CXCYWH"])
@pytest.mark.parametrize(("op", "value"), CALLS)
def test_boxes_points_and_masks_are_those_of_torchvision(op: str, value: float, form: str) -> None:
    schedule = single(op, value)
    picture, boxes = Image.fromarray(PIXELS), boxes_of(form)
    labels = Image.fromarray(np.arange(SIZE * SIZE, dtype=np.int32).reshape(SIZE, SIZE) + 1, mode="I")
    mask = tv_tensors.Mask(torch.from_numpy(np.asarray(labels).copy()))
    points = tv_tensors.KeyPoints(torch.tensor([[3.0, 4.0], [12.0, 12.0]]), canvas_size=(SIZE, SIZE))
    transform = pt.Transform(schedule, output="same")
    image, moved = transform(picture, {"boxes": boxes, "masks": [mask], "points": points, "label": 3})
    same = CALLS[op, value]
    assert np.array_equal(np.asarray(image), np.asarray(same(picture)))
    want = functional.clamp_bounding_boxes(same(boxes))
    assert type(moved["boxes"]) is tv_tensors.BoundingBoxes and moved["boxes"].format == boxes.format
    assert torch.allclose(moved["boxes"].as_subclass(torch.Tensor), want.as_subclass(torch.Tensor), atol=1e-4)
    # torchvision turns places and flips pixels: its flips of key points are one pixel off those of its boxes.
    flipped = torch.tensor([float(op == "FlipLR"), float(op == "FlipUD")])
    places = same(points).as_subclass(torch.Tensor) + flipped
    assert torch.allclose(moved["points"].as_subclass(torch.Tensor), places, atol=1e-4)
    # Of a Pillow image, torchvision and the engine take the same nearest pixels.
    assert np.array_equal(moved["masks"][0].numpy(), np.asarray(same(labels)))
    assert type(moved["masks"][0]) is tv_tensors.Mask and moved["masks"][0].dtype == mask.dtype
    assert moved["label"] == 3


def test_the_journey_of_a_detector() -> None:
    """A data set of (image, target) in a Compose of torchvision, in workers that stay; boxes leave and are removed."""

    class Detection(torch.utils.data.Dataset[Any]):
        def __init__(self, transform: Any) -> None:
            self.transform = transform

        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> Any:
            target = {
                "boxes": boxes_of("XYXY"),
                "labels": torch.arange(3),
                "masks": tv_tensors.Mask(torch.ones(3, SIZE, SIZE)),
            }
            return self.transform(tv_tensors.Image(torch.from_numpy(PIXELS.transpose(2, 0, 1).copy())), target)

    epoch = pt.Epoch(total=2)
    schedule = popaug.Schedule.load("rcifar10-paper").with_base("flipcrop")
    steps = v2.Compose([
        pt.Transform(schedule, epoch, output="same", mask_fill=255),
        v2.SanitizeBoundingBoxes(labels_getter=lambda inputs: inputs[1]["labels"]),
        v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
    ])  # fmt: skip
    loader: DataLoader[Any] = DataLoader(
        Detection(steps), batch_size=None, num_workers=2, persistent_workers=True, multiprocessing_context="fork"
    )
    for number in range(2):
        epoch.set(number)
        for image, target in loader:
            assert image.dtype == torch.float32 and image.shape == (3, SIZE, SIZE)
            boxes = target["boxes"]
            assert len(boxes) == len(target["labels"]) <= 3
            assert bool((boxes[:, 2:] > boxes[:, :2]).all()) and float(boxes.max()) <= SIZE
            assert set(target["masks"].unique().tolist()) <= {1.0, 255.0}


def test_a_label_passes_and_the_type_stays() -> None:
    steps = v2.Compose([v2.Identity(), pt.TrivialAugmentWide(), v2.ToImage()])
    torch.manual_seed(4)
    image, label = steps(Image.fromarray(PIXELS), 7)
    assert type(image) is tv_tensors.Image and label == 7
    torch.manual_seed(4)
    again = steps(Image.fromarray(PIXELS))
    assert torch.equal(image, again)
    typed = tv_tensors.Image(torch.from_numpy(PIXELS.transpose(2, 0, 1).copy()))
    assert type(pt.TrivialAugmentWide()(typed)) is tv_tensors.Image


def data_with_masks() -> list[Any]:
    return [(PIXELS.copy(), tv_tensors.Mask(torch.full((SIZE, SIZE), k))) for k in range(8)]


def test_batches_and_data_sets_move_masks_too() -> None:
    schedule = popaug.Schedule.baseline("flipcrop")
    single_images = pt.Augmented(data_with_masks(), schedule, None, 3, output="uint8", mask_fill=9)
    single_images.set_epoch(0)
    epoch = pt.Epoch(total=1)
    epoch.set(0)
    loader = pt.loader(data_with_masks(), schedule, epoch, 3, batch_size=4, output="uint8", mask_fill=9)
    images = torch.cat([batch for batch, _ in loader])
    masks = torch.cat([batch for _, batch in loader])
    for k in range(8):
        image, mask = single_images[k]
        assert torch.equal(image, images[k]) and torch.equal(mask.as_subclass(torch.Tensor), masks[k])
        want = schedule.movement(SIZE, SIZE, sample=k, epoch=0, seed=3).mask(np.full((SIZE, SIZE), k), fill=9)
        assert np.array_equal(mask.numpy(), want)
    assert (masks == 9).any()


def test_repeats_of_an_image_move_its_mask_anew() -> None:
    schedule = popaug.Schedule.baseline("flipcrop")
    epoch = pt.Epoch(total=1)
    epoch.set(0)
    mask = tv_tensors.Mask(torch.arange(SIZE * SIZE).reshape(SIZE, SIZE))
    numbered = np.zeros((SIZE, SIZE, 3), np.uint8)
    numbered[..., 0], numbered[..., 1] = mask.numpy() % 256, mask.numpy() // 256
    collate = pt.Collate(schedule, epoch, 3, output="uint8", mask_fill=-1)
    images, masks = collate([(0, (numbered, mask))] * 5)
    for image, moved in zip(images, masks, strict=True):
        shown = moved >= 0
        assert torch.equal((image[0].long() + 256 * image[1].long())[shown], moved[shown])
    assert len({m.numpy().tobytes() for m in masks}) > 1


def test_what_does_not_fit_is_refused() -> None:
    transform = pt.Transform(popaug.Schedule.baseline("flipcrop"), output="same")
    other = tv_tensors.BoundingBoxes(torch.zeros(1, 4), format="XYXY", canvas_size=(9, 9))  # type: ignore[call-overload]
    with pytest.raises(popaug.UsageError, match=r"BoundingBoxes of canvas_size \(9, 9\) beside an image"):
        transform(PIXELS, other)
    with pytest.raises(popaug.UsageError, match=r"a mask of shape \(9, 9\) beside an image of 24x24"):
        transform(PIXELS, tv_tensors.Mask(torch.zeros(9, 9)))
    with pytest.raises(popaug.UsageError, match="a Video cannot be moved"):
        transform(PIXELS, {"clip": tv_tensors.Video(torch.zeros(2, 3, SIZE, SIZE))})
