"""The notebooks of examples/notebooks: kept without outputs, and every cell runs, in order, as a reader would run it."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).parents[2]))
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.timeout(600)

# Runs the cells of a notebook in one namespace and shows the last value of each as a notebook does: as HTML or a picture
# where the value has one. (Jupyter itself is not needed.)
RUN = """
import ast, json, sys
cells = [cell for cell in json.load(open(sys.argv[1]))["cells"] if cell["cell_type"] == "code"]
names = {"__name__": "__main__"}
for number, cell in enumerate(cells):
    tree = ast.parse("".join(cell["source"]), f"cell {number}")
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, f"cell {number}", "exec"), names)
    if last is None:
        continue
    value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    for form in ("_repr_html_", "_repr_png_"):
        if hasattr(value, form):
            print(f"cell {number}: {type(value).__name__} {form} {len(getattr(value, form)())}")
            break
    else:
        print(f"cell {number}: {value!r}")
"""


def name(path: pathlib.Path) -> str:
    return path.stem


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name)
def test_it_has_the_form_of_a_notebook_without_outputs(notebook: pathlib.Path) -> None:
    value = json.loads(notebook.read_text(encoding="utf-8"))
    assert (value["nbformat"], value["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in value["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", cell) for cell in ids)
    assert value["cells"][0]["cell_type"] == "markdown" and value["cells"][0]["source"][0].startswith("# ")
    for cell in value["cells"]:
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | (
            {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        )
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            compile("".join(cell["source"]), notebook.name, "exec")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name)
def test_every_cell_runs_twice(notebook: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The second time beside the runs of the first, as when a reader restarts the kernel."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(notebook)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        shown = re.findall(r"^cell \d+: (\w+) _repr_(html|png)_ (\d+)$", done.stdout, re.MULTILINE)
        assert len(shown) >= 2 and all(int(size) > 100 for _, _, size in shown), done.stdout


def test_there_are_notebooks() -> None:
    assert {"schedule_in_pytorch", "search_own_code"} <= {name(path) for path in NOTEBOOKS}
