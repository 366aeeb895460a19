"""The languages of the pages: English, the language of the sources, and those that have a folder in `locale/`."""

from pathlib import Path

from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, to_language

SOURCE_LANGUAGE = "en"


def languages_in(folder: Path) -> list[tuple[str, Promise]]:
    """Return code and name of the languages in `locale/`, as Django's LANGUAGES. Django translates the names."""
    compiled = sorted(file.parents[1].name for file in folder.glob("*/LC_MESSAGES/django.mo"))
    return [(code, _name(code)) for code in dict.fromkeys((SOURCE_LANGUAGE, *map(to_language, compiled)))]


def _name(code: str) -> Promise:
    if "name" not in LANG_INFO.get(code, {}):
        raise ImproperlyConfigured(f"locale/ has a folder for {code!r}, which is no language that Django knows.")
    return gettext_lazy(LANG_INFO[code]["name"])
