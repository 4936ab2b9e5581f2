"""Tests import the package from the build folder, where the extension module stands beside it."""

import os
import pathlib
import sys

import pytest
from no_unexpected import nothing_unexpected

__all__ = ["nothing_unexpected"]

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILT = pathlib.Path(os.environ.get("POPAUG_BUILD", ROOT / "build")) / "python"
sys.path.insert(0, str(BUILT if (BUILT / "popaug").is_dir() else ROOT / "python"))
# Worker processes that tests start import the same package.
os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)

# The files that take longest, first: with several workers of pytest, the last one to finish decides.
LONGEST = ("test_readme.py", "test_install.py", "test_ray.py", "test_lightning.py", "test_documents.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))
