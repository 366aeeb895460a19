"""The query of the list's address: a tab, words, filters, an order and a page.

Everything is in the address, so that a list can be kept, shared with oneself and used without JavaScript. Invalid
values are left out: old links and mistyped ones show more, and never an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode

Tab = Literal["waiting", "updates", "done", "all"]
TABS: tuple[Tab, ...] = ("waiting", "updates", "done", "all")

DUE = ("back", "overdue", "today", "later")
"""Groups of waiting items: those back from snooze, and all others by due time."""
SORTS = ("due", "newest", "oldest")
AMOUNT_SORTS = ("largest", "smallest")
"""Orders by the first amount, of waiting items: their key facts are read, which takes too long for all others."""
AMOUNT_TABS = ("waiting", "done")
"""Tabs with a filter by the first amount."""

CHOSEN = ("kind", "engine", "team", "sender", "fact")
"""Filters with a list of choices."""
TYPED = ("least", "most")
"""Filters with a box to type in."""

MOST_WORDS, MOST_CHARACTERS = 8, 200
MOST_PAGES = 100_000


@dataclass(frozen=True)
class Finding:
    """A query of the list. Empty text means no filter. `engine` and `team` are slugs, `sender` and `case` keys of rows;
    `fact` is the value of a key fact; `least` and `most` are amounts as their reader writes them.
    `choosing`: the filters are open; `selecting`: items can be ticked."""

    tab: Tab = "waiting"
    words: str = ""
    due: str = ""
    urgent: bool = False
    escalated: bool = False
    unread: bool = False
    snoozed: bool = False
    kind: str = ""
    engine: str = ""
    team: str = ""
    sender: str = ""
    fact: str = ""
    least: str = ""
    most: str = ""
    case: str = ""
    sort: str = ""
    page: int = 1
    choosing: bool = False
    selecting: bool = False

    @property
    def plain(self) -> bool:
        """Return whether this is the list as it opens: all waiting items, in groups."""
        return self == PLAIN

    @property
    def filtered(self) -> bool:
        """Return whether the query shows less than the whole tab."""
        return replace(self, page=1, choosing=False, selecting=False, sort="") != Finding(tab=self.tab)

    @property
    def chosen(self) -> bool:
        """Return whether a filter with a list of choices is used."""
        return any(getattr(self, name) for name in (*CHOSEN, *TYPED))

    @property
    def filters_open(self) -> bool:
        return self.choosing or bool(self.sort) or self.chosen

    @property
    def query(self) -> str:
        """The query string without its `?`; empty for the list as it opens."""
        return urlencode(self._parameters())

    @property
    def suffix(self) -> str:
        """The query string with its `?`, for addresses of pages beside this list; empty for the list as it opens."""
        return f"?{self.query}" if self.query else ""

    def fields(self) -> list[tuple[str, str]]:
        """Return the hidden fields of the form for other words and filters. The page number starts again."""
        return self.but(words="", sort="", **dict.fromkeys((*CHOSEN, *TYPED), ""))._parameters()

    def _parameters(self) -> list[tuple[str, str]]:
        return [
            (_PARAMETERS.get(name, name), "1" if value is True else str(value))
            for name, value in vars(self).items()
            if value != getattr(PLAIN, name)
        ]

    @property
    def address(self) -> str:
        """The query string with its `?`, which is a link by itself."""
        return self.suffix or "?"

    @property
    def tabs(self) -> list[tuple[Tab, str]]:
        """The tabs, each with the query of the same words and filters."""
        return [(tab, self._on(tab).address) for tab in TABS]

    def _on(self, tab: Tab) -> "Finding":
        """Return the query on another tab, without what its items cannot be asked for."""
        finding = self.but(tab=tab, snoozed=False)
        if tab not in AMOUNT_TABS:
            finding = replace(finding, least="", most="")
        if tab == "waiting":
            return finding
        return replace(finding, due="", fact="", sort="" if self.sort in AMOUNT_SORTS else self.sort)

    @property
    def takes_amounts(self) -> bool:
        """Return whether the tab has a filter by amount."""
        return self.tab in AMOUNT_TABS

    @property
    def everywhere(self) -> str:
        return self._on("all").address

    @property
    def cleared(self) -> str:
        """The query of the whole tab."""
        return Finding(tab=self.tab).address

    @property
    def with_selecting(self) -> str:
        """The query of the same items, with ticking switched on or off."""
        return replace(self, selecting=not self.selecting).address

    @property
    def with_filters(self) -> str:
        return self.but(choosing=True).address

    def but(self, **changes: object) -> "Finding":
        """Return this query with `changes`, from its first page on."""
        return replace(self, **{"page": 1, "choosing": False, **changes})  # type: ignore[arg-type]


PLAIN = Finding()
"""The list as it opens."""

_PARAMETERS = {"words": "q", "sender": "from", "choosing": "filters", "selecting": "select"}
"""Names of fields in the address, where they differ."""


def finding_of(query: Mapping[str, str]) -> Finding:
    """Return the list's query in a query string."""
    tab: Tab = next((tab for tab in TABS if tab == query.get("tab")), "waiting")
    waits, takes_amounts = tab == "waiting", tab in AMOUNT_TABS
    return Finding(
        tab=tab,
        words=_text(query, "q"),
        due=_one_of(query, "due", DUE) if waits else "",
        urgent="urgent" in query,
        escalated="escalated" in query,
        unread="unread" in query,
        snoozed=waits and "snoozed" in query,
        kind=_text(query, "kind"),
        engine=_text(query, "engine"),
        team=_text(query, "team"),
        sender=_key(query, "from"),
        case=_key(query, "case"),
        fact=_text(query, "fact") if waits else "",
        least=_text(query, "least") if takes_amounts else "",
        most=_text(query, "most") if takes_amounts else "",
        sort=_one_of(query, "sort", (*SORTS[1:], *AMOUNT_SORTS) if waits else SORTS[1:]),
        page=min(max(int(_key(query, "page") or 1), 1), MOST_PAGES),
        choosing="filters" in query,
        selecting=waits and "select" in query,
    )


def _text(query: Mapping[str, str], name: str) -> str:
    return " ".join(query.get(name, "").replace("\x00", " ").split()[: MOST_WORDS * 2])[:MOST_CHARACTERS]


def _one_of(query: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    return next((value for value in choices if value == query.get(name)), "")


def _key(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "")
    return str(int(value)) if value.isascii() and value.isdecimal() and len(value) <= 18 else ""
