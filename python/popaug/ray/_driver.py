"""The driver: a search whose rounds are executed by slot actors. Every wait has an end."""

from __future__ import annotations

import contextlib
import math
import os
import pathlib
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from popaug import _core
from popaug._core import Error, UsageError
from popaug._member import Member, Result, TrainRound
from popaug._run import Run
from popaug._search import Search
from popaug._settings import DEFAULTS, RUN, SPACE, Prepared, SearchSettings
from popaug._values import Space
from popaug.ray._config import prepare
from popaug.ray._require import require_ray
from popaug.ray._slot import Slot


@dataclass(frozen=True)
class Deadlines:
    """Seconds. silence: a busy slot that shows no progress for so long is given up, and its work given to another.
    creation: a slot that does not stand by then is given up. transfer: for one answer to arrive once it is ready.
    suspicion: a node that lost a slot gets no new one for so long, if there are others.
    """

    silence: float = RUN["silence"]
    creation: float = 60.0
    transfer: float = 60.0
    suspicion: float = 60.0


class _Place:
    """A slot as the driver sees it."""

    def __init__(self, number: int, actor: Any, node: str, hello: Any, now: float) -> None:
        self.number, self.actor, self.node = number, actor, node
        self.hello: Any = hello  # the answer that it stands; None once it does
        self.name = f"slot {number}"
        self.member: Member | None = None
        self.answer: Any = None  # of run()
        self.status: Any = None  # of status()
        self.asked = now
        self.reports = 0
        self.alive_at = now  # when progress was last seen


class _Cluster:
    """Creates slots on nodes that have room, and not again at once where one was lost."""

    def __init__(self, ray: Any, make: Any, cpus: float, gpus: float, resources: Mapping[str, float]) -> None:
        self.ray, self.make = ray, make
        self.needs = {"CPU": cpus, "GPU": gpus} | dict(resources)
        self.suspects: dict[str, float] = {}

    def rooms(self) -> dict[str, int]:
        """How many slots each living node could hold in all."""
        found = {}
        for node in self.ray.nodes():
            if node["Alive"]:
                has = node["Resources"]
                limits = [int(has.get(k, 0) / v + 1e-9) for k, v in self.needs.items() if v > 0]
                found[node["NodeID"]] = min(limits) if limits else 1
        return found

    def choose(self, places: list[_Place], now: float) -> str | None:
        """The node with the most room left; one under suspicion only if no other has room."""
        used = [place.node for place in places]
        free = {node: room - used.count(node) for node, room in self.rooms().items()}
        ranked = sorted((n for n in free if free[n] > 0), key=lambda n: (self.suspects.get(n, 0) > now, -free[n], n))
        return ranked[0] if ranked else None

    def create(self, number: int, node: str, now: float) -> _Place:
        """Never waits: the slot stands when its hello arrives."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        options = {
            "num_cpus": self.needs["CPU"],
            "num_gpus": self.needs["GPU"],
            "resources": {k: v for k, v in self.needs.items() if k not in ("CPU", "GPU")},
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": 3,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False),
        }
        actor = self.make(options)
        return _Place(number, actor, node, actor.hello.remote(), now)

    def give_up(self, place: _Place, until: float) -> None:
        self.suspects[place.node] = until
        with contextlib.suppress(Exception):  # it may be gone already
            self.ray.kill(place.actor, no_restart=True)


class _Driver:
    def __init__(
        self,
        ray: Any,
        search: Search,
        cluster: _Cluster,
        slots: int,
        by_value: bool,
        deadlines: Deadlines,
        creations: int,
        show: bool,
    ) -> None:
        self.ray, self.search, self.cluster = ray, search, cluster
        self.slots, self.by_value, self.deadlines, self.show = slots, by_value, deadlines, show
        self.places: list[_Place] = []
        self.created = 0
        self.failures = 0  # failed creations in a row
        self.creations = creations
        self.create_at = 0.0
        self.shown = 0.0

    def run(self) -> None:
        try:
            while not self.search.finished:
                now = time.monotonic()
                self.keep_slots(now)
                self.give_out(now)
                self.listen()
                self.check_deadlines(time.monotonic())
                self.report(time.monotonic())
        except BaseException:
            for place in self.places:
                if place.member is not None:
                    self.search.give_back(place.member)
            raise
        finally:
            for place in self.places:
                self.cluster.give_up(place, 0.0)

    # --- slots ----------------------------------------------------------------------------------

    def keep_slots(self, now: float) -> None:
        left = self.search.total - self.search.done
        if len(self.places) >= min(self.slots, max(1, left)) or now < self.create_at:
            return
        node = self.cluster.choose(self.places, now)
        if node is None:
            self.create_at = now + 1
            if not self.places:
                self.failed_creation(f"no node has room for {self.cluster.needs}", now)
            return
        self.places.append(self.cluster.create(self.created, node, now))
        self.created += 1

    def failed_creation(self, reason: str, now: float) -> None:
        self.failures += 1
        self.create_at = now + min(5.0, 0.5 * self.failures)
        self.search.log("slot", reason=reason)
        if self.failures >= self.creations and not any(p.hello is None for p in self.places):
            raise Error(
                f"no slot could be started in {self.failures} attempts, the last one: {reason}. Nothing is lost"
            )

    def lose(self, place: _Place, reason: str, suspect: bool = True) -> None:
        """Gives the slot up; its work goes to another."""
        self.places.remove(place)
        now = time.monotonic()
        self.cluster.give_up(place, now + self.deadlines.suspicion if suspect else 0.0)
        if place.member is not None:
            self.say(f"{place.name}: {reason}; member {place.member.index} goes to another slot")
            self.search.give_back(place.member, reason, place.name)
        if place.hello is not None:
            self.failed_creation(f"{place.name}: {reason}", now)

    # --- work -----------------------------------------------------------------------------------

    def give_out(self, now: float) -> None:
        for place in self.places:
            if place.hello is not None or place.member is not None:
                continue
            member = self.search.ask()
            if member is None:
                return
            source = None
            if self.by_value and member.from_path is not None:
                source = self.ray.put(member.from_path.read_bytes())
            place.member, place.alive_at, place.asked = member, now, now
            place.answer = place.actor.run.remote(member.message, source, self.by_value)

    def listen(self) -> None:
        now = time.monotonic()
        for place in self.places:
            if place.answer is not None and place.status is None and now - place.asked > 1:
                place.asked = now
                place.status = place.actor.status.remote()
        waiting = {ref: (p, kind) for p in self.places for kind in ("hello", "answer", "status")
                   if (ref := getattr(p, kind)) is not None}  # fmt: skip
        if not waiting:
            time.sleep(0.1)
            return
        ready, rest = self.ray.wait(list(waiting), num_returns=1, timeout=0.2)
        if ready and rest:
            ready += self.ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        for ref in ready:
            place, kind = waiting[ref]
            if place in self.places:
                self.hear(place, kind, ref)

    def hear(self, place: _Place, kind: str, ref: Any) -> None:
        setattr(place, kind, None)
        try:
            value = self.ray.get(ref, timeout=self.deadlines.transfer)
        except (self.ray.exceptions.RayError, TimeoutError) as error:
            if kind == "hello":
                place.hello = ref
            self.lose(place, f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")
            return
        if kind == "hello":
            self.stands(place, value)
        elif kind == "status":
            if value != place.reports:
                place.reports, place.alive_at = value, time.monotonic()
        else:
            self.done(place, value)

    def stands(self, place: _Place, hello: Any) -> None:
        self.failures = 0
        place.name = f"slot {place.number} ({hello['host']}, pid {hello['pid']})"
        if hello["version"] != _core.version:
            raise Error(f"{place.name} has popaug {hello['version']}, the driver {_core.version}; install the same")

    def done(self, place: _Place, value: dict[str, Any]) -> None:
        member = place.member
        assert member is not None
        place.member = None
        if "error" in value:
            self.say(value["traceback"].rstrip())
            try:
                self.search.give_back(member, value["error"], place.name)
            except Error as error:
                error.add_note(f"in train_round of {member!r} on {place.name}:\n{value['traceback'].rstrip()}")
                raise
            return
        diverged = value["result"]["score"] is None
        if self.by_value and not diverged:
            _core.write_file_atomic(str(member.to_path), value["checkpoint"])
        told = (
            value["result"]
            | {"correct": _bits(value["bits"])}
            | ({"score": math.nan, "metrics": {}} if diverged else {})
        )
        result = Result(**told)
        fault = self.search._fault(member, result)
        if fault is None and not diverged and member.to_path.stat().st_size != value["bytes"]:
            fault = f"the checkpoint {member.to_path} has another size here than on its node: is the directory shared?"
        if fault is not None:
            self.search.give_back(member, fault, place.name)
            return
        self.search._tell(member, result, place.name)

    def check_deadlines(self, now: float) -> None:
        for place in list(self.places):
            if place.hello is not None and now - place.asked > self.deadlines.creation:
                self.lose(place, f"it did not stand after {self.deadlines.creation:g} s")
            elif place.answer is not None and now - place.alive_at > self.deadlines.silence:
                self.lose(place, f"no progress for {self.deadlines.silence:g} s")

    def say(self, text: str) -> None:
        if self.show:
            print(text, file=sys.stderr, flush=True)

    def report(self, now: float) -> None:
        if now - self.shown > 10:
            self.shown = now
            self.say(
                f"searching on {len(self.places)} slots: {self.search.done} of {self.search.total}, {self.search.note()}"
            )


def _bits(data: bytes) -> Any:
    return list(data) if data else None


def search(
    train_round: TrainRound | None = None,
    space: Space | str = SPACE,
    population: int = DEFAULTS["population"],
    *,
    config: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] = "popaug-run",
    resume: bool = False,
    address: str | None = None,
    slots: int | None = None,
    cpus: float = 1.0,
    gpus: float = 0.0,
    resources: Mapping[str, float] | None = None,
    worker_command: str | None = None,
    checkpoints: str = "shared",
    threads: int = 1,
    attempts: int = RUN["attempts"],
    creations: int = 10,
    deadlines: Deadlines | None = None,
    show: bool = True,
    **settings: Unpack[SearchSettings],
) -> Run:
    """popaug.search on a Ray cluster, with the same journal, byte for byte.

    train_round: as for popaug.search; it travels to the slots by pickle. worker_command: instead, a program of the worker
    protocol on every node, for example "popaug worker". config: a file of `popaug search --config`, such as the config.toml
    of a run, in place of space, population and arguments; worker_command is then the file's own, or "popaug worker". The
    program resolves and checks it; the data must be at the same path on all nodes. out: the run directory; with checkpoints="shared" (the default) it
    must be at the same path on all nodes, with checkpoints="return" only the driver needs it and weights travel by Ray.
    address: of the cluster; None: where ray.init() has connected already, RAY_ADDRESS, or else a cluster of this machine
    alone. slots: how many members train at once; None: as many as there is room for. cpus, gpus (a share is enough),
    resources: what one slot takes. threads: of torch in a slot. attempts: that a member's round may take. creations: how
    many slots in a row may fail to start before the search stops. settings: epochs, seed, genes and all others as for
    popaug.settings.

    Raises UsageError where Ray is missing, too old or used through Ray Client (ray://): run the driver on a node of the
    cluster. Any error leaves a run that resume=True continues.
    """
    ray = require_ray()
    address = address or (None if ray.is_initialized() else os.environ.get("RAY_ADDRESS"))
    if address is not None and address.startswith("ray://"):
        raise UsageError(
            f"{address}: popaug does not use Ray Client; run this driver on a node of the cluster, with "
            'address="auto", for example by `ray job submit`'
        )
    if checkpoints not in ("shared", "return"):
        raise UsageError(f'checkpoints="{checkpoints}"; expected "shared" or "return"')
    given = (train_round is not None) + (worker_command is not None)
    if given > 1 or (given == 0 and config is None):
        raise UsageError("popaug.ray.search needs train_round or worker_command=, and not both")
    if config is not None and settings:
        raise UsageError(f"config= holds all settings of the search; leave out {', '.join(sorted(settings))}")
    folder = pathlib.Path(out).absolute()
    again = f"popaug.ray.search(..., out={str(folder)!r}, resume=True)"
    prepared = None
    if config is not None:
        prepared, command = prepare(config, folder, resume)
        if given == 0:
            worker_command = command or "popaug worker"
    if prepared is None:
        prepared = Prepared.of(space, population, **settings)
    with Search(folder, resume=resume, attempts=attempts, resume_command=again, prepared=prepared) as run:
        population = run.settings["population"]
        if run.finished:
            run.log("workers", workers=min(slots or population, population), worker_kind="ray")
        else:
            mine = not ray.is_initialized()
            if mine:
                ray.init(address=address, log_to_driver=False, logging_level="error")
            try:
                actor_type = ray.remote(Slot)

                def make(options: dict[str, Any]) -> Any:
                    return actor_type.options(**options).remote(train_round, worker_command, threads)

                cluster = _Cluster(ray, make, cpus, gpus, resources or {})
                wanted = slots if slots is not None else max(1, sum(cluster.rooms().values()))
                limits = deadlines or Deadlines()
                run.log("workers", workers=min(wanted, population), worker_kind="ray")
                _Driver(
                    ray, run, cluster, min(wanted, population), checkpoints == "return", limits, creations, show
                ).run()
            finally:
                if mine:
                    ray.shutdown()
        return run.finish()
