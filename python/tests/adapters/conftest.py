"""Several of the libraries import torchvision where it is installed; this comes first and makes it importable."""

import torchvision_operators  # noqa: F401
