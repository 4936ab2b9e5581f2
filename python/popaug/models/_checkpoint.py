"""popaug's checkpoints (docs/formats/checkpoint.md): safetensors files that say which network they hold."""

from __future__ import annotations

import io
import json
import math
import os
import pathlib
import shlex
import tempfile
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from popaug._core import Error, UsageError, hash_hex

_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
}
_OPTIMIZER = "optimizer."
_AVERAGE = "optimizer.average."  # + NAME: what is evaluated in place of NAME
_SCRIPT = "model.torchscript"
_VERSIONS = (1, 2)  # since version 2 with a checksum
_IMAGES = ("fit", "range", "background")  # absent from a file where all have their defaults
_CHECK = b'"check":"'
_DIGITS = 32


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself. mean, std: per channel on the scale 0..1, (byte / 255 - mean) / std. fit, range and
    background: how the images became such pixels, as `popaug.data.open` takes them."""

    network: str
    classes: tuple[str, ...]  # in label order
    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    epoch: int
    fit: str = "stretch"
    range: str = "full"
    background: str = "black"


def _described(info: CheckpointInfo) -> dict[str, Any]:
    """The entries that say which images the network takes and what its logits mean."""
    told: dict[str, Any] = {
        "network": info.network,
        "classes": list(info.classes),
        "channels": info.channels,
        "height": info.height,
        "width": info.width,
    }
    images = {name: getattr(info, name) for name in _IMAGES}
    if images != {name: getattr(CheckpointInfo, name) for name in _IMAGES}:
        told["images"] = images
    told["normalisation"] = {"mean": list(info.mean), "std": list(info.std)}
    return told


def read(path: str | os.PathLike[str]) -> tuple[CheckpointInfo, dict[str, Tensor]]:
    """A checkpoint's information and its tensors, those of the optimiser left out; averages where it has any.

    Raises Error where the file is not a whole checkpoint of popaug.
    """
    path = pathlib.Path(path)
    data, header, metadata = _open(path)
    try:
        told = json.loads(metadata.get("popaug", "null"))
    except ValueError:
        raise Error(f"{path} is not a safetensors file: its header is not JSON") from None
    if not isinstance(told, dict) or told.get("format") != "popaug-checkpoint":
        raise Error(f"{path} is not a checkpoint of popaug: it does not say which network it holds")
    if told.get("version") not in _VERSIONS:
        raise Error(f"{path} is a checkpoint of version {told.get('version')}; this popaug reads versions 1 and 2")
    if told["version"] > 1 or "check" in metadata:
        _verify(data, metadata, path)
    return _info(told), _tensors(data, header, path)


def read_foreign(path: pathlib.Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file of another project. Raises Error where the file is not a whole one, and
    UsageError for a checkpoint of popaug, whose information would be lost."""
    data, header, metadata = _open(path)
    if "popaug" in metadata:
        raise UsageError(f"{path} is a checkpoint of popaug already: --init, eval and predict take it as it is")
    return _tensors(data, header, path)


def _open(path: pathlib.Path) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    """The bytes of a safetensors file, its header without the metadata, and the metadata."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Error(f"{path}: {error.strerror}") from None
    if data.startswith(b"PK"):  # a ZIP archive, as torch.save writes it
        raise Error(
            f"{path} is a PyTorch file, not safetensors; bring its weights to safetensors by: popaug weights convert "
            f"{shlex.quote(str(path))} -o weights.safetensors"
        )
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise Error(f"{path} is not a whole safetensors file: it ends inside its header")
    try:
        header: dict[str, Any] = json.loads(data[8 : 8 + length])
        metadata = dict(header.pop("__metadata__", {}))
    except (ValueError, AttributeError):
        raise Error(f"{path} is not a safetensors file: its header is not JSON") from None
    return data, header, metadata


def _tensors(data: bytes, header: dict[str, Any], path: pathlib.Path) -> dict[str, Tensor]:
    body = memoryview(data)[8 + int.from_bytes(data[:8], "little") :]
    if max((entry["data_offsets"][1] for entry in header.values()), default=0) != len(body):
        raise Error(f"{path} is cut short or damaged: it is not as long as its header says")
    entries = {name: entry for name, entry in header.items() if not name.startswith(_OPTIMIZER)}
    entries |= {name.removeprefix(_AVERAGE): entry for name, entry in header.items() if name.startswith(_AVERAGE)}
    return {name: _tensor(entry, body, f"{path}: {name}") for name, entry in entries.items()}


def write(path: str | os.PathLike[str], info: CheckpointInfo, tensors: dict[str, Tensor], source: str) -> None:
    """Writes a checkpoint of float32 tensors; `source` says where they come from. Under a temporary name first."""
    path = pathlib.Path(path)
    told = {
        "format": "popaug-checkpoint",
        "version": _VERSIONS[-1],
        **_described(info),
        "epoch": info.epoch,
        "steps": 0,
        "extra": {"source": source},
    }
    metadata = {"check": "0" * _DIGITS, "format": "pt", "popaug": _compact(told)}
    header: dict[str, Any] = {"__metadata__": metadata}
    parts: list[bytes] = []
    place = 0
    for name, tensor in tensors.items():
        part = tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [place, place + len(part)]}
        place += len(part)
        parts.append(part)
    text = _compact(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join([len(text).to_bytes(8, "little"), text, *parts])
    digits = data.find(_CHECK) + len(_CHECK)
    data = data[:digits] + hash_hex(data).encode() + data[digits + _DIGITS :]
    _replace(path, data)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _replace(path: pathlib.Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name + ".", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(file.name, 0o644)
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise Error(f"{path} cannot be written: {error.strerror}") from None


def _verify(data: bytes, metadata: dict[str, Any], path: pathlib.Path) -> None:
    """The checksum is over the whole file, with zeros in its own place."""
    place = data.find(_CHECK) + len(_CHECK)
    zeroed = data[:place] + b"0" * _DIGITS + data[place + _DIGITS :]
    if "check" not in metadata or metadata["check"] != hash_hex(zeroed):
        raise Error(f"{path} is damaged: its checksum does not fit its bytes; restore it from a copy, or train again")


def _tensor(entry: dict[str, Any], body: memoryview, where: str) -> Tensor:
    first, last = entry["data_offsets"]
    if entry["dtype"] not in _TYPES:
        raise Error(f"{where}: numbers of type {entry['dtype']}; expected one of {', '.join(_TYPES)}")
    kind = _TYPES[entry["dtype"]]
    count = math.prod(entry["shape"])
    if not 0 <= first <= last <= len(body) or last - first != count * kind.itemsize:
        raise Error(f"{where}: {last - first} bytes for {count} numbers; the file is cut short or damaged")
    if count == 0:
        return torch.empty(entry["shape"], dtype=kind)
    return torch.frombuffer(bytearray(body[first:last]), dtype=kind).reshape(entry["shape"])


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
        **{name: told["images"][name] for name in _IMAGES if "images" in told},
    )


def scripted(tensors: dict[str, Tensor], path: str) -> nn.Module:
    """The TorchScript network that a checkpoint carries; it is taken out of `tensors`."""
    code = tensors.pop(_SCRIPT, None)
    if code is None:
        raise Error(f"{path}: the tensor {_SCRIPT} is missing")
    try:
        network: nn.Module = torch.jit.load(io.BytesIO(code.numpy().tobytes()), map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError:
        raise Error(f"{path}: the network that it carries is not TorchScript") from None
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
    """Writes the network as ONNX: input "images" [n, channels, height, width], normalised; output "logits" [n, classes].

    The metadata has the key "popaug": as JSON, the classes and what makes an image an input, in the words of a checkpoint.
    """
    import onnx

    network.eval()
    example = torch.zeros(2, info.channels, info.height, info.width)
    axes = {"images": {0: "n"}, "logits": {0: "n"}}
    torch.onnx.export(
        network, (example,), str(path), input_names=["images"], output_names=["logits"], dynamic_axes=axes, dynamo=False
    )
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"popaug": json.dumps(_described(info))})
    onnx.save(model, str(path))
