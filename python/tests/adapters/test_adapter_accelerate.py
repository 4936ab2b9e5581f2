"""popaug.adapters.accelerate with the real Accelerator: fresh, saved and resumed, with workers, in two processes."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import accelerate
import marked
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import popaug
import popaug.torch as pt
from popaug.adapters.accelerate import Epochs


def loader(epoch: pt.Epoch, workers: int = 0, batch: int = 5) -> DataLoader[Any]:
    return pt.loader(
        marked.ROWS, marked.schedule(), epoch, batch_size=batch, shuffle=True, output="uint8", num_workers=workers,
        persistent_workers=workers > 0,
    )  # fmt: skip


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loop_that_is_saved_and_resumed(workers: int, tmp_path: pathlib.Path) -> None:
    seen = marked.Seen()
    for part in ("first", "second"):
        accelerator, epoch = accelerate.Accelerator(cpu=True), pt.Epoch(marked.EPOCHS)
        batches = accelerator.prepare(loader(epoch, workers))
        epochs = Epochs(accelerator, epoch, batches)
        if part == "second":
            accelerator.load_state(str(tmp_path / "state"))
        for number in epochs:
            for images, labels in batches:
                seen.add(number, images, labels)
            if part == "first" and number == 1:
                accelerator.save_state(str(tmp_path / "state"))
                break
        accelerator.free_memory()
    seen.check(range(marked.EPOCHS))


def test_a_state_of_the_middle_of_a_pass_continues_with_its_epoch(tmp_path: pathlib.Path) -> None:
    accelerator, epoch = accelerate.Accelerator(cpu=True), pt.Epoch(marked.EPOCHS)
    batches = accelerator.prepare(loader(epoch))
    epochs = Epochs(accelerator, epoch, batches)
    for number in epochs:
        for _ in batches:
            if number == 2:
                assert epochs.state_dict() == {"epoch": 2}
    assert epochs.state_dict() == {"epoch": marked.EPOCHS}
    assert list(epochs) == []


def test_a_loop_without_it_fails_where_the_loader_does_not_know_the_epoch() -> None:
    """The loader of popaug gets the number of the pass from accelerate; a loader without the Epoch cannot."""
    data: Dataset[Any] = pt.Indexed(marked.ROWS)
    plain = DataLoader(data, batch_size=5, collate_fn=pt.Collate(marked.schedule(), pt.Epoch(marked.EPOCHS)))
    with pytest.raises(popaug.UsageError, match="this Indexed has no Epoch to set"):
        next(iter(accelerate.Accelerator(cpu=True).prepare(plain)))


def test_what_is_refused() -> None:
    accelerator = accelerate.Accelerator(cpu=True)
    with pytest.raises(popaug.UsageError, match="does not say how many epochs"):
        Epochs(accelerator, pt.Epoch(), accelerator.prepare(loader(pt.Epoch(4))))
    with pytest.raises(popaug.UsageError, match=r"is a DataLoader; expected what accelerator.prepare"):
        Epochs(accelerator, pt.Epoch(4), loader(pt.Epoch(4)))


def one_process(folder: pathlib.Path) -> None:
    """Runs in each of two programs, which accelerate connects by the variables of their environment."""
    accelerator, epoch, seen = accelerate.Accelerator(cpu=True), pt.Epoch(marked.EPOCHS), marked.Seen()
    torch.manual_seed(accelerator.process_index)  # orders that differ unless accelerate makes them equal
    batches = accelerator.prepare(loader(epoch, batch=3))
    for number in Epochs(accelerator, epoch, batches):
        for images, labels in batches:
            seen.add(number, images, labels)
    (folder / f"{accelerator.process_index}.json").write_text(json.dumps(seen.to_json()))
    accelerator.end_training()


def test_two_processes_share_the_images_of_each_epoch(tmp_path: pathlib.Path) -> None:
    call = f"import torchvision_operators, pathlib, test_adapter_accelerate as t; t.one_process(pathlib.Path({str(tmp_path)!r}))"
    here = os.pathsep.join([str(pathlib.Path(__file__).parent), os.environ["PYTHONPATH"]])
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python",
        sys.executable, "-c", call,
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": here, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    for number in range(marked.EPOCHS):
        parts = [told[str(number)] for told in seen]
        assert [epochs for epochs, _ in parts] == [[number], [number]]
        assert sorted(label for _, labels in parts for label in labels) == list(range(marked.COUNT))


def test_a_loader_of_threads_saves_its_place(tmp_path: pathlib.Path) -> None:
    def made() -> tuple[accelerate.Accelerator, Any]:
        accelerator = accelerate.Accelerator(cpu=True)
        batches = accelerator.prepare(
            pt.Loader((marked.BYTES, list(range(marked.COUNT))), marked.schedule(), 5, epochs=marked.EPOCHS, seed=1,
                      shuffle=True, output="uint8")
        )  # fmt: skip
        accelerator.register_for_checkpointing(batches)
        return accelerator, batches

    _, batches = made()
    want = [labels.tolist() for _ in range(marked.EPOCHS) for _, labels in batches]
    accelerator, batches = made()
    given = []
    for _ in range(2):
        for _, labels in batches:
            given.append(labels.tolist())
            if len(given) == 4:
                accelerator.save_state(str(tmp_path / "state"))
                break
    accelerator, batches = made()
    accelerator.load_state(str(tmp_path / "state"))
    for number in range(batches.epoch, marked.EPOCHS):
        for images, labels in batches:
            assert marked.epochs_of(images) == {number}
            given.append(labels.tolist())
    assert given == want
