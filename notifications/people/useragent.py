"""A browser's name for people, from its User-Agent header. The header itself is neither stored nor shown."""

import re

from django.utils.translation import gettext as _

READ = 400
"""Characters of the header that are read; browsers name themselves well before."""

BROWSERS = (
    # The first match counts: Edge also calls itself Chrome, and Chrome Safari.
    (re.compile(r"\b(?:Edg|EdgA|EdgiOS)/"), "Edge"),
    (re.compile(r"\b(?:OPR|OPT)/"), "Opera"),
    (re.compile(r"\bSamsungBrowser/"), "Samsung Internet"),
    (re.compile(r"\b(?:Firefox|FxiOS)/"), "Firefox"),
    (re.compile(r"\b(?:Chrome|Chromium|HeadlessChrome|CriOS)/"), "Chrome"),
    (re.compile(r"\bVersion/\S+ .*\bSafari/"), "Safari"),
)
SYSTEMS = (
    (re.compile(r"\biPhone\b"), "iPhone"),
    (re.compile(r"\biPad\b"), "iPad"),
    (re.compile(r"\bAndroid\b"), "Android"),
    (re.compile(r"\bWindows\b"), "Windows"),
    (re.compile(r"\bMacintosh\b"), "Mac"),
    (re.compile(r"\bCrOS\b"), "ChromeOS"),
    (re.compile(r"\bLinux\b"), "Linux"),
)


def name_of(user_agent: str) -> str:
    """Return `Firefox on Linux`, in the active language; `A browser` for unknown ones."""
    text = user_agent[:READ]
    browser = next((name for pattern, name in BROWSERS if pattern.search(text)), "")
    system = next((name for pattern, name in SYSTEMS if pattern.search(text)), "")
    if not browser:
        return _("A browser")
    return _("%(browser)s on %(system)s") % {"browser": browser, "system": system} if system else browser
