"""The site (tools/site): it builds without a network, every link of every page leads somewhere, no page asks a host."""

import html.parser
import os
import pathlib
import re
import subprocess
import urllib.parse

import pytest

ROOT = pathlib.Path(os.environ.get("POPAUG_SOURCE", pathlib.Path(__file__).resolve().parent.parent))


class Page(html.parser.HTMLParser):
    """The anchors of a page, what it links to, and what a browser fetches to show it."""

    def __init__(self, file: pathlib.Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key)) is not None}
        if (href := given.get("href")) is not None:
            # A link element is fetched, except where it only says which page is next or canonical.
            (self.fetched if tag == "link" and given.get("rel") == "stylesheet" else self.links).append(href)
        if (source := given.get("src")) is not None:
            self.fetched.append(source)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("site")
    # Proxies that do not exist: a build that asked for anything would fail.
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    command = [ROOT / "tools" / "site", folder / "site"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_every_page_is_on_the_site(site: pathlib.Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs")
        assert (site / name.with_name("index.html" if name.name == "README.md" else f"{name.stem}.html")).is_file(), (
            name
        )
    rooms = [p.name for p in (ROOT / "popaug").iterdir() if (p / f"{p.name}.h").is_file()]
    assert sorted(p.stem for p in (site / "reference" / "cpp").iterdir()) == sorted(rooms)
    assert "class Augmenter" in re.sub(r"<[^>]*>", "", (site / "reference" / "cpp" / "augment.html").read_text("utf-8"))
    assert 'id="popaug.Schedule"' in (site / "reference" / "python" / "popaug.html").read_text("utf-8")


def test_links_lead_somewhere_and_nothing_comes_from_another_host(site: pathlib.Path) -> None:
    pages = {file: Page(file) for file in site.rglob("*.html")}
    assert len(pages) > 70
    faults = []
    for file, page in pages.items():
        name = file.relative_to(site)
        faults += [f"{name} fetches {source}" for source in page.fetched if re.match(r"(?:[a-z]+:)?//", source)]
        for target in [*page.links, *page.fetched]:
            if re.match(r"[a-z]+:|//", target) or (name.name == "404.html" and target.startswith("/")):
                continue
            path, _, anchor = urllib.parse.unquote(target).partition("#")
            goal = (file.parent / path).resolve() if path else file
            goal = goal / "index.html" if goal.is_dir() else goal
            if not goal.is_file():
                faults.append(f"{name}: {target}: there is no such file")
            elif anchor and goal in pages and anchor not in pages[goal].anchors:
                faults.append(f"{name}: {target}: that page has no such anchor")
    assert faults == []
