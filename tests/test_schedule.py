"""popaug schedule, from the command line."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).resolve().parent.parent))
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", SOURCE / "build"))


def popaug(*words: str | pathlib.Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([BUILD / "popaug", *words], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_show_rounds_searched_numbers(tmp_path: pathlib.Path) -> None:
    schedule = json.loads((SOURCE / "data" / "schedules" / "rcifar10-paper.schedule.json").read_text())
    schedule["base"]["flip"] = 0.20840235414545283  # as a gene of a search
    (tmp_path / "mine.schedule.json").write_text(json.dumps(schedule))
    text = popaug("schedule", "show", tmp_path / "mine.schedule.json").stdout
    assert "base transforms: pad 4 and crop, flip 0.208, cutout 16\n" in text


def test_show_is_readable_and_plain_when_piped() -> None:
    text = popaug("schedule", "show", "rcifar10-paper").stdout
    assert "200 epochs, 17 segments" in text
    assert "\x1b" not in text
    rows = json.loads(popaug("schedule", "show", "rcifar10-paper", "--json").stdout)
    assert rows["segments"] == [12, 22, 20, 20, 1, 6, 3, 27, 6, 21, 6, 9, 7, 17, 6, 12, 5]
    assert "\x1b[48;5;" in popaug("schedule", "show", "trivial", "--colour", "always").stdout


def test_import_export_import(tmp_path: pathlib.Path) -> None:
    for log, epochs in (("rcifar10_16_wrn.txt", 200), ("rsvhn_16_wrn.txt", 160)):
        first, exported, second = (tmp_path / n for n in ("a.schedule.json", "log.txt", "b.schedule.json"))
        popaug("schedule", "import", SOURCE / "data/schedules" / log, "--epochs", str(epochs), "-o", first)
        popaug("schedule", "export", first, "--to", "pba", "-o", exported)
        popaug("schedule", "import", exported, "--epochs", str(epochs), "-o", second)
        a, b = (json.loads(p.read_text()) for p in (first, second))
        assert a["segments"] == b["segments"]
        assert a["space"] == b["space"]
        # The exported log is what the published reader parses: a list per line.
        old = [eval(line) for line in (SOURCE / "data/schedules" / log).read_text().splitlines()]
        new = [json.loads(line) for line in exported.read_text().splitlines()]
        assert [line[5] for line in old] == [line[5] for line in new]
        assert [line[3] for line in old] == [line[3] for line in new]


def test_what_cannot_be_said_is_an_error(tmp_path: pathlib.Path) -> None:
    assert "space" in popaug("schedule", "export", "trivial", "--to", "pba", code=1).stderr
    assert "200 for CIFAR-10" in popaug("schedule", "import", SOURCE / "data/schedules/rsvhn_16_wrn.txt", code=2).stderr
    assert 'nearest: "rcifar10-paper"' in popaug("schedule", "show", "rcifar10-pape", code=2).stderr
    bad = tmp_path / "bad.json"
    bad.write_text('{"format":"popaug-schedule","version":7}')
    assert "version 7" in popaug("schedule", "validate", bad, code=1).stderr
    missing = popaug("schedule", "show", tmp_path / "none.json", code=1).stderr
    assert "none.json" in missing and missing.count("\n") == 1


def test_ablations_and_diff(tmp_path: pathlib.Path) -> None:
    out = tmp_path / "x.schedule.json"
    for verb, segments in (("last", 1), ("flatten", 1), ("shuffle", 17)):
        popaug("schedule", verb, "rcifar10-paper", "-o", out)
        made = json.loads(out.read_text())
        assert len(made["segments"]) == segments
        assert sum(s["epochs"] for s in made["segments"]) == 200
        assert made["provenance"]["made"]
    popaug("schedule", "stretch", "rcifar10-paper", "--epochs", "1800", "-o", out)
    assert sum(s["epochs"] for s in json.loads(out.read_text())["segments"]) == 1800
    same = json.loads(popaug("schedule", "diff", "rcifar10-paper", out, "--json").stdout)
    assert same["total_variation"] == pytest.approx(0, abs=1e-9)
    apart = json.loads(popaug("schedule", "diff", "rcifar10-paper", "rsvhn-paper", "--json").stdout)
    assert 0.3 < apart["total_variation"] <= 1
    assert "different numbers" in popaug("schedule", "diff", "rcifar10-paper", "trivial", code=1).stderr


def test_diff_against_a_band(tmp_path: pathlib.Path) -> None:
    ops = [
        op["op"]
        for op in json.loads(popaug("schedule", "export", "rsvhn-paper", "--to", "json").stdout)["space"]["ops"]
    ]

    def lines(low: float, high: float) -> dict[str, list[float]]:
        return {"mean": [(low + high) / 2] * 8, "low": [low] * 8, "high": [high] * 8}

    band = {
        "format": "popaug-band",
        "version": 1,
        "lineages": 9,
        "epochs": 8,
        "ops": [{"op": op, "probability": lines(0, 1), "level": lines(0, 10)} for op in ops],
    }
    path = tmp_path / "drift.band.json"
    path.write_text(json.dumps(band))
    inside = json.loads(popaug("schedule", "diff", "rsvhn-paper", "--band", path, "--json").stdout)
    assert inside["share_outside"] == 0
    band["ops"][0]["probability"] = lines(0.95, 1)
    path.write_text(json.dumps(band))
    picture = tmp_path / "d.svg"
    outside = json.loads(
        popaug("schedule", "diff", "rsvhn-paper", "--band", path, "--json", "--picture", picture).stdout
    )
    assert outside["ops"][0]["probability_below"] > 0.9
    assert 'class="exit"' in picture.read_text()


def test_plot(tmp_path: pathlib.Path) -> None:
    popaug("schedule", "plot", "rsvhn-paper", "-o", tmp_path / "s.svg")
    popaug("schedule", "plot", "rsvhn-paper", "-o", tmp_path / "s.png", "--zoom", "2")
    from PIL import Image

    with Image.open(tmp_path / "s.png") as image:
        assert image.size[0] == 1720
    assert ".svg nor .png" in popaug("schedule", "plot", "rsvhn-paper", "-o", tmp_path / "s.pdf", code=2).stderr


def test_csv_adds_up() -> None:
    import csv

    rows = list(csv.DictReader(popaug("schedule", "export", "rcifar10-paper", "--to", "csv").stdout.splitlines()))
    assert len(rows) == 17 * 30
    assert sum(int(r["epochs"]) for r in rows if r["entry"] == "1") == 200


def test_exported_python_is_a_transform(tmp_path: pathlib.Path) -> None:
    module = tmp_path / "learned.py"
    popaug("schedule", "export", "rcifar10-paper", "--to", "python", "-o", module)
    script = (
        "import sys; sys.modules['numpy'] = None; sys.modules['torch'] = None\n"
        "from PIL import Image; import learned, random\n"
        "t = learned.ScheduleTransform(); t.set_epoch(150); random.seed(1)\n"
        "image = Image.radial_gradient('L').resize((32, 32))\n"
        "rgb = image.convert('RGB')\n"
        "assert t(image).mode == 'L' and t(rgb).mode == 'RGB' and t(rgb).size == (32, 32)\n"
        "assert len({t(rgb).tobytes() for _ in range(20)}) > 10\n"
        "assert len(t) == 200\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)


def test_exported_albumentations_source_names_its_deviations(tmp_path: pathlib.Path) -> None:
    module = tmp_path / "learned_a.py"
    done = popaug("schedule", "export", "rsvhn-paper", "--to", "albumentations", "-o", module)
    source = module.read_text()
    compile(source, "learned_a.py", "exec")
    assert "DEVIATIONS" in source
    assert "holes" in done.stderr
