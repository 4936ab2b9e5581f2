"""The report and the live page in a real browser: headless Chromium by its driver."""

import json
import pathlib
import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from report_runs import BUILD, data_set, headless_chrome, split_journal, start_serving, toy_run
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

EVIL = "<img src=x onerror=window.hacked=1>"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return toy_run(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    profile = tmp_path_factory.mktemp("profile")
    chrome = headless_chrome(f"--user-data-dir={profile}", log=True)
    chrome.set_page_load_timeout(120)
    yield chrome
    chrome.quit()


def requested(browser: webdriver.Chrome) -> list[str]:
    """Addresses asked for since the last call."""
    urls = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.append(message["params"]["request"]["url"])
    return urls


def hosts(urls: list[str]) -> list[str]:
    """Those that leave the page; the browser's own start page asks for chrome: addresses."""
    return [u for u in urls if not u.startswith(("file:", "data:", "chrome:", "about:"))]


def complaints(browser: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def write_report(run: pathlib.Path, target: pathlib.Path, *flags: str) -> None:
    subprocess.run(
        [BUILD / "popaug", "report", run, "-o", target, *flags], check=True, capture_output=True, timeout=120
    )


def shown(browser: webdriver.Chrome, text: str) -> None:
    """Waits until the page's parts hold the text."""
    WebDriverWait(browser, 60).until(lambda b: text in b.find_element(By.TAG_NAME, "main").text)


def said(browser: webdriver.Chrome, text: str) -> None:
    """Waits until the line about the connection holds the text."""
    WebDriverWait(browser, 60).until(lambda b: text in b.find_element(By.ID, "connection").text)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def ended(server: subprocess.Popen[str]) -> None:
    server.terminate()
    assert server.wait(timeout=60) == 0


def test_report_opens_from_disk(run: pathlib.Path, browser: webdriver.Chrome, tmp_path: pathlib.Path) -> None:
    data = data_set(tmp_path / "data", ["cat & dog", EVIL, "zürich"])
    target = tmp_path / "report.html"
    write_report(run, target, "--data", str(data))
    requested(browser), complaints(browser)
    browser.get(target.as_uri())
    assert complaints(browser) == []
    assert hosts(requested(browser)) == []

    # The numbers of result.json are the numbers of the page.
    result = json.loads((run / "result.json").read_text())
    state = browser.find_element(By.ID, "state").text
    assert f"member {result['winner']} won" in state
    assert f"{result['score']:.4f}" in state
    figures = json.loads(browser.execute_script("return document.getElementById('figures').textContent"))
    assert figures["best_score"] == result["score"]
    assert figures["scores"][result["winner"]][-1] == result["score"]
    progress = (run / "progress.csv").read_text().splitlines()
    column = progress[0].split(",").index("score")
    written = sorted(float(line.split(",")[column]) for line in progress[1:])
    assert sorted(s for row in figures["scores"] for s in row) == written

    # A class name is text, whatever it says.
    assert browser.execute_script("return window.hacked") is None
    assert EVIL in browser.find_element(By.ID, "images").text
    assert all(i.get_property("naturalWidth") == 32 for i in browser.find_elements(By.CSS_SELECTOR, "img.sample"))


def test_report_of_a_training(browser: webdriver.Chrome, tmp_path: pathlib.Path) -> None:
    data = data_set(tmp_path / "data", ["cat & dog", EVIL])
    run = tmp_path / "net"
    popaug = str(BUILD / "popaug")
    words = ["--network", "wrn-10-1", "--batch", "2", "--epochs", "2", "--val-size", "2", "--augment", "trivial"]
    subprocess.run([popaug, "train", "--data", data, *words, "--out", run], check=True, capture_output=True)
    said = subprocess.run([popaug, "report", run], check=True, capture_output=True, text=True).stdout
    assert said.strip() == str(run / "report.html")
    requested(browser), complaints(browser)
    browser.get((run / "report.html").as_uri())
    assert complaints(browser) == [] and hosts(requested(browser)) == []
    assert browser.execute_script("return window.hacked") is None
    assert browser.find_element(By.ID, "state").text == "The training is finished: 2 epochs."
    figures = json.loads(
        subprocess.run([popaug, "report", run, "--format", "json"], check=True, capture_output=True).stdout
    )
    result = json.loads((run / "result.json").read_text())
    assert figures["train_loss"][-1] == result["train_loss"] and len(figures["seconds"]) == 2
    cells = [row.text.split() for row in browser.find_elements(By.CSS_SELECTOR, "#settings tbody tr")]
    assert ["network", "wrn-10-1"] in cells and ["data", result["data"]] in cells
    assert EVIL in browser.find_element(By.ID, "images").text
    assert len(browser.find_elements(By.CSS_SELECTOR, "#learning svg")) == 2
    assert browser.find_elements(By.CSS_SELECTOR, "nav a")
    # The command on the page makes it again.
    again = [popaug, "train", "--config", run / "config.toml", "--out", tmp_path / "again"]
    subprocess.run(again, check=True, capture_output=True)
    assert (tmp_path / "again/best.safetensors").read_bytes() == (run / "best.safetensors").read_bytes()


def test_report_by_keyboard(run: pathlib.Path, browser: webdriver.Chrome, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "report.html"
    write_report(run, target)
    browser.get(target.as_uri())
    seen = set()
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.add(
            browser.execute_script(
                "const e = document.activeElement; return (e.closest('figure') || e.closest('details') || e).id || e.tagName"
            )
        )
    assert {"scores", "heat-probability", "heat-level", "shares", "A"} <= seen
    assert browser.find_elements(By.TAG_NAME, "summary")
    frame = browser.find_element(By.CSS_SELECTOR, "#scores .scroll")
    browser.execute_script("arguments[0].focus()", frame)
    frame.send_keys(Keys.HOME)
    reading = browser.find_element(By.ID, "scores-reading")
    assert reading.text.startswith("Round 0: best")
    frame.send_keys(Keys.ARROW_RIGHT)
    figures = json.loads(browser.execute_script("return document.getElementById('figures').textContent"))
    best = max(row[1] for row in figures["scores"])
    assert reading.text.startswith(f"Round 1: best {best:.4f}")


def test_report_fits_a_phone_and_follows_dark(
    run: pathlib.Path, browser: webdriver.Chrome, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "report.html"
    write_report(run, target)
    for width, dark in ((390, False), (1280, True)):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
        )
        browser.get(target.as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_live_page_follows_the_journal(run: pathlib.Path, browser: webdriver.Chrome, tmp_path: pathlib.Path) -> None:
    running, rest = split_journal(run, tmp_path, 2 + 7)  # header, start, one round with its decision
    server, url = start_serving(running)
    try:
        requested(browser), complaints(browser)
        browser.get(url)
        shown(browser, "1 of 6 rounds")
        with (running / "journal.jsonl").open("a") as journal:
            journal.write(rest)
        shown(browser, "The search is finished")
        result = json.loads((run / "result.json").read_text())
        assert f"{result['score']:.4f}" in browser.find_element(By.ID, "state").text
        assert complaints(browser) == []
        assert [u for u in hosts(requested(browser)) if not u.startswith(url)] == []
    finally:
        browser.get("about:blank")
        ended(server)


def test_live_page_survives_restarts_of_run_and_server(
    run: pathlib.Path, browser: webdriver.Chrome, tmp_path: pathlib.Path
) -> None:
    running, rest = split_journal(run, tmp_path, 2 + 7)
    journal = running / "journal.jsonl"
    first = journal.read_text()
    server, url = start_serving(running)
    try:
        browser.get(url)
        shown(browser, "1 of 6 rounds")
        journal.unlink()  # the run begins anew
        shown(browser, "cannot be read now")
        journal.write_text(first)
        shown(browser, "1 of 6 rounds")
        ended(server)
        said(browser, "The connection is lost; trying again.")
        with journal.open("a") as file:
            file.write(rest)
        server, _ = start_serving(running, port=port_of(url))
        shown(browser, "The search is finished")
    finally:
        browser.get("about:blank")
        ended(server)


def test_live_page_of_other_addresses_wants_its_token(run: pathlib.Path, browser: webdriver.Chrome) -> None:
    server, url = start_serving(run, "--host", "0.0.0.0")
    place, token = url.replace("0.0.0.0", "127.0.0.1").split("?")
    try:
        browser.get(place)
        assert "needs the token" in browser.find_element(By.TAG_NAME, "body").text
        complaints(browser)
        browser.get(place + "?" + token)
        shown(browser, "The search is finished")
        assert browser.current_url == place, "the token stays in the address line"
        assert complaints(browser) == []
        ended(server)
        server, _ = start_serving(run, "--host", "0.0.0.0", port=port_of(place))
        said(browser, "no longer accepts this page")
    finally:
        browser.get("about:blank")
        browser.delete_all_cookies()
        ended(server)


def test_live_page_beside_slow_clients(run: pathlib.Path, browser: webdriver.Chrome, tmp_path: pathlib.Path) -> None:
    running, rest = split_journal(run, tmp_path, 2 + 7)
    server, url = start_serving(running)
    port = port_of(url)
    slow = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(6)]
    try:
        for number, client in enumerate(slow):  # half of them ask and never read, half never end their question
            client.sendall(b"GET /d3.js HTTP/1.1\r\nHost: localhost\r\n" + (b"\r\n" if number % 2 else b"X-Slow: "))
        browser.get(url)
        shown(browser, "1 of 6 rounds")
        with (running / "journal.jsonl").open("a") as journal:
            journal.write(rest)
        shown(browser, "The search is finished")
    finally:
        for client in slow:
            client.close()
        browser.get("about:blank")
        ended(server)


def test_live_page_above_the_limit_polls(run: pathlib.Path, browser: webdriver.Chrome) -> None:
    server, url = start_serving(run, "--pages", "1")
    first = browser.current_window_handle
    try:
        browser.get(url)
        WebDriverWait(browser, 60).until(lambda b: b.find_element(By.ID, "connection").text.endswith("finished"))
        browser.switch_to.new_window("tab")
        browser.get(url)
        said(browser, "asking every 5 seconds")
        browser.close()
    finally:
        browser.switch_to.window(first)
        browser.get("about:blank")
        ended(server)
