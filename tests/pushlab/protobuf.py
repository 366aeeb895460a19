"""As much of protobuf's wire format as Chromium's push client needs."""

import asyncio
import struct


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def whole(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def fixed64(field: int, number: int) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<Q", number)


def text(field: int, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def read(data: bytes) -> dict[int, int | bytes]:
    """Field number to value, the last where one is repeated. Raises ValueError for what is no protobuf."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        match key & 7:
            case 0:
                found[key >> 3], at = _varint(data, at)
            case 1:
                found[key >> 3], at = int.from_bytes(data[at : at + 8], "little"), at + 8
            case 2:
                size, at = _varint(data, at)
                found[key >> 3], at = data[at : at + size], at + size
            case 5:
                found[key >> 3], at = int.from_bytes(data[at : at + 4], "little"), at + 4
            case kind:
                raise ValueError(f"wire type {kind}")
    return found


async def read_varint(stream: asyncio.StreamReader) -> int:
    number = shift = 0
    while True:
        byte = (await stream.readexactly(1))[0]
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at
