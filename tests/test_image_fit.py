"""Images of several shapes: crop is torchvision's, pad is written here; what was done is in the checkpoint."""

import csv
import hashlib
import io
import json
import pathlib
import struct

import numpy as np
import pytest
from PIL import Image
from sets import popaug, read, refusal

GOLDEN = json.loads((pathlib.Path(__file__).parent / "golden" / "torchvision-fit.json").read_text())
SIDE = 16


def picture(width: int, height: int) -> np.ndarray:
    """That of tools/make-torchvision-fit."""
    y, x, c = np.mgrid[:height, :width, :3]
    return ((x * x * (3 + c) + y * 17 * (c + 1) + x * y * 5) % 251).astype(np.uint8)


def write(folder: pathlib.Path, images: list[np.ndarray]) -> pathlib.Path:
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:03}.png")
    return folder


def test_crop_is_torchvisions(tmp_path: pathlib.Path) -> None:
    rows = GOLDEN["rows"]
    sizes = sorted({size for _, _, size, _ in rows})
    shapes = [(width, height) for width, height, size, _ in rows if size == sizes[0]]
    write(tmp_path / "set" / "class", [picture(*shape) for shape in shapes])
    for size in sizes:
        expected = [digest for _, _, at, digest in rows if at == size]
        got = read(tmp_path / "set", tmp_path, "--size", size, "--fit", "crop")["train"][0]
        found = [hashlib.sha256(image.tobytes()).hexdigest()[:16] for image in got]
        assert found == expected, size


def cropped(image: Image.Image, width: int, height: int) -> Image.Image:
    """The rule of docs/formats/data.md, for sizes that are not square too."""
    if image.width * height <= image.height * width:
        whole = image.resize((width, image.height * width // image.width), Image.Resampling.BILINEAR)
    else:
        whole = image.resize((image.width * height // image.height, height), Image.Resampling.BILINEAR)
    left, top = round((whole.width - width) / 2), round((whole.height - height) / 2)
    return whole.crop((left, top, left + width, top + height))


def padded(image: Image.Image, width: int, height: int) -> Image.Image:
    if image.width * height <= image.height * width:
        size = (max(1, image.width * height // image.height), height)
    else:
        size = (width, max(1, image.height * width // image.width))
    inner = image.resize(size, Image.Resampling.BILINEAR)
    mean = np.floor(np.asarray(inner).reshape(-1, 3).mean(0) + 0.5).astype(np.uint8)
    out = Image.new("RGB", (width, height), tuple(mean.tolist()))
    out.paste(inner, (round((width - size[0]) / 2), round((height - size[1]) / 2)))
    return out


SHAPES = [(40, 40), (41, 23), (22, 57), (3, 900), (700, 2), (20, 12), (1, 1), (12, 20), (333, 200)]


@pytest.mark.parametrize(("fit", "by_pillow"), [("crop", cropped), ("pad", padded)])
@pytest.mark.parametrize("size", [(20, 12), (13, 31), (24, 24), (2, 12), (2, 700)])
def test_sizes_that_are_not_square(tmp_path: pathlib.Path, fit: str, by_pillow, size: tuple[int, int]) -> None:
    images = [picture(*shape) for shape in SHAPES]
    write(tmp_path / "set" / "class", images)
    got = read(tmp_path / "set", tmp_path, "--size", f"{size[0]}x{size[1]}", "--fit", fit)["train"][0]
    for pixels, image in zip(got, images, strict=True):
        expected = np.asarray(by_pillow(Image.fromarray(image), *size))
        np.testing.assert_array_equal(pixels, expected, err_msg=str(image.shape))


def test_a_fit_needs_a_size(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "set" / "class", [picture(9, 9)])
    said = refusal("data", "info", "--data", tmp_path / "set", "--fit", "crop", code=2)
    assert "--fit crop needs a size: give --size too" in said
    assert "--fit" in popaug("data", "info", "--data", tmp_path / "set", "--fit", "cut", code=2).stderr


def test_augment_fits_images(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "in", [picture(41, 23)])
    for fit, by_pillow in (("crop", cropped), ("pad", padded)):
        out = tmp_path / f"{fit}.png"
        words = ("--op", "Invert", "--level", 5, "--size", "20x12", "--fit", fit)
        popaug("augment", *words, tmp_path / "in" / "000.png", out)
        expected = 255 - np.asarray(by_pillow(Image.fromarray(picture(41, 23)), 20, 12))
        np.testing.assert_array_equal(np.asarray(Image.open(out))[..., :3], expected)


# --- what the checkpoint records ------------------------------------------------------------------


def photo(label: int, seed: int) -> Image.Image:
    """16-bit grey images would do for the range; these have alpha and any shape: the middle tells the class."""
    random = np.random.default_rng(seed)
    width, height = random.integers(SIDE, 3 * SIDE, 2).tolist()
    values = random.integers(0, 40, (height, width, 4), np.uint8)
    values[height // 4 : -height // 4, width // 4 : -width // 4, label] = 220
    values[..., 3] = 255
    values[:, : width // 8, 3] = 0
    return Image.fromarray(values, "RGBA")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("fit")
    for label, name in enumerate(("cat", "dog")):
        for split, count in (("train", 10), ("test", 5)):
            (folder / "set" / split / name).mkdir(parents=True)
            for i in range(count):
                photo(label, 100 * label + i + (50 if split == "test" else 0)).save(
                    folder / "set" / split / name / f"{i}.png"
                )
    train = ("--network", "wrn-10-1", "--augment", "none", "--epochs", 1, "--batch", 5, "--device", "cpu")
    asked = ("--size", SIDE, "--fit", "crop", "--background", "white")
    popaug("train", "--data", folder / "set", *train, *asked, "--out", folder / "net")
    popaug("train", "--data", folder / "set", *train, "--size", SIDE, "--out", folder / "plain")
    popaug("data", "convert", "--data", folder / "set", *asked, "-o", folder / "set.popaug")
    popaug("train", "--data", folder / "set.popaug", *train, "--out", folder / "packed")
    return folder


def metadata(run: pathlib.Path) -> dict[str, object]:
    data = (run / "best.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    return json.loads(header["__metadata__"]["popaug"])


def labels(*words: object) -> list[list[str]]:
    return [row[1:] for row in csv.reader(io.StringIO(popaug("predict", *words).stdout))]


def as_seen(folder: pathlib.Path, out: pathlib.Path, colour: str, by_pillow) -> pathlib.Path:
    """The test images as the network takes them, made by Pillow."""
    for path in sorted((folder / "set" / "test").rglob("*.png")):
        image = Image.open(path)
        ground = Image.new("RGB", image.size, colour)
        ground.paste(image, mask=image.getchannel("A"))
        target = out / path.relative_to(folder / "set" / "test")
        target.parent.mkdir(parents=True, exist_ok=True)
        by_pillow(ground).save(target)
    return out


def test_the_checkpoint_records_how_images_are_read(trained: pathlib.Path) -> None:
    recorded = {"fit": "crop", "range": "full", "background": "#ffffff"}
    assert metadata(trained / "net")["images"] == recorded
    assert metadata(trained / "packed")["images"] == recorded
    assert "images" not in metadata(trained / "plain")  # as checkpoints of older versions


def test_predict_and_eval_read_images_as_the_checkpoint_says(trained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    new = trained / "set" / "test"
    seen = as_seen(trained, tmp_path / "crop", "white", lambda image: cropped(image, SIDE, SIDE))
    stretched = as_seen(
        trained, tmp_path / "stretch", "black", lambda image: image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    )
    assert labels(trained / "net", new) == labels(trained / "net", seen)
    assert labels(trained / "packed", new) == labels(trained / "net", seen)
    assert labels(trained / "plain", new) == labels(trained / "plain", stretched)
    assert labels(trained / "net", new, "--fit", "stretch", "--background", "black") == labels(
        trained / "net", stretched
    )
    assert labels(trained / "net", seen) != labels(trained / "net", stretched)

    def error(*words: object) -> dict[str, object]:
        return json.loads(popaug("eval", *words, "--json").stdout)

    (tmp_path / "crop-set").mkdir()
    (tmp_path / "crop").rename(tmp_path / "crop-set" / "test")
    assert error(trained / "net", "--data", trained / "set") == error(trained / "net", "--data", tmp_path / "crop-set")


def test_the_range_that_was_found_is_recorded(tmp_path: pathlib.Path) -> None:
    random = np.random.default_rng(5)
    for name, high in (("dark", 900), ("light", 2700)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(6):
            values = random.integers(500, high, (SIDE, SIDE), np.uint16)
            values[0, 0] = 500
            values[0, 1] = high
            Image.fromarray(values).save(tmp_path / "set" / name / f"{i}.png")
    train = ("--network", "wrn-10-1", "--augment", "none", "--epochs", 1, "--batch", 4, "--device", "cpu")
    popaug("train", "--data", tmp_path / "set", *train, "--range", "auto", "--out", tmp_path / "net")
    assert metadata(tmp_path / "net")["images"] == {"fit": "stretch", "range": "500..2700", "background": "black"}
    files = sorted((tmp_path / "set").rglob("*.png"))
    assert labels(tmp_path / "net", *files) == labels(tmp_path / "net", *files, "--range", "500..2700")
    assert labels(tmp_path / "net", *files) != labels(tmp_path / "net", *files, "--range", "full")


def test_photos_crop_by_default() -> None:
    assert 'fit = "crop"' in popaug("presets", "photos").stdout.replace("'", '"')
