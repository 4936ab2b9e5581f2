#!/usr/bin/env python3
"""How long a report of 64 members x 200 rounds takes to open in headless Chromium, and its size.

Makes the run as a toy search, writes its report, opens it several times from disk; prints JSON with
the median and the spread. Needs chromium, chromedriver and the test requirements.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench/studies"), str(ROOT / "tests")]

from machine import processor  # noqa: E402
from report_runs import BUILD, headless_chrome, toy_run  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run = toy_run(folder, population=64, epochs=200, per_round=1)
        report = run / "report.html"
        subprocess.run([BUILD / "popaug", "report", run], check=True, capture_output=True)
        browser = headless_chrome()
        seconds = []
        for _ in range(9):
            browser.get("about:blank")
            browser.get(report.as_uri())
            timing = "const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd - t.startTime"
            seconds.append(browser.execute_script(timing) / 1000)
        browser.quit()
        print(
            json.dumps(
                {
                    "name": "report 64x200",
                    "bytes": report.stat().st_size,
                    "open_seconds_median": round(statistics.median(seconds), 3),
                    "open_seconds_spread": [round(min(seconds), 3), round(max(seconds), 3)],
                    "runs": len(seconds),
                    "machine": f"{processor()}, {os.cpu_count()} cores",
                    "command": "bench/studies/report/open_page.py",
                },
                indent=2,
            )
        )


if __name__ == "__main__":
    main()
