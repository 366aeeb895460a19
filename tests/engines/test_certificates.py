"""Engines that want to see a certificate (mutual TLS), and what is wrong with those that people paste in."""

import dataclasses
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from notifications.connectors.access import Access
from tests.engines.guards import Open
from tests.engines.world import Kind, World, world_of


@pytest.fixture
async def strict(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[World, Access]]:
    """An engine that talks to holders of its authority's certificates only, and somebody who holds one."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    async with world_of(kind) as world:
        await world.engine.stop()
        world.engine.guard = Open()
        await world.engine.start(server)
        yield world, _holding(authority, world.engine.base)


def _holding(authority: trustme.CA, base: str) -> Access:
    mine = authority.issue_cert("wfpush.example.com")
    certificate = "".join(pem.bytes().decode() for pem in mine.cert_chain_pems)
    return Access(base, certificate=certificate, key=mine.private_key_pem.bytes().decode())


async def test_an_engine_that_wants_a_certificate_gets_ours(strict: tuple[World, Access]) -> None:
    world, access = strict
    task = world.open()

    assert (await world.send(world.said(task.id), access=access)).outcome == "done"
    assert len(task.completions) == 1


async def test_without_a_certificate_or_with_a_strangers_nothing_is_told(strict: tuple[World, Access]) -> None:
    world, access = strict
    task = world.open()
    stranger = _holding(trustme.CA(), world.engine.base)

    for wrong in (Access(world.engine.base), stranger):
        result = await world.send(world.said(task.id), access=wrong)
        assert (result.outcome, task.is_open) == ("later", True)
    assert (await world.send(world.said(task.id), access=access)).outcome == "done"


def _with_password(access: Access) -> str:
    key = load_pem_private_key(access.key.encode(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame"))
    return locked.decode()


PASTED: dict[str, Callable[[Access], dict[str, str]]] = {
    "no key": lambda access: {"key": ""},
    "another's key": lambda access: {"key": _holding(trustme.CA(), "").key},
    "a key with a password": lambda access: {"key": _with_password(access)},
    "no PEM": lambda access: {"certificate": "MIIB…"},
    "half a certificate": lambda access: {"certificate": access.certificate[:200]},
}


@pytest.mark.parametrize("wrong", PASTED.values(), ids=PASTED.keys())
async def test_what_is_no_certificate_is_for_an_operator(
    strict: tuple[World, Access], wrong: Callable[[Access], dict[str, str]]
) -> None:
    world, access = strict

    result = await world.send(world.said(world.open().id), access=dataclasses.replace(access, **wrong(access)))

    assert (result.outcome, world.engine.log) == ("misconfigured", [])
    assert "certificate" in result.detail


async def test_no_key_is_left_on_the_disk(
    strict: tuple[World, Access], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, access = strict
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))

    await world.send(world.said(world.open().id), access=access)
    await world.send(world.said(world.open().id), access=dataclasses.replace(access, key="none"))

    assert list(folder.iterdir()) == []
