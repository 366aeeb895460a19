"""`python -m tools.desk_icons`: makes the font of the desk's icons with those alone that its pages name.

unfold's own has all of them, 292 kB for a first page. Ours lies under the same name in `static/`, which comes first.
To be run again when the desk names a new icon, or a new unfold does: tests/tools/test_desk_icons.py says so. Needs
`pip install 'fonttools[woff]'`, which nothing else here does.
"""

import hashlib
import re
import shutil
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import unfold

ROOT = Path(__file__).resolve().parent.parent
UNFOLD = Path(next(iter(unfold.__path__)))
FOLDER = Path("static/unfold/fonts/material-symbols")
FONT = FOLDER / "Material-Symbols-Outlined.woff2"
LIST = Path(__file__).with_suffix(".txt")
"""The digest of unfold's font, then the name of each of its icons, with a + where ours has it."""

OURS = (
    "notifications/admin",
    "escalations/admin",
    "escalations/feature.py",
    "wfpush/settings.py",
    "templates/admin",
    "templates/unfold",
)
ALONE = re.compile(r"""(?<=[>}"'`])\s*([a-z0-9][a-z0-9_]+)\s*(?=[<{"'`])""")
LIGATURES, EXTENSION = 4, 7
"""Types of lookups (learn.microsoft.com/typography/opentype/spec/gsub)."""


def icons_of(font: Any) -> dict[str, str]:
    """The glyph of each icon, by its name: a ligature of the name's letters. `font`: a fontTools.ttLib.TTFont."""
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    return {
        "".join(letters[glyph] for glyph in (first, *ligature.Component)): ligature.LigGlyph
        for table in _ligature_tables(font)
        for first, ligatures in table.ligatures.items()
        for ligature in ligatures
    }


def _ligature_tables(font: Any) -> Iterable[Any]:
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            inner = table.ExtSubTable if lookup.LookupType == EXTENSION else table
            if inner.LookupType == LIGATURES:
                yield inner


def words_of_pages() -> set[str]:
    """Every word that stands alone between tags or quotes in unfold's pages, scripts and styles, and in what makes
    ours: all icons that are named are among them."""
    words: set[str] = set()
    features = (each for part in ("admin*", "feature.py") for each in ROOT.glob(f"notifications/*/{part}"))
    for folder in (UNFOLD, *(ROOT / name for name in OURS), *features):
        for path in [folder] if folder.is_file() else folder.rglob("*"):
            if path.suffix in (".html", ".py") or path.name in ("app.js", "styles.css"):
                words.update(ALONE.findall(path.read_text(encoding="utf-8")))
    return words


def digest() -> str:
    return hashlib.sha256((UNFOLD / FONT).read_bytes()).hexdigest()


def make() -> int:
    """Write the font and the list; returns the font's size in bytes."""
    subset, fonts = import_module("fontTools.subset"), import_module("fontTools.ttLib")
    font = fonts.TTFont(UNFOLD / FONT)
    icons = icons_of(font)
    used_names = words_of_pages() & icons.keys()
    subsetter = subset.Subsetter(subset.Options(layout_features=["*"], layout_closure=False, hinting=False))
    subsetter.populate(
        glyphs=[icons[name] for name in used_names], unicodes=[ord(letter) for letter in set("".join(used_names))]
    )
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(ROOT / FONT)
    shutil.copy(UNFOLD / FOLDER / "LICENSE", ROOT / FOLDER / "LICENSE")
    names = [f"+{name}" if name in used_names else name for name in sorted(icons)]
    LIST.write_text("\n".join([digest(), *names, ""]), encoding="utf-8")
    return (ROOT / FONT).stat().st_size


if __name__ == "__main__":
    sys.stdout.write(f"{FONT}: {make():,} bytes\n")
