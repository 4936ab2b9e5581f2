"""Images of one size, gathered in a file without a name, so that a set may be larger than memory."""

from __future__ import annotations

import tempfile

import numpy as np
from numpy.typing import NDArray

from popaug import _core
from popaug._core import UsageError

_CHUNK = 1024  # images


class Spool:
    """A split that grows image by image."""

    def __init__(self, name: str, size: tuple[int, int] | None, folder: str) -> None:
        self.name = name
        self.labels: list[int] = []
        self.channels = 0
        self.grey = 0  # images
        self._size = size  # width, height
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (close() closes it)
        self._folder = folder
        self._shape = (0, 0)  # height, width

    @property
    def count(self) -> int:
        return len(self.labels)

    def add(self, pixels: NDArray[np.uint8], label: int, where: str) -> None:
        """Adds [height, width, 1 or 3], resized if a size is asked for."""
        height, width, channels = pixels.shape
        if self._size is not None and self._size != (width, height):
            pixels = _core.resize_pixels(np.ascontiguousarray(pixels), *self._size)
        elif self._size is None and self.count > 0 and self._shape != (height, width):
            size = f"{self._shape[1]}x{self._shape[0]}"
            raise UsageError(
                f"{where} is {width}x{height} pixels, but the images before it are {size}; "
                f'give a size, such as size="{size}", to bring all images to it'
            )
        if self.count == 0:
            self._shape = (pixels.shape[0], pixels.shape[1])
            self.channels = channels
        self.grey += channels == 1
        if channels > self.channels:
            self._widen()
        elif channels < self.channels:
            pixels = np.repeat(pixels, 3, axis=2)
        self._file.write(np.ascontiguousarray(pixels).data)
        self.labels.append(label)

    def images(self, channels: int) -> NDArray[np.uint8]:
        """All of them, mapped from the file: [images, height, width, channels]."""
        if channels > self.channels:
            self._widen()
        self._file.flush()
        return np.memmap(self._file, np.uint8, "r", shape=(self.count, *self._shape, self.channels))

    def close(self) -> None:
        self._file.close()

    def _widen(self) -> None:
        """Makes three equal channels of one."""
        wide = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        size = self._shape[0] * self._shape[1]
        self._file.seek(0)
        while chunk := self._file.read(size * _CHUNK):
            wide.write(np.repeat(np.frombuffer(chunk, np.uint8), 3).data)
        self._file.close()
        self._file = wide
        self.channels = 3
