"""The documentation as a site with search: `make docs` builds it from the pages as they are, with README.md first."""

import re
from pathlib import Path

from sphinx.application import Sphinx

from wfpush import VERSION

ROOT = Path(__file__).resolve().parents[1]

project = "wfpush"
version = release = VERSION
html_title = f"wfpush {VERSION}"
html_theme = "furo"
html_copy_source = False
extensions = ["myst_parser"]
myst_heading_anchors = 4
root_doc = "README"
exclude_patterns = [path.name for path in ROOT.iterdir() if path.name != "docs" and path.suffix != ".md"]
# Mermaid has no lexer, and that of HTTP knows no absolute addresses: such blocks are shown without colours.
suppress_warnings = ["misc.highlighting_failure"]


def add_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Add the navigation: below README what it links to and the rest of docs/, below others what is in their folder."""
    linked = dict.fromkeys(re.findall(r"\]\(([\w./-]+)\.md[)#]", source[0]))
    below = (
        [*linked, "docs/*"] if page == root_doc else [each for each in linked if each.startswith(f"{Path(page).name}/")]
    )
    if below:
        source[0] += "\n".join(["\n\n```{toctree}", ":hidden:", ":glob:", *below, "```\n"])


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_contents)
