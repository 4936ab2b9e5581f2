"""WebP, BMP, GIF, TIFF and PNM against Pillow, in files that the test writes: every kind of pixel of each format."""

import io
import pathlib
import re
import struct
import subprocess
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps
from sets import PROGRAM, popaug, read, refusal

WIDTH, HEIGHT = 35, 22


def picture(channels: int = 3) -> np.ndarray:
    random = np.random.default_rng(channels)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [127 + 100 * np.sin(x / (3 + c) + y / (5 - c) + c) for c in range(channels)]
    return np.clip(np.stack(waves, -1) + random.normal(0, 12, (HEIGHT, WIDTH, channels)), 0, 255).astype(np.uint8)


RGB = Image.fromarray(picture())
GREY = Image.fromarray(picture(1)[..., 0])
RGBA = Image.fromarray(picture(4), "RGBA")
LA = RGBA.convert("LA")
BITS = GREY.convert("1")
PALETTE = RGB.quantize(200)
SIXTEEN = (picture(3).astype(np.uint16) << 8) + np.arange(HEIGHT * WIDTH * 3, dtype=np.uint16).reshape(HEIGHT, WIDTH, 3)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def as_pillow(data: bytes) -> np.ndarray:
    """Upright and opaque, by Pillow."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode.startswith("I"):  # 16 bits
        return np.repeat(np.rint(np.asarray(image) / 257).astype(np.uint8)[..., None], 3, -1)
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    values = np.asarray(image.convert("RGBA")).astype(int)
    return ((values[..., :3] * values[..., 3:] + 127) // 255).astype(np.uint8)


def check(folder: pathlib.Path, files: dict[str, bytes], expected: dict[str, np.ndarray] | None = None) -> list[str]:
    """Reads all as one set of one size, under a name that does not tell the format; returns the notes."""
    for name, data in files.items():
        path = folder / "set" / "class" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    got = read(folder / "set", folder)
    names = sorted(files, key="{}.jpg".format)
    for name, pixels in zip(names, got["train"][0], strict=True):
        right = (expected or {}).get(name)
        right = as_pillow(files[name]) if right is None else right
        np.testing.assert_array_equal(np.broadcast_to(pixels, right.shape), right, err_msg=name)
    return got["notes"]


def channels(folder: pathlib.Path) -> int:
    return read(folder / "set", folder)["train"][0].shape[-1]


# --- BMP -----------------------------------------------------------------------------------------


def bmp(bits: int, rows: bytes, *, compression: int = 0, masks: tuple[int, ...] = (), palette: bytes = b"",
        header: int = 40, height: int = HEIGHT, width: int = WIDTH) -> bytes:  # fmt: skip
    """A file of any kind; `rows` are as stored."""
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, 0, 0, 0, len(palette) // 4, 0)
        info = (info + struct.pack(f"<{len(masks)}I", *masks)).ljust(header, b"\0")
    offset = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + info + palette + rows


def padded(rows: np.ndarray, upward: bool = True) -> bytes:
    rows = rows.reshape(len(rows), -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    return rows[::-1].tobytes() if upward else rows.tobytes()


def nibbles(values: np.ndarray) -> np.ndarray:
    values = np.pad(values, ((0, 0), (0, values.shape[1] % 2)))
    return (values[:, ::2] << 4 | values[:, 1::2]).astype(np.uint8)


def runs(values: np.ndarray) -> bytes:
    """RLE8: runs, single pixels, ends of lines."""
    out = b""
    for row in values[::-1]:
        x = 0
        while x < len(row):
            run = 1
            while x + run < len(row) and row[x + run] == row[x] and run < 255:
                run += 1
            if run > 1 or x + 5 > len(row):
                out += bytes((run, row[x]))
                x += run
            else:  # five single pixels, padded to six bytes
                out += bytes((0, 5, *row[x : x + 5], 0))
                x += 5
        out += b"\0\0"
    return out + b"\0\1"


def grey_palette(count: int, entry: int = 4) -> bytes:
    return b"".join(bytes((255 * i // (count - 1),) * 3).ljust(entry, b"\0") for i in range(count))


def test_bmp_colours(tmp_path: pathlib.Path) -> None:
    random = np.random.default_rng(1)
    colours = random.integers(0, 256, (16, 4), np.uint8).tobytes()
    rgb = picture()
    four = np.dstack([rgb[..., ::-1], picture(1)])
    high = rgb.astype(np.uint16) >> 3
    five = high[..., 0] << 10 | high[..., 1] << 5 | high[..., 2]
    six = high[..., 0] << 11 | (rgb[..., 1].astype(np.uint16) >> 2) << 5 | high[..., 2]
    index = picture(1)[..., 0] >> 4
    blocks = np.repeat(np.repeat(random.integers(0, 16, (HEIGHT, 7), np.uint8), 5, 1), 1, 0)
    files = {
        "rgb": saved(RGB, "BMP"),
        "rgba": saved(RGBA, "BMP"),
        "palette": saved(PALETTE, "BMP"),
        "4 bits": bmp(4, padded(nibbles(index)), palette=colours),
        "os2": bmp(24, padded(rgb[..., ::-1].copy()), header=12),
        "os2 4 bits": bmp(4, padded(nibbles(index)), header=12, palette=colours[:48]),
        "5 bits": bmp(16, padded(five)),
        "5 bits by masks": bmp(16, padded(five), compression=3, masks=(0x7C00, 0x3E0, 0x1F), header=52),
        "6 bits": bmp(16, padded(six), compression=3, masks=(0xF800, 0x7E0, 0x1F), header=56),
        "32 bits": bmp(32, padded(four)),
        "downward": bmp(24, padded(rgb[..., ::-1].copy(), upward=False), height=-HEIGHT),
        "version 4": bmp(32, padded(four), compression=3, masks=(0xFF0000, 0xFF00, 0xFF, 0xFF000000), header=108),
        "version 5": bmp(32, padded(four), compression=3, masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000), header=124),
        "byte order": bmp(32, padded(four), compression=3, masks=(0xFF000000, 0xFF0000, 0xFF00, 0), header=56),
        "runs": bmp(8, runs(blocks), compression=1, palette=colours),
        "single": bmp(8, runs(index), compression=1, palette=colours),
    }
    files["masks after"] = bmp(16, struct.pack("<III", 0xF800, 0x7E0, 0x1F) + padded(six), compression=3)
    files["masks after"] = files["masks after"][:10] + struct.pack("<I", 66) + files["masks after"][14:]
    notes = check(tmp_path, files)
    assert any(note.startswith("2 images alpha composited on black") for note in notes), notes


def test_bmp_greys(tmp_path: pathlib.Path) -> None:
    index = picture(1)[..., 0]
    files = {
        "grey": saved(GREY, "BMP"),
        "1 bit": saved(BITS, "BMP"),
        "4 bits": bmp(4, padded(nibbles(index >> 4)), palette=grey_palette(16)),
        "white is 0": bmp(1, padded(np.packbits(index > 99, axis=1)), palette=b"\xff\xff\xff\0\0\0\0\0"),
        "os2": bmp(8, padded(index), header=12, palette=grey_palette(256, 3)),
        "runs": bmp(8, runs(index), compression=1, palette=grey_palette(256)),
    }
    check(tmp_path, files)
    assert channels(tmp_path) == 1


def test_bmp_nibble_runs_and_gaps(tmp_path: pathlib.Path) -> None:
    """Pillow drops the last of an odd number of single pixels, so the expected pixels are written here."""
    colours = np.arange(16, dtype=np.uint8) * 17
    rows = b"\5\x12\0\3\x34\x50\0\0" + b"\0\2\2\1\3\x66\0\0" + b"\0\1"
    index = np.zeros((5, 8), int)
    index[4] = [1, 2, 1, 2, 1, 3, 4, 5]
    index[2, 2:5] = 6  # two to the right and one up from the second row
    data = bmp(4, rows, compression=2, palette=grey_palette(16), width=8, height=5)
    check(tmp_path, {"nibbles": data}, {"nibbles": np.repeat(colours[index][..., None], 3, -1)})


# --- GIF -----------------------------------------------------------------------------------------


def test_gif(tmp_path: pathlib.Path) -> None:
    few = RGB.quantize(16)
    larger = bytearray(saved(few.crop((0, 0, 20, 10)), "GIF"))
    larger[6:10] = struct.pack("<HH", WIDTH, HEIGHT)  # the canvas, of which the image covers a part
    holed = bytearray(saved(few.crop((0, 0, 20, 10)), "GIF", transparency=5))
    holed[6:10] = struct.pack("<HH", WIDTH, HEIGHT)
    moved = saved(few.crop((0, 0, 20, 10)), "GIF")
    place = moved.index(b",\0\0\0\0\x14\0\x0a\0")
    moved = moved[: place + 1] + struct.pack("<HH", 10, 9) + moved[place + 5 :]
    moved = moved[:6] + struct.pack("<HH", WIDTH, HEIGHT) + moved[10:]
    files = {
        "rgb": saved(RGB, "GIF"),
        "palette": saved(PALETTE, "GIF"),
        "few": saved(few, "GIF"),
        "in order": saved(few, "GIF", interlace=0),
        "transparent": saved(few, "GIF", transparency=3),
        "larger canvas": bytes(larger),
        "larger transparent canvas": bytes(holed),
        "moved": moved,
        "two": saved(few, "GIF", save_all=True, append_images=[few.rotate(180)], duration=50),
        "no end": saved(few, "GIF").removesuffix(b";"),
    }
    notes = check(tmp_path, files)
    assert any("1 image taken as the first of several in the file" in note for note in notes), notes
    assert any("2 images alpha composited on black" in note for note in notes), notes


def test_gif_greys(tmp_path: pathlib.Path) -> None:
    plain = saved(GREY, "GIF")
    assert plain[10] & 128  # a palette of 256 greys, which may be missing
    bare = plain[:10] + bytes((plain[10] & 127,)) + plain[11:13] + plain[13 + 768 :]
    check(tmp_path, {"grey": plain, "bits": saved(BITS, "GIF"), "without a palette": bare})
    assert channels(tmp_path) == 1


# --- PNM -----------------------------------------------------------------------------------------


def plain(kind: str, values: np.ndarray, top: int | None = None) -> bytes:
    words = "\n".join(" ".join(map(str, row.reshape(-1))) for row in values)
    head = f"{kind} # a comment\n{WIDTH}\n{HEIGHT} " + ("" if top is None else f"{top}\n# another\n")
    return (head + words + "\n").encode()


def raw(kind: str, values: np.ndarray, top: int, space: str = "\n") -> bytes:
    return f"{kind}\n{WIDTH} {HEIGHT}\n{top}{space}".encode() + values.astype(">u2" if top > 255 else "u1").tobytes()


def test_pnm_colours(tmp_path: pathlib.Path) -> None:
    rgb = picture()
    files = {"saved": saved(RGB, "PPM"), "plain": plain("P3", rgb, 255), "plain 9": plain("P3", rgb % 10, 9)}
    for top in (1, 5, 100, 254, 255, 256, 1023, 4095, 65535):
        values = rgb.astype(int) % (top + 1) if top < 256 else SIXTEEN.astype(int) * top // 65535
        files[f"raw {top}"] = raw("P6", values, top)
    files["two"] = files["raw 5"] + files["raw 100"]
    notes = check(tmp_path, files)
    assert any("1 image taken as the first of several" in note for note in notes)
    assert any("4 images 16-bit samples scaled" in note for note in notes), notes


def test_pnm_greys(tmp_path: pathlib.Path) -> None:
    grey = picture(1)[..., 0]
    files = {
        "bits": saved(BITS, "PPM"),
        "plain bits": plain("P1", (grey > 99).astype(int)),
        "dense bits": f"P1\n{WIDTH} {HEIGHT}\n".encode() + (48 + (grey > 99)).astype(np.uint8).tobytes(),
        "grey": saved(GREY, "PPM"),
        "sixteen": saved(Image.fromarray(SIXTEEN[..., 0]), "PPM"),
        "plain deep": plain("P2", grey.astype(int) * 3, 1000),
        "comment": raw("P5", grey, 255, "\n").replace(b"P5\n", b"P5\n#x\n# y\r"),
        "space": raw("P5", grey % 32, 31, "\t"),
    }
    for top in (1, 7, 200, 1023, 4095, 65535):
        values = grey.astype(int) % (top + 1) if top < 256 else SIXTEEN[..., 0].astype(int) * top // 65535
        files[f"raw {top}"] = raw("P5", values, top)
    check(tmp_path, files)
    assert channels(tmp_path) == 1


def test_pnm_comment_before_the_samples(tmp_path: pathlib.Path) -> None:
    """By pgm(5) a comment may end the header; Pillow takes it for a part of the number."""
    values = picture(1)[..., 0]
    data = raw("P5", values, 255, " # the last\n").replace(b"255 #", b"255#")
    check(tmp_path, {"x": data}, {"x": np.repeat(values[..., None], 3, -1)})


# --- TIFF ----------------------------------------------------------------------------------------


def tiff(samples: np.ndarray, meaning: int, *, order: str = "<", bits: int = 8, tile: tuple[int, int] | None = None,
         planes: bool = False, extra: tuple[int, ...] = (), palette: np.ndarray | None = None, strip: int = HEIGHT,
         more: dict[int, tuple[str, tuple[int, ...]]] | None = None) -> bytes:  # fmt: skip
    """An uncompressed file of any layout: (height, width, samples) in strips or tiles of (height, width)."""
    height, width, count = samples.shape
    down, across = tile or (strip, width)
    if tile:
        samples = np.pad(samples, ((0, -height % down), (0, -width % across), (0, 0)))
    blocks = []
    for part in np.moveaxis(samples, -1, 0)[..., None] if planes else [samples]:
        for y in range(0, height, down):
            for x in range(0, width, across):
                block = part[y : y + down, x : x + across]
                if bits == 16:
                    blocks.append(block.astype(order + "u2").tobytes())
                elif bits == 8:
                    blocks.append(block.astype(np.uint8).tobytes())
                else:
                    unpacked = np.unpackbits(block.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits :]
                    blocks.append(np.packbits(unpacked.reshape(len(block), -1), axis=1).tobytes())
    offsets = 8 + np.cumsum([0, *map(len, blocks)])
    tags = {
        256: ("I", (width,)),
        257: ("I", (height,)),
        258: ("H", (bits,) * count),
        259: ("H", (1,)),
        262: ("H", (meaning,)),
        277: ("H", (count,)),
        284: ("H", (2 if planes else 1,)),
        324 if tile else 273: ("I", tuple(offsets[:-1])),
        325 if tile else 279: ("I", tuple(map(len, blocks))),
        **({322: ("I", (across,)), 323: ("I", (down,))} if tile else {278: ("I", (down,))}),
        **({338: ("H", extra)} if extra else {}),
        **({320: ("H", tuple(palette.T.reshape(-1)))} if palette is not None else {}),
        **(more or {}),
    }
    sizes = {"H": 2, "I": 4}
    start = int(offsets[-1]) + int(offsets[-1]) % 2
    values, entries = b"", b""
    end = start + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        kind, words = tags[tag]
        data = struct.pack(f"{order}{len(words)}{kind}", *map(int, words))
        if len(data) > 4:
            place = struct.pack(order + "I", end + len(values))
            values += data + b"\0" * (len(data) % 2)
        else:
            place = data.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind], len(data) // sizes[kind]) + place
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", start)
    body = b"".join(blocks).ljust(start - 8, b"\0")
    return head + body + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + values


def test_tiff_colours(tmp_path: pathlib.Path) -> None:
    rgb, four = picture(), picture(4)
    colours = np.random.default_rng(2).integers(0, 65536, (256, 3))
    index = picture(1)
    files = {
        "rgb": saved(RGB, "TIFF"),
        "rgba": saved(RGBA, "TIFF"),
        "palette": saved(PALETTE, "TIFF"),
        "inks": saved(RGB.convert("CMYK"), "TIFF"),
        "big": saved(RGB, "TIFF", big_tiff=True),
        "strips": tiff(rgb, 2, strip=5),
        "tiles": tiff(rgb, 2, tile=(16, 32)),
        "large tile": tiff(rgb, 2, tile=(64, 64)),
        "planes": tiff(rgb, 2, planes=True, strip=7),
        "big endian": tiff(rgb, 2, order=">", strip=8),
        "extra": tiff(four, 2, extra=(0,)),
        "alpha": tiff(four, 2, extra=(2,), tile=(16, 16)),
        "premultiplied": tiff(four, 2, extra=(1,)),
        "fourth": tiff(four, 2),
        "4 bits": tiff(index >> 4, 3, bits=4, palette=colours[:16]),
        "1 bit": tiff(index >> 7, 3, bits=1, palette=colours[:2], order=">"),
        "upside down": tiff(rgb, 2, more={274: ("H", (3,))}),
    }
    for name in ("tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd", "lzma"):
        files[f"rgb {name}"] = saved(RGB, "TIFF", compression=name)
        files[f"palette {name}"] = saved(PALETTE, "TIFF", compression=name)
    files["inks lzw"] = saved(RGB.convert("CMYK"), "TIFF", compression="tiff_lzw")
    files["alpha lzw"] = saved(RGBA, "TIFF", compression="tiff_lzw")
    for quality in (30, 90):
        files[f"jpeg {quality}"] = saved(RGB, "TIFF", compression="jpeg", quality=quality)
    for predictor in (1, 2):
        files[f"predictor {predictor}"] = saved(RGB, "TIFF", compression="tiff_lzw", tiffinfo={317: predictor})
    # Pillow cannot read tiles in planes.
    files["planes of tiles"] = tiff(rgb, 2, planes=True, tile=(16, 16))
    notes = check(tmp_path, files, {"planes of tiles": rgb})
    assert any("2 images converted from CMYK to RGB" in note for note in notes), notes
    assert any("1 image turned upright by EXIF orientation" in note for note in notes), notes


def test_tiff_greys(tmp_path: pathlib.Path) -> None:
    grey = picture(1)
    files = {
        "grey": saved(GREY, "TIFF"),
        "alpha": saved(LA, "TIFF"),
        "bits": saved(BITS, "TIFF"),
        "tiles": tiff(grey, 1, tile=(16, 16)),
        "white is 0": tiff(grey, 0, order=">"),
        "4 bits": tiff(grey >> 4, 1, bits=4, strip=3),
        "2 bits": tiff(grey >> 6, 1, bits=2, tile=(16, 48)),
        "1 bit of white": tiff(grey >> 7, 0, bits=1),
        "sixteen": saved(Image.fromarray(SIXTEEN[..., 0]), "TIFF"),
        "sixteen lzw": saved(Image.fromarray(SIXTEEN[..., 0]), "TIFF", compression="tiff_lzw"),
        "sixteen big endian": tiff(SIXTEEN[..., :1], 1, bits=16, order=">", strip=5),
        "sixteen tiles": tiff(SIXTEEN[..., :1], 1, bits=16, tile=(16, 16)),
        "jpeg": saved(GREY, "TIFF", compression="jpeg"),
    }
    for name in ("group3", "group4", "tiff_ccitt"):
        files[name] = saved(BITS, "TIFF", compression=name)
    notes = check(tmp_path, files)
    assert any("4 images 16-bit samples scaled" in note for note in notes), notes
    assert channels(tmp_path) == 1


def test_tiff_sixteen_bits(tmp_path: pathlib.Path) -> None:
    """Pillow keeps the high byte of colours; popaug rounds, as it does for PNG."""
    rgb = np.rint(SIXTEEN / 257).astype(np.uint8)
    white = np.repeat(np.rint((65535 - SIXTEEN[..., :1].astype(int)) / 257).astype(np.uint8), 3, -1)
    files = {
        "colours": tiff(SIXTEEN, 2, bits=16, strip=4),
        "big endian": tiff(SIXTEEN, 2, bits=16, order=">", tile=(16, 16)),
        "planes": tiff(SIXTEEN, 2, bits=16, planes=True),
        "white is 0": tiff(SIXTEEN[..., :1], 0, bits=16),
    }
    check(tmp_path, files, {**dict.fromkeys(files, rgb), "white is 0": white})
    got = read(tmp_path / "set", tmp_path, "--range", "1000..30000")["train"][0]
    clipped = (np.clip(SIXTEEN.astype(int), 1000, 30000) - 1000) * 255 / 29000
    np.testing.assert_array_equal(got[0], np.floor(clipped + 0.5))


def test_tiff_pages(tmp_path: pathlib.Path) -> None:
    files = {"pages": saved(RGB, "TIFF", save_all=True, append_images=[RGB.rotate(180)])}
    assert "1 image taken as the first of several in the file" in check(tmp_path, files)[0]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (saved(RGB.convert("LAB"), "TIFF"), "is a TIFF image in the colours L"),
        (saved(GREY.convert("F"), "TIFF"), "with signed or floating-point samples"),
        (tiff(picture(1), 1, more={254: ("I", (1,))}), "that begins with a preview, such as the raw file of a camera"),
        (tiff(picture(1), 1, more={259: ("H", (6,))}), "with compression Old-style JPEG"),
        (tiff(picture(1), 1, more={259: ("H", (99,))}), "with compression 99"),
        (tiff(picture(1), 32803), "of photometric interpretation 32803"),
        (tiff(picture(1), 1, more={339: ("H", (2,))}), "with signed or floating-point samples"),
        (tiff(picture(1), 3), "its palette is missing"),
        (tiff(picture(1), 2), "fewer samples a pixel than colours"),
    ],
)
def test_tiff_that_is_not_read(tmp_path: pathlib.Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "set" / "class" / "x.tif"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    said = refusal("data", "info", "--data", tmp_path / "set")
    assert sentence in said and "x.tif" in said


# --- WebP ----------------------------------------------------------------------------------------


def test_webp(tmp_path: pathlib.Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    files = {f"lossy {q} {m}": saved(RGB, "WEBP", quality=q, method=m) for q in (5, 60, 100) for m in (0, 6)}
    files |= {
        "lossless": saved(RGB, "WEBP", lossless=True),
        "lossy alpha": saved(RGBA, "WEBP", quality=70),
        "lossless alpha": saved(RGBA, "WEBP", lossless=True, exact=True),
        "grey": saved(GREY, "WEBP", quality=80),
        "palette": saved(PALETTE, "WEBP", lossless=True),
        "turned": saved(RGB, "WEBP", lossless=True, exif=exif),
        "two": saved(RGB, "WEBP", save_all=True, append_images=[RGB.rotate(180)], lossless=True),
        "two with alpha": saved(RGBA, "WEBP", save_all=True, append_images=[RGBA.rotate(180)]),
    }
    notes = check(tmp_path, files)
    assert any("2 images taken as the first of several" in note for note in notes), notes
    assert any("1 image turned upright" in note for note in notes), notes


# --- all -----------------------------------------------------------------------------------------


FORMATS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: saved(RGB, "JPEG"),
    "PNG": lambda: saved(RGB, "PNG"),
    "WebP": lambda: saved(RGB, "WEBP"),
    "BMP": lambda: saved(RGB, "BMP"),
    "GIF": lambda: saved(RGB, "GIF"),
    "TIFF": lambda: saved(RGB, "TIFF", compression="tiff_lzw"),
    "PNM": lambda: saved(RGB, "PPM"),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_files_that_are_cut_are_refused(tmp_path: pathlib.Path, kind: str) -> None:
    path = tmp_path / "set" / "class" / "x.png"
    path.parent.mkdir(parents=True)
    data = FORMATS[kind]()
    for size in (20, len(data) // 3, len(data) * 9 // 10):
        path.write_bytes(data[:size])
        assert f"the {kind} data is broken or cut short" in refusal("data", "info", "--data", tmp_path / "set")


def resized_webp(width: int, height: int, lossless: bool) -> bytes:
    """A file whose header declares another size."""
    data = bytearray(saved(RGB, "WEBP", lossless=lossless))
    if lossless:  # a byte of signature, then two sides of 14 bits, less 1
        struct.pack_into("<I", data, data.index(b"VP8L") + 9, (width - 1) | (height - 1) << 14)
    else:
        struct.pack_into("<HH", data, data.index(b"\x9d\x01\x2a") + 3, width, height)
    return bytes(data)


HUGE = {
    "BMP": bmp(8, b"", palette=grey_palette(256), width=60000, height=60000),
    "GIF": b"GIF89a"
    + struct.pack("<HHBBB", 60000, 60000, 0, 0, 0)
    + b","
    + struct.pack("<HHHHB", 0, 0, 9, 9, 0)
    + b"\x08",
    "PNM": b"P6 60000 60000 255\n",
    "TIFF": tiff(np.zeros((1, 1, 1)), 1, more={256: ("I", (60000,)), 257: ("I", (60000,))}),
    "WebP": resized_webp(16383, 16383, lossless=True),
}
DENSE = {  # 8000x8000 pixels in a few bytes
    "BMP": bmp(8, b"\0\1", compression=1, palette=grey_palette(256), width=8000, height=8000),
    "GIF": b"GIF89a"
    + struct.pack("<HHBBB", 8000, 8000, 0, 0, 0)
    + b","
    + struct.pack("<HHHHB", 0, 0, 8000, 8000, 0)
    + b"\x08",
    "PNM": b"P6 8000 8000 255\n",
    "TIFF": tiff(np.zeros((1, 1, 1)), 1, more={256: ("I", (8000,)), 257: ("I", (8000,)), 259: ("H", (5,))}),
    "WebP": resized_webp(8000, 8000, lossless=False),
}


def memory_of_refusal(folder: pathlib.Path) -> tuple[str, int]:
    """What the program says, under a limit of memory that holds no image of 8000x8000 pixels."""
    limited = 'ulimit -v 400000; exec "$0" data info --data "$1"'
    done = subprocess.run(["bash", "-c", limited, PROGRAM, folder], capture_output=True, text=True, check=False)
    return done.stderr, done.returncode


@pytest.mark.parametrize("kind", HUGE)
def test_images_over_the_limits_are_refused(tmp_path: pathlib.Path, kind: str) -> None:
    path = tmp_path / "set" / "class" / "x.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(HUGE[kind])
    said = refusal("data", "info", "--data", tmp_path / "set")
    side = 16383 if kind == "WebP" else 60000
    assert f"declares an image of {side}x{side} pixels; the limits are" in said, said


@pytest.mark.parametrize("kind", DENSE)
def test_what_announces_too_much_allocates_nothing(tmp_path: pathlib.Path, kind: str) -> None:
    path = tmp_path / "set" / "class" / "x.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(DENSE[kind])
    said, code = memory_of_refusal(tmp_path / "set")
    assert code == 1 and ("bytes can hold" in said or "are missing" in said), said


def test_names_do_not_matter(tmp_path: pathlib.Path) -> None:
    """Every format under the ending of another, and without any."""
    folder = tmp_path / "set" / "class"
    folder.mkdir(parents=True)
    for i, (kind, data) in enumerate(FORMATS.items()):
        (folder / f"{kind}-as.{('png', 'jpg', 'bmp', 'webp', 'tif', 'gif', 'jpeg')[i]}").write_bytes(data())
        (folder / kind).write_bytes(data())
    assert len(read(tmp_path / "set", tmp_path)["train"][0]) == 14


def test_what_is_no_image_is_named(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "set" / "class"
    folder.mkdir(parents=True)
    (folder / "x.jpg").write_text("<!DOCTYPE html>\n<title>404</title>")
    assert "x.jpg: is a web page, probably from a failed download; popaug reads JPEG, PNG, WebP" in refusal(
        "data", "info", "--data", tmp_path / "set"
    )
    (folder / "x.jpg").write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n")
    assert "x.jpg: is a JPEG 2000 image, which popaug does not read. Convert it to PNG or JPEG first" in refusal(
        "data", "info", "--data", tmp_path / "set"
    )


def command_in(said: str) -> str:
    found = re.search(r"\(Debian: libheif-examples\): (.*?)(?:; /|$)", said)
    assert found, said
    return found.group(1)


@pytest.mark.parametrize(("kind", "ending"), [("AVIF", ".avif"), ("HEIC", ".HEIC"), ("AVIF", ".jpg")])
def test_heif_is_named_and_the_command_converts_it(tmp_path: pathlib.Path, kind: str, ending: str) -> None:
    folder = tmp_path / "it's a set" / "class"
    folder.mkdir(parents=True)
    images = [folder / f"a photo{ending}", folder / f"b{ending}"]
    for path in images:
        if kind == "AVIF":
            path.write_bytes(saved(RGB.crop((0, 0, 32, 20)), "AVIF", quality=100))
        else:
            RGB.crop((0, 0, 32, 20)).save(tmp_path / "x.png")
            subprocess.run(["heif-enc", "-q", "95", tmp_path / "x.png", "-o", path], check=True, capture_output=True)
    (folder / "c.png").write_bytes(saved(RGB.crop((0, 0, 32, 20)), "PNG"))
    for _ in range(len(images)):
        done = popaug("data", "info", "--data", folder.parent, code=1)
        assert f"{kind} image, which popaug does not read" in done.stderr
        if ending != ".jpg":  # said once for the set, not for each file
            assert done.stderr.count("image, which popaug does not read") == 2
            assert done.stderr.count("-exec heif-convert") == 1
        subprocess.run(["bash", "-c", command_in(done.stderr)], check=True, capture_output=True)
        if ending != ".jpg":
            break
    got = read(folder.parent, tmp_path)
    pixels = got["train"][0].astype(int)
    assert pixels.shape == (3, 20, 32, 3) and np.abs(pixels[:2] - pixels[2]).mean() < 12
    assert any("skipped 2 files that are not images" in note for note in got["notes"]), got["notes"]
    assert all(path.with_name(path.name + ".bak").exists() for path in images)  # nothing is lost


def test_augment_reads_all_formats_and_names_what_it_passes_over(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for kind, data in FORMATS.items():
        (folder / f"{kind}.{kind.lower()}").write_bytes(data())
    (folder / "photo").write_bytes(FORMATS["WebP"]())  # by its content
    (folder / "notes.txt").write_text("no image")
    done = popaug("augment", "--augment", "trivial", folder, tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.png"))) == 8
    assert "8 images written" in done.stderr
    assert "skipped 1 file that is not an image: notes.txt" in done.stderr
    (folder / "photo").write_bytes(saved(RGB, "AVIF"))
    assert "photo: is an AVIF image" in refusal("augment", "--augment", "trivial", folder, tmp_path / "out2")
