"""Types: mypy finds the slips that users make, and accepts the calls of the documents."""

import os
import pathlib
import re
import subprocess
import sys

import popaug

PACKAGE = pathlib.Path(popaug.__file__).parents[1]
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", pathlib.Path(__file__).parents[2] / "build"))

# Each line that ends in "# slip" is wrong.
SLIPS = """\
import numpy as np
import popaug
import popaug.torch as pt

images = np.zeros((2, 8, 8, 3), np.uint8)
schedule = popaug.TrivialAugment()
epoch = pt.Epoch(total=3)


def train_round(member: popaug.Member) -> float:
    member.augment(images, 0, samples=0, outptu="float32")  # slip
    return 0.5


def train_text(member: popaug.Member) -> str:
    return "good"


popaug.search(train_round, epoch=30)  # slip
popaug.search(train_round, seed="1")  # slip
popaug.search(train_round, genes=["lr"])  # slip
popaug.search(train_round, mode="lowest")  # slip
popaug.search(train_text)  # slip
popaug.settings(selection="best")  # slip
popaug.Search("run", epochs="30")  # slip
schedule(images, samples="shuffled")  # slip
schedule(images, samples=0, output="int8")  # slip
schedule(images, samples=0, mean="0.5")  # slip
schedule("cat.png", samples=0)  # slip
schedule(images, samples=0).save("x")  # slip
pt.Transform(schedule, 3)  # slip
pt.Transform(schedule, epoch, outptu="same")  # slip
pt.Collate(schedule, epoch, output="same")  # slip
pt.Collate(schedule, epoch, output="float16")  # slip
pt.loader([images], schedule, epoch, batchsize=4)  # slip
epoch.set("3")  # slip
popaug.Gene("lr", "0.1", 1)  # slip
popaug.Run.load("run").settings.population  # slip
popaug.compare(train_round, arm=["none"])  # slip
popaug.compare(train_round, seeds="3")  # slip
popaug.compare(train_text)  # slip
"""

GOOD = """\
import numpy as np
import torch
from PIL import Image
import popaug
import popaug.torch as pt

images = np.zeros((2, 8, 8, 3), np.uint8)
schedule = popaug.Schedule.load("rcifar10-paper").stretch(3)
bytes_: np.ndarray = schedule(images, 0, samples=0)
floats: np.ndarray = schedule(images, 0, samples=[3, 4], output="float32", mean=[0.5] * 3, std=(0.2, 0.2, 0.2))
tensor: torch.Tensor = schedule(torch.from_numpy(images), 0, samples="random")
half: torch.Tensor = schedule(torch.from_numpy(images), 0, samples=0, output="bfloat16")
picture: Image.Image = schedule(Image.fromarray(images[0]), 0, samples=np.int64(3))
entry: popaug.Entry = schedule.at(0)[0]
popaug.Schedule(popaug.Space.load("pba"), popaug.Rule(), [popaug.Segment(3, [("Rotate", 0.5, 4)])])


def train_round(member: popaug.Member) -> float | popaug.Result:
    with member.seeded():
        member.augment(images, 0, samples=0, output="float32")
    return 0.5


popaug.search(train_round, "pba", 8, epochs=30, genes={"lr": (0.01, 0.3)}, mode="min", copies=2)
popaug.search(train_round, epochs=30, genes=[popaug.Gene("lr", 0.01, 0.3, log=True)])
arms = {"mine": lambda image: image, "trivial": "trivial", "learned": schedule, "none": None}
found: popaug.Comparison = popaug.compare(train_round, arms=arms, seeds=3, epochs=30)
popaug.compare(train_round, arms=["none", schedule], seeds=[0, 7], metric="mIoU", mode="max")
popaug.compare(train_round, arms={"mine": np.flipud, "run": popaug.Run.load("run")})


def train(training: popaug.Training) -> float:
    return float(len(training.arm))


popaug.compare(train, schedule="rcifar10-paper", processes=True)
epoch = pt.Epoch(total=3)
pt.loader([(images[0], 1)], schedule, epoch, batch_size=4, shuffle=True, num_workers=2)
pt.Transform(schedule, epoch, output="same", mean=0.5)
pt.Loader(images, schedule, 2, output="bfloat16", mean=0.5)
"""


def faults(folder: pathlib.Path, text: str) -> dict[int, str]:
    """The line number and the first message of mypy for each wrong line."""
    path = folder / "user.py"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--cache-dir", str(BUILD / "mypy-cache"), str(path)],
        cwd=folder, env={"MYPYPATH": str(PACKAGE), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: dict[int, str] = {}
    for number, message in re.findall(r"^user\.py:(\d+): error: (.*)$", done.stdout, re.MULTILINE):
        found.setdefault(int(number), message)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return found


def test_mypy_finds_the_slips_of_users(tmp_path: pathlib.Path) -> None:
    wrong = {number for number, line in enumerate(SLIPS.splitlines(), 1) if line.endswith("# slip")}
    found = faults(tmp_path, SLIPS)
    assert len(wrong) == 24
    assert set(found) <= wrong, found
    missed = wrong - set(found)
    assert len(missed) <= 1, [SLIPS.splitlines()[number - 1] for number in missed]


def test_mypy_accepts_what_is_right(tmp_path: pathlib.Path) -> None:
    assert faults(tmp_path, GOOD) == {}
