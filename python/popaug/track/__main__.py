"""python -m popaug.track RUN --to tensorboard|mlflow|wandb"""

from __future__ import annotations

import argparse
import os
import select
import sys

from popaug._core import Error
from popaug.track import follow
from popaug.track._trackers import TRACKERS


def _say(text: str) -> None:
    print(f"popaug.track: {text}", file=sys.stderr, flush=True)


def _standard_input_is_open() -> bool:
    """Until the process at the other end of the pipe closes it, or dies."""
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    return not ready or os.read(sys.stdin.fileno(), 1) != b""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m popaug.track", description=__doc__)
    parser.add_argument("run", help="the run directory of a search, a training or a comparison")
    parser.add_argument("--to", required=True, choices=list(TRACKERS))
    parser.add_argument("--project", default="popaug", help="the experiment of MLflow, the project of wandb")
    parser.add_argument("--folder", help="a local place of the tracker instead of its own default")
    parser.add_argument("--poll", type=float, default=2.0, help="seconds between looks (default 2)")
    parser.add_argument("--wait", action="store_true", help="for a run to begin, until standard input closes")
    given = parser.parse_args()
    try:
        more = _standard_input_is_open if given.wait else None
        rows = follow(given.run, given.to, project=given.project, folder=given.folder, poll=given.poll, more=more,
                      warn=_say)  # fmt: skip
    except KeyboardInterrupt:
        return 130
    except Error as error:
        _say(str(error))
        return 2
    except Exception as error:
        _say(f"{given.to} did not take everything: {error}; run the same command again to send the rest")
        return 1
    print(f"{given.run}: {rows} rows sent to {given.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
