"""Two makes in one checkout do not install into .venv at the same time."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools import installing


def test_a_second_one_is_told_of_the_first_and_a_later_one_installs(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    script = shutil.copy(str(installing.__file__), tmp_path / "tools")
    command = [sys.executable, script, "`make run` for http://127.0.0.1:8000", sys.executable, "-c"]
    with subprocess.Popen([*command, "print('begun', flush=True); input()"], stdin=-1, stdout=-1, text=True) as first:
        assert first.stdin and first.stdout
        assert first.stdout.readline() == "begun\n"
        second = subprocess.run([*command, "print('installed')"], capture_output=True, text=True, check=False)
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr.startswith("`make run` for http://127.0.0.1:8000 (process ")
        assert second.stderr.endswith(
            ") is installing into .venv just now. Wait until it is done, or stop it with Ctrl-C.\n"
        )
        first.stdin.write("\n")
    assert first.returncode == 0
    assert subprocess.run([*command, "print('installed')"], capture_output=True, text=True, check=True).stdout
