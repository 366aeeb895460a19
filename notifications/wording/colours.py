"""Colours that are readable on each other: a contrast ratio of at least 4.5:1 (WCAG 2.2, 1.4.3)."""

READABLE = 4.5

INK, PAPER = "#000000", "#ffffff"
"""Black instead of grey: either black or white is readable on every ground."""

Channels = tuple[int, int, int]


def ink_on(ground: str) -> str:
    """Return black or white, whichever has the higher contrast on the ground."""
    return max(INK, PAPER, key=lambda ink: contrast(ink, ground))


def readable(colour: str, ground: str) -> str:
    """Return the colour, moved towards black or white only as far as needed to be readable on the ground."""
    goal = ink_on(ground)
    for step in range(21):
        mixed = mix(colour, goal, step / 20)
        if contrast(mixed, ground) >= READABLE:
            return mixed
    return goal


def mix(colour: str, other: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _channels(colour: str) -> Channels:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue
