"""python -m popaug.ray search CONFIG: a search on a Ray cluster from a TOML file (docs/ray.md)."""

from __future__ import annotations

import argparse
import importlib
import pathlib
import shlex
import sys

from popaug import _core
from popaug.ray import _config
from popaug.ray._driver import Deadlines, search


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 bad usage, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m popaug.ray", description="A search on a Ray cluster.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("search", help="run or resume a search")
    verb.add_argument(
        "config",
        type=pathlib.Path,
        help="the TOML file of `popaug search --config`, or one with the arguments of popaug.settings (docs/ray.md)",
    )
    verb.add_argument("--out", required=True, help="the run directory, at the same path on all nodes")
    verb.add_argument("--resume", action="store_true", help="continue the run in --out")
    verb.add_argument("--address", help="of the cluster, for example auto or HOST:6379")
    verb.add_argument("--slots", type=int, help="members that train at once; default: what there is room for")
    verb.add_argument("--cpus", type=float, default=1.0, help="CPUs of a slot")
    verb.add_argument("--gpus", type=float, default=0.0, help="GPUs of a slot, a share is enough")
    verb.add_argument("--train", help="MODULE:FUNCTION of your train_round")
    verb.add_argument(
        "--worker-cmd", help='else a worker program on every node (default: the file\'s worker_cmd, or "popaug worker")'
    )
    verb.add_argument("--checkpoints", choices=["shared", "return"], default="shared")
    verb.add_argument(
        "--silence", type=float, default=Deadlines.silence, help="seconds without progress that are a hang"
    )
    given = sys.argv[1:] if arguments is None else arguments
    flags = parser.parse_args(given)
    again = shlex.join(["python", "-m", "popaug.ray", *given, *([] if flags.resume else ["--resume"])])
    try:
        value = _config.read(flags.config)
        program = _config.is_programs(value)
        chosen = {"config": flags.config} if program else _config.arguments(value)
        worker = flags.worker_cmd or (None if program else "popaug worker")
        train_round = None
        if flags.train:
            module, _, name = flags.train.partition(":")
            sys.path.insert(0, "")
            train_round = getattr(importlib.import_module(module), name)
        run = search(
            train_round,
            out=flags.out,
            resume=flags.resume,
            address=flags.address,
            slots=flags.slots,
            cpus=flags.cpus,
            gpus=flags.gpus,
            worker_command=None if train_round else worker,
            checkpoints=flags.checkpoints,
            deadlines=Deadlines(silence=flags.silence),
            **chosen,
        )
    except _core.UsageError as error:
        print(f"popaug: {error}", file=sys.stderr)
        return 2
    except _core.Error as error:
        notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", []))
        print(f"popaug: {error}{notes}\nContinue the search with: {again}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"popaug: stopped; nothing is lost. Continue with: {again}", file=sys.stderr)
        return 130
    print(f"{run!r}\nschedule: {run.directory / 'best.schedule.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
