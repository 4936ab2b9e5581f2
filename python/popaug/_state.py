"""What train_round saves for a member: how it is written, and how it is read back."""

from __future__ import annotations

import io
import json
import pathlib
import pickle
import sys
from collections.abc import Mapping
from typing import Any


def dump(state: Any) -> bytes:
    """bytes as they are, what holds tensors by torch.save, anything else by pickle."""
    if isinstance(state, (bytes, bytearray, memoryview)):
        return bytes(state)
    if "torch" in sys.modules and _holds_tensors(state):
        buffer = io.BytesIO()  # not the path: torch writes a file's name into it
        sys.modules["torch"].save(state, buffer)
        return buffer.getvalue()
    return pickle.dumps(state, protocol=5)


def load(path: pathlib.Path) -> Any:
    """What dump() gave; bytes that it did not make come back as bytes."""
    data = path.read_bytes()
    if data.startswith(b"PK"):
        import torch

        return torch.load(io.BytesIO(data), weights_only=True)
    if data.startswith(b"\x80\x05"):
        return pickle.loads(data)
    return data


def is_safetensors(path: pathlib.Path) -> bool:
    """Whether the file is in the format of its name: a length, and a JSON header of so many bytes."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(1 << 27, path.stat().st_size - 8):
            return False
        try:
            return isinstance(json.loads(file.read(length)), dict)
        except ValueError:
            return False


def _holds_tensors(state: Any) -> bool:
    if isinstance(state, Mapping):
        return any(_holds_tensors(v) for v in state.values())
    if isinstance(state, (list, tuple)):
        return any(_holds_tensors(v) for v in state)
    return isinstance(state, sys.modules["torch"].Tensor)
