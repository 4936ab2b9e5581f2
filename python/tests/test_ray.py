"""Searches on a real cluster of several raylets: whatever is killed, frozen or removed, the bytes are a local run's."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ray_cluster import family

import popaug
import popaug.ray

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", HERE.parents[1] / "build"))
TOY = {"kind": "toy", "state": 16, "milliseconds": 40}
SMALL: dict[str, Any] = {"population": 4, "epochs": 12, "epochs_per_round": 3, "seed": 5, "trainer": TOY}
ROUNDS = 16
pytestmark = pytest.mark.timeout(300)


def determined(run: pathlib.Path) -> dict[str, bytes]:
    names = ["journal.jsonl", "best.schedule.json", "progress.csv"]
    (best,) = (path for name in ("safetensors", "checkpoint") if (path := run / f"best.{name}").exists())
    return {"best": best.read_bytes()} | {name: (run / name).read_bytes() for name in names}


class Cluster:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "ray_cluster.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PATH": os.pathsep.join([str(BUILD), os.environ["PATH"]])},  # for `popaug worker`
        )
        self.address: str = self.read()["address"]
        self.raylets: dict[int, int] = {}

    def read(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def order(self, *words: object) -> Any:
        print(*words, file=self.process.stdin, flush=True)
        return self.read()

    def two_nodes(self) -> list[int]:
        """The numbers of two living nodes."""
        while len(self.raylets) < 2:
            added = self.order("add")
            self.raylets[added["node"]] = added["raylet"]
        return sorted(self.raylets)

    def lose(self, verb: str, node: int) -> None:
        self.order(verb, node)
        del self.raylets[node]

    def actors(self, node: int) -> list[int]:
        return [pid for pid in family(self.raylets[node]) if title(pid).startswith("ray::Slot")]


def title(pid: int) -> str:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    host = Cluster()
    yield host
    below = family(host.process.pid)
    assert host.order("quit")["done"] == "quit"
    host.process.wait(60)
    deadline = time.monotonic() + 30
    while (left := [pid for pid in below if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, [title(pid) for pid in left]


def alive(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("local") / "run"
    popaug.search(popaug.toy_round, out=out, workers=2, show=False, **SMALL)
    return determined(out)


def start(cluster: Cluster, out: pathlib.Path, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(HERE / "ray_driver.py"), cluster.address, str(out), json.dumps(SMALL | more)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def results(out: pathlib.Path) -> int:
    try:
        return (out / "journal.jsonl").read_text().count('"score"') - 0
    except OSError:
        return 0


def wait_for(what: Callable[[], Any], process: "subprocess.Popen[str]") -> Any:
    while not (found := what()):
        if process.poll() is not None:
            raise AssertionError(process.communicate())
        time.sleep(0.05)
    return found


def finish(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, out + err
    return err


def test_clean_with_weights_by_value_and_shared(
    cluster: Cluster, tmp_path: pathlib.Path, local: dict[str, bytes]
) -> None:
    cluster.two_nodes()
    for way in ("shared", "return"):
        finish(start(cluster, tmp_path / way, checkpoints=way))
        assert determined(tmp_path / way) == local
        log = (tmp_path / way / "run.log").read_text()
        assert '"slot 0' in log
        assert '"slot 1' in log
        assert not list((tmp_path / way / "members").iterdir())
        result = json.loads((tmp_path / way / "result.json").read_text())
        assert (result["workers"], result["worker_kind"]) == (2, "ray")
        assert result["worker_seconds"] > 0


@pytest.mark.parametrize(
    "more", [{"checkpoints": "return"}, {"worker_command": f"{sys.executable} {HERE / 'toy_worker.py'}"}]
)
def test_a_member_that_diverges(more: dict[str, Any], cluster: Cluster, tmp_path: pathlib.Path) -> None:
    cluster.two_nodes()
    trainer = {"trainer": TOY | {"diverge": 0.2}}
    popaug.search(popaug.toy_round, out=tmp_path / "local", show=False, **(SMALL | trainer))
    assert '"diverged"' in (tmp_path / "local" / "run.log").read_text()
    finish(start(cluster, tmp_path / "run", **trainer, **more))
    assert determined(tmp_path / "run") == determined(tmp_path / "local")


def test_an_actor_and_a_relayed_worker_are_killed(
    cluster: Cluster, tmp_path: pathlib.Path, local: dict[str, bytes]
) -> None:
    nodes = cluster.two_nodes()
    command = f"{sys.executable} {HERE / 'toy_worker.py'}"
    # A busy machine starts a process slowly: only the kills are to be seen.
    process = start(cluster, tmp_path / "run", worker_command=command, silence=60)
    wait_for(lambda: results(tmp_path / "run") >= 3, process)
    worker = wait_for(
        lambda: [p for n in nodes for p in family(cluster.raylets[n]) if "toy_worker.py" in title(p)], process
    )[0]
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: results(tmp_path / "run") >= 7, process)
    os.kill(wait_for(lambda: cluster.actors(nodes[0]) or cluster.actors(nodes[1]), process)[0], signal.SIGKILL)
    assert "goes to another slot" in finish(process)
    assert determined(tmp_path / "run") == local
    assert '"failed"' in (tmp_path / "run" / "run.log").read_text()


@pytest.mark.parametrize("verb", ["remove", "kill"])
def test_a_node_goes(verb: str, cluster: Cluster, tmp_path: pathlib.Path, local: dict[str, bytes]) -> None:
    node = cluster.two_nodes()[1]
    process = start(cluster, tmp_path / "run")
    wait_for(lambda: results(tmp_path / "run") >= 4 and cluster.actors(node), process)
    cluster.lose(verb, node)
    finish(process)
    assert determined(tmp_path / "run") == local


def test_a_frozen_node_thaws_too_late(cluster: Cluster, tmp_path: pathlib.Path, local: dict[str, bytes]) -> None:
    node = cluster.two_nodes()[0]
    process = start(cluster, tmp_path / "run")
    wait_for(lambda: results(tmp_path / "run") >= 4 and cluster.actors(node), process)
    cluster.order("freeze", node)
    assert "no progress for 3 s" in finish(process)
    assert determined(tmp_path / "run") == local
    cluster.order("thaw", node)  # its late checkpoint, if it still writes one, has a name that nobody takes
    time.sleep(1)
    assert determined(tmp_path / "run") == local
    cluster.lose("kill", node)


def test_the_driver_is_killed_and_resumed(cluster: Cluster, tmp_path: pathlib.Path, local: dict[str, bytes]) -> None:
    cluster.two_nodes()
    process = start(cluster, tmp_path / "run")
    wait_for(lambda: results(tmp_path / "run") >= 6, process)
    process.kill()
    process.communicate()
    assert results(tmp_path / "run") < ROUNDS
    finish(start(cluster, tmp_path / "run"))
    assert determined(tmp_path / "run") == local


def test_from_a_file(cluster: Cluster, tmp_path: pathlib.Path, local: dict[str, bytes]) -> None:
    cluster.two_nodes()
    config = 'space = "pba"\npopulation = 4\nepochs = 12\nepochs_per_round = 3\nseed = 5\n'
    (tmp_path / "c.toml").write_text(config + '[trainer]\nkind = "toy"\nstate = 16\nmilliseconds = 40\n')
    command = [sys.executable, "-m", "popaug.ray", "search", str(tmp_path / "c.toml"), "--out", str(tmp_path / "run")]
    worker = f"{sys.executable} {HERE / 'toy_worker.py'}"
    subprocess.run([*command, "--address", cluster.address, "--worker-cmd", worker], check=True, timeout=200)
    assert determined(tmp_path / "run") == local


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 128)):
        (folder / "train" / name).mkdir(parents=True)
        for i in range(24):
            pixels = random.integers(low, low + 128, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "train" / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def programs(photos: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A search of `popaug search` that trains networks, in threads of the program."""
    out = tmp_path_factory.mktemp("program") / "run"
    command = [BUILD / "popaug", "search", "--data", photos, "--train-size", "24", "--val-size", "16", "--network", "wrn-10-1",
               "--batch", "8", "--lr", "0.02", "--population", "4", "--epochs", "3", "--epochs-per-round", "1", "--seed", "3",
               "--workers", "2", "--out", out]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return out


def from_config(
    cluster: Cluster, config: pathlib.Path, out: pathlib.Path, *more: str
) -> "subprocess.CompletedProcess[str]":
    command = [
        sys.executable,
        "-m",
        "popaug.ray",
        "search",
        str(config),
        "--out",
        str(out),
        "--address",
        cluster.address,
    ]
    path = os.pathsep.join([str(BUILD), os.environ["PATH"]])
    return subprocess.run(
        [*command, *more], capture_output=True, text=True, check=False, timeout=250, env=os.environ | {"PATH": path}
    )


@pytest.mark.parametrize("way", ["shared", "return"])
def test_from_the_programs_own_config(
    way: str, cluster: Cluster, tmp_path: pathlib.Path, programs: pathlib.Path
) -> None:
    """The config.toml of a local run, networks trained by `popaug worker` on every node: the bytes of the local run."""
    cluster.two_nodes()
    out = tmp_path / "run"
    done = from_config(cluster, programs / "config.toml", out, "--checkpoints", way)
    assert done.returncode == 0, done.stdout + done.stderr
    names = ["split.json", "config.toml"]
    assert determined(out) == determined(programs)
    assert [(out / name).read_bytes() for name in names] == [(programs / name).read_bytes() for name in names]
    refused = from_config(cluster, programs / "config.toml", out)
    assert refused.returncode == 2
    assert "already contains a search" in refused.stderr
    assert from_config(cluster, programs / "config.toml", out, "--resume").returncode == 0  # finished: nothing to do


def test_a_config_that_the_program_refuses(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    (tmp_path / "c.toml").write_text("[search]\npopulatoin = 4\n")
    done = from_config(cluster, tmp_path / "c.toml", tmp_path / "run")
    assert done.returncode == 2
    assert "search.population" in done.stderr  # the nearest known key
    assert from_config(cluster, tmp_path / "none.toml", tmp_path / "run").returncode == 2
    with pytest.raises(popaug.UsageError, match="leave out epochs"):
        popaug.ray.search(popaug.toy_round, config=tmp_path / "c.toml", epochs=3, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_failing_training_shows_its_traceback_and_how_to_resume(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """A worker in Python that fails in every attempt: its sentence, and the command with --resume."""
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import popaug.worker\n"
        "def train_round(member):\n    raise ZeroDivisionError('my own mistake')\n"
        "popaug.worker.serve(train_round)\n"
    )
    (tmp_path / "my.toml").write_text("population = 2\nepochs = 3\n")
    command = f"{sys.executable} {worker}"
    done = from_config(cluster, tmp_path / "my.toml", tmp_path / "run", "--worker-cmd", command)
    assert done.returncode == 1
    assert "ZeroDivisionError: my own mistake" in done.stderr
    assert "in train_round of Member(" in done.stderr and "Traceback" in done.stderr
    assert done.stderr.rstrip().endswith("--resume")


def test_slots_that_fit_nowhere_end_the_search(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    process = start(cluster, tmp_path / "run", gpus=1, creations=3)
    assert "no slot could be started in 3 attempts" in process.communicate(timeout=200)[1]
    assert process.returncode == 1


def test_what_does_not_fit_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.UsageError, match="Ray Client"):
        popaug.ray.search(popaug.toy_round, address="ray://host:10001", out=tmp_path / "run", **SMALL)
    with pytest.raises(popaug.UsageError, match='"shared" or "return"'):
        popaug.ray.search(popaug.toy_round, checkpoints="s3", out=tmp_path / "run", **SMALL)
    with pytest.raises(popaug.UsageError, match="not both"):
        popaug.ray.search(out=tmp_path / "run", **SMALL)
    import ray

    monkeypatch.setattr(ray, "__version__", "2.9.3")
    with pytest.raises(popaug.UsageError, match=r"Ray 2\.40 or newer; Ray 2\.9\.3"):
        popaug.ray.search(popaug.toy_round, out=tmp_path / "run", **SMALL)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(popaug.UsageError, match=r'pip install "popaug\[ray\]"'):
        popaug.ray.search(popaug.toy_round, out=tmp_path / "run", **SMALL)
    assert not (tmp_path / "run").exists()


def test_the_explore_rule_for_tune_drifts_as_the_reference_says() -> None:
    space = popaug.Space.load("pba")
    explore = popaug.ray.Explore(space, seed=3)
    probabilities, levels = [], []
    for _ in range(60):
        config = popaug.ray.start_config(space) | {"lr": 0.1}
        for _ in range(16):
            config = explore(config)
        policy = popaug.ray.policy_of(config, space)
        probabilities += [10 * e.probability for e in policy]
        levels += [e.level for e in policy]
    assert config["lr"] == 0.1
    assert sum(probabilities) / len(probabilities) == pytest.approx(5.0, abs=0.2)  # docs/pba.md#what-is-known-today
    assert sum(levels) / len(levels) == pytest.approx(4.5, abs=0.2)
    with pytest.raises(popaug.UsageError, match="start_config"):
        popaug.ray.policy_of({}, space)
