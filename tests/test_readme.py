"""The README as a reader follows it: every command, as written and in order, in a folder of its own.

A test may shorten time only: `shortened` adds the flags in SHORTER and changes nothing else. What installs and builds
(`make demo`, `make test`, `cmake --build`) is run by .ci/run; what the README installs by pip, set-up has installed.
"""

import gzip
import json
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest
from PIL import Image
from popaug_program import BUILD, FASHION, ROOT

pytestmark = pytest.mark.timeout(1800)
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Photographs where they are at hand, as a folder of sets has them: NAME.npz beside NAME.classes.txt.
SETS = pathlib.Path(os.environ.get("POPAUG_SETS", ROOT.parent / "shared" / "sets"))

SHORTER = [  # fewer epochs and fewer seeds: less time, and nothing else
    (re.compile(r"^build/popaug (train|compare)\b.*"), r"\g<0> --epochs 1"),
    (re.compile(r"^build/popaug (choose|search)\b.*"), r"\g<0> --epochs 1 --trainings 4"),
    (re.compile(r"--seeds [35]\b"), "--seeds 2"),
]
LATER = ("make ", "cmake ", ".venv/bin/pip install ")  # installed: tools/requirements/pip-test.txt


def commands() -> list[str]:
    """The lines of the README's shell blocks, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def shortened(command: str) -> str:
    for pattern, instead in SHORTER:
        command = pattern.sub(instead, command)
    return command


def write_images(folder: pathlib.Path, names: list[str], images: np.ndarray, labels: np.ndarray, ending: str) -> None:
    for i, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / names[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{i:05}.{ending}", quality=95)


def idx(name: str, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress((FASHION / f"{name}.gz").read_bytes()), np.uint8, offset=header)


def fashion(folder: pathlib.Path, classes: int, train: int, test: int) -> None:
    """So many images of the first classes of Fashion-MNIST, as PNG."""
    for split, prefix, count in (("train", "train", train), ("test", "t10k", test)):
        labels = idx(f"{prefix}-labels-idx1-ubyte", 8)
        images = idx(f"{prefix}-images-idx3-ubyte", 16).reshape(-1, 28, 28)
        chosen = np.flatnonzero(labels < classes)[:count]
        write_images(folder / split, [f"kind {c}" for c in range(classes)], images[chosen], labels[chosen], "png")


def photographs(folder: pathlib.Path) -> None:
    """About 1,500 photographs in six classes; where there are none, as many images of Fashion-MNIST."""
    if not (SETS / "trash64.npz").exists():
        fashion(folder, 6, 1513, 120)
        return
    names = (SETS / "trash64.classes.txt").read_text().split()
    with np.load(SETS / "trash64.npz") as arrays:
        write_images(folder / "train", names, arrays["train_images"], arrays["train_labels"], "jpg")
        some = slice(None, None, len(arrays["test_labels"]) // 120)
        write_images(folder / "test", names, arrays["test_images"][some], arrays["test_labels"][some], "jpg")


@pytest.mark.parametrize("size", [1513, 300])
def test_the_readme_works_as_written(size: int, tmp_path: pathlib.Path) -> None:
    if size == 300:
        fashion(tmp_path / "photos", 3, 300, 60)
    else:
        photographs(tmp_path / "photos")
    count = sum(1 for path in (tmp_path / "photos" / "train").rglob("*") if path.is_file())
    assert count == size
    (tmp_path / "build").symlink_to(BUILD)
    for command in commands():
        if command.startswith(LATER):
            continue
        assert command.startswith("build/popaug "), command
        process = subprocess.run(
            shortened(command), shell=True, cwd=tmp_path, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1", "POPAUG_WEIGHTS": str(tmp_path / "weights")},
        )  # fmt: skip
        assert process.returncode == 0, f"{command}\n{process.stdout[-2000:]}\n{process.stderr[-3000:]}"
    screening = json.loads((tmp_path / "run" / "choose.json").read_text())
    assert (screening["stages"], len(screening["arms"])) == ([2, 2], 9)
    comparison = json.loads((tmp_path / "run" / "compare.json").read_text())
    assert [arm["name"] for arm in comparison["arms"]] == ["flipcrop", "randaugment", "trivial", "schedule"]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert comparison["verdict"][:20] in page.replace("&amp;", "&")


def test_shortening_takes_time_only() -> None:
    """Each word of the README's command is still there; what was added is a number of epochs or of seeds."""
    changed = 0
    for command in commands():
        before, after = command.split(), shortened(command).split()
        if command.startswith(LATER):
            assert before == after
            continue
        removed = [word for word in before if word not in after]
        added = after[len(before) :]
        assert removed in ([], ["3"], ["5"]), command
        assert added in ([], ["--epochs", "1"], ["--epochs", "1", "--trainings", "4"]), command
        changed += before != after
    assert changed >= 4


def test_what_configures_elsewhere_configures(tmp_path: pathlib.Path) -> None:
    """The block for another torch: its first line, with a torch that is here, in a folder of its own."""
    (line,) = [command for command in commands() if command.startswith("cmake -S")]
    torch = next(ROOT.glob(".venv/lib/python3*/site-packages/torch"), None)
    assert torch, "no torch in .venv: run tools/setup"
    line = line.replace("/path/to/site-packages/torch", str(torch)).replace("-B build", f"-B {tmp_path / 'build'}")
    subprocess.run(line, shell=True, cwd=ROOT, check=True, capture_output=True)
    assert "/path/to" not in line
