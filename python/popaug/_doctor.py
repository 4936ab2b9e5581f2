"""What Python adds to `popaug doctor`: the packages that popaug works with. Imports none of them."""

from __future__ import annotations

import importlib.metadata
import platform

OPTIONAL = ("torch", "torchvision", "timm", "albumentations", "lightning", "transformers", "accelerate", "ray", "pandas",
            "tensorboard", "mlflow", "wandb")  # fmt: skip


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def lines() -> str:
    """Findings as the program takes them in POPAUG_DOCTOR: "WHAT\\tSTATE\\tTEXT", one a line."""
    versions = {package: _version(package) for package in OPTIONAL}
    there = ", ".join(f"{package} {version}" for package, version in versions.items() if version is not None)
    absent = ", ".join(package for package, version in versions.items() if version is None)
    python = f"Python {platform.python_version()}, NumPy {_version('numpy')}"
    findings = [f"python\tok\t{python}{', ' if there else ''}{there}"]
    if absent:
        findings.append(f"packages\tmissing\t{absent} (each is needed only by what is named after it)")
    return "\n".join(findings)
