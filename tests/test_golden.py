"""Pins the bytes of short runs: the journal and the schedule of two searches, and the hash of a training.

What depends on the machine (scores of networks, hashes of their weights) is left out. A change that is meant replaces
the files in tests/golden/runs; a failing test writes what it found into golden/runs of the build folder.
"""

from __future__ import annotations

import json
import pathlib
import re
import struct

import numpy as np
import pytest
from popaug_program import BUILD, ROOT, done

GOLDEN = ROOT / "tests" / "golden" / "runs"
MACHINE = {"score", "metrics", "checkpoint", "check", "validation_score"}


def expect_golden(texts: dict[str, str]) -> None:
    differing = []
    for name, given in texts.items():
        text = re.sub(r'"popaug \d+\.\d+\.\d+"', '"popaug VERSION"', given)
        if (GOLDEN / name).is_file() and (GOLDEN / name).read_text() == text:
            continue
        found = BUILD / "golden" / "runs" / name
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text(text)
        differing.append(str(found))
    assert not differing, f"these differ from {GOLDEN}; copy them there only if the change is meant"


def line(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def without_machine(value: object) -> object:
    """The value without what the processor decides."""
    if isinstance(value, dict):
        return {key: without_machine(item) for key, item in value.items() if key not in MACHINE}
    if isinstance(value, list):
        return [without_machine(item) for item in value]
    return value


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A set of 96 training and 24 test images of 8x8 pixels in three classes."""
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    number = np.arange(120 * 8 * 8 * 3, dtype=np.uint32).reshape(120, 8, 8, 3)
    images = (number * 2654435761 >> 24).astype(np.uint8)
    labels = (np.arange(120) % 3).astype(np.uint8)
    np.savez(path, train_images=images[:96], train_labels=labels[:96], test_images=images[96:], test_labels=labels[96:])
    return path


def test_a_toy_search(tmp_path: pathlib.Path) -> None:
    flags = [
        *("--trainer", "toy", "--population", 4, "--rounds", 4, "--epochs-per-round", 2, "--seed", 5),
        *(
            "--genes",
            "lr=0.01..0.4:linear,flip=0..1:start=0.5,pad=0..6",
            "--start",
            "random",
            "--ops",
            "Rotate,Invert,ShearX",
        ),
    ]
    done("search", *flags, "--out", tmp_path / "run")
    names = {"toy.journal.jsonl": "journal.jsonl", "toy.schedule.json": "best.schedule.json"}
    expect_golden({golden: (tmp_path / "run" / name).read_text() for golden, name in names.items()})


def test_a_search_with_networks(tmp_path: pathlib.Path, data: pathlib.Path) -> None:
    flags = [
        *("--data", data, "--network", "wrn-10-1", "--train-size", 48, "--val-size", 24, "--batch", 16),
        *("--population", 4, "--rounds", 3, "--epochs-per-round", 1, "--seed", 3, "--selection", "none"),
        *("--ops", "Rotate,Invert,ShearX", "--label-smoothing", 0.1, "--workers", 2, "--device", "cpu"),
    ]
    run = tmp_path / "run"
    done("search", *flags, "--out", run)
    journal = [without_machine(json.loads(text)) for text in (run / "journal.jsonl").read_text().splitlines()]
    schedule = without_machine(json.loads((run / "best.schedule.json").read_text()))
    expect_golden(
        {
            "network.journal.jsonl": "".join(line(entry) + "\n" for entry in journal),
            "network.schedule.json": line(schedule) + "\n",
            "network.split.json": (run / "split.json").read_text().replace(str(data), "DATA"),
            "network.config.toml": (run / "config.toml").read_text().replace(str(data), "DATA"),
        }
    )


def training_hash(weights: pathlib.Path) -> str:
    """Of a run's last.safetensors."""
    content = weights.read_bytes()
    header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    found = set(re.findall(r'"training":"([0-9a-f]+)"', json.dumps(header["__metadata__"]).replace("\\", "")))
    assert len(found) == 1, header["__metadata__"]
    return str(found.pop())


def test_the_hash_of_a_training(tmp_path: pathlib.Path, data: pathlib.Path) -> None:
    cases: list[list[object]] = [
        ["--augment", "flipcrop"],
        [
            "--augment",
            "trivial",
            "--train-size",
            32,
            "--val-size",
            24,
            "--lr-rule",
            "constant",
            "--label-smoothing",
            0.1,
        ],
        ["--augment", "flipcrop", "--resized-crop", 0.5, "--shards", 2, "--conv", "fast", "--warmup-steps", 3],
        ["--lr", 0.02, "--weight-decay", 0.001, "--momentum", 0.5, "--clip", 0, "--paper-pixels", "--seed", 9],
    ]
    text = ""
    for number, flags in enumerate(cases):
        out = tmp_path / str(number)
        common = ["--network", "wrn-10-1", "--epochs", 1, "--batch", 16, "--device", "cpu"]
        done("train", "--data", data, *common, *flags, "--out", out)
        text += f"{training_hash(out / 'last.safetensors')} {' '.join(map(str, flags))}\n"
    expect_golden({"training-hash.txt": text})
