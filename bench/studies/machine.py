"""What a measurement says of its machine."""

import pathlib
import platform


def processor() -> str:
    """The processor as the system names it, and the widest instruction set that popaug has kernels for."""
    said = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    lines = (line.split(":", 1) for line in said.splitlines() if ":" in line)
    about = {key.strip(): value.strip() for key, value in lines}  # of the last core
    flags = about.get("flags", "").split()
    best = next((name for name in ("avx512vbmi", "avx512f", "avx2", "sse4_1") if name in flags), "ssse3")
    name = about.get("model name", platform.machine())
    return f"{name}, family {about.get('cpu family')}, model {about.get('model')}, {best}"
