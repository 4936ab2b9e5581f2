"""A sentence that begins with "unexpected: " comes from an exception that nobody foresaw: a fault, whichever test meets
it. So every text that a test takes from a process is searched for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def nothing_unexpected() -> Iterator[None]:
    """subprocess.run() and Popen.communicate() fail where the process said "unexpected: "."""
    with pytest.MonkeyPatch.context() as patch:
        communicate = subprocess.Popen.communicate

        def checked(self: subprocess.Popen[Any], *arguments: Any, **options: Any) -> tuple[Any, Any]:
            texts = communicate(self, *arguments, **options)
            for text in texts:
                words = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
                assert "unexpected: " not in words, f"{self.args}: {words}"
            return texts

        patch.setattr(subprocess.Popen, "communicate", checked)
        yield
