"""Tests import the package from the build folder, where the extension module stands beside it."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = pathlib.Path(os.environ.get("POPAUG_BUILD", ROOT / "build")) / "python"
sys.path.insert(0, str(BUILT if (BUILT / "popaug").is_dir() else ROOT / "python"))
# Worker processes that tests start import the same package.
os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)

sys.path.append(str(ROOT / "tests"))
from no_unexpected import nothing_unexpected  # noqa: E402

__all__ = ["nothing_unexpected"]
