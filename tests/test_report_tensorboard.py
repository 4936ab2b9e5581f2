"""TensorBoard events, read back by tensorboard itself."""

import csv
import json
import pathlib
import subprocess

import pytest
from report_runs import BUILD, data_set, toy_run
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def test_events_say_what_the_run_says(tmp_path: pathlib.Path) -> None:
    run = toy_run(tmp_path)
    data = data_set(tmp_path / "data", ["a", "b"])
    subprocess.run(
        [BUILD / "popaug", "report", run, "--format", "tensorboard", "--data", data],
        check=True,
        capture_output=True,
        timeout=120,
    )
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    with (run / "progress.csv").open() as file:
        rows = list(csv.DictReader(file))
    for member in range(6):
        expected = [(int(r["epochs"]), float(r["score"])) for r in rows if int(r["member"]) == member]
        got = [(e.step, e.value) for e in events.Scalars(f"score/member {member:03}")]
        assert [s for s, _ in got] == [s for s, _ in expected]
        assert [v for _, v in got] == pytest.approx([v for _, v in expected], rel=1e-6)
    schedule = json.loads((run / "best.schedule.json").read_text())
    first = 0
    steps = {e.step: e.value for e in events.Scalars("probability/Rotate")}
    for segment in schedule["segments"]:
        mean = sum(e["probability"] for e in segment["policy"] if e["op"] == "Rotate") / 2
        assert steps[first] == pytest.approx(mean, abs=1e-6)
        first += segment["epochs"]
    pictures = events.Images("augmented")
    assert len(pictures) == 3
    assert all(p.encoded_image_string.startswith(b"\x89PNG") and p.width > 32 for p in pictures)
    # Written again, the folder holds one file.
    subprocess.run(
        [BUILD / "popaug", "report", run, "--format", "tensorboard"], check=True, capture_output=True, timeout=120
    )
    assert len(list((run / "tensorboard").iterdir())) == 1
