"""Reads the configuration of another installation by its API, to compare it."""

import asyncio
import json
import re
from typing import Any
from urllib.parse import urlsplit

from notifications.config_files import documents
from notifications.config_files.documents import Documents
from notifications.config_files.nodes import MAX_TOTAL_BYTES, Mistakes
from notifications.errors import Failure
from notifications.intake.strictjson import BadText, decode
from wfpush.net.http import OutboundError, Response, outbound_from_settings

KEY = "WFPUSH_OPERATOR_KEY"
"""The environment variable with the key: others can list command lines."""
PATH = "/api/v1/configuration"
DEADLINE = 30.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PROBLEM = "application/problem+json"


class NotRead(Exception):
    """Raised if the other installation's files cannot be read. The message is a sentence."""


def read(address: str, key: str) -> Documents:
    """Return what the files of the installation at this address say. Raises NotRead."""
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise NotRead("Enter an address with https://, because others could read the key on its way.")
    if not re.fullmatch(r"wfo_[\w-]+", key, re.ASCII):
        raise NotRead(f"Set {KEY} to an operator's key of the other installation, which begins with wfo_.")
    try:
        response = asyncio.run(_ask(f"{address.rstrip('/')}{PATH}", key))
    except OutboundError as error:
        raise NotRead(error.detail) from error
    host = parts.netloc
    files = _files(response, host)
    try:
        there = documents.read_sent(files)
        if there.mistakes:
            raise Mistakes(there.mistakes)
    except Mistakes as fault:
        text = "%(host)s seems to run another release, because its files cannot be read here: %(mistake)s"
        raise NotRead(text % {"host": host, "mistake": fault.mistakes[0]}) from fault
    return there


async def _ask(url: str, key: str) -> Response:
    async with outbound_from_settings(deadline=DEADLINE, max_body=MAX_TOTAL_BYTES) as outbound:
        return await outbound.request("GET", url, headers={"Authorization": f"Bearer {key}"})


def _files(response: Response, host: str) -> dict[str, str]:
    """Return the files of an answer. Raises NotRead."""
    document = _document(response)
    files = document.get("files")
    if response.status == 200 and isinstance(files, dict) and all(isinstance(text, str) for text in files.values()):
        return files
    is_problem = response.headers.get("Content-Type", "").startswith(PROBLEM)
    match document.get("code") if is_problem else None:
        case "unauthenticated":
            text = f"{host} refuses the key in {KEY}: it may be wrong, revoked or expired, or its account closed."
        case "not_found":
            text = f"{host} runs another release, which does not give its configuration by the API."
        case str():
            text = f"{host} refuses: {' '.join(str(document.get('detail')).split())}"
        case _:
            text = f"{host} does not answer as wfpush does (status {response.status}): enter its BASE_URL."
    raise NotRead(text)


def _document(response: Response) -> dict[str, Any]:
    try:
        document = {} if response.truncated else decode(response.body)
    except (Failure, BadText, json.JSONDecodeError):
        return {}
    return document if isinstance(document, dict) else {}
