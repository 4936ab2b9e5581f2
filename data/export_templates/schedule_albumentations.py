"""An augmentation schedule on albumentations (2.0 or newer), for pipelines that are built on it.

    from NAME import ScheduleTransform
    transform = A.Compose([ScheduleTransform(), A.Normalize(...)])
    transform.transforms[0].set_epoch(epoch)     # at the start of every epoch

Images are uint8 0..255 or float32 0..1, colour or grey. The epoch lies in memory that worker processes
share, so set_epoch() reaches the running workers of a DataLoader; a schedule with several policies
refuses to run before it was called. Draws come from albumentations' own generator.

Which ops an image gets, how often and at which level is exactly the schedule's rule. What the ops
do to pixels is albumentations' own; DEVIATIONS says where that differs. For exact pixels use
`popaug schedule export --to python` or the popaug package.
"""

import json
import multiprocessing

import albumentations as A
import cv2
import numpy as np

DEVIATIONS = (
    "holes (uncovered pixels, Cutout) are filled with the colour FILL at once instead of staying the mean colour to the end",
    "Rotate, ShearX and ShearY map pixels by OpenCV, which rounds positions in another way than Pillow",
    "Color, Contrast and Brightness round after each step as OpenCV does",
    "Equalize and AutoContrast use albumentations' Pillow modes",
    "a random resized crop (if the schedule has one) is resized by OpenCV, whose bilinear weights are coarser than Pillow's",
    "images of float32 are rounded to 256 levels first, and grey ones pass through three equal channels",
    "random numbers come from albumentations' generator: a seed gives other draws than popaug",
)
FILL = (125, 122, 113)  # the mean colour of CIFAR-10's training images
GREY = 122

SCHEDULE_TEXT = "{}"

SCHEDULE = json.loads(SCHEDULE_TEXT)


def _affine(fill, **arguments):
    return A.Affine(interpolation=0, border_mode=0, fill=fill, p=1, **arguments)


def _jitter(**arguments):
    neutral = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}
    return A.ColorJitter(p=1, **{**neutral, **arguments})


class _Shear(A.ImageOnlyTransform):
    """About the first row or column, as Pillow shears; A.Affine shears about the centre."""

    def __init__(self, along_x, along_y, fill):
        super().__init__(p=1)
        self.fill = fill
        self.matrix = np.array([[1, along_x, along_x / 2], [along_y, 1, along_y / 2]], np.float64)

    def apply(self, img, **params):
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        size = (img.shape[1], img.shape[0])
        return cv2.warpAffine(
            img, self.matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=self.fill
        )


class _Sharpness(A.ImageOnlyTransform):
    """Between the image and Pillow's SMOOTH filter of it, whose outermost pixels are the image's own."""

    def __init__(self, value):
        super().__init__(p=1)
        self.value = value

    def apply(self, img, **params):
        kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
        smooth = img.copy()
        smooth[1:-1, 1:-1] = np.floor(cv2.filter2D(img.astype(np.float32), -1, kernel) + 0.5)[1:-1, 1:-1]
        smooth = smooth.astype(np.float32)
        return np.clip(smooth + self.value * (img - smooth), 0, 255).astype(np.uint8)


def _solarize(value):
    if value > 255:
        return A.NoOp()
    threshold = max(value - 0.5, 0) / 255  # between two bytes, so that rounding moves none
    return A.Solarize(threshold_range=(threshold, threshold), p=1)


class _Black(A.ImageOnlyTransform):
    """What is left of an image at 0 bits."""

    def apply(self, img, **params):
        return np.zeros_like(img)


class _Turn(A.ImageOnlyTransform):
    """A turn by 90, 180 or 270 degrees, each as often."""

    def get_params(self):
        return {"turns": 1 + self.py_random.randrange(3)}

    def apply(self, img, turns=0, **params):
        return np.ascontiguousarray(np.rot90(img, turns))


def _cutout(value, fill):
    side = int(value)
    if side <= 0:
        return A.NoOp()
    return A.CoarseDropout(
        num_holes_range=(1, 1), hole_height_range=(side, side), hole_width_range=(side, side), fill=fill, p=1
    )


OPS = {
    "Rotate": lambda v, fill: _affine(fill, rotate=(v, v)),
    "TranslateX": lambda v, fill: _affine(fill, translate_px={"x": (-int(v), -int(v)), "y": (0, 0)}),
    "TranslateY": lambda v, fill: _affine(fill, translate_px={"x": (0, 0), "y": (-int(v), -int(v))}),
    "ShearX": lambda v, fill: _Shear(v, 0, fill),
    "ShearY": lambda v, fill: _Shear(0, v, fill),
    "Brightness": lambda v, fill: _jitter(brightness=(v, v)),
    "Color": lambda v, fill: _jitter(saturation=(v, v)),
    "Contrast": lambda v, fill: _jitter(contrast=(v, v)),
    "Sharpness": lambda v, fill: _Sharpness(v),
    "Invert": lambda v, fill: A.InvertImg(p=1),
    "Posterize": lambda v, fill: A.Posterize(num_bits=(int(v), int(v)), p=1) if v >= 1 else _Black(p=1),
    "Solarize": lambda v, fill: _solarize(v),
    "Equalize": lambda v, fill: A.Equalize(mode="pil", p=1),
    "AutoContrast": lambda v, fill: A.AutoContrast(method="pil", p=1),
    "Cutout": _cutout,
    "FlipLR": lambda v, fill: A.HorizontalFlip(p=1),
    "FlipUD": lambda v, fill: A.VerticalFlip(p=1),
    "Blur": lambda v, fill: A.Blur(blur_limit=(5, 5), p=1),
    "Smooth": lambda v, fill: A.Blur(blur_limit=(3, 3), p=1),
    "Identity": lambda v, fill: A.NoOp(),
}


def _value(op, level, negative, shape, scale_pixels):
    if not op["values"]:
        return 0.0
    value = op["values"][level]
    height, width = shape[:2]
    scale = op.get("scale", "none")
    side = {"width": width, "height": height, "shorter": min(width, height)}.get(scale.split("-")[0])
    if side is not None and (scale_pixels or scale.endswith("-truncated")):
        value = int(value * side / 32 + 0.5)
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


class ScheduleTransform(A.ImageOnlyTransform):
    """The schedule's policy of the current epoch, with its base transforms."""

    def __init__(self, p=1.0):
        super().__init__(p=p)
        self.epoch = SharedEpoch()
        self.ops = {op["op"]: op for op in SCHEDULE["space"]["ops"]}
        self.segments = SCHEDULE["segments"]

    def set_epoch(self, epoch):
        """Epochs count from 0; past the end the last policy stays."""
        self.epoch.set(epoch)

    def _segment(self):
        """The segment of the current epoch."""
        epoch = self.epoch.get() if len(self.segments) > 1 else 0
        for segment in self.segments:
            if epoch < segment["epochs"]:
                return segment
            epoch -= segment["epochs"]
        return self.segments[-1]

    def _entries(self):
        policy = self._segment()["policy"]
        mixture = SCHEDULE["rule"].get("mixture")
        if mixture:
            size = len(policy) // len(mixture)
            part = self.py_random.choices(range(len(mixture)), mixture)[0]
            policy = policy[part * size : (part + 1) * size]
        return policy

    def draws(self):
        rule, entries, random = SCHEDULE["rule"], self._entries(), self.py_random
        if not entries or rule["kind"] == "none":
            return []
        if rule["kind"] == "trivial":
            return [(random.choice(entries)["op"], random.randrange(SCHEDULE["space"]["levels"]))]
        if rule["kind"] == "randaugment":
            return [(e["op"], e["level"]) for e in random.choices(entries, k=rule["count"])]
        if rule["kind"] == "sub-policies":
            first = random.randrange(len(entries) // rule["group"]) * rule["group"]
            group = entries[first : first + rule["group"]]
            return [(e["op"], e["level"]) for e in group if random.random() < e["probability"]]
        weights = rule["count_weights"]
        count = random.choices(range(len(weights)), weights)[0]
        chosen = []
        for entry in random.sample(entries, len(entries)):
            if len(chosen) == count:
                break
            if random.random() < entry["probability"]:
                chosen.append((entry["op"], entry["level"]))
        return chosen

    def get_params(self):
        signs = self.py_random
        return {"chosen": [(op, level, self.ops[op]["signed"] and signs.random() < 0.5) for op, level in self.draws()]}

    def apply(self, img, chosen=(), **params):
        """Bytes and colour inside; the type and shape of the image outside."""
        grey = img.ndim == 2 or img.shape[2] == 1
        if not grey and img.shape[2] != 3:
            raise ValueError(f"an image of shape {img.shape}; expected 1 or 3 channels")
        if img.dtype == np.float32:
            if img.size and not (img.min() >= 0 and img.max() <= 1):
                raise ValueError("an image of float32 outside 0..1; put the schedule before A.Normalize")
            pixels = np.floor(img * 255 + 0.5).astype(np.uint8)
        elif img.dtype == np.uint8:
            pixels = img
        else:
            raise TypeError(f"an image of type {img.dtype}; expected uint8 0..255 or float32 0..1")
        if grey:
            pixels = np.repeat(pixels.reshape(*img.shape[:2], 1), 3, axis=2)
        self.fill = (GREY,) * 3 if grey else FILL
        result = self._augment(pixels, chosen)
        if grey:
            result = result[:, :, :1].reshape(img.shape)
        return result if img.dtype == np.uint8 else result.astype(np.float32) / 255

    def _augment(self, img, chosen):
        segment = self._segment()
        base = segment.get("base", SCHEDULE["base"])
        values = segment.get("values", {})
        least_area = base.get("resized_crop", 0)
        if least_area > 0:
            img = self._run(A.RandomResizedCrop(img.shape[:2], (least_area, 1), (3 / 4, 4 / 3), p=1), img)
        for name, level, negative in chosen:
            op = self.ops[name] | {"values": values.get(name, self.ops[name]["values"])}
            value = _value(op, level, negative, img.shape, base["scale_pixels"])
            img = self._run(OPS[name](value, self.fill), img)
        return self._base_transforms(img, base)

    def _run(self, step, img):
        """With draws that follow from this transform's own generator, so that a seed repeats all of them."""
        step.set_random_seed(self.py_random.randrange(1 << 31))
        return step(image=img)["image"]

    def _base_transforms(self, img, base):
        height, width = img.shape[:2]
        factor = min(height, width) / 32 if base["scale_pixels"] else 1
        pad, cutout = int(base["pad"] * factor + 0.5), int(base["cutout"] * factor + 0.5)
        steps = []
        if pad:
            steps.append(A.Pad(padding=pad, fill=self.fill, p=1))
            steps.append(A.RandomCrop(height, width, p=1))
        if base["flip"]:
            steps.append(A.HorizontalFlip(p=base["flip"]))
        if base.get("vflip", 0):
            steps.append(A.VerticalFlip(p=base["vflip"]))
        if base.get("turn", 0):
            if height != width:
                raise ValueError(
                    f"an image of {width}x{height}; the schedule turns by 90 degrees, so images must be square"
                )
            steps.append(_Turn(p=base["turn"]))
        if cutout:
            steps.append(_cutout(cutout, self.fill))
        for step in steps:
            img = self._run(step, img)
        return img
