"""Hooks of the site (mkdocs.yml): navigation by folder, the reference, example reports, and files outside docs/ that
pages link to.

A page of docs/ may link to anything in the repository. Markdown outside docs/ becomes a page of the site, a folder
becomes a page that lists it, and any other file is copied, all under "tree/". A link whose text is the path of a page gets
that page's title. The reports of docs/reports.md come from the folder REPORTS (tools/site-reports).
"""

import os
import pathlib
import posixpath
import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"(\]\()([^()\s]+)(\))")
BARE = re.compile(r"\[([\w./-]+\.md)\](?=\()")
NESTED = re.compile(r"^ {2,3}(?=\* |\d+\. )", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NAMES = {"README.md": "README", "CONTRIBUTING.md": "Contributing", "CHANGELOG.md": "Changelog"}
MODULES = {
    "popaug": "Schedules, the engine, the search",
    "popaug.torch": "For PyTorch",
    "popaug.experiment": "The experiments of the program",
    "popaug.models": "Networks",
    "popaug.worker": "Workers",
    "popaug.track": "Trackers",
    "popaug.adapters.lightning": "Lightning",
    "popaug.adapters.transformers": "The Trainer of transformers",
    "popaug.adapters.accelerate": "accelerate",
    "popaug.adapters.timm": "timm",
    "popaug.adapters.torchvision": "torchvision",
}
# Tabs and what they list: pages of docs/ by pattern, in this order. A page that no pattern names is under "Use".
TABS = {
    "Use": ["README.md", "tree/README.md", "demo.md", "reports.md", "which-tool.md", "python.md", "*"],
    "Adapters": ["adapters/*"],
    "Files": ["formats/*"],
    "Method": ["pba.md", "fidelity.md", "results.md", "decisions/*"],
    "Reference": [*(f"reference/python/{name}.md" for name in MODULES), "reference/cpp/*"],
    "Change it": ["tree/CONTRIBUTING.md", "architecture.md", "threats.md", "fuzzing.md", "tree/CHANGELOG.md"],
}


def outside(target: str, page: str) -> str | None:
    """The path in the repository of a link that leaves docs/; None for any other link. `page`: its own such path."""
    path = target.partition("#")[0]
    if not path or re.match(r"[a-z]+:", target):
        return None
    found = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    return None if found == "docs" or found.startswith(("docs/", "..")) else found


def place(path: str) -> str:
    """Where a file or folder of the repository is on the site, as a path under docs/."""
    return f"tree/{path}/files.md" if (ROOT / path).is_dir() else f"tree/{path}"


def source_of(uri: str) -> str:
    """The path in the repository of a page of the site."""
    return uri.removeprefix("tree/") if uri.startswith("tree/") else f"docs/{uri}"


def listing(folder: str) -> str:
    entries = sorted(p for p in (ROOT / folder).iterdir() if not p.name.startswith((".", "__")))
    lines = [f"* [{p.name}{'/' if p.is_dir() else ''}]({p.name}{'/files.md' if p.is_dir() else ''})" for p in entries]
    return "\n".join([f"# {folder}", "", *lines, ""])


def on_files(files: Files, config: MkDocsConfig) -> Files:
    generated = reference()
    wanted = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    texts = {f"docs/{f.src_uri}": f.content_string for f in files if f.src_uri.endswith(".md")}
    seen: set[str] = set()
    while wanted or texts:
        for page, text in texts.items():
            links = [outside(target, page) for _, target, _ in LINK.findall(FENCE.sub("", text))]
            wanted += [path.removesuffix("/files.md") for path in links if path is not None]
        texts = {}
        for path in wanted:
            if path in seen or not (ROOT / path).exists():
                continue
            seen.add(path)
            if (ROOT / path).is_dir():
                texts[f"{path}/files.md"] = generated[place(path)] = listing(path)
            elif path.endswith(".md"):
                texts[path] = generated[place(path)] = (ROOT / path).read_text(encoding="utf-8")
            else:
                files.append(File.generated(config, place(path), abs_src_path=os.fspath(ROOT / path)))
        wanted = []
    for name in REPORTS:
        report = pathlib.Path(os.environ["REPORTS"]).absolute() / name / "report.html"
        files.append(File.generated(config, f"reports/{name}.html", abs_src_path=os.fspath(report)))
    files.append(File.generated(config, "search/worker.js", content=WORKER))
    # Code is as wide as the pages wrap.
    generated["site.css"] = ".md-grid { max-width: 74rem; }\n"
    config.extra_css.append("site.css")
    for uri, text in generated.items():
        files.append(File.generated(config, uri, content=text))
    config.nav = navigation([f.src_uri for f in files if f.src_uri.endswith(".md")])
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    uri = page.file.src_uri
    if uri.startswith("reference/"):
        return markdown
    here = source_of(uri)

    def moved(match: "re.Match[str]") -> str:
        target = match[2]
        path, _, anchor = target.partition("#")
        if not path or re.match(r"[a-z]+:", target):
            return match[0]
        found = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
        to = found.removeprefix("docs/") if found.startswith("docs/") else place(found)
        if found == "docs":
            to = "README.md"
        elif (ROOT / found).is_dir() and found.startswith("docs/"):
            to = "README.md"  # a folder of pages: the index names them
        relative = posixpath.relpath(to, posixpath.dirname(uri) or ".")
        return f"{match[1]}{relative}{'#' + anchor if anchor else ''}{match[3]}"

    def titled(match: "re.Match[str]") -> str:
        return f"[{title(posixpath.normpath(posixpath.join(posixpath.dirname(here), match[1])), match[1])}]"

    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    # Two spaces indent a list inside a list on GitHub; the site's Markdown takes four.
    parts = [part if part.startswith("```") else NESTED.sub("    ", part) for part in parts]
    texts = [part if part.startswith("```") else LINK.sub(moved, BARE.sub(titled, part)) for part in parts]
    return "".join(text + report_link(text) if uri == "reports.md" else text for text in texts)


def title(path: str, other: str) -> str:
    """The first heading of a page of the repository; `other` where there is no such page."""
    if (name := NAMES.get(path)) is not None:
        return name
    if not (ROOT / path).is_file():
        return other
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return next((line[2:] for line in lines if line.startswith("# ")), other)


# --- example reports -------------------------------------------------------------------------------

REPORTS = re.findall(r"^popaug report (\w+)$", (ROOT / "docs" / "reports.md").read_text(encoding="utf-8"), re.MULTILINE)


def report_link(block: str) -> str:
    """After the commands that made a report, the link to it."""
    made = re.search(r"^popaug report (\w+)$", block, re.MULTILINE)
    if not block.startswith("```") or made is None:
        return ""
    return f"\n\n[**Open this report**](reports/{made[1]}.html)"


# --- search in pages that are read from a folder ---------------------------------------------------

# Browsers refuse workers there; the theme's search then works in a frame, if it is given one under this name.
WORKER = """\
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = this.inside = frame.contentWindow;
      window.addEventListener("message", event => {
        if (event.source === inside) this.dispatchEvent(new MessageEvent("message", {data: event.data}));
      });
      this.ready = new Promise(done => { inside.workerIsReady = done; });
      inside.document.open();
      inside.document.write(`<script>window.postMessage = data => parent.postMessage(data, "*");<` + `/script>
        <script src="${url}" onload="workerIsReady()"><` + `/script>`);
      inside.document.close();
    }
    postMessage(data) { this.ready.then(() => this.inside.dispatchEvent(new MessageEvent("message", {data}))); }
    terminate() {}
  };
}
"""


def on_post_build(config: MkDocsConfig) -> None:
    """The index of the search as a script too, because a page from a folder cannot ask for another file."""
    folder = pathlib.Path(config.site_dir) / "search"
    index = (folder / "search_index.json").read_text(encoding="utf-8")
    (folder / "search_index.js").write_text(f"var __index = {index};\n", encoding="utf-8")


def navigation(uris: list[str]) -> list[Any]:
    left = [uri for uri in uris if not uri.startswith("tree/") or uri.removeprefix("tree/") in NAMES]
    tabs: dict[str, list[Any]] = {}
    named = {uri for patterns in TABS.values() for pattern in patterns for uri in left if matches(uri, pattern, False)}
    for tab, patterns in TABS.items():
        chosen: list[str] = []
        for pattern in patterns:
            chosen += sorted(u for u in left if u not in chosen and matches(u, pattern, True, named))
        tabs[tab] = [{NAMES[u.removeprefix("tree/")]: u} if u.startswith("tree/") else u for u in chosen]
    return [{tab: entries} for tab, entries in tabs.items()]


def matches(uri: str, pattern: str, rest: bool, named: set[str] = frozenset()) -> bool:  # type: ignore[assignment]
    if pattern == "*":
        return rest and uri not in named
    return uri == pattern or (pattern.endswith("/*") and uri.startswith(pattern[:-1]))


# --- the reference ---------------------------------------------------------------------------------


def reference() -> dict[str, str]:
    pages = {
        f"reference/python/{name}.md": f"# {name}\n\n{title}.\n\n::: {name}\n    options:\n      show_root_heading: false\n"
        for name, title in MODULES.items()
        if module_file(name) is not None
    }
    for door in sorted((ROOT / "popaug").glob("*/*.h")):
        if door.stem == door.parent.name:
            pages[f"reference/cpp/{door.stem}.md"] = room(door)
    return pages


def module_file(name: str) -> pathlib.Path | None:
    path = ROOT / "python" / name.replace(".", "/")
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def room(door: pathlib.Path) -> str:
    """A room as its door shows it: the headers that the door includes, which are commented for readers."""
    text = door.read_text(encoding="utf-8")
    folder = door.parent.relative_to(ROOT).as_posix()
    include = rf'^#include "({folder}/[\w/]+\.h)"'
    parts = [f"# C++: {door.stem}", "", prose(text), "", f'```cpp\n#include "{folder}/{door.name}"\n```', ""]
    for name in re.findall(include, text, re.MULTILINE):
        header = (ROOT / name).read_text(encoding="utf-8")
        parts += [f"## {name}", "", prose(header), "", f"```cpp\n{body(header)}\n```", ""]
    if not re.search(include, text, re.MULTILINE):
        parts += [f"```cpp\n{body(text)}\n```", ""]
    return "\n".join(parts)


def prose(header: str) -> str:
    """The comment at the top of a header, as a paragraph."""
    lines = []
    for line in header.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line.removeprefix("//").strip())
    return re.sub(r"[<>*_`]", lambda match: f"\\{match[0]}", "\n".join(lines))


def body(header: str) -> str:
    """What a header declares: without its first comment, guard and includes."""
    text = re.sub(r"\A(//.*\n)+", "", header)
    text = re.sub(r"^#(ifndef|define|endif).*_H_.*\n|^#include .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^namespace popaug(::\w+)? \{\n|^\}  // namespace popaug.*\n?", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
