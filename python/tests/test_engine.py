"""The engine from Python: the bytes of C++, every form of input, and what is refused."""

import os
import pathlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import popaug

BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", pathlib.Path(__file__).parents[2] / "build"))
Bytes = NDArray[np.uint8]


def images(count: int = 16, side: int = 32, channels: int = 3, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def learned() -> popaug.Schedule:
    """A schedule in the pba space whose policy changes with the epoch."""
    space = popaug.Space.load("pba")
    segments = [
        popaug.Segment(
            2 + k,
            popaug.Policy(tuple(popaug.Entry(op.op, ((3 * i + k) % 11) / 10, (i + 2 * k) % 10) for op in space.ops)),
        )
        for i, k in enumerate(range(3))
    ]
    return popaug.Schedule(space, popaug.Rule(), segments, popaug.Base.load("cifar"), name="learned")


def changing() -> popaug.Schedule:
    """A schedule whose segments have base transforms and values of their own."""
    one = learned()
    first, second, third = one.segments
    values = {"Rotate": [1.5 * level for level in range(11)], "Posterize": [8.0] * 11}
    segments = [
        popaug.Segment(first.epochs, first.policy, popaug.Base(pad=2, flip=0.9), values),
        popaug.Segment(second.epochs, second.policy, popaug.Base(vflip=0.5)),
        third,
    ]
    return popaug.Schedule(one.space, one.rule, segments, one.base, name="changing")


def test_segments_have_base_transforms_and_values() -> None:
    schedule = changing()
    again = popaug.Schedule.from_json(schedule.to_json())
    assert again == schedule and again.segments == schedule.segments
    assert schedule.segments[0].base == popaug.Base(pad=2, flip=0.9)
    assert dict(schedule.segments[0].values)["Rotate"][2] == 3
    assert schedule.segments[2].base is None and schedule.segments[2].values == ()
    assert schedule.with_base("none").segments[0].base is None
    mixed = popaug.Segment(1, schedule.segments[0].policy, popaug.Base(pad=1, flip=0.9, cutmix=0.5))
    both = popaug.Schedule(schedule.space, schedule.rule, [mixed, schedule.segments[1]], popaug.Base(mixup=1.0))
    assert both.mixes and not both.without_mixing().mixes
    assert both.without_mixing().segments[0].base == popaug.Base(pad=1, flip=0.9)
    mixing = popaug.Segment(1, schedule.segments[0].policy, popaug.Base(cutmix=0.5))
    late = popaug.Schedule(schedule.space, schedule.rule, [schedule.segments[0], mixing])
    assert late.mixes and not schedule.mixes
    with pytest.raises(popaug.Error, match="expected 11 numbers"):
        popaug.Schedule(schedule.space, schedule.rule, [popaug.Segment(1, [], None, {"Rotate": [1]})])


SCHEDULES: list[Callable[[], popaug.Schedule]] = [
    learned,
    changing,
    lambda: popaug.TrivialAugment("flipcrop"),
    popaug.RandAugment,
    lambda: popaug.AutoAugment("svhn", base="svhn"),
    lambda: popaug.TrivialAugment(popaug.Base(flip=0.5, resized_crop=0.2)),
]


@pytest.mark.parametrize("make", SCHEDULES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_bytes_equal_those_of_cpp(
    make: Callable[[], popaug.Schedule], channels: int, kind: str, tmp_path: pathlib.Path
) -> None:
    schedule, x = make(), images(40, 24, channels)
    schedule.save(tmp_path / "s.json")
    (tmp_path / "in").write_bytes(x.tobytes())
    key = ["24", "24", str(channels), "7", "3", "4", "1000"]
    command: list[str | pathlib.Path] = [
        BUILD / "engine_twin",
        tmp_path / "s.json",
        tmp_path / "in",
        tmp_path / "out",
        *key,
        kind,
    ]
    subprocess.run(command, check=True)
    common: dict[str, Any] = {"epoch": 4, "seed": 7, "member": 3, "samples": 1000}
    if kind == "floats":
        want = np.fromfile(tmp_path / "out", np.float32).reshape(x.shape)
        half, quarter = [0.5] * channels, [0.25] * channels
        for threads in (1, 3):
            got = schedule(x, output="float32", output_layout="nhwc", mean=half, std=quarter, threads=threads, **common)
            assert got.tobytes() == want.tobytes()
        planes = schedule(x, output="float32", mean=half, std=quarter, **common)
        assert np.array_equal(planes.transpose(0, 2, 3, 1), want)
    else:
        rgba = np.fromfile(tmp_path / "out", np.uint8).reshape(*x.shape[:3], 4)
        hole = [9, 8, 7][:channels]
        want_bytes = np.where(rgba[..., 3:] == 0, np.array(hole, np.uint8), rgba[..., :channels])
        for threads in (1, 3):
            got = schedule(x, hole=hole, threads=threads, **common)
            assert got.dtype == np.uint8
            assert np.array_equal(got, want_bytes)
    assert not np.array_equal(schedule(x, 4, 8, samples=0), schedule(x, 4, 7, samples=0))


def test_one_call_for_all_kinds() -> None:
    x = images()
    y = popaug.TrivialAugment()(x, epoch=0, seed=1, samples=0)
    assert isinstance(y, np.ndarray)
    assert (y.shape, y.dtype) == (x.shape, np.uint8)
    assert not np.array_equal(x, y)


def test_an_image_depends_on_its_key_alone() -> None:
    x, schedule = images(10), learned()
    whole = schedule(x, 1, 5, samples=100)
    order = np.array([7, 2, 9, 0])
    assert np.array_equal(schedule(x[order], 1, 5, samples=100 + order), whole[order])
    assert np.array_equal(schedule(x[3], 1, 5, samples=103, layout="hwc"), whole[3])
    mean = [0.5, 0.5, 0.5]
    floats = schedule(x, 1, 5, samples=100, output="float32", mean=mean)
    shuffled = schedule(x[order], 1, 5, samples=100 + order, output="float32", mean=mean, threads=2)
    assert np.array_equal(shuffled, floats[order])


def test_the_epoch_chooses_the_policy() -> None:
    x, schedule = images(), learned()
    with_draws = [schedule.draws(0, epoch) for epoch in range(9)]
    assert len({str(d) for d in with_draws}) > 3
    assert schedule.at(0) == schedule.segments[0].policy
    assert schedule.at(2) == schedule.segments[1].policy
    assert schedule.at(99) == schedule.segments[-1].policy
    assert not np.array_equal(schedule(x, 1, samples=0), schedule(x, 2, samples=0))


def test_samples_must_be_said() -> None:
    """Without them every call would repeat the same draws, image after image."""
    with pytest.raises(popaug.UsageError, match=r'this image.*samples=its number.*samples="random"'):
        learned()(images(1)[0], 1, layout="hwc")
    with pytest.raises(popaug.UsageError, match=r'these images.*samples=their numbers.*samples="random"'):
        learned()(images(), 1)


@pytest.mark.parametrize("kind", ["array", "tensor", "pillow"])
def test_random_samples_come_from_the_generator_of_the_kind(kind: str) -> None:
    schedule, x = learned(), images(1)[0]
    image = {"array": x, "tensor": torch.from_numpy(x), "pillow": Image.fromarray(x)}[kind]

    def draw() -> list[bytes]:
        torch.manual_seed(5) if kind == "tensor" else np.random.seed(5)
        shape: dict[str, Any] = {} if kind == "pillow" else {"layout": "hwc"}
        return [np.asarray(schedule(image, 1, samples="random", **shape)).tobytes() for _ in range(20)]

    first = draw()
    assert len(set(first)) > 10  # an image after the other, as a Dataset calls it
    assert draw() == first


def test_random_samples_differ_within_a_batch() -> None:
    x = np.repeat(images(1), 40, axis=0)
    assert len({image.tobytes() for image in popaug.TrivialAugment()(x, samples="random")}) > 20


@pytest.mark.parametrize(
    ("mode", "advice"),
    [("I;16", "scale it to 0..255"), ("F", "scale it to 0..255"), ("I", "scale it to 0..255"), ("P", r"\.convert"),
     ("RGBA", "background"), ("LA", "background"), ("CMYK", r"\.convert"), ("1", r'\.convert\("L"\)')],
)  # fmt: skip
def test_the_advice_for_a_pillow_mode_keeps_the_picture(mode: str, advice: str) -> None:
    with pytest.raises(popaug.UsageError, match=f"mode {mode}; expected RGB or L: .*{advice}") as caught:
        learned()(Image.new(mode, (8, 8)), 1, samples=0)
    if advice == "scale it to 0..255":
        assert 'convert("RGB")' not in str(caught.value)


def test_layouts_are_the_same_images() -> None:
    x, schedule = images(4, 20), learned()
    want = schedule(x, 2, 3, samples=0)
    planes = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    assert np.array_equal(schedule(planes, 2, 3, samples=0), want.transpose(0, 3, 1, 2))
    grey = images(4, 20, 1)
    assert np.array_equal(schedule(grey[..., 0], 2, 3, samples=0), schedule(grey, 2, 3, samples=0)[..., 0])
    assert np.array_equal(schedule(grey[0, ..., 0], 2, 3, samples=0), schedule(grey, 2, 3, samples=0)[0, ..., 0])
    mirrored = x[:, :, ::-1]  # negative strides are copied, not misread
    assert np.array_equal(schedule(mirrored, 2, 3, samples=0), schedule(mirrored.copy(), 2, 3, samples=0))
    apart = np.repeat(x, 2, axis=0)[::2]  # a stride between images is used as it is
    assert np.array_equal(schedule(apart, 2, 3, samples=0), want)


def test_read_only_input_and_own_output() -> None:
    x, schedule = images(), learned()
    want = schedule(x, 1, samples=0)
    x.flags.writeable = False
    assert np.array_equal(schedule(x, 1, samples=0), want)
    x.flags.writeable = True
    assert schedule(x, 1, out=x, samples=0) is x
    assert np.array_equal(x, want)
    floats = np.zeros((16, 3, 32, 32), np.float32)
    assert schedule(images(), 1, output="float32", out=floats, samples=0) is floats
    assert floats.any()


def test_output_that_overlaps_its_input_is_whole() -> None:
    schedule, x = learned(), images(9)
    want = schedule(x[:8], 1, samples=0)
    memory = x.copy()
    schedule(memory[:8], 1, out=memory[1:], samples=0)  # one image further on: read before it is overwritten
    assert np.array_equal(memory[1:], want)
    planes = np.ascontiguousarray(x[:8].transpose(0, 3, 1, 2))
    assert schedule(planes, 1, out=planes, samples=0) is planes
    assert np.array_equal(planes.transpose(0, 2, 3, 1), want)
    wide = np.zeros((8, 32, 40, 3), np.uint8)
    schedule(x[:8], 1, out=wide[:, :, 4:36], samples=0)  # rows with gaps
    assert np.array_equal(wide[:, :, 4:36], want)
    assert not wide[:, :, :4].any() and not wide[:, :, 36:].any()


def test_tensors_share_memory() -> None:
    schedule = learned()
    x = torch.from_numpy(images()).permute(0, 3, 1, 2).contiguous()
    y = schedule(x, 1, samples=0)
    assert isinstance(y, torch.Tensor)
    assert (y.dtype, y.shape) == (torch.uint8, x.shape)
    out = torch.zeros(16, 3, 32, 32)
    assert schedule(x, 1, output="float32", out=out, samples=0) is out
    assert np.array_equal(out.numpy(), schedule(images(), 1, output="float32", samples=0))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_bfloat16_is_float32_rounded_as_torch_rounds(channels: int, layout: Any) -> None:
    schedule = popaug.Schedule.baseline("flipcrop-cutout")
    x = torch.from_numpy(images())[..., :channels].contiguous()
    numbers: dict[str, Any] = {"mean": [0.3, 0.4, 0.5][:channels], "std": [0.2, 0.3, 0.25][:channels]}
    options: dict[str, Any] = {"samples": 0, "layout": "nhwc", "output_layout": layout} | numbers
    want = schedule(x, output="float32", **options).bfloat16()
    assert (want == 0).any()  # there are holes
    got = schedule(x, output="bfloat16", **options)
    assert got.dtype == torch.bfloat16 and torch.equal(got, want)
    assert torch.equal(schedule(x, output="bfloat16", threads=2, **options), want)
    out = torch.ones(*want.shape, 2, dtype=torch.bfloat16)  # any strides
    schedule(x, output="bfloat16", out=out[..., 1], **options)
    assert torch.equal(out[..., 1], want) and torch.equal(out[..., 0], torch.ones_like(want))
    arrays = torch.empty_like(want)
    assert schedule(x.numpy(), output="bfloat16", out=arrays, **options) is arrays  # the images may be an array
    assert torch.equal(arrays, want)
    one = schedule(x[3], output="bfloat16", **(options | {"samples": 3, "layout": "hwc"}))
    assert torch.equal(one, want[3])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": images()}, "NumPy has no bfloat16: give the images as a torch tensor"),
        ({"images": Image.fromarray(images()[0])}, "NumPy has no bfloat16"),
        ({"out": torch.zeros(16, 3, 32, 32)}, "out is of type torch.float32; expected a torch tensor of type torch.b"),
        ({"out": np.zeros((16, 3, 32, 32), np.uint16)}, "out is of type uint16; expected a torch tensor"),
        ({"out": torch.zeros(16, 3, 32, 31, dtype=torch.bfloat16)}, "out has the shape"),
        ({"output": "float32", "out": torch.zeros(16, 3, 32, 32, dtype=torch.bfloat16)}, "expected float32"),
        ({"images": torch.zeros(16, 3, 32, 32, dtype=torch.bfloat16)}, "type torch.bfloat16; expected"),
        ({"output": torch.bfloat16}, 'expected "uint8", "float32" or "bfloat16"'),
    ],
)
def test_bfloat16_that_does_not_fit_is_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    usual = {"images": torch.from_numpy(images()), "epoch": 1, "samples": 0, "output": "bfloat16"}
    with pytest.raises(popaug.UsageError, match=sentence):
        learned()(**(usual | arguments))


def test_pillow_images() -> None:
    schedule, x = learned(), images(1)[0]
    got = schedule(Image.fromarray(x), 1, 2, samples=5)
    assert isinstance(got, Image.Image)
    assert np.array_equal(np.asarray(got), schedule(x, 1, 2, samples=5, layout="hwc"))
    grey = Image.fromarray(x[..., 0])
    assert schedule(grey, 1, samples=0).mode == "L"
    assert schedule(Image.fromarray(x), 1, output="float32", samples=0).shape == (3, 32, 32)
    with pytest.raises(popaug.UsageError, match="mode RGBA"):
        schedule(Image.fromarray(x).convert("RGBA"), 1, samples=0)


def test_a_hole_is_zero_after_normalisation() -> None:
    schedule = popaug.Schedule.baseline("flipcrop-cutout")
    x = images()
    floats = schedule(x, output="float32", mean=[0.3, 0.4, 0.5], std=[0.2, 0.2, 0.2], samples=0)
    bytes_ = schedule(x, mean=[0.3, 0.4, 0.5], samples=0).transpose(0, 3, 1, 2)
    zero = (floats == 0).all(axis=1)
    assert zero.any()
    want = np.array([round(255 * m) for m in (0.3, 0.4, 0.5)]).reshape(1, 3, 1, 1)
    assert ((bytes_ == want).all(axis=1) | ~zero).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": images().astype(np.float32)}, "type float32; expected uint8"),
        ({"images": np.zeros((2, 32, 32, 4), np.uint8)}, "4 channels; expected 1 or 3; leave out transparency"),
        ({"images": np.zeros((2, 4, 32, 32), np.uint8)}, "4 channels; expected 1 or 3; leave out transparency"),
        ({"images": [[1, 2], [3]]}, "lists of unequal lengths"),
        ({"images": np.zeros((2, 32, 32, 4), np.uint8), "layout": "nhwc"}, "4 channels; expected 1 or 3"),
        ({"images": np.zeros((3, 3), np.uint8), "layout": "nhwc"}, "2 axes"),
        ({"images": np.zeros((2, 3, 32, 3), np.uint8)}, "several ways"),
        ({"images": np.zeros((2, 0, 32, 3), np.uint8), "layout": "nhwc"}, "empty"),
        ({"images": np.zeros((1, 1, 16385, 3), np.uint8), "layout": "nhwc"}, "16384"),
        ({"images": "cat.png"}, "are a str"),
        ({"epoch": -1}, "the epoch is -1"),
        ({"epoch": 0.5}, "expected a whole number"),
        ({"epoch": 1 << 24}, "expected 0 .. 16777215"),
        ({"seed": -3}, "the seed is -3"),
        ({"samples": [1, 2]}, "one per image"),
        ({"samples": np.full(16, -1)}, "expected 0 .."),
        ({"samples": np.zeros(16)}, "whole numbers"),
        ({"output": "int8"}, 'expected "uint8", "float32" or "bfloat16"'),
        ({"output": "float32", "output_layout": "hwcn"}, '"nchw" or "nhwc"'),
        ({"output": "float32", "mean": [0.5]}, "images have 3 channels"),
        ({"output": "float32", "std": [0.0, 1.0, 1.0]}, "deviation"),
        ({"output": "float32", "mean": [float("nan")] * 3}, "mean"),
        ({"out": np.zeros((16, 32, 32, 3), np.float32)}, "out is of type float32"),
        ({"out": np.zeros((15, 32, 32, 3), np.uint8)}, "out has the shape"),
        ({"hole": [1]}, "3 channels"),
        ({"hole": [1, 2, 256]}, "expected 0 .. 255"),
        ({"layout": "xyz"}, "expected one of"),
        ({"epoch": None}, "depends on the epoch: give epoch="),
        ({"samples": "shuffled"}, 'expected numbers or "random"'),
        ({"output": "float32", "mean": [125.3, 123.0, 113.9]}, r"scale 0..1.*give mean=\[0.491, 0.482, 0.447\]"),
        ({"output": "float32", "std": [63.0, 62.1, 66.7]}, r"scale 0..1.*give std="),
        ({"output": "float32", "mean": [-0.1] * 3}, "on the scale 0..1"),
        ({"mean": [125.3, 123.0, 113.9]}, "scale 0..1"),
        ({"std": [0.25] * 3}, "std has no effect on bytes"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(popaug.Error, match=sentence):
        learned()(**({"images": images(), "epoch": 1, "samples": 0} | arguments))


def test_a_read_only_output_is_refused() -> None:
    out = images()
    out.flags.writeable = False
    with pytest.raises(popaug.UsageError, match="read-only"):
        learned()(images(), 1, out=out, samples=0)


def test_the_interpreter_is_free_meanwhile() -> None:
    x, schedule = images(2000), learned()
    count, stop = 0, threading.Event()

    def spin() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1

    thread = threading.Thread(target=spin)
    thread.start()
    schedule(x, 1, samples=0)
    before = count
    schedule(x, 1, output="float32", samples=0)
    after = count
    stop.set()
    thread.join()
    assert after - before > 1000  # held, the lock would let at most a few turns slip in between


def test_threads_share_one_schedule() -> None:
    x, schedule = images(64), learned()
    want = [schedule(x, epoch, samples=0) for epoch in range(9)]
    got: list[Any] = [None] * 9

    def work(epoch: int) -> None:
        got[epoch] = schedule(x, epoch, threads=2, samples=0)

    threads = [threading.Thread(target=work, args=(e,)) for e in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))


def test_fork_after_threads() -> None:
    x, schedule = images(), learned()
    want = schedule(x, 1, threads=4, samples=0)
    child = os.fork()
    if child == 0:
        same = np.array_equal(schedule(x, 1, threads=4, samples=0), want)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_flattened_schedule_keeps_its_mixture() -> None:
    """A rule with a mixture is the same rule as a value, in a file, and after with_base()."""
    space = popaug.Space.load("pba").only(["Invert", "Solarize"])
    rule = popaug.Rule("randaugment", count=1, mixture=(0.25, 0.75))
    entries = [("Invert", 1.0, 0), ("Solarize", 1.0, 0)]  # each a policy of its own
    flat = popaug.Schedule(space, rule, [popaug.Segment(1, entries)])
    assert flat.rule == rule and popaug.Rule.from_json(rule.to_json()) == rule
    assert flat.to_json()["rule"]["mixture"] == [0.25, 0.75]
    again = popaug.Schedule(flat.space, flat.rule, flat.segments, popaug.Base(flip=0.5))
    drawn = [again.draws(sample)[0][0] for sample in range(2000)]
    assert drawn.count("Invert") / 2000 == pytest.approx(0.25, abs=0.05)  # five deviations
    assert popaug.Rule().mixture == ()


def test_pickles_and_compares() -> None:
    for make in SCHEDULES:
        schedule = make()
        schedule(images(1), 1, samples=0)
        again = pickle.loads(pickle.dumps(schedule))
        assert again == schedule
        assert np.array_equal(again(images(), 1, samples=0), schedule(images(), 1, samples=0))


# --- own ops ------------------------------------------------------------------------------------


@popaug.op("TestDim", low=0.0, high=1.0, unit="factor", summary="darkens")
def dim(image: Bytes, value: float, uniform: Callable[[], float]) -> None:
    image[..., :3] = (image[..., :3] * value).astype(np.uint8)


@popaug.op("TestDot")
def dot(image: Bytes, value: float, uniform: Callable[[], float]) -> None:
    y, x = int(uniform() * image.shape[0]), int(uniform() * image.shape[1])
    image[y, x] = (255, 0, 0, 255)


@popaug.op("TestFault")
def fault(image: Bytes, value: float, uniform: Callable[[], float]) -> None:
    raise KeyError("my own mistake")


def own(op: str, *values: float) -> popaug.Schedule:
    space = popaug.Space("own", (popaug.SpaceOp(op, values),), levels=max(1, len(values)), search_levels=1)
    policy = popaug.Policy((popaug.Entry(op, 1.0, max(0, len(values) - 1)),))
    return popaug.Schedule(space, popaug.Rule("sub-policies", group=1), [popaug.Segment(1, policy)])


def test_own_ops_change_the_image() -> None:
    x = images()
    assert np.array_equal(own("TestDim", 1.0, 0.5)(x, threads=2, samples=0), x // 2)
    row = next(r for r in popaug.ops() if r.name == "TestDim")
    assert (row.origin, row.low, row.high, row.uses_value) == ("Python", 0.0, 1.0, True)


def test_own_ops_draw_from_the_key() -> None:
    x = images(8)
    a, b = own("TestDot")(x, 0, 1, samples=0), own("TestDot")(x, 0, 2, samples=0)
    assert ((a != x).any(axis=3).sum(axis=(1, 2)) <= 1).all()
    assert not np.array_equal(a, b)
    assert np.array_equal(own("TestDot")(x, 0, 1, threads=3, samples=0), a)


def test_an_own_op_that_fails_shows_its_traceback() -> None:
    for threads in (1, 2):
        with pytest.raises(KeyError, match="my own mistake") as caught:
            own("TestFault")(images(), threads=threads, samples=0)
        assert any(entry.name == "fault" for entry in caught.traceback)


def test_a_schedule_for_other_ops_is_refused(tmp_path: pathlib.Path) -> None:
    """A file with an op of this process, read where nobody registered it; and one that this process cannot know."""
    own("TestDim", 1.0, 0.5).save(tmp_path / "own.schedule.json")
    code = "import sys, popaug; popaug.Schedule.load(sys.argv[1])"
    environment = os.environ | {"PYTHONPATH": str(pathlib.Path(popaug.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "own.schedule.json")], env=environment, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 1
    assert 'unknown op "TestDim"' in done.stderr
    value = learned().to_json()
    value["segments"][0]["policy"][0]["op"] = "Swirl"
    with pytest.raises(popaug.Error, match="Swirl"):
        popaug.Schedule.from_json(value)


def test_ops_are_registered_once_and_checked() -> None:
    with pytest.raises(popaug.Error, match="already known"):
        popaug.op("Rotate")(dim)
    with pytest.raises(popaug.Error, match="unknown op"):
        own("TestDimm", 0.5)
    with pytest.raises(popaug.Error, match=r"TestDim"):
        own("TestDim", 2.0)


def test_registering_an_op_keeps_running_schedules_whole() -> None:
    x, schedule = images(), learned()
    want = schedule(x, 1, samples=0)
    for i in range(40):
        popaug.op(f"TestMore{i}")(dim)
    assert np.array_equal(schedule(x, 1, samples=0), want)
