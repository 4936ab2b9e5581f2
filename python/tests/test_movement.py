"""Schedule.movement: masks, boxes and points go where the engine puts the pixels of the image."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import popaug

HOLE = (201, 202, 203)
MOVING = ["Rotate", "TranslateX", "TranslateY", "ShearX", "ShearY", "FlipLR", "FlipUD"]


def numbered(width: int, height: int) -> NDArray[np.uint8]:
    """An image that shows the number of each pixel; no pixel has the colour of a hole."""
    numbers = np.arange(width * height).reshape(height, width)
    return np.stack([numbers % 256, numbers // 256, np.zeros_like(numbers)], axis=-1).astype(np.uint8)


def schedule(ops: list[str], base: popaug.Base | None = None, fill: str = "hole") -> popaug.Schedule:
    full = popaug.Space.load("pba-full").only(ops)
    space = popaug.Space("moving", full.ops, full.levels, full.search_levels, fill)
    entries = [popaug.Entry(op, 0.9, level) for op in ops for level in (3, 9)]
    rule = popaug.Rule("pba", (0.1, 0.2, 0.3, 0.4))
    return popaug.Schedule(space, rule, [popaug.Segment(3, entries), popaug.Segment(3, entries[::-1])], base)


@pytest.mark.parametrize("size", [(16, 16), (33, 20), (8, 64)])
@pytest.mark.parametrize("pads", [0, 4])
def test_each_pixel_comes_from_where_the_engine_took_it(size: tuple[int, int], pads: int) -> None:
    width, height = size
    square = {"turn": 0.7} if width == height else {}
    base = popaug.Base(pad=pads, flip=0.5, vflip=0.5, **square)  # type: ignore[arg-type]
    moving, image = schedule(MOVING, base), numbered(width, height)
    moved = 0
    for sample in range(60):
        key: dict[str, Any] = {"epoch": sample % 6, "seed": 5, "member": 2}
        got = moving(image, samples=sample, hole=HOLE, **key)
        movement = moving.movement(width, height, sample=sample, **key)
        want = np.full_like(image, HOLE)
        shown = movement.source >= 0
        want[shown] = image.reshape(-1, 3)[movement.source[shown]]
        assert np.array_equal(got, want)
        mask = np.arange(width * height, dtype=np.int64).reshape(height, width)
        assert np.array_equal(movement.mask(mask, fill=-1), movement.source)
        moved += not np.array_equal(movement.source, mask)
    assert moved > 40


def test_ops_on_colours_move_nothing_and_change_no_draw() -> None:
    """An image of two ops, Invert and a movement: the movement is the same whatever becomes of the colours."""
    moving, image = schedule(["Rotate", "Invert", "TranslateX"], popaug.Base(flip=0.5)), numbered(16, 16)
    parities = set()
    for sample in range(50):
        movement = moving.movement(16, 16, sample=sample, epoch=0, seed=1)
        odd = sum(op == "Invert" for op, _, _ in moving.draws(sample, 0, 1)) % 2
        parities.add(odd)
        shown = movement.source >= 0
        want = image.reshape(-1, 3)[movement.source[shown]]
        got = moving(image, epoch=0, seed=1, samples=sample)[shown]
        assert np.array_equal(got, 255 - want if odd else want)
    assert parities == {0, 1}


def spot_of(image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The middle of the pixels that stand out; None: none does."""
    ground = np.median(image.reshape(-1, 3), axis=0)
    y, x = np.nonzero(np.abs(image - ground).max(axis=-1) > 20)
    return np.array([x.mean() + 0.5, y.mean() + 0.5]) if len(x) else None


@pytest.mark.parametrize("op", [op for op in popaug.ops() if op.origin == "built-in"], ids=lambda op: op.name)
def test_every_op_moves_a_spot_as_its_movement_says(op: popaug.Op) -> None:
    image = np.full((32, 32, 3), 60, np.uint8)
    image[8:11, 20:23] = 160
    start = spot_of(image)
    assert start is not None
    low, high = max(op.low, -10), min(op.high, 150)
    values = tuple(float(round(low + share * (high - low))) for share in (0.02, 0.2, 0.45, 0.55, 0.7, 0.9))
    values = values if op.uses_value else ()
    space = popaug.Space("one", (popaug.SpaceOp(op.name, values),), len(values) or 1, len(values) or 1)
    seen = 0
    for level in range(len(values) or 1):
        one = popaug.Schedule(space, popaug.Rule("randaugment", count=1), [popaug.Segment(1, [(op.name, 1.0, level)])])
        for sample in range(4):  # a cutout may hide the spot
            spot = spot_of(one(image, samples=sample, epoch=0, seed=1, hole=(60, 60, 60)))
            if spot is None:
                continue
            seen += 1
            assert np.abs(one.movement(32, 32, sample=sample, epoch=0, seed=1).points(start) - spot).max() < 2.5
    assert seen


def test_cutouts_and_erased_parts_leave_masks_alone() -> None:
    plain = popaug.Base(pad=4, flip=0.5)
    more = popaug.Base(pad=4, flip=0.5, cutout=8, erase=1.0)
    for sample in range(20):
        with_holes, without = (
            schedule(["Rotate", "Cutout"], base).movement(16, 16, sample=sample, epoch=1) for base in (more, plain)
        )
        assert np.array_equal(with_holes.source, without.source)
        assert np.array_equal(with_holes.matrix, without.matrix)
    black = schedule(["TranslateX"], fill="black")  # what is uncovered is black in the image, and still no part of it
    assert any((black.movement(16, 16, sample=s, epoch=0).source < 0).any() for s in range(10))


@pytest.mark.parametrize(
    ("ops", "base", "steps"),
    [
        (MOVING, popaug.Base(pad=4, flip=0.5, vflip=0.5, turn=0.7), 4),
        (["CropBilinear"], popaug.Base(), 3),
        (["Rotate"], popaug.Base(resized_crop=0.3), 4),
    ],
)
def test_the_matrix_leads_to_the_pixels(ops: list[str], base: popaug.Base, steps: int) -> None:
    moving = schedule(ops, base)
    for sample in range(40):
        movement = moving.movement(24, 24, sample=sample, epoch=0)
        y, x = np.nonzero(movement.source >= 0)
        places = np.stack([x + 0.5, y + 0.5], axis=-1)
        before = places @ movement.matrix[:, :2].T + movement.matrix[:, 2]
        number = movement.source[y, x]
        taken = np.stack([number % 24 + 0.5, number // 24 + 0.5], axis=-1)
        assert np.abs(before - taken).max() <= 0.75 * steps  # each step takes the nearest pixel
        assert np.allclose(movement.points(before), places)


def test_boxes_are_around_their_corners() -> None:
    flip = popaug.Schedule.baseline("none").with_base(popaug.Base(flip=1.0))
    movement = flip.movement(10, 6, sample=0)
    assert movement.boxes([[1, 2, 4, 5]]).tolist() == [[6, 2, 9, 5]]
    assert movement.points([1, 2]).tolist() == [9, 2]
    shift = popaug.Space("shift", (popaug.SpaceOp("TranslateX", (0.0, 6.0)),), 2, 2)
    away = popaug.Schedule(shift, popaug.Rule("randaugment", count=1), [popaug.Segment(1, [("TranslateX", 1.0, 1)])])
    movement = away.movement(10, 6, sample=0)
    assert movement.boxes([1, 2, 4, 5], clip=False).tolist() == [-5, 2, -2, 5]
    assert movement.boxes([1, 2, 4, 5]).tolist() == [0, 2, 0, 5]
    assert movement.boxes(np.zeros((0, 4))).shape == (0, 4)
    masks = np.ones((2, 3, 6, 10), bool)
    assert movement.mask(masks)[..., :4].all() and not movement.mask(masks)[..., 4:].any()
    assert "24 of 60 pixels" in repr(movement)


@popaug.op("MovesPerhaps", low=0, high=1)
def moves_perhaps(image: Any, value: float, uniform: Any) -> None:
    image[:] = image[::-1]


def test_what_cannot_be_moved_is_said() -> None:
    space = popaug.Space("own", (popaug.SpaceOp("MovesPerhaps", (0.0, 1.0)),), 2, 2)
    rule = popaug.Rule("randaugment", count=1)
    own = popaug.Schedule(space, rule, [popaug.Segment(1, [("MovesPerhaps", 1.0, 1)])])
    with pytest.raises(popaug.UsageError, match='"MovesPerhaps" moves pixels is not known'):
        own.movement(8, 8, sample=0)
    flip = popaug.Schedule.baseline("flipcrop")
    movement = flip.movement(8, 6, sample=0)
    with pytest.raises(popaug.UsageError, match=r"a mask of shape \(8, 6\) beside an image of 8x6"):
        movement.mask(np.zeros((8, 6)))
    with pytest.raises(popaug.UsageError, match="left, top, right and bottom"):
        movement.boxes([1, 2, 3])
    with pytest.raises(popaug.UsageError, match="mixes images"):
        popaug.Schedule.baseline("flipcrop+mixup").movement(8, 6, sample=0)
    with pytest.raises(popaug.UsageError, match=r"1 .. 16777216 pixels"):
        flip.movement(8192, 4096, sample=0)
    with pytest.raises(popaug.UsageError, match="depends on the epoch"):
        schedule(MOVING).movement(8, 8, sample=0)
    with pytest.raises(popaug.UsageError, match="cannot follow it"):
        popaug.OwnTransform(np.flipud, "mine").movement(8, 8, sample=0)


def test_a_schedule_that_moved_can_be_copied() -> None:
    flip = popaug.Schedule.baseline("flipcrop")
    want = flip.movement(8, 8, sample=3).source
    for twin in (pickle.loads(pickle.dumps(flip)), copy.deepcopy(flip)):
        assert np.array_equal(twin.movement(8, 8, sample=3).source, want)
