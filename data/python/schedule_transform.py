"""An augmentation schedule as one file that needs only Pillow.

    from NAME import ScheduleTransform
    transform = ScheduleTransform()          # a torchvision-style transform of PIL images
    transform.set_epoch(epoch)               # once per epoch: the policy follows the schedule
    image = transform(image)                 # draws from Python's random module
    image = transform.augment(image, seed=1, epoch=3, sample=17)   # fully determined

augment() gives an RGBA image whose holes have alpha 0, byte for byte what popaug gives for the same
key (seed, stream, epoch, sample). Calling the transform gives an image of the argument's mode, holes
filled with `fill`, which should be the mean colour of the data set.

torch's DataLoader seeds Python's random module in each worker process, so a call draws differently
in each. Copies in worker processes do not see a later set_epoch() unless the workers are started
anew for each epoch (persistent_workers=False) or get the epoch some other way.
"""

import json
import math
import random
import struct

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

SCHEDULE_TEXT = "{}"

SCHEDULE = json.loads(SCHEDULE_TEXT)

_MASK = 0xFFFFFFFF
_AUGMENT, _BASE, _OP, _RESIZED_CROP = 0, 1, 13, 14  # what a stream of draws is for


def _philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _MASK, (p0 >> 32) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    return c0, c1, c2, c3


class _Random:
    """A stream of draws under a key."""

    def __init__(self, seed, purpose, stream, epoch, sample):
        if not (0 <= seed < 1 << 64 and 0 <= stream < 1 << 24 and 0 <= epoch < 1 << 24 and 0 <= sample < 1 << 40):
            raise ValueError("seed, stream, epoch and sample have at most 64, 24, 24 and 40 bits")
        self.key = (seed & _MASK, seed >> 32)
        self.counter = [0, sample & _MASK, (sample >> 32) | (epoch << 8 & _MASK), stream | purpose << 24]
        self.block = []

    def next32(self):
        if not self.block:
            self.block = list(_philox(self.counter, self.key))
            self.counter[0] += 1
        return self.block.pop(0)

    def uniform(self):
        low = self.next32()
        return ((low | self.next32() << 32) >> 11) * 2.0**-53

    def below(self, n):
        product = self.next32() * n
        if product & _MASK < n:
            threshold = ((1 << 32) - n) % n
            while product & _MASK < threshold:
                product = self.next32() * n
        return product >> 32

    def chance(self, p):
        return self.uniform() < p


def _cumulative(weights, u):
    """The index that u in 0..1 picks from the weights."""
    total = 0.0
    for index, weight in enumerate(weights[:-1]):
        total += weight
        if u < total:
            return index
    return len(weights) - 1


def _through_rgb(function):
    """The published pipeline sends such ops through RGB: holes become opaque."""
    return lambda image, value, context: function(image.convert("RGB"), value).convert("RGBA")


def _affine(matrix):
    return lambda image, value, context: image.transform(
        image.size, Image.Transform.AFFINE, matrix(value), fillcolor=context.fill
    )


def _posterize(image, value):
    mask = ~(2 ** (8 - int(value)) - 1)
    return image.point([i & mask for i in range(256)] * 3)


def _solarize(image, value):
    return image.point([i if i < value else 255 - i for i in range(256)] * 3)


def _enhance(kind):
    return lambda image, value, context: kind(image).enhance(value)


def _cutout(image, value, context):
    side = int(value)
    if side <= 0:
        return image
    left = context.random.below(image.width) - side // 2
    top = context.random.below(image.height) - side // 2
    image = image.copy()
    image.paste(context.under, (left, top, left + side, top + side))
    return image


def _crop_bilinear(image, value, context):
    margin = min(max(int(value), 0), (min(image.size) - 1) // 2)
    if margin == 0:
        return image
    box = (margin, margin, image.width - margin, image.height - margin)
    return image.crop(box).resize(image.size, Image.Resampling.BILINEAR)


OPS = {
    "Rotate": lambda image, value, context: image.rotate(value, fillcolor=context.fill),
    "TranslateX": _affine(lambda v: (1, 0, v, 0, 1, 0)),
    "TranslateY": _affine(lambda v: (1, 0, 0, 0, 1, v)),
    "ShearX": _affine(lambda v: (1, v, 0, 0, 1, 0)),
    "ShearY": _affine(lambda v: (1, 0, 0, v, 1, 0)),
    "Brightness": _enhance(ImageEnhance.Brightness),
    "Color": _enhance(ImageEnhance.Color),
    "Contrast": _enhance(ImageEnhance.Contrast),
    "Sharpness": _enhance(ImageEnhance.Sharpness),
    "Invert": _through_rgb(lambda image, value: ImageOps.invert(image)),
    "Posterize": _through_rgb(_posterize),
    "Solarize": _through_rgb(_solarize),
    "Equalize": _through_rgb(lambda image, value: ImageOps.equalize(image)),
    "AutoContrast": _through_rgb(lambda image, value: ImageOps.autocontrast(image)),
    "Cutout": _cutout,
    "FlipLR": lambda image, value, context: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "FlipUD": lambda image, value, context: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "CropBilinear": _crop_bilinear,
    "Blur": lambda image, value, context: image.filter(ImageFilter.BLUR),
    "Smooth": lambda image, value, context: image.filter(ImageFilter.SMOOTH),
    "Identity": lambda image, value, context: image,
}


class _Context:
    """What an op may need beside its value."""

    def __init__(self, stream, fill, grey):
        self.random = stream
        self.fill = fill
        self.under = (122, 122, 122, 0) if grey else (125, 122, 113, 0)


def crop_box(width, height, least_area, stream):
    """The rule of torchvision's RandomResizedCrop, ratios 3/4 to 4/3: left, top, right, bottom."""
    low, high = math.log(3 / 4), math.log(4 / 3)
    for _ in range(10):
        area = width * height * (least_area + (1 - least_area) * stream.uniform())
        ratio = math.exp(low + (high - low) * stream.uniform())
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            top, left = stream.below(height - h + 1), stream.below(width - w + 1)
            return left, top, left + w, top + h
    w, h = width, height
    if width / height < 3 / 4:
        h = min(max(round(width / (3 / 4)), 1), height)
    if width / height > 4 / 3:
        w = min(max(round(height * (4 / 3)), 1), width)
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def _pixels(value, side):
    return math.floor(value * side / 32 + 0.5)


def _float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def op_value(op, level, negative, size, scale_pixels):
    """The value that an op of the space gets at a level, for an image of this size."""
    if not op["values"]:
        return 0.0
    value = op["values"][level]
    scale = op.get("scale", "none")
    width, height = size
    side = {"width": width, "height": height, "shorter": min(size)}.get(scale.split("-")[0])
    if scale.endswith("-truncated"):
        value = math.trunc(_float32(value * side / 32))
    elif side is not None and scale_pixels:
        value = _pixels(value, side)
    centre = op.get("centre", 0)
    return centre - value if negative else centre + value


class ScheduleTransform:
    """The schedule as a transform of PIL images."""

    def __init__(self, fill=(125, 123, 114)):
        self.fill = fill
        self.epoch = 0
        self.space = SCHEDULE["space"]
        self.rule = SCHEDULE["rule"]
        self.base = SCHEDULE["base"]
        self.segments = SCHEDULE["segments"]
        self.ops = {op["op"]: op for op in self.space["ops"]}

    def __len__(self):
        return sum(segment["epochs"] for segment in self.segments)

    def set_epoch(self, epoch):
        """Epochs count from 0; past the end the last policy stays."""
        self.epoch = epoch

    def __call__(self, image):
        key = {"seed": random.getrandbits(64), "sample": random.getrandbits(40)}
        result = self.augment(image, epoch=self.epoch, **key)
        ground = Image.new("RGB", result.size, self.fill)
        ground.paste(result.convert("RGB"), mask=result.getchannel("A").point([0] + [255] * 255))
        return ground.convert(image.mode)

    def policy(self, epoch):
        for segment in self.segments:
            if epoch < segment["epochs"]:
                return segment["policy"]
            epoch -= segment["epochs"]
        return self.segments[-1]["policy"]

    def draws(self, seed, epoch, sample, stream=0):
        """The ops of one image: (name, level, negative)."""
        stream_of_draws = _Random(seed, _AUGMENT, stream, epoch, sample)
        entries = self.policy(epoch)
        mixture = self.rule.get("mixture")
        if mixture:
            part = _cumulative(mixture, stream_of_draws.uniform())
            size = len(entries) // len(mixture)
            entries = entries[part * size : (part + 1) * size]
        if not entries or self.rule["kind"] == "none":
            return []
        draw = {
            "pba": self._draw_pba,
            "sub-policies": self._draw_group,
            "randaugment": self._draw_randaugment,
            "trivial": self._draw_trivial,
        }[self.rule["kind"]]
        return list(draw(entries, stream_of_draws))

    def _make(self, entry, level, stream):
        negative = self.ops[entry["op"]]["signed"] and stream.next32() & 1 == 1
        return entry["op"], level, negative

    def _draw_pba(self, entries, stream):
        count = _cumulative(self.rule["count_weights"], stream.uniform())
        unvisited = [entry for entry in entries if entry["probability"] > 0]
        while count > 0 and unvisited:
            position = stream.below(len(unvisited))
            entry = unvisited[position]
            unvisited[position] = unvisited[-1]
            unvisited.pop()
            if stream.chance(entry["probability"]):
                yield self._make(entry, entry["level"], stream)
                count -= 1

    def _draw_group(self, entries, stream):
        group = self.rule["group"]
        first = stream.below(len(entries) // group) * group
        for entry in entries[first : first + group]:
            if stream.chance(entry["probability"]):
                yield self._make(entry, entry["level"], stream)

    def _draw_randaugment(self, entries, stream):
        for _ in range(self.rule["count"]):
            entry = entries[stream.below(len(entries))]
            yield self._make(entry, entry["level"], stream)

    def _draw_trivial(self, entries, stream):
        entry = entries[stream.below(len(entries))]
        yield self._make(entry, stream.below(self.space["levels"]), stream)

    def augment(self, image, seed, epoch, sample, stream=0):
        """RGBA, holes at alpha 0, before normalisation. Grey images stay grey."""
        grey = image.mode in ("1", "L")
        least_area = self.base.get("resized_crop", 0)
        if least_area > 0:
            box = crop_box(*image.size, least_area, _Random(seed, _RESIZED_CROP, stream, epoch, sample))
            image = image.convert("RGB").crop(box).resize(image.size, Image.Resampling.BILINEAR)
        image = image.convert("RGBA")
        fill = (0, 0, 0, 0) if self.space["fill"] == "hole" else (0, 0, 0, 255)
        context = _Context(_Random(seed, _OP, stream, epoch, sample), fill, grey)
        scaled = self.base["scale_pixels"]
        for name, level, negative in self.draws(seed, epoch, sample, stream):
            value = op_value(self.ops[name], level, negative, image.size, scaled)
            image = OPS[name](image, value, context)
        return self._base_transforms(image, _Random(seed, _BASE, stream, epoch, sample))

    def _base_transforms(self, image, stream):
        width, height = image.size
        pad, cutout = self.base["pad"], self.base["cutout"]
        if self.base["scale_pixels"]:
            pad, cutout = (_pixels(v, min(image.size)) for v in (pad, cutout))
        if pad > 0:
            x, y = stream.below(2 * pad + 1), stream.below(2 * pad + 1)
            padded = Image.new("RGBA", (width + 2 * pad, height + 2 * pad), (0, 0, 0, 0))
            padded.paste(image, (pad, pad))
            image = padded.crop((x, y, x + width, y + height))
        if self.base["flip"] > 0 and stream.chance(self.base["flip"]):
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if cutout > 0:
            left, top = stream.below(width) - cutout // 2, stream.below(height) - cutout // 2
            image = image.copy()
            image.paste((0, 0, 0, 0), (left, top, left + cutout, top + cutout))
        return image
