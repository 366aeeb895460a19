"""Libraries are loaded without packages that wfpush does not use through them."""

import subprocess
import sys
from pathlib import Path

import pytest

from wfpush.config import lean_imports

LIBRARY = """
try:
    import left_out
except ImportError:
    left_out = None
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(lean_imports, "UNUSED", {"a_library": ("left_out",)})
    (tmp_path / "left_out.py").touch()
    (tmp_path / "a_library.py").write_text(LIBRARY, encoding="utf-8")
    for name in ("a_library", "left_out"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_a_library_is_loaded_without_what_it_need_not_find_and_others_find_it(tmp_path: Path) -> None:
    lean_imports.load("a_library")
    assert sys.modules["a_library"].left_out is None

    import left_out  # type: ignore[import-not-found]  # noqa: PLC0415 - what is tested

    assert left_out.__file__ == str(tmp_path / "left_out.py")


def test_what_is_loaded_already_stays() -> None:
    import left_out  # noqa: PLC0415 - what is tested

    lean_imports.load("a_library")
    assert sys.modules["a_library"].left_out is left_out
    assert sys.modules["left_out"] is left_out


def test_if_the_library_is_missing_nothing_stays_hidden(tmp_path: Path) -> None:
    (tmp_path / "a_library.py").write_text("import nothing_of_this_name", encoding="utf-8")
    with pytest.raises(ImportError):
        lean_imports.load("a_library")
    assert "left_out" not in sys.modules


def test_the_libraries_that_wfpush_loads_this_way_do_without() -> None:
    """They are told nothing of it: a version that needs one of the packages would say so here."""
    said = "from django.conf import settings; settings.configure()"
    said += "; import wfpush.config.lean_imports as lean; [lean.load(each) for each in lean.UNUSED]"
    looked = "import sys; print(sorted({name for all in lean.UNUSED.values() for name in all} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"{said}; {looked}"], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
