"""A short run of every verb that has a run directory, on a set of random images, and how two such runs compare."""

from __future__ import annotations

import pathlib

import numpy as np

SMALL = ["--network", "wrn-10-1", "--batch", 20, "--val-size", 20, "--workers", 1]
SPACE = 'name = "few"\nops = ["AutoContrast"]\n'
VERBS: dict[str, list[object]] = {
    "search": [
        "--epochs",
        3,
        "--epochs-per-round",
        1,
        "--population",
        2,
        "--ema",
        0.9,
        "--genes",
        "cutmix=0..1,strength=0..1",
    ],
    "train": ["--epochs", 3, "--augment", "trivial+cutmix", "--ema", 0.9, "--head-dropout", 0.2],
    "compare": ["--epochs", 2, "--arms", "flipcrop,trivial+clean", "--seeds", 2],
    "choose": ["--epochs", 2, "--trainings", 5],
    "audit": ["--epochs", 1, "--seeds", 2],
}
# What the clock or the order of finishing changes; the names must be there all the same.
BY_CLOCK = {"run.log", "result.json", "lock", "runs.jsonl", "compare.json", "compare.md"}


def make_data(folder: pathlib.Path) -> pathlib.Path:
    """Writes the images and the space of the audit into the folder."""
    draw = np.random.default_rng(5)
    parts = {}
    for part, count in (("train", 80), ("test", 20)):
        labels = np.arange(count) % 2
        images = draw.integers(0, 128, (count, 16, 16, 3)) + 100 * labels[:, None, None, None]
        parts[f"x_{part}"], parts[f"y_{part}"] = images.astype(np.uint8), labels
    np.savez(folder / "set.npz", **parts)
    (folder / "few.toml").write_text(SPACE)
    return folder


def start(verb: str, data: pathlib.Path, out: pathlib.Path, seed: int = 3) -> list[str]:
    words = [verb, "--data", data / "set.npz", *SMALL, *VERBS[verb], "--seed", seed, "--out", out]
    if verb == "audit":
        words += ["--space", data / "few.toml"]
    return [str(word) for word in words]


def names(run: pathlib.Path) -> set[str]:
    return {str(path.relative_to(run)) for path in run.rglob("*")}


def assert_same_run(run: pathlib.Path, other: pathlib.Path, but: set[str] | frozenset[str] = frozenset()) -> None:
    assert names(run) == names(other)
    for path in run.rglob("*"):
        if path.is_file() and path.name not in BY_CLOCK | but:
            assert path.read_bytes() == (other / path.relative_to(run)).read_bytes(), path.name
