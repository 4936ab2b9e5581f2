"""Items as data sets give them: pairs, bare images, dictionaries, streams; and transforms as pipelines call them."""

import sys
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

import popaug
import popaug.torch as pt

PIXELS: NDArray[np.uint8] = np.random.default_rng(3).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
TRIVIAL = popaug.TrivialAugment("flipcrop")
WANT: NDArray[np.uint8] = TRIVIAL(PIXELS, 1, 3, samples=0).transpose(0, 3, 1, 2)


class Items(Dataset[Any]):
    """Items of any form, made by a function of the index."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def __len__(self) -> int:
        return len(PIXELS)

    def __getitem__(self, index: int) -> Any:
        assert type(index) is int  # some data sets look at the exact type
        return self.make(index)


class Named(NamedTuple):
    picture: Any
    label: int


def at_one() -> pt.Epoch:
    epoch = pt.Epoch()
    epoch.set(1)
    return epoch


def batches(data: Any, **options: Any) -> Any:
    """The whole data set as one batch, through loader()."""
    options = {"batch_size": len(PIXELS), "output": "uint8"} | options
    return next(iter(pt.loader(data, TRIVIAL, at_one(), 3, **options)))


# --- forms of items ------------------------------------------------------------------------------------


def test_pairs_of_any_kind() -> None:
    for make in (
        lambda i: (PIXELS[i], i),
        lambda i: [PIXELS[i], i],
        lambda i: Named(PIXELS[i], i),
        lambda i: (Image.fromarray(PIXELS[i]), i),
        lambda i: (torch.from_numpy(PIXELS[i]).permute(2, 0, 1), i),
    ):
        images, labels = batches(Items(make))
        assert np.array_equal(images.numpy(), WANT)
        assert labels.tolist() == list(range(8))
    item = pt.Augmented(Items(lambda i: Named(PIXELS[i], i)), TRIVIAL, at_one(), 3, output="uint8")[2]
    assert isinstance(item, Named)
    assert np.array_equal(item.picture.numpy(), WANT[2])


def test_bare_images_are_images() -> None:
    """Self-supervised training has no labels: the first row or channel is never taken for the image."""
    for make in (
        lambda i: PIXELS[i],
        lambda i: torch.from_numpy(PIXELS[i]).permute(2, 0, 1),
        lambda i: Image.fromarray(PIXELS[i]),
    ):
        images = batches(Items(make))
        assert isinstance(images, Tensor)
        assert np.array_equal(images.numpy(), WANT)
        one = pt.Augmented(Items(make), TRIVIAL, at_one(), 3, output="uint8")[4]
        assert np.array_equal(one.numpy(), WANT[4])
    assert np.array_equal(batches(torch.from_numpy(PIXELS).permute(0, 3, 1, 2)).numpy(), WANT)


@pytest.mark.parametrize("key", ["image", "img", "pixel_values"])
def test_dictionaries_keep_their_keys(key: str) -> None:
    data = Items(lambda i: {"label": i, key: Image.fromarray(PIXELS[i]), "name": f"n{i}"})
    batch = batches(data)
    assert list(batch) == ["label", key, "name"]
    assert np.array_equal(batch[key].numpy(), WANT)
    assert batch["label"].tolist() == list(range(8))
    assert batch["name"] == [f"n{i}" for i in range(8)]
    item = pt.Augmented(data, TRIVIAL, at_one(), 3, output="uint8")[5]
    assert np.array_equal(item[key].numpy(), WANT[5]) and item["label"] == 5


def test_the_key_of_an_image_can_be_said() -> None:
    data = Items(lambda i: {"photo": PIXELS[i], "image": "file name"})
    assert np.array_equal(batches(data, image_key="photo")["photo"].numpy(), WANT)
    with pytest.raises(popaug.UsageError, match='no key "picture"; it has "photo", "image"'):
        batches(data, image_key="picture")
    with pytest.raises(popaug.UsageError, match='"photo", "x"; say it with image_key='):
        batches(Items(lambda i: {"photo": PIXELS[i], "x": 1}))
    with pytest.raises(popaug.UsageError, match="say it with image_key="):
        batches(Items(lambda i: {"image": PIXELS[i], "img": PIXELS[i]}))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda i: i, "an item of the data set is a int; expected an image"),
        (lambda i: (i, PIXELS[i]), "a tuple of int, ndarray"),
        (lambda i: (), "a tuple of nothing"),
        (lambda i: "cat.png", "a str"),
        (lambda i: (PIXELS, i), r"an array of shape \(8, 16, 16, 3\) is not one image"),
        (lambda i: (PIXELS[i] / 255.0, i), "float64; expected uint8"),
        (lambda i: (PIXELS[i], i) if i else PIXELS[i], "different forms"),
    ],
)
def test_items_without_an_image_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(popaug.UsageError, match=sentence):
        batches(Items(make))


def test_a_forgotten_indexed_is_named() -> None:
    collate = pt.Collate(TRIVIAL, at_one(), 3)
    for make in (
        lambda i: (PIXELS[i], i),
        lambda i: {"image": PIXELS[i]},
        lambda i: PIXELS[i],
        lambda i: (torch.from_numpy(PIXELS[i]), i),
    ):
        plain: DataLoader[Any] = DataLoader(Items(make), batch_size=4, collate_fn=collate)
        with pytest.raises(popaug.UsageError, match=r"wrap the data set in popaug\.torch\.Indexed"):
            next(iter(plain))


# --- streams -------------------------------------------------------------------------------------------


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        worker = torch.utils.data.get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for index in range(first, len(PIXELS), step):
            yield PIXELS[index], index


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_streams_are_numbered_as_they_come(workers: int) -> None:
    epoch = at_one()
    loaders: list[DataLoader[Any]] = [
        pt.loader(Stream(), TRIVIAL, epoch, 3, batch_size=3, output="uint8", num_workers=workers),
        DataLoader(pt.Augmented(Stream(), TRIVIAL, epoch, 3, output="uint8"), batch_size=3, num_workers=workers),
    ]
    for loader in loaders:
        got = {
            int(label): image.numpy() for images, labels in loader for image, label in zip(images, labels, strict=True)
        }
        assert sorted(got) == list(range(8))
        assert all(np.array_equal(image, WANT[label]) for label, image in got.items())


def test_a_stream_has_no_sampler() -> None:
    with pytest.raises(popaug.UsageError, match="leave out shuffle"):
        pt.loader(Stream(), TRIVIAL, at_one(), shuffle=True)


# --- transforms in pipelines -----------------------------------------------------------------------------


def test_further_inputs_pass_through() -> None:
    transform = pt.Transform(TRIVIAL, at_one(), 3, output="uint8")
    image = torch.from_numpy(PIXELS[0]).permute(2, 0, 1)
    for got, label in (transform(image, 7), transform((image, 7))):
        assert got.shape == (3, 16, 16) and label == 7
    assert transform({"image": image, "label": 7})["label"] == 7
    assert np.array_equal(transform(image, 7, index=0)[0].numpy(), WANT[0])
    with pytest.raises(TypeError):
        transform(image, 7, 8, key=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", ["pillow", "grey pillow", "tensor", "grey tensor", "array", "grey array"])
def test_the_same_kind_comes_back(kind: str) -> None:
    transform = pt.Transform(TRIVIAL, at_one(), 3, output="same")
    pixels = PIXELS[0][..., 0] if kind.startswith("grey") else PIXELS[0]
    image: Any = pixels
    if kind.endswith("pillow"):
        image = Image.fromarray(pixels)
    if kind.endswith("tensor"):
        image = torch.from_numpy(pixels)
        image = image.permute(2, 0, 1) if image.dim() == 3 else image
    got = transform(image, index=0)
    assert type(got) is type(image) or isinstance(image, Image.Image)
    layout: dict[str, Any] = {} if kind.endswith("pillow") else {"layout": "hw" if image.ndim == 2 else
                              ("chw" if kind.endswith("tensor") else "hwc")}  # fmt: skip
    want = TRIVIAL(image, 1, 3, samples=0, **layout)
    assert np.array_equal(np.asarray(got), np.asarray(want))


def test_a_single_policy_needs_no_epoch_without_an_index() -> None:
    transform = pt.Transform(popaug.TrivialAugment(), output="same")
    torch.manual_seed(3)
    first = [np.asarray(transform(Image.fromarray(PIXELS[0]))) for _ in range(20)]
    torch.manual_seed(3)
    assert all(np.array_equal(np.asarray(transform(Image.fromarray(PIXELS[0]))), x) for x in first)
    assert len({x.tobytes() for x in first}) > 10
    with pytest.raises(popaug.UsageError, match="never set"):
        transform(PIXELS[0], index=3)


def test_drop_ins_take_torchvisions_parameters() -> None:
    image = Image.fromarray(PIXELS[0])
    for transform in (
        pt.TrivialAugmentWide(num_magnitude_bins=31, fill=None),
        pt.RandAugment(num_ops=2, magnitude=9, fill=[1, 2, 3]),
        pt.AutoAugment("svhn"),
    ):
        got = transform(image)
        assert isinstance(got, Image.Image) and got.mode == "RGB" and got.size == image.size
    moved = pt.RandAugment(num_ops=3, magnitude=30, fill=[1, 2, 3])
    white = Image.new("RGB", (64, 64), "white")
    colours = {c for _ in range(60) for _, c in moved(white).getcolors(4096)}
    assert (1, 2, 3) in colours and (125, 122, 113) not in colours
    black = pt.TrivialAugmentWide()
    assert (125, 122, 113) not in {c for _ in range(60) for _, c in black(white).getcolors(4096)}
    with pytest.raises(popaug.UsageError, match="31 levels"):
        pt.TrivialAugmentWide(num_magnitude_bins=10)
    with pytest.raises(popaug.UsageError, match="nearest"):
        pt.TrivialAugmentWide(interpolation="bilinear")


class TVTensor(Tensor):
    """As torchvision's, which the tests do not need: a subclass of Tensor, made by wrap()."""


class TVImage(TVTensor):
    pass


@pytest.fixture
def tv_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("torchvision.tv_tensors")
    module.TVTensor, module.Image = TVTensor, TVImage
    module.wrap = lambda tensor, like: tensor.as_subclass(type(like))
    monkeypatch.setitem(sys.modules, "torchvision.tv_tensors", module)


@pytest.mark.usefixtures("tv_tensors")
@pytest.mark.parametrize("output", ["float32", "bfloat16", "uint8", "same"])
def test_typed_tensors_keep_their_type(output: Any) -> None:
    image = torch.from_numpy(PIXELS[0]).permute(2, 0, 1).contiguous().as_subclass(TVImage)
    got = pt.Transform(TRIVIAL, at_one(), 3, output=output)(image, index=0)
    assert type(got) is TVImage


def test_what_it_is_can_be_read() -> None:
    transform = pt.Transform(TRIVIAL, at_one(), 3, mean=[0.5] * 3, std=[0.25] * 3)
    text = repr(transform)
    assert text.startswith("Transform(\n  schedule=TrivialAugment()") and "seed=3" in text and "mean=" in text
    assert repr(pt.Epoch(total=3)) == "Epoch(never set, total=3)"
    assert "Indexed(Items)" in repr(pt.Indexed(Items(lambda i: i)))


def test_the_module_is_imported_when_it_is_used() -> None:
    assert popaug.torch is pt
    with pytest.raises(AttributeError, match="no attribute 'jax'"):
        _ = popaug.jax
