"""popaug.torch.Loader: the bytes of Collate, the epochs, shards, resuming, and what becomes of threads and memory."""

from __future__ import annotations

import gc
import os
import pathlib
import signal
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DistributedSampler

import popaug
import popaug.data
import popaug.torch

BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", pathlib.Path(__file__).parents[2] / "build"))
COUNT = 60
IMAGES = np.random.default_rng(5).integers(0, 256, (COUNT, 16, 16, 3), dtype=np.uint8)
LABELS = np.arange(COUNT) % 4
DATA = [(image, int(label)) for image, label in zip(IMAGES, LABELS, strict=True)]
PLAIN = popaug.TrivialAugment()
MIXING = popaug.Schedule.baseline("flipcrop+cutmix")
LEARNED = popaug.Schedule.load("rcifar10-paper")
MEAN, STD = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]


def loader(schedule: popaug.Schedule | None = PLAIN, batch_size: int = 8, **options: Any) -> popaug.torch.Loader:
    return popaug.torch.Loader((IMAGES, LABELS), schedule, batch_size, **({"seed": 7, "threads": 2} | options))


def indices(**options: Any) -> list[int]:
    """The numbers of the images of the next epoch, in order."""
    numbers = popaug.torch.Loader((IMAGES, np.arange(COUNT)), None, **({"batch_size": 8, "seed": 7} | options))
    return [int(i) for _, batch in numbers for i in batch]


def by_collate(order: list[int], epoch: int, schedule: popaug.Schedule, size: int, **options: Any) -> list[Any]:
    now = popaug.torch.Epoch(total=schedule.epochs)
    now.set(epoch)
    collate = popaug.torch.Collate(schedule, now, seed=7, data=DATA, **options)
    return [collate([(i, DATA[i]) for i in order[k : k + size]]) for k in range(0, len(order), size)]


def check_same(found: list[Any], want: list[Any]) -> None:
    assert len(found) == len(want)
    for (images, labels), (same, others) in zip(found, want, strict=True):
        assert images.dtype == same.dtype and torch.equal(images, same)
        parts = labels if isinstance(labels, tuple) else (labels,)
        for one, two in zip(parts, others if isinstance(others, tuple) else (others,), strict=True):
            assert one.dtype == two.dtype and torch.equal(one, two)


# --- the bytes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [PLAIN, MIXING, LEARNED], ids=["plain", "mixing", "learned"])
@pytest.mark.parametrize("output", ["float32", "bfloat16", "uint8"])
def test_batches_have_the_bytes_of_collate(schedule: popaug.Schedule, output: Any) -> None:
    scale: dict[str, Any] = {"mean": MEAN} | ({"std": STD} if output != "uint8" else {})
    shuffled = {"shuffle": True, "epochs": schedule.epochs}
    found = loader(schedule, output=output, **scale, **shuffled)
    last = schedule.epochs - 1
    for epoch in sorted({0, min(1, last), last}):
        found.set_epoch(epoch)
        order = indices(shuffle=True, epoch=epoch)
        assert sorted(order) == list(range(COUNT)) and order != list(range(COUNT))
        check_same(list(found), by_collate(order, epoch, schedule, 8, output=output, **scale))


@pytest.mark.parametrize("schedule", [PLAIN, MIXING], ids=["plain", "mixing"])
def test_neither_threads_nor_batches_nor_memory_format_change_a_byte(schedule: popaug.Schedule) -> None:
    def everything(**options: Any) -> tuple[torch.Tensor, Any]:
        batches = list(loader(schedule, shuffle=True, epoch=3, **options))
        labels = [labels if isinstance(labels, torch.Tensor) else torch.stack(labels) for _, labels in batches]
        return torch.cat([images for images, _ in batches]), torch.cat(labels, -1)

    want = everything()
    for options in ({"threads": 1}, {"threads": 5}, {"batch_size": 7}, {"batch_size": 60}, {"prefetch": 9},
                    {"channels_last": True}):  # fmt: skip
        found = everything(**options)
        assert torch.equal(found[0], want[0]) and torch.equal(found[1], want[1]), options
    last = next(iter(loader(schedule, channels_last=True)))[0]
    assert last.is_contiguous(memory_format=torch.channels_last) and last.shape == (8, 3, 16, 16)


@pytest.mark.parametrize("schedule", [None, PLAIN, MIXING], ids=["evaluation", "plain", "mixing"])
def test_bfloat16_is_float32_rounded_as_torch_rounds(schedule: popaug.Schedule | None) -> None:
    options: dict[str, Any] = {"shuffle": True, "mean": MEAN, "std": STD}
    for more in ({}, {"channels_last": True}, {"threads": 5, "batch_size": 7}):
        floats = list(loader(schedule, **options, **more))
        rounded = list(loader(schedule, output="bfloat16", **options, **more))
        again = list(loader(schedule, output="bfloat16", **options, **more))
        assert all(images.dtype == torch.bfloat16 for images, _ in rounded)
        check_same(rounded, [(images.bfloat16(), labels) for images, labels in floats])
        check_same(again, rounded)
    last = next(iter(loader(schedule, output="bfloat16", channels_last=True)))[0]
    assert last.is_contiguous(memory_format=torch.channels_last)


def test_grey_images_planes_tensors_and_sets(tmp_path: pathlib.Path) -> None:
    want = list(loader(shuffle=True))
    tensor = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).contiguous()
    for data in ((tensor, LABELS.tolist()), (tensor, torch.from_numpy(LABELS))):
        check_same(list(popaug.torch.Loader(data, PLAIN, 8, seed=7, shuffle=True)), want)
    popaug.data.pack({"train": DATA, "test": DATA[:5]}, tmp_path / "set.popaug")
    packed = popaug.data.open(tmp_path / "set.popaug")
    for source in (tmp_path / "set.popaug", packed, packed["train"]):
        check_same(list(popaug.torch.Loader(source, PLAIN, 8, seed=7, shuffle=True)), want)
    few = popaug.torch.Loader(packed, None, 8, split="test")
    assert few.class_names == ("0", "1", "2", "3") and [len(images) for images, _ in few] == [5]
    np.savez(tmp_path / "set.npz", x_train=IMAGES, y_train=LABELS)
    check_same(list(popaug.torch.Loader(tmp_path / "set.npz", PLAIN, 8, seed=7, shuffle=True)), want)
    smaller = popaug.torch.Loader(tmp_path / "set.popaug", None, 8, size=8)
    assert next(iter(smaller))[0].shape == (8, 3, 8, 8)
    grey = list(popaug.torch.Loader(IMAGES[..., 0], PLAIN, 8, seed=7, mean=0.4, std=0.2))
    assert len(grey) == 8 and all(isinstance(batch, torch.Tensor) for batch in grey)  # there are no labels
    same = PLAIN(IMAGES[..., 0], 0, 7, samples=0, layout="nhw", output="float32", mean=0.4, std=0.2)
    assert torch.equal(torch.cat(grey), torch.from_numpy(same))


def test_labels_of_any_kind_and_dense_ones() -> None:
    values = np.linspace(0, 1, COUNT * 2, dtype=np.float32).reshape(COUNT, 2)
    found = torch.cat([labels for _, labels in popaug.torch.Loader((IMAGES, values), PLAIN, 8)])
    assert torch.equal(found, torch.from_numpy(values))
    dense = torch.cat([labels for _, labels in loader(MIXING, classes=4)])
    three = [labels.dense(4) for _, labels in loader(MIXING)]
    assert dense.shape == (COUNT, 4) and torch.equal(dense, torch.cat(three))


# --- files --------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    random = np.random.default_rng(1)
    for number in range(12):
        path = tmp_path / "photos" / "train" / ("cat" if number % 2 else "dog") / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        rough = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(rough).resize((60 + 3 * number, 50 + number)).save(path, quality=90)
    return tmp_path / "photos"


@pytest.mark.parametrize("schedule", [PLAIN, MIXING], ids=["plain", "mixing"])
def test_files_are_decoded_as_a_set_that_is_held(folder: pathlib.Path, schedule: popaug.Schedule) -> None:
    held = popaug.data.open(folder, size="24x20")
    options: dict[str, Any] = {"batch_size": 5, "seed": 2, "shuffle": True, "epoch": 4}
    found = popaug.torch.Loader(folder, schedule, size="24x20", **options)
    assert found.class_names == held.classes and found.images == 12
    check_same(list(found), list(popaug.torch.Loader(held, schedule, **options)))


def test_files_are_cropped_from_all_of_their_pixels(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    schedule = popaug.Schedule.baseline("none").with_base(popaug.Base(resized_crop=0.3))
    batches = popaug.torch.Loader(folder, schedule, 4, seed=3, epoch=2, size=24, output="uint8")
    found = torch.cat([images for images, _ in batches]).permute(0, 2, 3, 1).numpy()
    program = BUILD / "popaug"
    files = sorted((folder / "train").rglob("*.jpg"), key=lambda path: (path.parent.name, path.name))
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in files))
    command = ["augment", "--augment", "none", "--size", "24", "--resized-crop", "0.3", "--seed", "3", "--epoch", "2",
               str(tmp_path / "list.txt"), str(tmp_path / "out")]  # fmt: skip
    subprocess.run([program, *command], check=True, capture_output=True)
    for path, image in zip(files, found, strict=True):
        written = next((tmp_path / "out").rglob(path.stem + ".png"))
        assert np.array_equal(np.asarray(Image.open(written).convert("RGB")), image), path


def test_a_file_that_cannot_be_read_is_named_at_its_batch(folder: pathlib.Path) -> None:
    broken = folder / "train" / "dog" / "8.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    batches = iter(popaug.torch.Loader(folder, None, 1, size=16))
    for _ in range(6 + 5):  # the cats, and the dogs before it: 0, 10, 2, 4, 6
        next(batches)
    with pytest.raises(popaug.Error, match=r"8\.jpg"):
        next(batches)
    with pytest.raises(StopIteration):
        next(batches)
    kept = popaug.torch.Loader(folder, None, 4, size=16, keep_going=True)
    assert kept.images == 11 and len(kept.left_out) == 1 and "8.jpg" in kept.left_out[0]
    assert sum(len(images) for images, _ in kept) == 11


def test_scaled_decoding_is_faster_with_other_pixels(folder: pathlib.Path) -> None:
    def pixels(**options: Any) -> torch.Tensor:
        return torch.cat([images for images, _ in popaug.torch.Loader(folder, None, 4, size=20, **options)])

    assert not torch.equal(pixels(), pixels(scaled_decoding=True))


# --- epochs and resuming ------------------------------------------------------------------------


def test_each_loop_is_the_next_epoch() -> None:
    found = loader(LEARNED, epochs=4)
    for epoch in range(4):
        assert found.epoch == epoch
        check_same(list(found), by_collate(list(range(COUNT)), epoch, LEARNED.stretch(4), 8))
    with pytest.raises(popaug.UsageError, match=r"epoch 4 of a training of 4 epochs"):
        next(iter(found))
    with pytest.raises(popaug.UsageError, match=r"epoch 4 of a training of 4 epochs"):
        loader(LEARNED, epochs=4, epoch=4)


def test_an_epoch_begins_with_its_first_batch() -> None:
    found = loader()
    iter(found)
    assert found.epoch == 0  # a framework may ask for an iterator and not use it
    next(iter(found))
    assert found.epoch == 1  # a loop that was left counts
    list(found)
    assert found.epoch == 2
    found.set_epoch(7)
    assert found.epoch == 7


def test_without_a_length_the_last_policy_stays() -> None:
    with pytest.warns(UserWarning, match=r"Loader\(epochs=N\)"):
        found = popaug.torch.Loader((IMAGES, LABELS), LEARNED, 8, seed=7, epoch=LEARNED.epochs + 5)
    want = LEARNED(IMAGES, LEARNED.epochs + 5, 7, samples=0, output="float32")
    assert torch.equal(torch.cat([images for images, _ in found]), torch.from_numpy(want))


@pytest.mark.parametrize("taken", [0, 1, 5, 8])
def test_a_training_resumes_at_a_batch(taken: int) -> None:
    first = loader(MIXING, epochs=3, shuffle=True)
    everything = [list(first) for _ in range(3)]
    stopped = loader(MIXING, epochs=3, shuffle=True)
    list(stopped)
    batches = iter(stopped)
    for _ in range(taken):
        next(batches)
    state = stopped.state_dict()
    again = popaug.torch.Loader((IMAGES, LABELS), MIXING, 8, epochs=3, shuffle=True)  # its seed comes with the state
    again.load_state_dict(state)
    assert again.state_dict() == state
    if taken < 8:
        check_same(list(again), everything[1][taken:])
    check_same(list(again), everything[2])


def test_a_state_of_other_batches_is_refused() -> None:
    state = loader().state_dict()
    with pytest.raises(popaug.UsageError, match="batch_size=8; this one has batch_size=9"):
        loader(batch_size=9).load_state_dict(state)
    with pytest.raises(popaug.UsageError, match="seed=7; this one has seed=8"):
        loader(seed=8).load_state_dict(state)
    with pytest.raises(popaug.UsageError, match="expected the keys batch"):
        loader().load_state_dict({"epoch": 1})


def test_set_epoch_keeps_the_batch_that_was_loaded() -> None:
    found = loader()
    batches = iter(found)
    next(batches)
    again = loader()
    again.load_state_dict(found.state_dict())
    again.set_epoch(0)
    assert len(list(again)) == 7
    again.load_state_dict(found.state_dict())
    again.set_epoch(1)
    assert len(list(again)) == 8


# --- shards -------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 2, 7])
@pytest.mark.parametrize("drop_last", [False, True])
def test_processes_share_an_epoch_as_those_of_distributed_sampler(processes: int, drop_last: bool) -> None:
    for rank in range(processes):
        place: dict[str, Any] = {"rank": rank, "world_size": processes, "drop_last": drop_last}
        found = loader(None, **place)
        theirs = list(DistributedSampler(DATA, processes, rank, shuffle=False, drop_last=drop_last))  # type: ignore[arg-type]
        mine = indices(**place)
        assert mine == (theirs[: len(theirs) // 8 * 8] if drop_last else theirs)
        assert len(found) == len(list(found)) == (len(theirs) // 8 if drop_last else -(-len(theirs) // 8))
    shuffled = [indices(rank=rank, world_size=processes, shuffle=True) for rank in range(processes)]
    assert {i for part in shuffled for i in part} == set(range(COUNT))


def test_partners_come_from_the_images_of_all_processes() -> None:
    whole = torch.cat([images for images, _ in loader(MIXING)])
    part = torch.cat([images for images, _ in loader(MIXING, rank=1, world_size=2)])
    assert torch.equal(part, whole[1::2])


# --- memory and threads -------------------------------------------------------------------------


def test_memory_of_a_batch_that_is_held_is_never_written_again() -> None:
    found = loader(shuffle=True, prefetch=1, batch_size=4)
    held, copies, views = [], [], []
    for epoch in range(3):
        for number, (images, _) in enumerate(found):
            if number % 3 == 0:
                held.append(images)
                copies.append(images.clone())
            elif number % 3 == 1:  # only a part of it, as an array
                views.append((images[2:3].numpy(), images[2:3].clone()))
            del images
        assert epoch >= 0
    del found
    gc.collect()
    assert all(torch.equal(one, two) for one, two in zip(held, copies, strict=True))
    assert all(np.array_equal(one, two.numpy()) for one, two in views)


def test_memory_is_used_again_when_nobody_holds_it() -> None:
    found, addresses = loader(batch_size=20), set()
    for _ in range(10):
        for images, _ in found:
            addresses.add(images.data_ptr())
            del images
    assert len(addresses) <= found.prefetch + 2


def threads_of_this_process() -> int:
    return len(os.listdir("/proc/self/task"))


def test_threads_end_when_a_loop_is_left() -> None:
    list(loader())
    before = threads_of_this_process()
    found = loader(threads=6)
    for _ in found:
        assert threads_of_this_process() >= before + 6
        break
    gc.collect()
    assert threads_of_this_process() == before
    with pytest.raises(ZeroDivisionError):
        for _ in found:
            raise ZeroDivisionError
    gc.collect()
    assert threads_of_this_process() == before
    batches = iter(found)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert threads_of_this_process() == before
    with pytest.raises(StopIteration):
        next(batches)


def test_two_threads_may_share_a_loop() -> None:
    batches, seen = iter(loader(batch_size=1)), []
    threads = [threading.Thread(target=lambda: seen.extend(labels.item() for _, labels in batches)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(LABELS)


SLOW = """
import sys, time
import numpy as np, popaug, popaug.torch

@popaug.op("Slow", low=0.0, high=1.0, unit="factor", summary="waits")
def slow(image, value, uniform):
    time.sleep(0.05)

space = popaug.Space("slow", (popaug.SpaceOp("Slow", (1.0,)),), levels=1, search_levels=1)
schedule = popaug.Schedule(space, popaug.Rule("sub-policies", group=1), [popaug.Segment(1, [("Slow", 1.0, 0)])])
images = np.zeros((500, 8, 8, 3), np.uint8)
loader = popaug.torch.Loader((images, np.zeros(500, int)), schedule, {batch}, threads=2)
{body}
"""


def run(body: str, batch: int) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", SLOW.format(body=body, batch=batch)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment)  # fmt: skip


def test_ctrl_c_ends_a_wait_for_a_batch() -> None:
    process = run("print('begins', flush=True)\nfor batch in loader: pass", 500)
    assert process.stdout is not None and process.stdout.readline() == "begins\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert "KeyboardInterrupt" in errors and process.returncode in (1, -signal.SIGINT)


def test_a_program_ends_although_threads_work() -> None:
    process = run("batches = iter(loader)\nnext(batches)\nprint('done', flush=True)", 2)
    output, errors = process.communicate()
    assert (output, errors, process.returncode) == ("done\n", "", 0)


def test_an_op_in_python_runs_and_its_error_arrives() -> None:
    body = """
@popaug.op("Slow", low=0.0, high=1.0, unit="factor", summary="fails")
def fails(image, value, uniform):
    raise ValueError("a sentence")
try:
    next(iter(loader))
except ValueError as error:
    print(error)
"""
    output, errors = run(body, 4).communicate()
    assert (output, errors) == ("a sentence\n", "")


def test_a_fork_says_that_it_has_no_threads() -> None:
    body = """
import os
batches = iter(loader)
next(batches)
child = os.fork()
if child == 0:
    try:
        next(batches)
    except popaug.UsageError as error:
        print(str(error), flush=True)
    del batches, loader
    os._exit(0)
os.waitpid(child, 0)
"""
    output, errors = run(body, 2).communicate()
    assert "make a Loader in each process" in output and errors == ""


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "options", "sentence"),
    [
        ([(IMAGES[0], 1)], {}, "popaug.torch.loader"),
        ((IMAGES, LABELS[:5]), {}, "labels of shape"),
        ((IMAGES, None), {"schedule": MIXING}, "found no labels"),
        ((IMAGES, LABELS * 0.5), {"schedule": MIXING}, "labels of type torch.float64"),
        ((IMAGES[:1], LABELS[:1]), {"schedule": MIXING}, "the data set has 1"),
        ((IMAGES, LABELS), {"classes": 4}, "mixes none"),
        ((IMAGES, LABELS), {"size": 8}, "size= says how a path is read"),
        ((IMAGES.astype(np.float32), LABELS), {}, "expected uint8"),
        ((IMAGES, LABELS), {"batch_size": 0}, "batch_size=0"),
        ((IMAGES, LABELS), {"batch_size": "8"}, "batch_size is '8'"),
        ((IMAGES, LABELS), {"threads": 0}, "threads=0"),
        ((IMAGES, LABELS), {"rank": 0}, "rank and world_size belong together"),
        ((IMAGES, LABELS), {"rank": 2, "world_size": 2}, "the rank is 2"),
        ((IMAGES, LABELS), {"rank": 0, "world_size": 2, "seed": None}, "give all the same seed="),
        ((IMAGES, LABELS), {"mean": [125.0] * 3}, "scale 0..1"),
        ((IMAGES, LABELS), {"output": "uint8", "std": [0.2] * 3}, "std has no effect"),
        ((IMAGES, LABELS), {"output": "float16"}, 'a batch is "float32", "bfloat16" or "uint8"'),
        ((IMAGES, LABELS), {"output": torch.bfloat16}, 'a batch is "float32", "bfloat16" or "uint8"'),
        ((IMAGES, LABELS), {"schedule": "trivial"}, "schedule is a str"),
        ((IMAGES, LABELS), {"epoch": -1}, "the epoch is -1"),
        ("nowhere", {"size": 8}, "nowhere"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(data: Any, options: dict[str, Any], sentence: str) -> None:
    options = {"schedule": PLAIN, "batch_size": 4, "seed": 1} | options
    with pytest.raises(popaug.Error, match=sentence):
        popaug.torch.Loader(data, options.pop("schedule"), options.pop("batch_size"), **options)


def test_a_path_needs_a_size_and_a_split(folder: pathlib.Path) -> None:
    with pytest.raises(popaug.UsageError, match="give size="):
        popaug.torch.Loader(folder, None, 4)
    with pytest.raises(popaug.UsageError, match="there is no split 'test'; it has train"):
        popaug.torch.Loader(folder, None, 4, size=8, split="test")
