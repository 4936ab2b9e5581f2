"""The memory of `popaug serve` under attack. Clients without the token send without end, send slowly, or do not read
what they asked for; after each attack the page still answers, and the peak of the server's memory has hardly moved."""

from __future__ import annotations

import contextlib
import pathlib
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from report_runs import start_serving, toy_run

MIB = 1 << 20
# The front may hold 64 heads of 8 KiB and 64 requests; the rest is what the allocator keeps for each thread.
ALLOWED = 8 * MIB


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    process, url = start_serving(toy_run(tmp_path_factory.mktemp("attack")), "--host", "0.0.0.0")
    yield Attacked(process, url)
    process.terminate()
    assert process.wait() == 0


class Attacked:
    """A server that other machines reach, and what a client does to it."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        found = re.fullmatch(r"http://0\.0\.0\.0:(\d+)/\?token=([0-9a-f]{32})", url)
        assert found
        self.process, self.port, self.token = process, int(found[1]), found[2]
        for path in ("/", "/main.html", "/state.json", "/d3.js", "/files/journal.jsonl"):
            assert self.status(path) == 200  # everything that it ever loads is loaded

    def connect(self) -> socket.socket:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that an unread answer stays with the server
        client.settimeout(60)
        client.connect(("127.0.0.1", self.port))
        return client

    def head(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: popaug={self.token}\r\n\r\n".encode()

    def status(self, path: str) -> int:
        with self.connect() as client:
            client.sendall(self.head(path))
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        return int(answer.split()[1])

    def answers(self) -> bool:
        """Asks until the page is there: a full queue says 503, and holds for seconds at most."""
        while (status := self.status("/state.json")) == 503:
            time.sleep(0.05)
        return status == 200

    def peak(self) -> int:
        """The largest resident memory so far, in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        assert found
        return int(found[1]) << 10


def send_without_end(server: Attacked, beginning: bytes, block: bytes) -> None:
    """Up to 64 MiB, or until the server closes the connection."""
    with server.connect() as client, contextlib.suppress(OSError):
        client.sendall(beginning)
        for _ in range(64 * MIB // len(block)):
            client.sendall(block)


def many(server: Attacked, count: int, text: bytes, more: bytes = b"") -> None:
    """Connections that stay open side by side, each with `text`, then with `more` byte by byte."""
    with contextlib.ExitStack() as open_ones:
        clients = [open_ones.enter_context(server.connect()) for _ in range(count)]
        for byte in (text, *(more[i : i + 1] for i in range(len(more)))):
            for client in clients:
                with contextlib.suppress(OSError):  # the oldest give way
                    client.sendall(byte)
        assert server.answers()


ATTACKS: dict[str, Callable[[Attacked], None]] = {
    "endless line": lambda s: send_without_end(s, b"GET /", b"a" * MIB),
    "endless header": lambda s: send_without_end(s, b"GET / HTTP/1.1\r\nX: ", b"a" * MIB),
    "endless headers": lambda s: send_without_end(s, b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 50000),
    "endless body": lambda s: send_without_end(
        s, b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"a" * MIB
    ),
    "endless chunks": lambda s: send_without_end(
        s, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"fffff\r\n" + b"a" * 0xFFFFF + b"\r\n"
    ),
    "endless requests": lambda s: send_without_end(s, b"", s.head("/d3.js") * 1000),
    "no token": lambda s: many(s, 300, b"GET /main.html HTTP/1.1\r\nHost: x\r\n\r\n"),
    "silent": lambda s: many(s, 300, b""),
    "slow head": lambda s: many(s, 300, b"GET / HTTP/1.1\r\nX: ", b"slow"),
    "long heads": lambda s: many(s, 300, b"GET / HTTP/1.1\r\n" + b"X: %s\r\n" % (b"a" * 2000) * 3),
    # These have the token: they ask and read nothing.
    "unread answers": lambda s: many(s, 100, s.head("/d3.js")),
    "event streams": lambda s: many(s, 100, s.head("/events")),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_takes_no_memory(
    attack: str, server: Attacked, record_property: Callable[[str, object], None]
) -> None:
    before = server.peak()
    ATTACKS[attack](server)
    assert server.answers()
    grown = server.peak() - before
    record_property("grown_kib", grown >> 10)
    print(f"{attack}: {grown >> 10} KiB above {before >> 10} KiB")
    assert grown < ALLOWED
    assert server.process.poll() is None
