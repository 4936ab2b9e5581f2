"""popaug's checkpoints (docs/formats/checkpoint.md): safetensors files that say which network they hold."""

from __future__ import annotations

import io
import json
import os
import pathlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from popaug._core import Error

_TYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "U8": np.uint8}
_OPTIMIZER = "optimizer."
_SCRIPT = "model.torchscript"


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself. mean, std: per channel on the scale 0..1, (byte / 255 - mean) / std."""

    network: str
    classes: tuple[str, ...]  # in label order
    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    epoch: int


def read(path: str | os.PathLike[str]) -> tuple[CheckpointInfo, dict[str, Tensor]]:
    """A checkpoint's information and its tensors, those of the optimiser left out.

    Raises Error where the file is no whole checkpoint of popaug's.
    """
    path = pathlib.Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Error(f"{path}: {error.strerror}") from None
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise Error(f"{path} is no whole safetensors file: it ends inside its header")
    try:
        header: dict[str, Any] = json.loads(data[8 : 8 + length])
        told = json.loads(header.pop("__metadata__", {}).get("popaug", "null"))
    except (ValueError, AttributeError):
        raise Error(f"{path} is no safetensors file: its header is not JSON") from None
    if not isinstance(told, dict) or told.get("format") != "popaug-checkpoint":
        raise Error(f"{path} is no checkpoint of popaug's: it does not say which network it holds")
    if told.get("version") != 1:
        raise Error(f"{path} is a checkpoint of version {told.get('version')}; this popaug reads version 1")
    body = memoryview(data)[8 + length :]
    if max((entry["data_offsets"][1] for entry in header.values()), default=0) != len(body):
        raise Error(f"{path} is cut short or damaged: it is not as long as its header says")
    tensors = {
        name: _tensor(entry, body, f"{path}: {name}")
        for name, entry in header.items()
        if not name.startswith(_OPTIMIZER)
    }
    return _info(told), tensors


def _tensor(entry: dict[str, Any], body: memoryview, where: str) -> Tensor:
    first, last = entry["data_offsets"]
    if entry["dtype"] not in _TYPES:
        raise Error(f"{where}: numbers of type {entry['dtype']}; expected one of {', '.join(_TYPES)}")
    kind = np.dtype(_TYPES[entry["dtype"]])
    count = int(np.prod(entry["shape"], dtype=np.int64))
    if not 0 <= first <= last <= len(body) or last - first != count * kind.itemsize:
        raise Error(f"{where}: {last - first} bytes for {count} numbers; the file is cut short or damaged")
    return torch.from_numpy(np.frombuffer(body[first:last], kind).reshape(entry["shape"]).copy())


def _info(told: dict[str, Any]) -> CheckpointInfo:
    return CheckpointInfo(
        told["network"],
        tuple(told["classes"]),
        told["channels"],
        told["height"],
        told["width"],
        tuple(told["normalisation"]["mean"]),
        tuple(told["normalisation"]["std"]),
        told["epoch"],
    )


def scripted(tensors: dict[str, Tensor], path: str) -> nn.Module:
    """The TorchScript network that a checkpoint carries; it is taken out of `tensors`."""
    code = tensors.pop(_SCRIPT, None)
    if code is None:
        raise Error(f"{path}: the tensor {_SCRIPT} is missing")
    try:
        network: nn.Module = torch.jit.load(io.BytesIO(code.numpy().tobytes()), map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError:
        raise Error(f"{path}: the network that it carries is no TorchScript") from None
    return network


def fill(network: nn.Module, tensors: dict[str, Tensor], path: str) -> None:
    """Loads the tensors, every one of them. Raises Error naming the first that does not fit."""
    own = network.state_dict()
    counters = {name for name in own if name.endswith("num_batches_tracked")}
    missing, extra = set(own) - counters - set(tensors), set(tensors) - set(own)
    if missing or extra:
        name = min(missing or extra)
        raise Error(f"{path}: the tensor {name} is {'missing' if missing else 'of another network'}")
    for name, tensor in tensors.items():
        if tensor.shape != own[name].shape:
            raise Error(f"{path}: {name} has the shape {list(tensor.shape)}; the network has {list(own[name].shape)}")
    network.load_state_dict(tensors, strict=False)


def export_onnx(network: nn.Module, path: str | os.PathLike[str], info: CheckpointInfo) -> None:
    """Writes the network as ONNX: input "images" [n, channels, height, width], normalised; output "logits" [n, classes]."""
    network.eval()
    example = torch.zeros(2, info.channels, info.height, info.width)
    axes = {"images": {0: "n"}, "logits": {0: "n"}}
    torch.onnx.export(
        network, (example,), str(path), input_names=["images"], output_names=["logits"], dynamic_axes=axes, dynamo=False
    )
