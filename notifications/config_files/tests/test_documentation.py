"""The commands of docs/operations/configuration-files.md, as they stand there and in their order."""

import re
import shlex
from pathlib import Path

import pytest

from notifications.config_files.kinds import tables
from notifications.config_files.models import ConfigApply
from notifications.config_files.tests.test_command import run
from notifications.models import Route
from tests.support.documentation import code, read, rows, section
from tests.support.story import Story

PAGE = "docs/operations/configuration-files.md"
STEPS = re.compile(r"<!-- (config|file \S+) -->\n```\w+\n(.*?)```", re.S)


@pytest.mark.django_db
def test_the_commands(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    codes = {}
    for mark, text in STEPS.findall(read(PAGE)):
        if mark != "config":
            Path(mark.split()[1]).write_text(text)
            continue
        python, manage, command, *arguments = shlex.split(text)
        assert (python, manage, command) == (".venv/bin/python", "manage.py", "config")
        codes[arguments[0]], out = run(*arguments)
        assert codes[arguments[0]] in (0, 2), out

    assert codes == {"export": 0, "plan": 2, "apply": 0, "release": 0, "undo": 0, "check": 0, "compare": 2}
    assert ConfigApply.objects.count() == 2
    assert not Route.objects.filter(name="Large invoices").exists()


def test_the_table_has_all_kinds() -> None:
    kinds = [name for cells in rows(section(PAGE, "What is in files"))[1:] for name in code(cells[0])]

    assert kinds == list(tables())
