"""Compares an exported schedule file with draws that the library made: MODULE.py DRAWS.bin.

DRAWS.bin: a line of JSON per draw, {"seed","stream","epoch","sample","width","height","grey"}, each
followed by the input (RGBA) and the expected output (RGBA), width * height * 4 bytes each.
"""

import importlib.util
import json
import sys

from PIL import Image


def main(module_path: str, draws_path: str) -> int:
    spec = importlib.util.spec_from_file_location("exported", module_path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    transform = module.ScheduleTransform()
    count = 0
    with open(draws_path, "rb") as file:
        while line := file.readline():
            draw = json.loads(line)
            size = (draw["width"], draw["height"])
            given = file.read(4 * size[0] * size[1])
            expected = file.read(4 * size[0] * size[1])
            image = Image.frombytes("RGBA", size, given).convert("L" if draw["grey"] else "RGB")
            key = {name: draw[name] for name in ("seed", "stream", "epoch", "sample")}
            result = transform.augment(image, **key).tobytes()
            if result != expected:
                different = sum(a != b for a, b in zip(result, expected, strict=True))
                print(f"{different} bytes differ for {draw}: {transform.draws(**key)}")
                return 1
            count += 1
    print(f"{count} draws are equal")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
