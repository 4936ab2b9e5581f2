"""popaug.adapters.lightning in real fits: fresh, resumed, with workers that stay, and in two processes."""

import json
import os
import pathlib
import subprocess
import sys
import warnings
from typing import Any

import lightning
import marked
import pytest
import torch
from lightning.fabric.utilities.distributed import DistributedSamplerWrapper
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler

import popaug
import popaug.torch as pt
from popaug.adapters.lightning import ScheduleEpoch

pytestmark = pytest.mark.filterwarnings("ignore")


class Model(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3 * marked.SIDE**2, marked.COUNT)
        self.seen = marked.Seen()

    def training_step(self, batch: Any) -> torch.Tensor:
        images, labels = batch
        self.seen.add(self.current_epoch, images, labels)
        return torch.nn.functional.cross_entropy(self.layer(images.flatten(1) / 255), labels)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def loader(epoch: pt.Epoch, workers: int = 0, **options: Any) -> DataLoader[Any]:
    return pt.loader(
        marked.ROWS, marked.schedule(), epoch, batch_size=5, shuffle=True, output="uint8", num_workers=workers,
        persistent_workers=workers > 0, **options,
    )  # fmt: skip


def trainer(folder: pathlib.Path, epochs: int = marked.EPOCHS, **options: Any) -> lightning.Trainer:
    return lightning.Trainer(
        max_epochs=epochs, default_root_dir=folder, logger=False, enable_progress_bar=False, accelerator="cpu",
        enable_model_summary=False, enable_checkpointing=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize("workers", [0, 2])
def test_the_epoch_follows_a_fit_and_a_resumed_fit(workers: int, tmp_path: pathlib.Path) -> None:
    first, epoch = Model(), pt.Epoch(marked.EPOCHS)

    class Stop(lightning.Callback):
        def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
            trainer.should_stop = trainer.current_epoch == 1

    begun = trainer(tmp_path, callbacks=[ScheduleEpoch(epoch), Stop()])
    begun.fit(first, loader(epoch, workers))
    first.seen.check(range(2))
    begun.save_checkpoint(tmp_path / "two.ckpt")

    resumed, again = Model(), pt.Epoch(marked.EPOCHS)
    trainer(tmp_path, callbacks=[ScheduleEpoch(again)]).fit(
        resumed, loader(again, workers), ckpt_path=tmp_path / "two.ckpt", weights_only=False
    )
    resumed.seen.check(range(2, marked.EPOCHS))


def plain(epoch: pt.Epoch, workers: int) -> DataLoader[Any]:
    """A loader whose sampler does not carry the epoch."""
    collate = pt.Collate(marked.schedule(), epoch, output="uint8")
    return DataLoader(pt.Indexed(marked.ROWS), batch_size=5, collate_fn=collate, num_workers=workers)


@pytest.mark.parametrize(("make", "workers"), [(loader, 2), (plain, 0), (plain, 2)])
def test_without_the_callback_the_first_batch_fails(make: Any, workers: int, tmp_path: pathlib.Path) -> None:
    with pytest.raises((popaug.UsageError, RuntimeError)) as raised:
        trainer(tmp_path).fit(Model(), make(pt.Epoch(marked.EPOCHS), workers))
    error: BaseException | None = raised.value  # where workers had started, Lightning's clean-up fails in its turn
    while error is not None and not isinstance(error, popaug.UsageError):
        error = error.__context__
    assert "the epoch was never set" in str(error)


def test_without_workers_lightning_itself_sets_the_epoch_of_the_sampler(tmp_path: pathlib.Path) -> None:
    model = Model()
    trainer(tmp_path).fit(model, loader(pt.Epoch(marked.EPOCHS)))
    model.seen.check(range(marked.EPOCHS))


def test_another_length_is_refused(tmp_path: pathlib.Path) -> None:
    epoch = pt.Epoch(3)
    with pytest.raises(popaug.UsageError, match=r"Epoch\(total=3\), but Trainer\(max_epochs=\) says 4 epochs"):
        trainer(tmp_path, callbacks=[ScheduleEpoch(epoch)]).fit(Model(), loader(epoch))


def in_two_processes(folder: pathlib.Path) -> None:
    """Runs in a program of its own: fits in two processes, each of which writes what it saw."""
    warnings.simplefilter("ignore")
    epoch = pt.Epoch(marked.EPOCHS)

    class Write(lightning.Callback):
        def on_train_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
            (folder / f"{trainer.global_rank}.json").write_text(json.dumps(pl_module.seen.to_json()))

    fit = trainer(folder, strategy="ddp_fork", devices=2, callbacks=[ScheduleEpoch(epoch), Write()])
    fit.fit(Model(), loader(epoch, generator=torch.Generator().manual_seed(1)))


def test_two_processes_share_the_images_of_each_epoch(tmp_path: pathlib.Path) -> None:
    here = pathlib.Path(__file__)
    call = (
        f"import torchvision_operators, pathlib, {here.stem} as t; t.in_two_processes(pathlib.Path({str(tmp_path)!r}))"
    )
    path = os.pathsep.join([str(here.parent), os.environ["PYTHONPATH"]])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", call], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    orders = []
    for number in range(marked.EPOCHS):
        parts = [told[str(number)] for told in seen]
        assert [epochs for epochs, _ in parts] == [[number], [number]]
        labels = [label for _, labels in parts for label in labels]
        assert sorted(labels) == list(range(marked.COUNT))
        orders.append(tuple(labels))
    assert len(set(orders)) > 1


def test_processes_that_shuffle_apart_are_refused() -> None:
    def start(sampler: Any) -> None:
        class Two:
            """What the callback reads of a trainer of two processes, whose loader Lightning has wrapped."""

            world_size = 2
            train_dataloader = DataLoader(marked.ROWS, sampler=DistributedSamplerWrapper(sampler, 2, 0))

        ScheduleEpoch(pt.Epoch(1)).on_train_start(Two(), None)

    rows: Any = marked.ROWS
    start(pt.EpochSampler(SequentialSampler(rows), pt.Epoch(1)))
    start(pt.EpochSampler(RandomSampler(rows, generator=torch.Generator()), pt.Epoch(1)))
    with pytest.raises(popaug.UsageError, match="each of the 2 processes shuffles in an order of its own"):
        start(pt.EpochSampler(RandomSampler(rows), pt.Epoch(1)))


# --- popaug.torch.Loader, without the callback ---------------------------------------------------------


def thread_loader() -> pt.Loader:
    return pt.Loader((marked.BYTES, list(range(marked.COUNT))), marked.schedule(), 5, epochs=marked.EPOCHS, seed=1,
                     shuffle=True, output="uint8")  # fmt: skip


class Batches(Model):
    """Notes the epoch of each batch, the epoch of its policy, and its labels."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[int, set[int], list[int]]] = []

    def training_step(self, batch: Any) -> torch.Tensor:
        self.given.append((self.current_epoch, marked.epochs_of(batch[0]), batch[1].tolist()))
        return super().training_step(batch)


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_loader_of_threads_resumes_at_its_batch(stop: int, tmp_path: pathlib.Path) -> None:
    class Leave(lightning.Callback):
        def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
            if trainer.global_step == stop:  # an epoch has three batches
                trainer.save_checkpoint(tmp_path / "middle.ckpt")
                raise InterruptedError

    plain = thread_loader()
    want = [(epoch, {epoch}, labels.tolist()) for epoch in range(marked.EPOCHS) for _, labels in plain]
    first, second = Batches(), Batches()
    with pytest.raises(InterruptedError):
        trainer(tmp_path, callbacks=[Leave()]).fit(first, thread_loader())
    trainer(tmp_path).fit(second, thread_loader(), ckpt_path=tmp_path / "middle.ckpt", weights_only=False)
    assert first.given == want[:stop] and second.given == want[stop:]
