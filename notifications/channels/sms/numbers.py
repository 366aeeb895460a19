"""Phone numbers as people write them, as networks want them (ITU-T E.164)."""

import re

_MARKS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def e164(phone: str, country_code: str = "") -> str | None:
    """`+` and digits. `country_code` is that of numbers written without one, which begin with a 0.

    None for what is no number of the whole world: a short code, an extension, a national number of an unknown country.
    """
    digits = _MARKS.sub("", phone.replace("(0)", ""))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif digits.startswith("0") and country_code:
        digits = f"+{country_code}{digits[1:]}"
    return digits if _E164.fullmatch(digits) else None
