"""What the measurements of bench/data say of the machine."""

import pathlib
import platform


def processor() -> str:
    """Its name, as the system gives it."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
