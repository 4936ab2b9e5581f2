"""A Ray cluster of several raylets in a process of its own, ruled by lines on standard input:

add / remove N / kill N / freeze N / thaw N / quit. Answers each with one JSON line; the first names the address.
The head has no room for slots; each further node has one CPU.
"""

import json
import os
import pathlib
import signal
import sys
from typing import Any

from ray.cluster_utils import Cluster


def parent_of(pid: int) -> int:
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def family(root: int) -> list[int]:
    """A process and all below it."""
    found = [root]
    for pid in found:
        found += [int(p) for p in os.listdir("/proc") if p.isdigit() and parent_of(int(p)) == pid]
    return found


def raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


def processes(node: Any) -> list[int]:
    return [pid for infos in node.all_processes.values() for info in infos for pid in family(info.process.pid)]


def main() -> None:
    small: dict[str, Any] = {"object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    nodes: list[Any] = []

    def say(**message: Any) -> None:
        print(json.dumps(message), file=out, flush=True)

    say(address=cluster.address)
    for line in sys.stdin:
        verb, _, number = line.strip().partition(" ")
        node = nodes[int(number)] if number else None
        if verb == "add":
            nodes.append(cluster.add_node(num_cpus=1, **small))
            say(node=len(nodes) - 1, raylet=raylet(nodes[-1]))
            continue
        if verb == "remove":
            cluster.remove_node(nodes[int(number)])
        elif verb == "kill":
            for pid in processes(node):
                os.kill(pid, signal.SIGKILL)
        elif verb in ("freeze", "thaw"):
            for pid in processes(node):
                os.kill(pid, signal.SIGSTOP if verb == "freeze" else signal.SIGCONT)
        elif verb == "quit":
            break
        say(done=verb)
    for node in nodes:
        for pid in processes(node) if node.all_processes else []:
            os.kill(pid, signal.SIGCONT)
    cluster.shutdown()  # type: ignore[no-untyped-call]
    say(done="quit")


if __name__ == "__main__":
    main()
