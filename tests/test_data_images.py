"""Every kind of JPEG and PNG against Pillow (others: test_image_formats.py); resizing byte for byte as Pillow does."""

import pathlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps
from sets import popaug, read, refusal


def picture(height: int = 21, width: int = 34, channels: int = 3) -> np.ndarray:
    random = np.random.default_rng(height * width)
    y, x = np.mgrid[:height, :width]
    waves = [127 + 100 * np.sin(x / (3 + c) + y / (5 - c) + c) for c in range(channels)]
    return np.clip(np.stack(waves, -1) + random.normal(0, 12, (height, width, channels)), 0, 255).astype(np.uint8)


RGB = Image.fromarray(picture())
GREY = Image.fromarray(picture(channels=1)[..., 0])
RGBA = Image.fromarray(picture(channels=4), "RGBA")


def read_one(folder: pathlib.Path, name: str) -> tuple[np.ndarray, list[str]]:
    got = read(folder / "set", folder)
    pixels = got["train"][0]
    assert pixels.shape[0] == 1, name
    return pixels[0], got["notes"]


def put(folder: pathlib.Path, name: str) -> pathlib.Path:
    path = folder / "set" / "class" / name
    path.parent.mkdir(parents=True)
    return path


def on_black(image: Image.Image) -> np.ndarray:
    values = np.asarray(image.convert("RGBA")).astype(int)
    return ((values[..., :3] * values[..., 3:] + 127) // 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "options", "grey"),
    [
        (RGB, {}, False),
        (GREY, {}, True),
        (GREY.convert("1"), {}, True),
        (RGB.quantize(200), {}, False),
        (RGB.quantize(4), {"bits": 2}, False),
        (GREY.convert("P"), {}, True),
    ],
)
def test_opaque_png(tmp_path: pathlib.Path, image: Image.Image, options: dict[str, int], grey: bool) -> None:
    image.save(put(tmp_path, "x.png"), **options)
    pixels, notes = read_one(tmp_path, "x.png")
    np.testing.assert_array_equal(pixels, np.asarray(image.convert("RGB"))[..., : 1 if grey else 3])
    assert notes == []


@pytest.mark.parametrize("image", [RGBA, RGBA.convert("LA"), RGB.quantize(30)])
def test_alpha_is_composited_on_black(tmp_path: pathlib.Path, image: Image.Image) -> None:
    path = put(tmp_path, "x.png")
    image.save(path, **({"transparency": bytes(range(0, 240, 8))} if image.mode == "P" else {}))
    pixels, notes = read_one(tmp_path, "x.png")
    np.testing.assert_array_equal(pixels, on_black(Image.open(path))[..., : pixels.shape[-1]])
    assert len(notes) == 1 and "alpha composited on black" in notes[0] and "x.png" in notes[0]


def test_sixteen_bits_are_scaled(tmp_path: pathlib.Path) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    Image.fromarray(values).save(put(tmp_path, "x.png"))
    pixels, notes = read_one(tmp_path, "x.png")
    np.testing.assert_array_equal(pixels[..., 0], np.rint(values / 257).astype(np.uint8))
    assert "16-bit samples scaled" in notes[0]


def camera(tmp_path: pathlib.Path) -> list[np.ndarray]:
    """12-bit values in 16-bit files, two images of two classes."""
    random = np.random.default_rng(3)
    values = [random.integers(low, high, (9, 7), np.uint16) for low, high in ((500, 1500), (700, 2700))]
    values[0][0, 0], values[1][0, 0] = 500, 2700
    for name, image in zip("ab", values, strict=True):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / "set" / name / "x.png")
    return values


@pytest.mark.parametrize(
    ("asked", "low", "high"), [("full", 0, 65535), ("auto", 500, 2700), ("0..4095", 0, 4095), ("600..1000", 600, 1000)]
)
def test_the_range_of_sixteen_bits(tmp_path: pathlib.Path, asked: str, low: int, high: int) -> None:
    values = camera(tmp_path)
    got = read(tmp_path / "set", tmp_path, "--range", asked)
    scaled = [(np.clip(v.astype(int), low, high) - low) * 255 / (high - low) for v in values]
    for pixels, expected in zip(got["train"][0], scaled, strict=True):
        np.testing.assert_array_equal(pixels[..., 0], np.floor(expected + 0.5))
    said = "\n".join(got["notes"])
    assert ('as by setting "range" 500..2700' in said) == (asked == "auto")
    report = popaug("data", "verify", "--data", tmp_path / "set", "--range", asked)
    assert ("--range auto" in report.stdout) == (asked == "full")
    info = popaug("data", "info", "--data", tmp_path / "set", "--range", asked).stdout
    assert ("--range auto stretches them" in info) == (asked == "full")


@pytest.mark.parametrize("asked", ["1", "5..5", "9..2", "0..65536", "a..b", "-1..3", "..", "1..2.."])
def test_ranges_that_are_none(tmp_path: pathlib.Path, asked: str) -> None:
    camera(tmp_path)
    assert "expected full, auto or LO..HI" in refusal(
        "data", "info", "--data", tmp_path / "set", f"--range={asked}", code=2
    )


@pytest.mark.parametrize(
    ("asked", "colour"),
    [("black", (0, 0, 0)), ("white", (255,) * 3), ("grey", (128,) * 3), ("#10c8FF", (16, 200, 255))],
)
@pytest.mark.parametrize("image", [RGBA, RGBA.convert("LA")])
def test_the_background_of_transparent_images(
    tmp_path: pathlib.Path, asked: str, colour: tuple[int, ...], image: Image.Image
) -> None:
    path = put(tmp_path, "x.png")
    image.save(path)
    got = read(tmp_path / "set", tmp_path, "--background", asked)
    values = np.asarray(Image.open(path).convert("RGBA")).astype(int)
    alpha = values[..., 3:]
    expected = (values[..., :3] * alpha + np.array(colour) * (255 - alpha) + 127) // 255
    pixels = got["train"][0][0]
    np.testing.assert_array_equal(pixels, expected[..., : pixels.shape[-1]])
    assert pixels.shape[-1] == (1 if image.mode == "LA" and len(set(colour)) == 1 else 3)
    assert any("alpha composited on" in note for note in got["notes"])


@pytest.mark.parametrize("asked", ["whit", "#12345", "#1234567", "#12345g", "123456", "#+1+2+3"])
def test_backgrounds_that_are_none(tmp_path: pathlib.Path, asked: str) -> None:
    RGBA.save(put(tmp_path, "x.png"))
    assert "expected black, white" in refusal("data", "info", "--data", tmp_path / "set", "--background", asked, code=2)


def test_black_drawings_on_a_transparent_ground(tmp_path: pathlib.Path) -> None:
    for i, name in enumerate("ab"):
        values = np.zeros((9, 9, 4), np.uint8)
        values[i : i + 5, 2:6, 3] = 255
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.fromarray(values, "RGBA").save(tmp_path / "set" / name / "x.png")
    said = popaug("data", "info", "--data", tmp_path / "set").stdout
    assert "has the same value" in said and "--background white" in said
    assert "has the same value" in popaug("data", "verify", "--data", tmp_path / "set", code=1).stdout
    words = ("data", "verify", "--data", tmp_path / "set", "--background", "white")
    assert "has the same value" not in popaug(*words).stdout
    said = popaug("data", "info", "--data", tmp_path / "set", "--background", "white").stdout
    assert "has the same value" not in said


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, kind: int, raw: bytes, depth: int = 8, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_interlaced_png(tmp_path: pathlib.Path) -> None:
    values = np.asarray(RGB)
    raw = b""
    for y, x, down, right in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        for row in values[y::down, x::right]:
            raw += b"\0" + row.tobytes()
    put(tmp_path, "x.png").write_bytes(png(RGB.width, RGB.height, 2, raw, interlaced=1))
    np.testing.assert_array_equal(read_one(tmp_path, "x.png")[0], values)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"quality": 30}, {"subsampling": 0}, {"subsampling": 1}, {"optimize": True}]
)
def test_jpeg(tmp_path: pathlib.Path, options: dict[str, int]) -> None:
    path = put(tmp_path, "x.jpg")
    RGB.save(path, **options)
    np.testing.assert_array_equal(read_one(tmp_path, "x.jpg")[0], np.asarray(Image.open(path)))


def test_grey_jpeg(tmp_path: pathlib.Path) -> None:
    path = put(tmp_path, "x.jpg")
    GREY.save(path)
    np.testing.assert_array_equal(read_one(tmp_path, "x.jpg")[0][..., 0], np.asarray(Image.open(path)))


def test_cmyk_jpeg(tmp_path: pathlib.Path) -> None:
    path = put(tmp_path, "x.jpg")
    inks = Image.fromarray(picture(channels=4), "CMYK")
    inks.save(path, quality=95)
    pixels, notes = read_one(tmp_path, "x.jpg")
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(path).convert("RGB")))
    assert "converted from CMYK" in notes[0]


@pytest.mark.parametrize("image", [RGB, GREY, Image.fromarray(picture(channels=4), "CMYK")], ids=["RGB", "L", "CMYK"])
def test_scaled_decoding(tmp_path: pathlib.Path, image: Image.Image) -> None:
    """Near Pillow's way of it (draft), which decodes in a faster and less exact manner; not the full decode's pixels."""
    path = put(tmp_path, "x.jpg")
    image.resize((300, 200), Image.Resampling.BICUBIC).save(path, quality=95)
    size = ("--size", "60x50")
    full, scaled = (
        read(tmp_path / "set", tmp_path, *size, *flags)["train"][0][0].astype(int)
        for flags in ((), ("--scaled-decoding",))
    )
    drafted = Image.open(path)
    drafted.draft(None, (60, 50))
    assert drafted.size == (75, 50)
    theirs = drafted.convert("RGB").resize((60, 50), Image.Resampling.BILINEAR)
    expected = np.asarray(theirs.convert("L") if full.shape[-1] == 1 else theirs).astype(int).reshape(full.shape)
    assert 0 < np.abs(scaled - full).mean() < 4
    assert np.abs(scaled - expected).mean() < 0.5
    larger = ("--size", "151x50")  # no reduction leaves as much
    assert np.array_equal(
        read(tmp_path / "set", tmp_path, *larger)["train"][0],
        read(tmp_path / "set", tmp_path, *larger, "--scaled-decoding")["train"][0],
    )
    assert "give --size too" in refusal("data", "info", "--data", tmp_path / "set", "--scaled-decoding", code=2)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_exif_orientation(tmp_path: pathlib.Path, orientation: int, kind: str) -> None:
    path = put(tmp_path, f"x.{kind}")
    exif = Image.Exif()
    exif[0x0112] = orientation
    RGB.save(path, exif=exif)
    pixels, notes = read_one(tmp_path, path.name)
    np.testing.assert_array_equal(pixels, np.asarray(ImageOps.exif_transpose(Image.open(path))))
    assert bool(notes) == (orientation != 1)


def test_resize_is_pillows(tmp_path: pathlib.Path) -> None:
    random = np.random.default_rng(1)
    sizes = [(1, 1), (1, 40), (40, 1), (2, 3), (7, 7), (31, 33), (32, 32), (64, 48), (100, 37), (255, 256), (300, 5)]
    sizes += [tuple(random.integers(1, 150, 2).tolist()) for _ in range(25)]
    images = []
    for i, (width, height) in enumerate(sizes):
        values = random.integers(0, 256, (height, width, 3), np.uint8) if i % 2 else picture(height, width)
        path = tmp_path / "set" / "class" / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        images.append(Image.fromarray(values))
        images[-1].save(path)
    targets = [
        (1, 1),
        (2, 1),
        (8, 8),
        (28, 28),
        (32, 32),
        (33, 31),
        (64, 48),
        (96, 96),
        (17, 130),
        (224, 224),
        (300, 3),
    ]
    targets += [tuple(random.integers(1, 120, 2).tolist()) for _ in range(9)]
    compared = 0
    for width, height in targets:
        got = read(tmp_path / "set", tmp_path, "--size", f"{width}x{height}")["train"][0]
        for pixels, image in zip(got, images, strict=True):
            expected = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
            np.testing.assert_array_equal(pixels, expected, err_msg=f"{image.size} to {width}x{height}")
            compared += 1
    assert compared == len(sizes) * len(targets)


def test_what_announces_too_much_is_refused_at_once(tmp_path: pathlib.Path) -> None:
    path = put(tmp_path, "x.png")
    for width, height, sentence in (
        (1 << 30, 2, "the limits are"),
        (16000, 4000, "bytes can hold"),
        (16384, 16384, "the limits are"),
    ):
        path.write_bytes(png(width, height, 2, b"\0" * 64))
        assert len(path.read_bytes()) < 120
        assert sentence in refusal("data", "info", "--data", tmp_path / "set")
    path.write_bytes(png(8000, 8000, 2, bytes(3 * 8000 + 1) * 100))  # a bomb that ends early
    assert "bytes can hold" in refusal("data", "info", "--data", tmp_path / "set")
    jpeg = bytearray(b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", 8191, 8191) + b"\3\1\x11\0\2\x11\0\3\x11\0")
    path.write_bytes(jpeg)
    assert "broken or cut short" in refusal("data", "info", "--data", tmp_path / "set")
    RGB.save(path, "JPEG")
    path.write_bytes(
        path.read_bytes().replace(struct.pack(">HH", *RGB.size[::-1]), struct.pack(">HH", 65000, 65000), 1)
    )
    assert "the limits are" in refusal("data", "info", "--data", tmp_path / "set")
