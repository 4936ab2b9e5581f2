"""The fixed arms of the regret study, as schedule documents (docs/formats/schedule.md).

Arms that popaug knows by name are exported from the program. The others are written here:

crop                pad 4 and crop, no flip
dihedral            one of the eight turns and mirrors, then pad 4 and crop
mild                one geometric, one colour and one tone op an image, each at a quarter of the range of
                    RandAugment's space and with a random sign; flips, pad 2 and crop
mild-S              the same at the share S of the range
NAME-noflip         the named arm without flips
NAME-dihedral       the named arm with all eight turns and mirrors
NAME+cutmix         the named arm with the CutMix of the program's "flipcrop+cutmix"

The arm "dihedral" of the program has the distribution of the document here (a turn before a uniform crop is a turn
after it). The document stays, because its draws made the lines of results that are kept.
"""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
from typing import Any

Document = dict[str, Any]

GEOMETRY = ("Rotate", "ShearX", "ShearY", "TranslateX", "TranslateY")
COLOUR = ("Brightness", "Color", "Contrast")
TONE = ("AutoContrast", "Posterize", "Sharpness", "Solarize")
MILD = 0.25

ARMS = (
    "none",
    "crop",
    "flipcrop",
    "dihedral",
    "randaugment",
    "trivial-0.25",
    "trivial-0.5",
    "trivial",
    "mild",
    "mild-noflip",
)

# Free arms outside the grid below.
OTHERS = (
    "none",
    "randaugment",
    "trivial-0.25",
    "trivial-0.5",
    "trivial",
    "flipcrop+cutmix",
    "trivial-0.5+cutmix",
    "mild+cutmix",
)

# Strength (none, a quarter, a half) times the symmetries that the labels may allow (none, mirror, all eight).
GRID = (
    "crop",
    "flipcrop",
    "dihedral",
    "mild-noflip",
    "mild",
    "mild-dihedral",
    "mild-0.5-noflip",
    "mild-0.5",
    "mild-0.5-dihedral",
)


def exported(popaug: str, name: str) -> Document:
    run = subprocess.run(
        [popaug, "schedule", "export", name, "--to", "json"], check=True, capture_output=True, text=True
    )
    document: Document = json.loads(run.stdout)
    return document


def without_flips(document: Document) -> Document:
    document = copy.deepcopy(document)
    document["base"]["flip"] = 0.0
    return document


def dihedral(popaug: str) -> Document:
    """Flip with probability 1/2, then one of four quarter turns: all eight with equal probability."""
    document = exported(popaug, "flipcrop")
    turns = [0.0, 90.0, 180.0, 270.0]
    document["space"] = {
        "name": "turns",
        "levels": 4,
        "search_levels": 4,
        "fill": "hole",
        "ops": [{"op": "Rotate", "signed": False, "values": turns}],
    }
    document["rule"] = {"kind": "sub-policies", "group": 1}
    entries = [{"op": "Rotate", "probability": 1.0, "level": level} for level in range(4)]
    document["segments"] = [{"epochs": 1, "policy": entries}]
    return document


def with_all_turns(popaug: str, document: Document) -> Document:
    """The document with the flips and turns of the program's arm "dihedral"."""
    document = copy.deepcopy(document)
    symmetric = exported(popaug, "dihedral")
    document["version"] = symmetric["version"]
    document["base"] = {**symmetric["base"], "pad": document["base"]["pad"]}
    return document


def with_cutmix(popaug: str, document: Document) -> Document:
    """The document with the mixing of the program's arm "flipcrop+cutmix"."""
    document = copy.deepcopy(document)
    mixed = exported(popaug, "flipcrop+cutmix")
    document["version"] = mixed["version"]
    document["base"] = {**mixed["base"], **document["base"], "cutmix": mixed["base"]["cutmix"]}
    return document


def mild(popaug: str, strength: float = MILD) -> Document:
    """Every triple of ops as a sub-policy: an image draws one triple and gets all three ops."""
    document = exported(popaug, f"trivial-{MILD}")
    ranges = exported(popaug, "randaugment")["space"]
    strongest = ranges["levels"] - 1
    level = round(strength * strongest)
    document["space"] = {**ranges, "name": "mild", "fill": "hole"}
    document["base"]["pad"] = 2
    document["rule"] = {"kind": "sub-policies", "group": 3}
    document["segments"] = [
        {
            "epochs": 1,
            "policy": [
                {"op": op, "probability": 1.0, "level": level}
                for triple in itertools.product(GEOMETRY, COLOUR, TONE)
                for op in triple
            ],
        }
    ]
    return document


def arm(popaug: str, name: str) -> Document:
    """The schedule document of an arm; ValueError for a name that is not an arm."""
    if name.endswith("+cutmix"):
        return with_cutmix(popaug, arm(popaug, name.removesuffix("+cutmix")))
    if name.endswith("-noflip"):
        return without_flips(arm(popaug, name.removesuffix("-noflip")))
    if name.endswith("-dihedral"):
        return with_all_turns(popaug, arm(popaug, name.removesuffix("-dihedral")))
    if name == "crop":
        return without_flips(exported(popaug, "flipcrop"))
    if name == "dihedral":
        return dihedral(popaug)
    if name == "mild":
        return mild(popaug)
    if name.startswith("mild-"):
        return mild(popaug, float(name.removeprefix("mild-")))
    if name in ("none", "flipcrop", "flipcrop-cutout") or name.startswith(("randaugment", "trivial")):
        return exported(popaug, name)
    raise ValueError(f'"{name}" is not an arm of the regret study; the arms are {", ".join(ARMS)}')
