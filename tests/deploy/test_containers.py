"""deploy/Containerfile and deploy/compose.yaml: the compose file is checked, the image is built and started by
`make soak`, where buildah can."""

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_installation import Debian, debian  # noqa: F401 - a fixture
from tests.deploy.test_wheel import build
from tests.support.documentation import ROOT, blocks
from tests.support.processes import free_ports
from tests.support.waiting import eventually
from tests.test_docs import documented_settings
from wfpush.config import env
from wfpush.embedded import datafolder

DEPLOY = ROOT / "deploy"
PAGE = "docs/operations/containers.md"
SECONDS = 900


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def ours(composed: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in composed["services"].items() if service["image"] == "wfpush"}


def test_each_process_of_ours_is_closed_to_what_it_does_not_need(ours: dict[str, Any]) -> None:
    assert {"web-1", "web-2", "worker", "migrate"} == set(ours)
    for service in ours.values():
        assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in service


def test_only_migrate_and_the_database_know_the_owner_of_the_tables(composed: dict[str, Any]) -> None:
    knows = {name for name, service in composed["services"].items() if "OWNER_PASSWORD" in str(service)}

    assert knows == {"migrate", "database"}


def test_its_settings_are_those_that_there_are(ours: dict[str, Any]) -> None:
    (script,) = (block for block in blocks(PAGE, "sh") if "cat > environment" in block)
    in_page = set(re.findall(r"^([A-Z_]+)=", script.split("cat > environment")[1], re.M))
    passwords = set(re.findall(r"^([A-Z_]+)=", script.split("cat > environment")[0], re.M))
    wanted = set(re.findall(r"\$\{([A-Z_]+):\?\}", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))

    assert in_page | {name for service in ours.values() for name in service["environment"]} <= set(
        documented_settings()
    )
    assert passwords == wanted


def test_the_proxy_has_the_shipped_configuration_with_the_addresses_of_the_web_processes(
    composed: dict[str, Any], tmp_path: Path
) -> None:
    services = composed["services"]
    shell, flag, words = services["proxy"]["command"]
    script = words.replace("$$", "$").replace("/wfpush.conf >", f"{DEPLOY}/wfpush.conf >").partition(" && exec")[0]
    written = tmp_path / "default.conf"
    subprocess.run(
        [shell, flag, script.replace("/etc/nginx/conf.d/default.conf", str(written))],
        env={"HOST": "answers.acme.example", "PATH": os.environ["PATH"]},
        check=True,
    )
    text = written.read_text(encoding="utf-8")

    addresses = [services[name]["networks"]["default"]["ipv4_address"] for name in ("web-1", "web-2")]
    assert re.findall(r"^    server (\S+) ", text, re.M) == [f"{address}:8000" for address in addresses]
    assert "127.0.0.1" not in text and "push.example.com" not in text


# --- the image --------------------------------------------------------------------------------------------------------
class Buildah:
    """buildah with a store of its own, and without what a container of a container may not do."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._limits = [
            f"--ulimit={name}={limit}:{limit}"
            for name, which in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
            for limit in [resource.getrlimit(which)[1]]
        ]
        trusted = "/etc/ssl/certs/ca-certificates.crt"  # by this machine, whose package index may have one of its own
        self._trust = [f"--volume={trusted}:/trusted.crt:ro", "--env=PIP_CERT=/trusted.crt"]

    def command(self, verb: str, *words: str) -> list[str]:
        store = ["--storage-driver=vfs", f"--root={self._folder}/store", f"--runroot={self._folder}/run"]
        return ["buildah", *store, verb, *words]

    def run(self, verb: str, *words: str) -> str:
        done = subprocess.run(self.command(verb, *words), capture_output=True, text=True, check=False, timeout=SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def build(self, *words: str) -> str:
        return self.run("build", "--isolation=chroot", "--pull=never", "--quiet", *self._limits, *self._trust, *words)

    def start(self, image: str) -> str:
        return self.run("from", "--pull=never", *self._limits, image)


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    missing = [name for name in ("buildah", "mmdebstrap") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        pytest.skip(f"apt-get install {' '.join(missing)}, as root: the image was NOT built")
    folder = tmp_path / "buildah"
    yield Buildah(folder)
    shutil.rmtree(folder, ignore_errors=True)


def settings_of(debian: Debian) -> dict[str, str]:  # noqa: F811
    environment = debian.environment
    password = ["psql", "--host", environment["POSTGRES_SOCKETS"], "--port", environment["POSTGRES_PORT"], "postgres"]
    password += ["postgres", "--command", "ALTER ROLE postgres PASSWORD 'of-this-test'"]
    subprocess.run(password, check=True, capture_output=True)
    return {
        "DATABASE_URL": f"postgres://postgres:of-this-test@127.0.0.1:{debian.postgres_port}/postgres",
        "REDIS_URL": f"redis://127.0.0.1:{debian.redis_port}/0",
        **{name: datafolder.new_secret(name) for name in env.GENERATED},
    }


@pytest.mark.long
@pytest.mark.timeout(2 * SECONDS)
def test_the_image_migrates_and_serves_as_a_user_without_rights(
    buildah: Buildah,
    debian: Debian,  # noqa: F811
    tmp_path: Path,
) -> None:
    context = tmp_path / "dist"
    build(ROOT, context)
    shutil.copy(ROOT / "constraints.txt", context)
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "trixie", str(context / "base.tar")], check=True)
    (context / "Base").write_text("FROM scratch\nADD base.tar /\n", encoding="utf-8")
    buildah.build("--tag=localhost/base", f"--file={context}/Base", str(context))
    (context / "base.tar").unlink()
    image = buildah.build("--build-arg=BASE=localhost/base", f"--file={DEPLOY}/Containerfile", str(context))

    container = buildah.start(image)
    settings = settings_of(debian)
    run = ["--isolation=chroot", *(f"--env={name}={value}" for name, value in settings.items()), container, "--"]
    assert buildah.run("run", *run, "id", "--user") == "10001"
    assert "gcc" not in buildah.run("run", *run, "ls", "/usr/bin")
    buildah.run("run", *run, "wfpush", "migrate", "--verbosity=0")
    port = free_ports(1)
    web = subprocess.Popen(buildah.command("run", *run, "wfpush", "web", "--port", str(port)))
    try:
        ask = ["curl", "--silent", "--fail", f"http://127.0.0.1:{port}/healthz"]
        eventually(lambda: subprocess.run(ask, check=False, capture_output=True).returncode == 0, "it answers")
    finally:
        web.terminate()
        web.wait(60)
