"""The site (tools/site): it builds without a network, every link of every page leads somewhere, no page asks a host, and
its pages, example reports and search work in a browser."""

import html.parser
import os
import pathlib
import re
import subprocess
import urllib.parse
from collections.abc import Iterator

import pytest
from popaug_program import PROGRAM
from report_runs import headless_chrome
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.timeout(900)  # the site makes its example reports
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
    variables = os.environ | nowhere | {"POPAUG": os.fspath(PROGRAM)}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
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


def test_the_index_and_the_navigation_lead_to_example_reports(site: pathlib.Path) -> None:
    index = (site / "index.html").read_text("utf-8")
    body = index.split('<article class="md-content__inner')[1]
    assert 'href="reports.html"' in index.split("<article")[0] and '<a href="reports.html">Example reports</a>' in body
    shown = Page(site / "reports.html").links
    for name, parts in (("search", {"answer", "schedule", "images", "cost"}), ("screening", {"answer", "images"})):
        assert f"reports/{name}.html" in shown
        report = (site / "reports" / f"{name}.html").read_text("utf-8")
        assert parts <= set(re.findall(r'<section id="([a-z-]+)"', report))
        assert "is finished" in report and "not finished" not in report
        assert len(report) < 1 << 20 and os.fspath(ROOT) not in report


def test_links_have_titles_and_lists_inside_lists_are_indented(site: pathlib.Path) -> None:
    index = (site / "index.html").read_text("utf-8")
    assert '<a href="which-tool.html">Which tool when</a>' in index
    assert not re.search(r"<a [^>]*>[\w./-]+\.md</a>", index)
    assert re.search(r"<li>Decisions, one question a page:\s*<ul>", index)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chrome = headless_chrome(f"--user-data-dir={tmp_path_factory.mktemp('profile')}", log=True)
    chrome.set_page_load_timeout(120)
    yield chrome
    chrome.quit()


def complaints(browser: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


PAGES = ["index.html", "reports.html", "reports/search.html", "reports/screening.html", "which-tool.html", "recipes.html",
         "adapters/lightning.html", "reference/python/popaug.html", "reference/cpp/augment.html"]  # fmt: skip


@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_a_phone_and_a_desktop(site: pathlib.Path, browser: webdriver.Chrome, width: int) -> None:
    """What is wider, such as code and tables, scrolls in itself."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for page in PAGES:
        browser.get((site / page).as_uri())
        assert complaints(browser) == [], page
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, page
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_search_works_in_a_folder(site: pathlib.Path, browser: webdriver.Chrome) -> None:
    browser.set_window_size(1280, 900)
    browser.get((site / "adapters" / "timm.html").as_uri())
    query = browser.find_element(By.CSS_SELECTOR, "[data-md-component=search-query]")
    WebDriverWait(browser, 60).until(lambda _: query.is_displayed())
    query.click()
    query.send_keys("duplicates")
    results = "a.md-search-result__link"
    WebDriverWait(browser, 60).until(lambda b: b.find_elements(By.CSS_SELECTOR, results))
    found = [link.get_attribute("href") or "" for link in browser.find_elements(By.CSS_SELECTOR, results)]
    assert any("decisions/near-duplicates.html" in address for address in found)
    assert complaints(browser) == []
