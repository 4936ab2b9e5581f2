"""The demo in miniature: the same script, with less of everything."""

import json
import os
import pathlib
import subprocess

from popaug_program import PROGRAM, ROOT


def test_demo_in_miniature(tmp_path: pathlib.Path) -> None:
    out = tmp_path / "demo"
    process = subprocess.run(
        [str(ROOT / "tools" / "demo"), str(out)],
        env={
            **os.environ,
            "POPAUG": str(PROGRAM),
            "DEMO_SEARCH": "--train-size 100 --val-size 100 --population 4 --rounds 3 --epochs-per-round 1",
            "DEMO_TRAIN": "--epochs 2",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    for words in ("test error", "One seed proves nothing", "TrivialAugment", "flip + crop", "On your own images"):
        assert words in process.stdout
    images = set()
    for arm in ("schedule", "flipcrop", "trivial"):
        result = json.loads((out / arm / "eval.json").read_text())
        assert result["images"] == 10000
        assert f"{100 * result['error']:6.2f} %" in process.stdout
        images.add(json.loads((out / arm / "result.json").read_text())["images_trained"])
    assert len(images) == 1  # equal image counts
    assert (out / "schedule.svg").read_text().startswith("<")
