#!/usr/bin/env python3
"""Measures the reading of image sets on the CIFAR-10 JPEG archive; writes bench/results/data.json.

    bench/studies/data/read_sets.py BUILD [REPEATS]

BUILD is a build folder configured with -DPOPAUG_BENCH=ON. The archive is looked for in POPAUG_CIFAR10
(default ../shared/data) and extracted to a temporary folder.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bench/studies"))

from machine import processor  # noqa: E402

ARCHIVE = pathlib.Path(os.environ.get("POPAUG_CIFAR10", ROOT.parent / "shared" / "data")) / "cifar10-jpeg.tar.xz"


def main() -> int:
    build = pathlib.Path(sys.argv[1])
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 7

    def bench(*words: object) -> dict:
        return json.loads(
            subprocess.run([build / "bench_data", *map(str, words)], check=True, capture_output=True).stdout
        )

    with tempfile.TemporaryDirectory() as name:
        folder, packed = pathlib.Path(name) / "cifar", pathlib.Path(name) / "cifar.popaug"
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(folder, filter="data")
        subprocess.run([build / "popaug", "data", "convert", "--data", folder, "-o", packed], check=True)
        speed = bench("speed", folder, packed, repeats)
        memory = {"folder, held": bench("memory", folder), "packed, mapped": bench("memory", packed)}
    images, rows = speed["images"], []
    for what, seconds in speed["seconds"].items():
        middle = statistics.median(seconds)
        rows.append(
            {
                "name": what,
                "seconds": {"median": middle, "least": min(seconds), "most": max(seconds)},
                "images_per_second": images / middle,
            }
        )
    median = {row["name"]: row["seconds"]["median"] for row in rows}
    result = {
        "command": "bench/studies/data/read_sets.py BUILD " + str(repeats),
        "machine": {"processor": processor(), "cores": speed["cores"], "load_at_the_end": os.getloadavg()[0]},
        "images": images,
        "repeats": repeats,
        "rows": rows,
        "share_of_libjpeg_turbo": {
            "folder read": median["libjpeg-turbo alone, from memory"] / median["folder read"],
            "decode_image": median["libjpeg-turbo alone, from memory"] / median["decode_image, from memory"],
        },
        "memory": memory,
    }
    out = ROOT / "bench" / "results" / "data.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
