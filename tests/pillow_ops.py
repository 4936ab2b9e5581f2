"""Every op as Pillow does it: the oracle of the plain twins (docs/pba.md#operations, docs/pba.md#baselines).

`pillow_op` takes and gives RGBA arrays and follows the published pipeline; with `black` it takes the
colours alone through the ops as torchvision calls them, and uncovered pixels are opaque black.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

AFFINE = Image.Transform.AFFINE

# Ops that the published pipeline sends through RGB.
THROUGH_RGB = {
    "Invert": lambda im, v: ImageOps.invert(im),
    "Equalize": lambda im, v: ImageOps.equalize(im),
    "AutoContrast": lambda im, v: ImageOps.autocontrast(im),
    "Posterize": lambda im, v: ImageOps.posterize(im, int(v)),
    "Solarize": lambda im, v: ImageOps.solarize(im, v),
}

DIRECT = {
    "Rotate": lambda im, v: im.rotate(v),
    "TranslateX": lambda im, v: im.transform(im.size, AFFINE, (1, 0, v, 0, 1, 0)),
    "TranslateY": lambda im, v: im.transform(im.size, AFFINE, (1, 0, 0, 0, 1, v)),
    "ShearX": lambda im, v: im.transform(im.size, AFFINE, (1, v, 0, 0, 1, 0)),
    "ShearY": lambda im, v: im.transform(im.size, AFFINE, (1, 0, 0, v, 1, 0)),
    "Brightness": lambda im, v: ImageEnhance.Brightness(im).enhance(v),
    "Color": lambda im, v: ImageEnhance.Color(im).enhance(v),
    "Contrast": lambda im, v: ImageEnhance.Contrast(im).enhance(v),
    "Sharpness": lambda im, v: ImageEnhance.Sharpness(im).enhance(v),
    "FlipLR": lambda im, v: im.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "FlipUD": lambda im, v: im.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "Blur": lambda im, v: im.filter(ImageFilter.BLUR),
    "Smooth": lambda im, v: im.filter(ImageFilter.SMOOTH),
    "Identity": lambda im, v: im,
}


def crop_bilinear(image: Image.Image, value: float) -> Image.Image:
    width, height = image.size
    margin = min(int(value), (min(width, height) - 1) // 2)
    cropped = image.crop((margin, margin, width - margin, height - margin))
    return cropped.resize((width, height), Image.Resampling.BILINEAR)


DIRECT["CropBilinear"] = crop_bilinear


def cutout(pixels: np.ndarray, value: float, centre: tuple[int, int], grey: bool) -> np.ndarray:
    size = int(value)
    out = pixels.copy()
    height, width = pixels.shape[:2]
    left, top = centre[0] - size // 2, centre[1] - size // 2
    colour = (122, 122, 122, 0) if grey else (125, 122, 113, 0)
    out[max(top, 0) : min(top + size, height), max(left, 0) : min(left + size, width)] = colour
    return out


def pillow_op(
    op: str,
    value: float,
    pixels: np.ndarray,
    centre: tuple[int, int] = (0, 0),
    grey: bool = False,
    black: bool = False,
) -> np.ndarray:
    if op == "Cutout":
        return cutout(pixels, value, centre, grey)
    if black:
        image = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
        return np.asarray((THROUGH_RGB | DIRECT)[op](image, value).convert("RGBA"))
    image = Image.fromarray(pixels)
    if op in THROUGH_RGB:
        return np.asarray(THROUGH_RGB[op](image.convert("RGB"), value).convert("RGBA"))
    return np.asarray(DIRECT[op](image, value))


OPS = [*THROUGH_RGB, *DIRECT, "Cutout"]
