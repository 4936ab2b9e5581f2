"""The package itself: what importing it costs, and that all its names are there."""

import ast
import pathlib
import subprocess
import sys

import popaug

SOURCE = pathlib.Path(popaug.__file__)


def test_importing_it_imports_little_else() -> None:
    """A name is imported when it is first used; NumPy, and what processes and threads need, with it."""
    script = (
        "import sys; before = set(sys.modules); import popaug\n"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('_')))\n"
        "popaug.Schedule; print('numpy' in sys.modules, 'multiprocessing' in sys.modules, 'torch' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    heavy = {"numpy", "multiprocessing", "torch", "PIL", "dataclasses", "inspect", "subprocess", "asyncio"}
    assert not heavy & {name.split(".")[0] for name in said[0].split()}, said[0]
    assert said[1] == "True False False"


def test_every_name_is_there_and_known_to_type_checkers() -> None:
    for name in popaug.__all__:
        assert getattr(popaug, name) is not None
    assert set(popaug.__all__) <= set(dir(popaug))
    tree = ast.parse(SOURCE.read_text())
    checked = {
        (node.module, alias.name)
        for block in ast.walk(tree)
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert checked == {(f"popaug.{module}", name) for name, module in popaug._HOME.items()}
    assert {name for _, name in checked} == set(popaug.__all__) - {"Error", "Interrupted", "UsageError", "__version__"}


def test_every_module_is_reached_from_the_package() -> None:
    folder = SOURCE.parent
    public = {p.stem for p in folder.glob("[a-z]*.py")} | {p.parent.name for p in folder.glob("*/__init__.py")}
    assert set(popaug._MODULES) == public
