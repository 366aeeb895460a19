"""The package: what is in it, that two builds are equal, and that docs/start/install.md leads to an answer."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.documentation import ROOT, blocks
from tests.support.processes import House, free_ports
from tests.support.waiting import eventually

PAGE = "docs/start/install.md"
PACKAGED = ("demo", "escalations", "notifications", "wfpush", "locale", "static", "templates")
BUILT_FROM = (*PACKAGED, "LICENSE", "README.md", "pyproject.toml", ".gitignore")
NOT_PACKAGED = shutil.ignore_patterns("tests", "__pycache__")
SECONDS = 300


def build(project: Path, into: Path, umask: int = 0o022) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(into), str(project)]
    subprocess.run(command, check=True, capture_output=True, timeout=120, umask=umask)
    (wheel,) = into.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


def test_it_has_every_file_of_the_product_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    product = {
        path.relative_to(ROOT)
        for folder in PACKAGED
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not {"tests", "__pycache__"} & {*path.relative_to(ROOT).parts}
    }
    files = {"locale", "static", "templates"}

    assert packed == {str(Path("wfpush/files") / path if path.parts[0] in files else path) for path in product}


def test_two_builds_are_equal(wheel: Path, tmp_path: Path) -> None:
    copy = tmp_path / "another folder"
    for name in (*BUILT_FROM, *(path.name for path in ROOT.glob("requirements*.txt"))):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=NOT_PACKAGED, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(ROOT / name, copy / name)

    assert build(copy, tmp_path, umask=0o077).read_bytes() == wheel.read_bytes()


@pytest.mark.processes
@pytest.mark.long
def test_it_starts_where_there_is_no_checkout(wheel: Path, tmp_path: Path) -> None:
    """With the packages of the tests, and a database that has been migrated."""
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True, timeout=120)
    with House() as house, (tmp_path / "said.txt").open("w") as output:
        house.migrate()
        port = free_ports(1)
        page = f"http://127.0.0.1:{port}/"
        up = subprocess.Popen(
            [sys.executable, "-m", "wfpush", "up", "--port", str(port)],
            cwd=tmp_path,
            env=house.environment | {"PYTHONPATH": str(site)},
            stdout=output,
            stderr=output,
        )
        try:
            said = tmp_path / "said.txt"
            eventually(lambda: up.poll() is not None or "wfpush is ready" in said.read_text(), "it is ready")
            assert up.poll() is None, said.read_text()
            signing_in = httpx.get(page, headers={"Accept-Language": "de"}, follow_redirects=True, trust_env=False)
            assert "<title>Anmelden" in signing_in.text
            assert httpx.get(page + "static/wfpush/tokens.css", trust_env=False).status_code == 200
        finally:
            up.terminate()
            up.wait(60)


# --- the commands of the page -----------------------------------------------------------------------------------------
@pytest.fixture
def release(wheel: Path) -> Iterator[Path]:
    """A folder with the files of a release, which belongs to a user without rights."""
    with tempfile.TemporaryDirectory(prefix="wfpush-release-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shutil.copy(wheel, folder)
        shutil.copy(ROOT / "constraints.txt", folder)
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        yield folder


def as_plain_user() -> Mapping[str, int]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def ask(method: str, address: str, token: str, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = httpx.request(method, address, headers=headers, json=body, timeout=30, trust_env=False)
    answer.raise_for_status()
    return answer.json()


@pytest.mark.processes
@pytest.mark.long
@pytest.mark.timeout(3 * SECONDS)
def test_the_page_leads_from_the_package_to_an_answer(release: Path) -> None:
    port = free_ports(2)
    api = f"http://127.0.0.1:{port}/api/v1"
    start, event, answers = (block.replace("http://127.0.0.1:8000/api/v1", api) for block in blocks(PAGE, "sh"))
    whole = {
        "cwd": release,
        "env": {"HOME": str(release), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
        **as_plain_user(),
    }

    def run(words: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", words], capture_output=True, text=True, timeout=SECONDS, **whole
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    said = release / "said.txt"
    words = start.replace("wfpush up --demo", f"wfpush up --demo --port {port}").replace(
        "venv/bin/wfpush up", "exec venv/bin/wfpush up"
    )
    with (
        said.open("w") as output,
        subprocess.Popen(["bash", "-ec", words], stdout=output, stderr=output, **whole) as up,
    ):
        try:
            eventually(
                lambda: up.poll() is not None or "Ctrl-C stops" in said.read_text(), "it is ready", within=SECONDS
            )
            assert "sign in as bob" in said.read_text(), said.read_text()
            key = run(f"{event}echo; echo $KEY").splitlines()[-1]
            token = ask("POST", f"{api}/recipients/bob/tokens", key)["token"]

            def item() -> Any:
                items = ask("GET", f"{api}/notifications", token)["items"]
                return next((each["id"] for each in items if "coffee" in each["title"]), None)

            ask(
                "POST",
                f"{api}/notifications/{eventually(item, 'Bob has the task')}/responses",
                token,
                {"action": "approve"},
            )
            assert [answer["action"] for answer in json.loads(run(f"KEY={key}\n{answers}"))["answers"]] == ["approve"]
        finally:
            up.terminate()

    listed = subprocess.run(
        ["make", "sbom", f"DIST={release}", f"INSTALLED={release}/venv"], cwd=ROOT, capture_output=True, text=True
    )
    assert listed.returncode == 0, listed.stdout + listed.stderr
    (file,) = release.glob("*.cdx.json")
    assert {"Django", "SpiffWorkflow", "wfpush"} <= {
        each["name"] for each in json.loads(file.read_text())["components"]
    }
    assert str(release) not in file.read_text()
