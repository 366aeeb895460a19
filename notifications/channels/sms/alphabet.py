"""The alphabets of text messages: GSM 7 bit (3GPP TS 23.038, 6.2.1) and UCS-2; and the number of a text's parts."""

from collections.abc import Iterator

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet, in the order of its codes."""
ESCAPE = 0x1B
EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
"""Characters with an escape before their code (6.2.1.1): two places each."""

CODES = {character: bytes([code]) for code, character in enumerate(GSM) if code != ESCAPE} | {
    character: bytes([ESCAPE, code]) for character, code in EXTENSION.items()
}

PLAIN = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "‘": "'",
        "’": "'",
        "‚": "'",
        "–": "-",
        "·": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
        "\u202f": " ",
    }
)
"""Typography that has an equal in the default alphabet: one curly quote would make a text more than twice as long."""

ONE_GSM, MANY_GSM = 160, 153
ONE_UCS2, MANY_UCS2 = 70, 67
"""Places of a text alone, and of each part of several, which begins with a header of 6 bytes (TS 23.040, 9.2.3.24)."""


def is_gsm(text: str) -> bool:
    return all(character in CODES for character in text)


def plain(text: str) -> str:
    """Return the text in the default alphabet, if only its typography is outside of that alphabet."""
    simple = text.translate(PLAIN)
    return simple if is_gsm(simple) else text


def parts_of(text: str) -> list[bytes]:
    """Return the text's parts: a byte for each place of the default alphabet, or UTF-16. No character is divided."""
    if is_gsm(text):
        return _divided([CODES[character] for character in text], ONE_GSM, MANY_GSM)
    return _divided([character.encode("utf-16-be") for character in text], 2 * ONE_UCS2, 2 * MANY_UCS2)


def _divided(characters: list[bytes], one: int, many: int) -> list[bytes]:
    whole = b"".join(characters)
    return [whole] if len(whole) <= one else list(_filled(characters, many))


def _filled(characters: list[bytes], room: int) -> Iterator[bytes]:
    part = b""
    for character in characters:
        if len(part) + len(character) > room:
            yield part
            part = b""
        part += character
    yield part
