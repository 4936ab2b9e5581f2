"""An augmentation schedule as one file that needs only Pillow.

    from NAME import ScheduleTransform
    transform = ScheduleTransform()          # a torchvision-style transform of images
    transform.set_epoch(epoch)               # at the start of every epoch: the policy follows the schedule
    image = transform(image)                 # a Pillow image, a uint8 tensor or a uint8 array; the same kind comes back
    image = transform.augment(image, seed=1, epoch=3, sample=17)   # fully determined

augment() gives an RGBA image whose holes have alpha 0, byte for byte what popaug gives for the same
key (seed, stream, epoch, sample). Calling the transform gives an image of the argument's kind, holes
filled with `fill`, which should be the mean colour of the data set.

Draws come from `generator`: a random.Random, a numpy.random.Generator or a torch.Generator. Without one
they come from torch's global generator where torch is imported, which a DataLoader seeds in each worker
process, and from Python's random module where it is not.

Where the schedule mixes images (CutMix, mixup), an image needs the others, so a data set does it:

    transform = ScheduleTransform(fill=(125, 122, 113))   # the mean colour of the images
    loader = DataLoader(MixedDataset(dataset, transform), batch_size=128, shuffle=True, collate_fn=collate)
    images, labels = ...                     # of the loader; the images still want the model's normalisation
    loss = mixed_cross_entropy(model(images), labels)

The epoch lies in memory that worker processes share, so set_epoch() reaches the running workers of a
DataLoader. A schedule with several policies refuses to run before set_epoch() was called.
"""

import json
import math
import multiprocessing
import random
import struct
import sys

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

SCHEDULE_TEXT = "{}"

SCHEDULE = json.loads(SCHEDULE_TEXT)

MEAN_COLOUR = (125, 122, 113)  # of CIFAR-10's training images
GREY = 122

_MASK = 0xFFFFFFFF
_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
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


def _log_gamma(stream, shape):
    """The logarithm of a draw from Gamma(shape): Marsaglia and Tsang (2000) for shape + 1, times U^(1 / shape)."""
    d = shape + 1 - 1.0 / 3
    c = 1 / math.sqrt(9 * d)
    while True:
        u = 1.0 - stream.uniform()
        x = math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * stream.uniform())
        root = 1 + c * x
        if root <= 0:
            continue
        v = root * root * root
        if math.log(1.0 - stream.uniform()) < 0.5 * x * x + d - d * v + d * math.log(v):
            return math.log(d * v) + math.log(1.0 - stream.uniform()) / shape


def _beta(stream, alpha):
    """A draw from Beta(alpha, alpha)."""
    if alpha == 1:
        return stream.uniform()
    a, b = _log_gamma(stream, alpha), _log_gamma(stream, alpha)
    return 1 / (1 + math.exp(b - a))


def _mixup(image, partner, weight, hole):
    """Bytes (a weight + b (256 - weight) + 128) / 256; a hole counts as the colour `hole`, two holes stay one."""
    solid = [each.getchannel("A").point([0] + [255] * 255) for each in (image, partner)]
    bytes_of_both = []
    for each, mask in zip((image, partner), solid, strict=True):
        ground = Image.new("RGB", each.size, hole)
        ground.paste(each.convert("RGB"), mask=mask)
        bytes_of_both.append(ground.tobytes())
    mixed = bytes((a * weight + b * (256 - weight) + 128) >> 8 for a, b in zip(*bytes_of_both, strict=True))
    result = Image.new("RGBA", image.size, (0, 0, 0, 0))
    result.paste(Image.frombytes("RGB", image.size, mixed).convert("RGBA"), mask=ImageChops.lighter(*solid))
    return result


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
        self.under = (GREY, GREY, GREY, 0) if grey else (*MEAN_COLOUR, 0)


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


class SharedEpoch:
    """The current epoch, the same in all worker processes and in all copies."""

    def __init__(self):
        self.value = multiprocessing.RawValue("q", -1)

    def set(self, epoch):
        if epoch != int(epoch) or epoch < 0:
            raise ValueError(f"epoch {epoch!r}; epochs are whole numbers and count from 0")
        self.value.value = int(epoch)

    def get(self):
        if self.value.value < 0:
            raise RuntimeError(
                "the epoch was never set: call set_epoch(n) at the start of each epoch, before the loop over the loader"
            )
        return self.value.value

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


def random_bits(generator, bits):
    """A random number of so many bits (at most 64) from any of the usual generators."""
    torch = sys.modules.get("torch")
    if generator is None and torch is None:
        return random.getrandbits(bits)
    if torch is not None and (generator is None or isinstance(generator, torch.Generator)):
        words = torch.randint(1 << 32, (2,), generator=generator).tolist()
    elif hasattr(generator, "getrandbits"):
        return generator.getrandbits(bits)
    else:
        words = [int(word) for word in generator.integers(0, 1 << 32, 2)]
    return (words[0] | words[1] << 32) >> (64 - bits)


def as_pillow(image):
    """A Pillow image of a uint8 tensor [channels, height, width] or array [height, width, channels]; another unchanged."""
    if isinstance(image, Image.Image):
        if image.mode not in ("RGB", "L", "1"):
            raise ValueError(f"a Pillow image of mode {image.mode}; expected RGB or L")
        return image
    torch = sys.modules.get("torch")
    tensor = torch is not None and isinstance(image, torch.Tensor)
    dtype = str(getattr(image, "dtype", type(image).__name__)).removeprefix("torch.")
    if dtype != "uint8":
        raise TypeError(f"an image of type {dtype}; expected a Pillow image, or a tensor or array of uint8, 0..255")
    pixels = image.cpu().numpy() if tensor else image
    if pixels.ndim == 3 and tensor:
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim != 2 and (pixels.ndim != 3 or pixels.shape[2] != 3):
        expected = "[channels, height, width]" if tensor else "[height, width, channels]"
        raise ValueError(f"an image of shape {tuple(image.shape)}; expected {expected} with 1 or 3 channels")
    return Image.frombytes("L" if pixels.ndim == 2 else "RGB", pixels.shape[1::-1], pixels.tobytes())


def like(result, image):
    """A Pillow image as the kind of image that was given."""
    if isinstance(image, Image.Image):
        return result.convert(image.mode)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(image, torch.Tensor):
        pixels = torch.frombuffer(bytearray(result.tobytes()), dtype=torch.uint8)
        pixels = pixels.reshape(result.height, result.width, -1).permute(2, 0, 1).reshape(image.shape).contiguous()
        tv_tensors = sys.modules.get("torchvision.tv_tensors")
        return tv_tensors.wrap(pixels, like=image) if tv_tensors and isinstance(image, tv_tensors.Image) else pixels
    return type(image)(image.shape, image.dtype, result.tobytes()).copy()


class ScheduleTransform:
    """The schedule as a transform of images."""

    def __init__(self, fill=None, generator=None):
        """fill: the colour of holes, three bytes or one for grey; None: CIFAR-10's mean colour. generator: of the draws."""
        self.fill = fill
        self.generator = generator
        self.epoch = SharedEpoch()
        self.space = SCHEDULE["space"]
        self.rule = SCHEDULE["rule"]
        self.base = SCHEDULE["base"]
        self.segments = SCHEDULE["segments"]
        self.ops = {op["op"]: op for op in self.space["ops"]}
        self.bases = [segment.get("base", self.base) for segment in self.segments]
        self.values = [
            {name: op | {"values": segment.get("values", {}).get(name, op["values"])} for name, op in self.ops.items()}
            for segment in self.segments
        ]

    def __len__(self):
        return sum(segment["epochs"] for segment in self.segments)

    def set_epoch(self, epoch):
        """Epochs count from 0; past the end the last policy stays."""
        self.epoch.set(epoch)

    @property
    def mixes(self):
        """Whether the schedule mixes images with each other, which one image alone cannot show."""
        return any(base.get("cutmix", 0) > 0 or base.get("mixup", 0) > 0 for base in self.bases)

    def __call__(self, image, *others):
        """The image augmented; other inputs, such as a label, pass through."""
        if self.mixes:
            raise RuntimeError(
                "this schedule mixes images with each other: wrap the data set in MixedDataset(dataset, transform), or "
                "call mixed()"
            )
        key = {"seed": random_bits(self.generator, 64), "sample": random_bits(self.generator, 40)}
        epoch = self.epoch.get() if len(self.segments) > 1 else 0
        given = as_pillow(image)
        grey = given.mode != "RGB"
        result = self.augment(given, epoch=epoch, **key)
        augmented = like(self.filled(result, grey), image)
        return (augmented, *others) if others else augmented

    def colour(self, grey):
        return (GREY if grey else MEAN_COLOUR) if self.fill is None else self.fill

    def filled(self, image, grey):
        """An RGBA image with its holes filled, as RGB or L."""
        ground = Image.new("L" if grey else "RGB", image.size, self.colour(grey))
        ground.paste(image.convert(ground.mode), mask=image.getchannel("A").point([0] + [255] * 255))
        return ground

    def segment(self, epoch):
        """The number of the segment of an epoch."""
        for number, segment in enumerate(self.segments):
            if epoch < segment["epochs"]:
                return number
            epoch -= segment["epochs"]
        return len(self.segments) - 1

    def policy(self, epoch):
        return self.segments[self.segment(epoch)]["policy"]

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
        """RGBA, holes at alpha 0, before normalisation. Grey images stay grey. Mixes nothing."""
        return self._augment(image, seed, epoch, sample, stream)[0]

    def mixed(self, read, samples, seed, epoch, sample, stream=0):
        """Image `sample` augmented and, where its draws say so, mixed with another one, which is augmented too.

        read(i): image i, a Pillow image. samples: how many images the epoch has, numbered from 0. Returns the RGBA
        image, the number of its partner (its own where it is not mixed), and the share of the image itself, which its
        label has too. Holes count as `fill`, which must be the mean colour for the same bytes as popaug's.
        """
        if samples < 2:
            raise ValueError(f"an image is mixed with another one, but there are {samples}")
        own = read(sample)
        grey = own.mode != "RGB"
        image, draws = self._augment(own, seed, epoch, sample, stream)
        kind, what, share = self._draw_mix(image.size, draws, self.bases[self.segment(epoch)])
        if kind is None:
            return image, sample, 1.0
        partner = sample
        while partner == sample:
            partner = draws.below(samples)
        if share == 1:
            return image, partner, share
        other = self.augment(read(partner), seed, epoch, partner, stream)
        if kind == "mixup":
            hole = self.colour(grey)
            return _mixup(image, other, what, (hole,) * 3 if grey else tuple(hole)), partner, share
        image = image.copy()
        image.paste(other.crop(what), what[:2])
        return image, partner, share

    def _draw_mix(self, size, stream, base):
        """The kind, "cutmix" with its box or "mixup" with the image's weight in parts of 256; and the share of the image."""
        width, height = size
        cutmix = base.get("cutmix", 0) > 0 and stream.chance(base["cutmix"])
        mixup = base.get("mixup", 0) > 0 and stream.chance(base["mixup"])
        if cutmix and (not mixup or stream.next32() & 1 == 0):
            side = math.sqrt(1 - _beta(stream, base.get("cutmix_alpha", 1)))
            half_width, half_height = int(width * side) // 2, int(height * side) // 2
            x, y = stream.below(width), stream.below(height)
            left, top = max(x - half_width, 0), max(y - half_height, 0)
            right, bottom = min(x + half_width, width), min(y + half_height, height)
            area = (right - left) * (bottom - top)
            return "cutmix", (left, top, right, bottom), 1 - area / (float(width) * height)
        if mixup:
            weight = math.floor(256 * _beta(stream, base.get("mixup_alpha", 0.2)) + 0.5)
            return "mixup", weight, weight / 256
        return None, None, 1.0

    def _augment(self, image, seed, epoch, sample, stream):
        """The augmented image, and the stream of draws of the base transforms where it has come to."""
        number = self.segment(epoch)
        base, ops = self.bases[number], self.values[number]
        grey = image.mode in ("1", "L")
        least_area = base.get("resized_crop", 0)
        if least_area > 0:
            box = crop_box(*image.size, least_area, _Random(seed, _RESIZED_CROP, stream, epoch, sample))
            image = image.convert("RGB").crop(box).resize(image.size, Image.Resampling.BILINEAR)
        image = image.convert("RGBA")
        fill = (0, 0, 0, 0) if self.space["fill"] == "hole" else (0, 0, 0, 255)
        context = _Context(_Random(seed, _OP, stream, epoch, sample), fill, grey)
        scaled = base["scale_pixels"]
        for name, level, negative in self.draws(seed, epoch, sample, stream):
            value = op_value(ops[name], level, negative, image.size, scaled)
            image = OPS[name](image, value, context)
        draws = _Random(seed, _BASE, stream, epoch, sample)
        return self._base_transforms(image, draws, grey, base), draws

    def _base_transforms(self, image, stream, grey, base):
        width, height = image.size
        pad, cutout = base["pad"], base["cutout"]
        if base["scale_pixels"]:
            pad, cutout = (_pixels(v, min(image.size)) for v in (pad, cutout))
        if pad > 0:
            x, y = stream.below(2 * pad + 1), stream.below(2 * pad + 1)
            padded = Image.new("RGBA", (width + 2 * pad, height + 2 * pad), (0, 0, 0, 0))
            padded.paste(image, (pad, pad))
            image = padded.crop((x, y, x + width, y + height))
        if base["flip"] > 0 and stream.chance(base["flip"]):
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        vflip, turn = base.get("vflip", 0), base.get("turn", 0)
        if vflip > 0 and stream.chance(vflip):
            image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        if turn > 0:
            if width != height:
                raise ValueError(
                    f"an image of {width}x{height}; the schedule turns by 90 degrees, so images must be square"
                )
            if stream.chance(turn):
                image = image.transpose(_TURNS[stream.below(3)])
        if cutout > 0:
            left, top = stream.below(width) - cutout // 2, stream.below(height) - cutout // 2
            image = image.copy()
            image.paste((0, 0, 0, 0), (left, top, left + cutout, top + cutout))
        if base.get("erase", 0) > 0 and stream.chance(base["erase"]):
            image = self._erase(image, stream, grey, base)
        return image

    def _erase(self, image, stream, grey, base):
        """Random erasing: the first of ten rectangles that is smaller than the image."""
        width, height = image.size
        low = math.log(base["erase_ratio"])
        for _ in range(10):
            share = base["erase_least"] + (base["erase_most"] - base["erase_least"]) * stream.uniform()
            ratio = math.exp(low + (-low - low) * stream.uniform())
            h = round(math.sqrt(float(width) * height * share * ratio))
            w = round(math.sqrt(float(width) * height * share / ratio))
            if not (1 <= h < height and 1 <= w < width):
                continue
            top, left = stream.below(height - h + 1), stream.below(width - w + 1)
            image = image.copy()
            image.paste(self._erased(image, w, h, stream, grey, base), (left, top))
            break
        return image

    def _erased(self, image, width, height, stream, grey, base):
        """What random erasing leaves in its rectangle."""
        colour = (0, 0, 0, 0)
        if base["erase_fill"] == "noise":
            low, high = stream.next32(), stream.next32()
            noise = _Random(low | high << 32, _BASE, 0, 0, 0)
            words = [noise.next32() for _ in range(width * height)]
            if grey:
                words = [(word & 255) * 0x010101 for word in words]
            pixels = b"".join((word & 0xFFFFFF | 0xFF000000).to_bytes(4, "little") for word in words)
            return Image.frombytes("RGBA", (width, height), pixels)
        if base["erase_fill"] == "mean":
            solid = image.getchannel("A").point([0] + [255] * 255)
            count = solid.histogram()[255]
            sums = [sum(v * n for v, n in enumerate(image.getchannel(c).histogram(solid))) for c in "RGB"]
            if count > 0:
                colour = (*((2 * total + count) // (2 * count) for total in sums), 255)
        return Image.new("RGBA", (width, height), colour)


class MixedDataset:
    """A data set whose images are augmented and mixed with each other: items (image, (label, other label, share)).

    dataset: items (image, label) by index, images of one size and of any kind that the transform takes; labels are
    class numbers. seed: of the draws; the same seed, epoch and index give the same item in every process.
    """

    def __init__(self, dataset, transform, seed=0):
        if len(dataset) < 2:
            raise ValueError(f"images are mixed with each other, but the data set has {len(dataset)}")
        self.dataset = dataset
        self.transform = transform
        self.seed = seed

    def __len__(self):
        return len(self.dataset)

    def set_epoch(self, epoch):
        self.transform.set_epoch(epoch)

    def __getitem__(self, index):
        own, label = self.dataset[index]
        read = lambda i: as_pillow(own if i == index else self.dataset[i][0])  # noqa: E731
        epoch = self.transform.epoch.get()
        image, partner, share = self.transform.mixed(read, len(self), self.seed, epoch, index)
        other = label if partner == index else self.dataset[partner][1]
        return like(self.transform.filled(image, read(index).mode != "RGB"), own), (label, other, share)


def collate(items):
    """A batch of MixedDataset: images [n, channels, height, width] of uint8, and (labels, other labels, shares)."""
    import torch

    def tensor(image):
        if isinstance(image, torch.Tensor):
            return image
        pixels = as_pillow(image)
        found = torch.frombuffer(bytearray(pixels.tobytes()), dtype=torch.uint8)
        return found.reshape(pixels.height, pixels.width, -1).permute(2, 0, 1)

    labels, others, shares = zip(*(mixed for _, mixed in items), strict=True)
    images = torch.stack([tensor(image) for image, _ in items])
    return images, (torch.tensor(labels), torch.tensor(others), torch.tensor(shares))


def mixed_cross_entropy(logits, labels):
    """The loss of a batch of mixed images: the cross-entropies of both labels, weighted by their shares."""
    from torch.nn.functional import cross_entropy

    first, second, share = labels
    both = [cross_entropy(logits, each, reduction="none") for each in (first, second)]
    return (share * both[0] + (1 - share) * both[1]).mean()
