"""Runs for the tests of report and live page: toy searches by the library itself."""

import json
import os
import pathlib
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium import webdriver

SOURCE = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).resolve().parent.parent))
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", SOURCE / "build"))


def toy_run(folder: pathlib.Path, population: int = 6, epochs: int = 18, per_round: int = 3) -> pathlib.Path:
    """A finished toy search in folder/run."""
    run = folder / "run"
    settings = {
        "directory": str(run),
        "population": population,
        "epochs": epochs,
        "epochs_per_round": per_round,
        "seed": 3,
        "workers": 2,
        "trainer": {"state": 4},
    }
    path = folder / "settings.json"
    path.write_text(json.dumps(settings))
    subprocess.run([BUILD / "search_tool", path], check=True, capture_output=True, timeout=120)
    return run


def data_set(folder: pathlib.Path, classes: list[str]) -> pathlib.Path:
    """A folder of classes, a few small PNGs each."""
    from PIL import Image

    for number, name in enumerate(classes):
        (folder / "train" / name).mkdir(parents=True)
        for i in range(3):
            image = Image.radial_gradient("L").resize((32, 32)).rotate(30 * i)
            colour = Image.merge("RGB", (image, image.rotate(90 * number), Image.new("L", (32, 32), 80 * number)))
            colour.save(folder / "train" / name / f"{i}.png")
    return folder


def headless_chrome(*flags: str, log: bool = False) -> "webdriver.Chrome":
    """Debian's Chromium by its driver; with `log`, what it says and asks for is kept."""
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "install the packages chromium and chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", *flags):
        options.add_argument(flag)
    if log:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))


def start_serving(run: pathlib.Path, *flags: str, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    command = [BUILD / "popaug", "serve", run, "--port", str(port), "--look", "0.1", *flags]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    return server, server.stdout.readline().strip()


def split_journal(run: pathlib.Path, folder: pathlib.Path, lines: int) -> tuple[pathlib.Path, str]:
    """A copy of the run with only so many lines of its journal, and the rest."""
    copy = folder / "running"
    shutil.copytree(run, copy)
    for name in ("result.json", "best.schedule.json"):
        (copy / name).unlink(missing_ok=True)
    text = (run / "journal.jsonl").read_text().splitlines(keepends=True)
    (copy / "journal.jsonl").write_text("".join(text[:lines]))
    return copy, "".join(text[lines:])
