"""Names of files as they are kept and shown: one line, no path, and an end that fits what the file is."""

import re

from django.utils.translation import gettext as _

from notifications.attachments.kinds import EXTENSIONS
from notifications.wording.plaintext import clean_line, cut

MOST = 120
"""Characters of a name, without an end that is added."""
_FORBIDDEN = re.compile(r'[<>:"|?*]+')  # in names of files on Windows


def kept_name(sent_name: str, kind: str) -> str:
    """Return a safe name for a file of this kind. `sent_name` may hold paths, line ends or another type."""
    line = clean_line(sent_name.replace("\x00", ""))
    last = _FORBIDDEN.sub("_", re.split(r"[/\\]", line)[-1]).strip(" .")
    stem, dot, end = last.rpartition(".")
    ends = EXTENSIONS[kind]
    if dot and stem and f".{end.lower()}" in ends:
        return f"{cut(stem.rstrip(), MOST)}.{end}"
    return f"{cut(last, MOST) or _('file')}{ends[0]}"
