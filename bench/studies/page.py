"""Tables of a page of the documents that a script writes, between `<!-- NAME -->` and `<!-- end -->`."""

import pathlib
from collections.abc import Mapping, Sequence

END = "<!-- end -->"


def update(path: pathlib.Path, tables: Mapping[str, Sequence[str]], check: bool) -> int:
    """Writes the rows of each table between its marks; with `check`, writes nothing. 1: the page did not have them."""
    page = wanted = path.read_text()
    for name, rows in tables.items():
        begin = f"<!-- {name} -->\n"
        if wanted.count(begin) != 1:
            raise SystemExit(f"{path}: expected the mark {begin.strip()} once, found it {wanted.count(begin)} times")
        head, tail = wanted.split(begin)
        wanted = head + begin + "\n".join(rows) + "\n" + tail[tail.index(END) :]
    if check:
        return int(page != wanted)
    path.write_text(wanted)
    return 0
