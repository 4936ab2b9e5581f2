"""Where rows go: TensorBoard, MLflow, Weights & Biases. Each remembers how many rows of a run it has."""

from __future__ import annotations

import importlib
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any, Protocol

from popaug._optional import needed
from popaug.track._rows import Kind, Row, identity_of, settings_of


class Tracker(Protocol):
    """A run in a tracker. A method that fails may be called again with the same arguments."""

    sent: int  # rows that the tracker has, also from an earlier follower of the same run

    def send(self, rows: Sequence[Row]) -> None: ...

    def finish(self, files: Sequence[pathlib.Path], finished: bool) -> None: ...


def _needed(module: str, package: str, tracker: str) -> Any:
    return needed(module, package, f"tracking with {tracker} needs the package {package}")


class TensorBoard:
    """Writes event files into RUN/tensorboard, or into `folder`. Needs the package tensorboard alone."""

    def __init__(self, run: pathlib.Path, kind: Kind, step: str, project: str, folder: pathlib.Path | None) -> None:
        writer = _needed("tensorboard.summary.writer.event_file_writer", "tensorboard", "tensorboard")
        self._event = importlib.import_module("tensorboard.compat.proto.event_pb2").Event
        self._summary = importlib.import_module("tensorboard.compat.proto.summary_pb2").Summary
        self._folder = run / "tensorboard" if folder is None else folder
        self._writer = writer.EventFileWriter(os.fspath(self._folder))
        self._count = self._folder / "rows.txt"
        self.sent = int(self._count.read_text()) if self._count.is_file() else 0

    def send(self, rows: Sequence[Row]) -> None:
        for row in rows:
            values = [self._summary.Value(tag=tag, simple_value=number) for tag, number in row.numbers.items()]
            self._writer.add_event(
                self._event(wall_time=time.time(), step=row.step, summary=self._summary(value=values))
            )
        self._writer.flush()
        self._count.write_text(str(self.sent + len(rows)))

    def finish(self, files: Sequence[pathlib.Path], finished: bool) -> None:
        for file in files:
            if file.suffix == ".png":
                data = file.read_bytes()
                size = [int.from_bytes(data[at : at + 4], "big") for at in (16, 20)]  # of the PNG's first chunk
                image = self._summary.Image(width=size[0], height=size[1], colorspace=3, encoded_image_string=data)
                value = self._summary.Value(tag=file.stem, image=image)
                self._writer.add_event(self._event(wall_time=time.time(), step=0, summary=self._summary(value=[value])))
        self._writer.close()


class Mlflow:
    """One MLflow run, at MLFLOW_TRACKING_URI or in MLflow's own default place. Found again by its tag popaug.run."""

    def __init__(self, run: pathlib.Path, kind: Kind, step: str, project: str, folder: pathlib.Path | None) -> None:
        if folder is not None:  # a local folder is what was asked for; MLflow has it refused by default
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow = _needed("mlflow", "mlflow", "mlflow")
        entities = importlib.import_module("mlflow.entities")
        self._metric, self._param = entities.Metric, entities.Param
        self._client = mlflow.MlflowClient(tracking_uri=os.fspath(folder.resolve().as_uri()) if folder else None)
        experiment = self._client.get_experiment_by_name(project)
        number = experiment.experiment_id if experiment else self._client.create_experiment(project)
        identity = identity_of(run)
        found = self._client.search_runs([number], f"tags.`popaug.run` = '{identity}'")
        if found:
            self._run = found[0].info.run_id
            self.sent = int(found[0].data.tags.get("popaug.rows", 0))
            return
        tags = {"popaug.run": identity, "popaug.kind": kind, "popaug.directory": os.fspath(run.resolve())}
        self._run = self._client.create_run(number, tags=tags, run_name=run.resolve().name).info.run_id
        params = [self._param(key, str(value)[:500]) for key, value in settings_of(run).items()]
        for first in range(0, len(params), 100):  # MLflow's limit of a batch
            self._client.log_batch(self._run, params=params[first : first + 100])
        self.sent = 0

    def send(self, rows: Sequence[Row]) -> None:
        now = int(time.time() * 1000)
        metrics = [self._metric(tag, number, now, row.step) for row in rows for tag, number in row.numbers.items()]
        for first in range(0, len(metrics), 1000):
            self._client.log_batch(self._run, metrics=metrics[first : first + 1000])
        self._client.set_tag(self._run, "popaug.rows", str(self.sent + len(rows)))

    def finish(self, files: Sequence[pathlib.Path], finished: bool) -> None:
        for file in files:
            self._client.log_artifact(self._run, os.fspath(file))
        self._client.set_terminated(self._run, "FINISHED" if finished else "KILLED")


class Wandb:
    """One run of Weights & Biases, of the account and mode that `wandb` is set up for (WANDB_MODE=offline works)."""

    def __init__(self, run: pathlib.Path, kind: Kind, step: str, project: str, folder: pathlib.Path | None) -> None:
        wandb = _needed("wandb", "wandb", "wandb")
        identity = identity_of(run)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._wandb, self._step, self._identity = wandb, step, identity
        self._run = wandb.init(
            project=project, name=run.resolve().name, id=identity, resume="allow", job_type=kind,
            config=settings_of(run), dir=None if folder is None else os.fspath(folder),
            settings=wandb.Settings(console="off", silent=True),
        )  # fmt: skip
        self._run.define_metric(step)
        self._run.define_metric("*", step_metric=step)
        self.sent = int(self._run.step)  # one step of wandb for each row

    def send(self, rows: Sequence[Row]) -> None:
        for number, row in enumerate(rows, self.sent):
            self._run.log({**row.numbers, self._step: row.step}, step=number)

    def finish(self, files: Sequence[pathlib.Path], finished: bool) -> None:
        artifact = self._wandb.Artifact(f"popaug-{self._identity[:12]}", type="popaug")
        for file in files:
            artifact.add_file(os.fspath(file))
        self._run.log_artifact(artifact)
        self._run.finish(exit_code=0 if finished else 1)


TRACKERS: dict[str, type[TensorBoard] | type[Mlflow] | type[Wandb]] = {
    "tensorboard": TensorBoard,
    "mlflow": Mlflow,
    "wandb": Wandb,
}
