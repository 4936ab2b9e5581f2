"""The networks of popaug.models: sizes as in the papers, shapes of any side, mixes fed from outside."""

import json
import pathlib

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

import popaug
import popaug.models as models
from popaug.models._parts import shake, shake_drop
from popaug.models.published import SameConv
from popaug.models.pyramidnet import PyramidNet
from popaug.models.shake_shake import ShakeShake


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# The papers' tables in millions, rounded as they round; exact where the paper's code is torchvision's.
@pytest.mark.parametrize(
    ("name", "classes", "low", "high"),
    [
        ("wrn-16-1", 10, 0.165e6, 0.185e6),  # 1605.07146, table 4 (0.2M)
        ("wrn-28-2", 10, 1.45e6, 1.55e6),
        ("wrn-40-2", 10, 2.15e6, 2.25e6),
        ("wrn-28-10", 10, 36.45e6, 36.55e6),
        ("shake-shake-26-2x32d", 10, 2.85e6, 2.95e6),  # 1705.07485, table 1
        ("shake-shake-26-2x64d", 10, 11.65e6, 11.75e6),
        ("shake-shake-26-2x96d", 10, 26.15e6, 26.25e6),
        ("pyramidnet-272", 10, 25.95e6, 26.05e6),  # 1610.02915, table 4
        ("resnet-20", 10, 0.265e6, 0.275e6),  # 1512.03385, table 6
        ("resnet-18", 1000, 11_689_512, 11_689_512),
        ("resnet-34", 1000, 21_797_672, 21_797_672),
        ("resnet-50", 1000, 25_557_032, 25_557_032),
        ("mobilenet-v3-large", 1000, 5_483_032, 5_483_032),  # torchvision
        ("mobilenet-v3-small", 1000, 2_542_856, 2_542_856),
        ("efficientnet-lite-0", 1000, 4_652_008, 4_652_008),  # timm
        ("efficientnet-lite-1", 1000, 5_416_680, 5_416_680),
        ("efficientnet-lite-2", 1000, 6_092_072, 6_092_072),
        ("efficientnet-lite-3", 1000, 8_197_096, 8_197_096),
        ("efficientnet-lite-4", 1000, 13_006_568, 13_006_568),
    ],
)
def test_parameter_counts_are_the_papers(name: str, classes: int, low: float, high: float) -> None:
    with torch.device("meta"):
        network = models.build(name, classes)
    assert low <= parameters(network) <= high


@pytest.mark.parametrize(
    "name",
    [
        "wrn-16-1",
        "wrn-published-16-1",
        "resnet-20",
        "resnet-20-published",
        "shake-shake-26-2x32d",
        "shake-shake-published-26-2x32d",
        "resnet-18",
        "efficientnet-lite-0",
        "efficientnet-lite-4",
        "mobilenet-v3-large",
        "mobilenet-v3-small",
    ],
)
@pytest.mark.parametrize(("side", "channels"), [(32, 3), (28, 1), (37, 3)])
def test_any_side_and_channel_count(name: str, side: int, channels: int) -> None:
    network = models.build(name, classes=7, channels=channels)
    assert network(torch.randn(2, channels, side, side)).shape == (2, 7)


def test_pyramidnet_runs_and_drops_by_the_draws() -> None:
    network = PyramidNet(depth=29, alpha=24)
    seen: list[int] = []

    def closed(block: int, images: int) -> tuple[Tensor, Tensor, Tensor]:
        seen.append(block)
        return torch.zeros(images), torch.zeros(images), torch.zeros(images)

    network.draws = closed  # every block off: what is left are the weightless shortcuts
    x = torch.randn(3, 3, 33, 33)
    logits = network(x)
    assert seen == list(range(9))
    stem = network.bn1(network.conv1(x))
    half = F.avg_pool2d(F.avg_pool2d(stem, 2, ceil_mode=True), 2, ceil_mode=True)
    padded = F.pad(half, (0, 0, 0, 0, 0, network.fc.in_features - 16))
    want = network.fc(F.relu(network.bn_final(padded)).mean((2, 3)))
    torch.testing.assert_close(logits, want)


def test_shake_mixes_forward_by_alpha_and_backward_by_beta() -> None:
    torch.manual_seed(1)
    one, two = (torch.randn(4, 2, 3, 3, requires_grad=True) for _ in range(2))
    alpha, beta = torch.tensor([0.0, 1.0, 0.25, 0.5]), torch.tensor([0.1, 0.2, 0.3, 0.9])
    out = shake(one, two, alpha, beta)
    a, b = alpha.view(-1, 1, 1, 1), beta.view(-1, 1, 1, 1)
    torch.testing.assert_close(out, a * one + (1 - a) * two)
    grad = torch.randn_like(out)
    torch.autograd.backward(out, grad)
    torch.testing.assert_close(one.grad, b * grad)
    torch.testing.assert_close(two.grad, (1 - b) * grad)


def test_shake_drop_scales_by_gate_and_draws() -> None:
    x = torch.randn(4, 2, 3, 3, requires_grad=True)
    gate = torch.tensor([1.0, 0.0, 0.0, 1.0])
    alpha, beta = torch.tensor([-1.0, -0.5, 0.5, 0.3]), torch.tensor([0.2, 0.4, 0.6, 0.8])
    out = shake_drop(x, gate, alpha, beta)
    forth = torch.where(gate == 1, torch.ones(4), alpha).view(-1, 1, 1, 1)
    back = torch.where(gate == 1, torch.ones(4), beta).view(-1, 1, 1, 1)
    torch.testing.assert_close(out, forth * x)
    torch.autograd.backward(out, torch.ones_like(out))
    torch.testing.assert_close(x.grad, back.expand_as(x))


def test_evaluation_draws_nothing() -> None:
    network = ShakeShake(32).eval()

    def never(block: int, images: int) -> tuple[Tensor, Tensor]:
        raise AssertionError("an evaluation drew a mix")

    network.draws = never
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(network(x), network(x))


def test_published_convolution_pads_bottom_and_right() -> None:
    conv = SameConv(1, 1, 3, stride=2)
    nn.init.ones_(conv.weight)
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 3, 3] = 1  # seen by the last output alone if nothing is padded in front
    assert torch.equal(conv(x)[0, 0], torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 2, 2] = 1  # row 2 lies in both windows: 0..2 and 2..4
    assert torch.equal(conv(x)[0, 0], torch.ones(2, 2))


def test_names_of_the_state_dict() -> None:
    names = models.build("wrn-16-1").state_dict().keys()
    for name in (
        "conv1.weight",
        "block1.layer.0.bn1.running_mean",
        "block2.layer.0.convShortcut.weight",
        "block3.layer.1.conv2.weight",
        "bn1.weight",
        "fc.bias",
    ):
        assert name in names
    names = models.build("resnet-18").state_dict().keys()
    assert {"layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_var", "fc.weight"} <= set(names)


@pytest.mark.parametrize("name", ["wrn-27-2", "wrn-28-0", "vgg", "resnet-21", "pyramidnet-273"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected|known"):
        models.build(name)


@pytest.mark.parametrize("name", models.names())
def test_every_name_builds(name: str) -> None:
    with torch.device("meta"):
        assert parameters(models.build(name)) > 100_000


# --- checkpoints and ONNX -----------------------------------------------------------------------


def checkpoint(weights: nn.Module, name: str, path: pathlib.Path, **changes: object) -> None:
    """As the C++ side writes one: docs/formats/checkpoint.md."""
    told = {
        "format": "popaug-checkpoint",
        "version": 1,
        "network": name,
        "classes": ["cat", "dog", "<emu>"],
        "channels": 1,
        "height": 28,
        "width": 28,
        "normalisation": {"mean": [0.25], "std": [0.5]},
        "epoch": 3,
        "steps": 30,
        "extra": {},
    }
    tensors = {k: v.contiguous() for k, v in weights.state_dict().items() if not k.endswith("num_batches_tracked")}
    momentum = {f"optimizer.momentum.{k}": torch.zeros_like(v) for k, v in weights.named_parameters()}
    save_file(tensors | momentum, path, {"popaug": json.dumps(told | changes)})


def trained(name: str) -> nn.Module:
    """Weights and batch statistics that are not those of a fresh network."""
    torch.manual_seed(3)
    network = models.build(name, 3, 1)
    with torch.no_grad():
        for _ in range(2):
            network(torch.randn(8, 1, 28, 28))
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return network.eval()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", ["wrn-16-1", "resnet-20", "shake-shake-26-2x32d", "wrn-published-16-1"])
def test_a_checkpoint_and_onnx_give_the_same_logits(name: str, tmp_path: pathlib.Path) -> None:
    network = trained(name)
    checkpoint(network, name, tmp_path / "best.safetensors")
    again, info = models.load(tmp_path / "best.safetensors")
    assert (info.classes, info.mean, info.height) == (("cat", "dog", "<emu>"), (0.25,), 28)
    x = torch.randn(5, 1, 28, 28)
    with torch.no_grad():
        want = network(x)
        assert torch.allclose(again(x), want, atol=1e-5, rtol=0)
    models.export_onnx(again, tmp_path / "n.onnx", info)
    session = onnxruntime.InferenceSession(str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"])
    (got,) = session.run(["logits"], {"images": x.numpy()})
    assert np.allclose(got, want.numpy(), atol=1e-4, rtol=1e-4)
    told = json.loads(session.get_modelmeta().custom_metadata_map["popaug"])
    assert (told["classes"], told["normalisation"]["mean"], told["height"]) == (list(info.classes), [0.25], 28)


def test_what_is_no_checkpoint_is_refused(tmp_path: pathlib.Path) -> None:
    network, path = trained("wrn-16-1"), tmp_path / "c.safetensors"
    checkpoint(network, "wrn-16-1", path)
    whole = path.read_bytes()
    for cut in (0, 4, 100, len(whole) - 8):
        path.write_bytes(whole[:cut])
        with pytest.raises(popaug.Error, match=r"c\.safetensors"):
            models.load(path)
    path.write_bytes(whole)
    for changes, sentence in (
        ({"version": 3}, "version 3"),
        ({"format": "x"}, "not a checkpoint"),
        ({"network": "resnet-20"}, "tensor"),
        ({"classes": ["one"]}, "shape"),
    ):
        checkpoint(network, "wrn-16-1", path, **changes)
        with pytest.raises(popaug.Error, match=sentence):
            models.load(path)
    with pytest.raises(popaug.Error, match="No such file"):
        models.load(tmp_path / "missing.safetensors")
