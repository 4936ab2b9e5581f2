"""Sets larger than the memory limit are packed without being held: under a limit of the system's own."""

import gzip
import json
import pathlib
import resource
import struct
import subprocess

import numpy as np
import pytest
import scipy.io
from sets import PROGRAM, popaug, refusal, unpack

SIDE = 64
PIXELS = 80 << 20  # bytes
LIMIT = 60 << 20  # of the data segment, of which the program itself needs more than half
SPARE = 0.005  # GiB that the program may hold of them
KINDS = ("npz", "npz-deflated", "idx", "svhn", "cifar")


def written(kind: str, folder: pathlib.Path, size: int) -> tuple[pathlib.Path, np.ndarray]:
    side, channels = (32, 3) if kind == "cifar" else (SIDE, 1 if kind == "idx" else 3)
    count = size // (side * side * channels)
    pixels = (np.arange(count * side * side * channels, dtype=np.uint32) % 251).astype(np.uint8)
    pixels = pixels.reshape(count, side, side, channels)
    labels = (np.arange(count) % 10).astype(np.uint8)
    folder.mkdir()
    if kind.startswith("npz"):
        save = np.savez if kind == "npz" else np.savez_compressed
        save(folder / "x.npz", train_images=pixels, train_labels=labels)
        return folder / "x.npz", pixels
    if kind == "idx":
        for what, header, array in (
            ("images-idx3", (0x803, count, side, side), pixels),
            ("labels-idx1", (0x801, count), labels),
        ):
            with gzip.open(folder / f"train-{what}-ubyte.gz", "wb", 1) as file:
                file.write(struct.pack(f">{len(header)}I", *header) + array.tobytes())
    elif kind == "svhn":
        values = {"X": pixels.transpose(1, 2, 3, 0), "y": labels}
        scipy.io.savemat(folder / "train_32x32.mat", values, do_compression=True)
    else:
        planes = pixels.transpose(0, 3, 1, 2).reshape(count, -1)
        records = np.hstack([labels[:, None], planes])
        for i, part in enumerate(np.array_split(records, 6)):
            (folder / ("test_batch.bin" if i == 5 else f"data_batch_{i + 1}.bin")).write_bytes(part.tobytes())
    return folder, pixels


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_above_the_memory_limit_is_packed(tmp_path: pathlib.Path, kind: str) -> None:
    source, pixels = written(kind, tmp_path / "set", PIXELS)
    out = tmp_path / "out" / "set.popaug"
    out.parent.mkdir()

    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(PROGRAM), *map(str, words)],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT)),
            capture_output=True,
            text=True,
            check=False,
        )

    # The limit bites: with room to hold the set, it is held, and there is none.
    held = run("data", "info", "--data", source)
    assert held.returncode == 1 and "out of memory" in held.stderr
    done = run("data", "convert", "--data", source, "-o", out, "--memory", SPARE, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"] == len(pixels)
    assert [path.name for path in out.parent.iterdir()] == ["set.popaug"]  # nothing spilt stays
    got = unpack(out)
    np.testing.assert_array_equal(np.concatenate([got[s][0] for s in ("train", "test") if s in got]), pixels)


@pytest.mark.parametrize("kind", ["npz", "idx", "svhn", "cifar"])
def test_reading_it_is_refused_with_the_command_that_packs_it(tmp_path: pathlib.Path, kind: str) -> None:
    source, _ = written(kind, tmp_path / "set", 6 << 20)
    for verb in ("info", "verify"):
        said = refusal("data", verb, "--data", source, "--memory", SPARE)
        assert "more than the limit of 5.1 MiB" in said and "popaug data convert --data " in said


def test_a_full_disk_is_met_before_the_work(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "x.npz"
    np.savez(source, train_images=np.zeros((99, 8, 8), np.uint8), train_labels=np.arange(99) % 2)
    words = ("data", "convert", "--data", source, "-o", tmp_path / "x.popaug", "--memory", 1e-7)
    done = popaug(*words, code=1, env={"POPAUG_FAILPOINTS": "spill.allocate=enospc"})
    assert "cannot make room for a temporary file of 6.3 KiB: No space left on device" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
    popaug(*words)
