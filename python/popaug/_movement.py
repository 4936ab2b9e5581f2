"""Where the pixels of an augmented image came from, so that masks, boxes and points can move with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popaug._core import UsageError


class Movement:
    """What a schedule does to places in one image: `schedule.movement(...)` under the key of the image.

    width, height: of the image. matrix: float64 [2, 3], x_in = m[0] @ (x, y, 1) and y_in = m[1] @ (x, y, 1): where the
    place (x, y) of the result was before. Places are in pixels from the upper left corner, so the centre of the first
    pixel is (0.5, 0.5). source: int32 [height, width], the number y * width + x of the pixel that each pixel of the
    result shows; -1 where it shows none.
    """

    def __init__(self, source: NDArray[np.int32], matrix: ArrayLike) -> None:
        self.source = source
        self.matrix = np.asarray(matrix, dtype=np.float64).reshape(2, 3)
        self.height, self.width = source.shape

    def mask(self, mask: ArrayLike, fill: Any = 0) -> NDArray[Any]:
        """The mask moved as the image was, pixel by pixel, so that no label is invented.

        mask: any type, [..., height, width]. fill: its value where nothing was, for example the label that a loss
        ignores. A cutout or an erased part of the image changes no mask.
        """
        given = np.asarray(mask)
        if given.shape[-2:] != (self.height, self.width):
            raise UsageError(
                f"a mask of shape {given.shape} beside an image of {self.width}x{self.height} pixels; expected "
                "[..., height, width] of the same size"
            )
        flat = given.reshape(*given.shape[:-2], -1)
        moved = flat[..., np.maximum(self.source, 0).ravel()].reshape(given.shape)
        moved[..., self.source < 0] = fill
        return moved

    def points(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (x, y), [..., 2], where they are in the result; those that leave it lie outside of it."""
        given = np.asarray(points, dtype=np.float64)
        if given.ndim == 0 or given.shape[-1] != 2:
            raise UsageError(f"points of shape {given.shape}; expected [..., 2], x and y")
        forward = np.linalg.inv(np.vstack([self.matrix, [0, 0, 1]]))[:2]
        moved: NDArray[np.float64] = given @ forward[:, :2].T + forward[:, 2]
        return moved

    def boxes(self, boxes: ArrayLike, clip: bool = True) -> NDArray[np.float64]:
        """Boxes (left, top, right, bottom), [..., 4]: the upright boxes around the moved corners.

        clip: to the image. A box that leaves it then has no area, as after the transforms of torchvision.
        """
        given = np.asarray(boxes, dtype=np.float64)
        if given.ndim == 0 or given.shape[-1] != 4:
            raise UsageError(f"boxes of shape {given.shape}; expected [..., 4], left, top, right and bottom")
        corners = self.points(given[..., [[0, 1], [2, 1], [2, 3], [0, 3]]])
        moved = np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1)
        return np.clip(moved, 0, [self.width, self.height, self.width, self.height]) if clip else moved

    def __repr__(self) -> str:
        shown = int((self.source >= 0).sum())
        return f"Movement({self.width}x{self.height}, {shown} of {self.source.size} pixels show the image)"
