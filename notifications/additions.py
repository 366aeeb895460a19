"""What features add to the frames of the desk, the inbox and the API, to roles, housekeeping, exports and erasures.

In: nothing; models are labels, such as "rotas.rota", and modules are names, so that only processes that need them load
them.
Out: plain data, which the frames read by `wfpush.features.added`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.utils.functional import Promise

Text = str | Promise

VERBS = ("view", "add", "change", "delete")


# --- pages ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Pages:
    """Pages of the inbox. `module` has `urlpatterns` and the namespace `app_name`; it is mounted at the root."""

    module: str


@dataclass(frozen=True)
class SignInWays:
    """Ways to sign in besides the password. `module` names a module (`notifications/inbox/sign_in/ways.py`)."""

    module: str


@dataclass(frozen=True)
class SignInStep:
    """A step between a right password or a link and the session. `step` names a function of the request, the user, the
    local path to go on to, and `by_link`. It begins the session if nothing more is asked, and returns the response."""

    step: str


@dataclass(frozen=True)
class SignInPanel:
    """A part of the sign-in pages, below their forms. `template` has `next`, the local path to go on to."""

    template: str


@dataclass(frozen=True)
class PasswordNotice:
    """What follows a new password that a person or the desk has set. `notice` names a function of the request and the
    user."""

    notice: str


@dataclass(frozen=True)
class FirstPage:
    """A page in place of the inbox's list. `page` names a function of the reader (a Recipient), the query of the list
    (a `Finding`; None without a connection) and the time. It returns a `ListPage` (notifications/inbox/pages.py), or
    None for readers who have the list."""

    page: str


@dataclass(frozen=True)
class ApiPaths:
    """Operations of the API. `module` has `urlpatterns`, mounted below `/api/`, and `TAG` with their descriptions
    (notifications/api/operations/operation.py)."""

    module: str


@dataclass(frozen=True)
class MenuEntry:
    """An entry of the inbox's menu: the page's URL name. `is_shown` returns whether a Recipient sees it."""

    page: str
    label: Text
    is_shown: Callable[[Any], bool]


@dataclass(frozen=True)
class AccountLink:
    """An entry of the desk's account menu: the page's URL name. `needs_password`: for users with a password only."""

    page: str
    label: Text
    needs_password: bool = True


@dataclass(frozen=True)
class ItemPanel:
    """A panel of an item's page; one feature at most adds it. `read` names a function of the item, its reader (a
    Recipient) and the time, which returns a `Panel` (notifications/inbox/items.py)."""

    read: str


@dataclass(frozen=True)
class ItemAction:
    """An entry of the menu of an item: the URL name of a page with the item's key, and an icon of the sprite.
    `is_offered` returns whether the item (a Notification with its task) offers it to its person, a Recipient."""

    page: str
    label: Text
    icon: str
    is_offered: Callable[[Any, Any], bool]


@dataclass(frozen=True)
class AnswerProof:
    """What a feature requires with some answers, such as a signature; one feature at most adds it.

    `check` names a function of a `Decision` (notifications/answers/decision.py). It is called last, before an answer is
    recorded, raises a Failure, and returns the `Proof` that is stored (notifications/answers/proofs.py), or None.
    `required` returns the names of those actions (as JSON) of a Notification that need it. `note` is a template of an
    item's page, and `facts` names a function of the reader, a Recipient, which returns its context. `module`: the
    script of pages that asks for it.
    """

    check: str
    required: Callable[[Any, Any], Collection[str]]
    note: str
    facts: str
    module: str


@dataclass(frozen=True)
class HistoryWords:
    """The entry of a task's history for an event of the product's own. `words` returns it for the Event's data, whose
    member `actor` is the person who did it."""

    event_type: str
    actor: str
    words: Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class ItemLink:
    """The link of items that are about a page of the feature: those whose details have this member."""

    member: str
    label: Text
    text: Text


@dataclass(frozen=True)
class TeamLink:
    """A button of the page “My team”, which people who lead others see: the page's URL name."""

    page: str
    label: Text


@dataclass(frozen=True)
class DeskPlace:
    """A list or page of the desk, and its section of the navigation (notifications/admin/desk/navigation.py)."""

    section: str


@dataclass(frozen=True)
class DeskList(DeskPlace):
    """A list, behind that of the model `after`. `icon`: for sections whose lists are entries of the sidebar."""

    model: str
    after: str = ""
    icon: str = ""


@dataclass(frozen=True)
class DeskPage(DeskPlace):
    """A page. `module` has the `NAME` of its URL, and the `PERMISSIONS` that users need, all of them. `is_tab`: it
    stands among the tabs of its section; else a button of one of its lists leads to it."""

    label: Text
    module: str
    is_tab: bool = True


@dataclass(frozen=True)
class DeskPanel:
    """An inline on the pages of a model: the dotted name of its class. `is_shown` returns whether a row has it.
    `first`: before the page's own inlines, and where a row is added (None) as well."""

    model: str
    inline: str
    is_shown: Callable[[Any], bool] = lambda row: True
    first: bool = False


@dataclass(frozen=True)
class SearchKind:
    """A kind of rows that the desk's search finds: the dotted name of a `Kind` (notifications/admin/desk/search.py)."""

    kind: str


@dataclass(frozen=True)
class RouteDoubts:
    """The dotted name of a function that returns sentences about probable mistakes of a Route that was saved."""

    doubts: str


@dataclass(frozen=True)
class PausedTasks:
    """Tasks that are not late, because a pause moves their deadline: the dotted name of a function that returns their
    condition (notifications/cases/lateness.py)."""

    condition: str


@dataclass(frozen=True)
class OverviewPanel:
    """A panel of the desk's overview, for users who may see the model's rows. `panel`: the dotted name of a function of
    the time, which returns a `Panel` (notifications/admin/desk/overview.py)."""

    model: str
    panel: str


@dataclass(frozen=True)
class OverviewPart:
    """Panels of the desk's overview, before the recent events. `template` shows them, with what the function of the
    dotted name `context` returns for the request and its time (a dict)."""

    template: str
    context: str


@dataclass(frozen=True)
class CaseTypes:
    """Types of cases that a feature knows before a case has them. People can choose them."""

    names: Callable[[], Iterable[str]]


@dataclass(frozen=True)
class RuleModel:
    """A model of rules with targets and conditions. `read`: the dotted name of a function that returns a rule's
    `RuleTargets` (notifications/admin/rules/second_person.py)."""

    model: str
    read: str


# --- roles ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Rights:
    """Permissions of a group of notifications/roles.py on models."""

    role: str
    models: Sequence[str]
    verbs: Sequence[str] = VERBS


# --- rows that go after a while ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class StaleRows:
    """Rows that housekeeping removes once a day. `name` is what its log calls them; `older_than` returns the rows that
    are older than a time, which is `retention` ago."""

    name: str
    older_than: Callable[[datetime], QuerySet[Any]]
    retention: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class DailyRemoval:
    """What housekeeping calls once a day. `remove` gets the time, and whether to do long work here and now instead of
    leaving it to workers. It returns the number of removed rows by kind."""

    remove: Callable[[datetime, bool], Mapping[str, int]]


# --- data of people ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Columns:
    """The columns of a table that hold text or JSON, with their treatment by erasure, in four lists of words.

    `words`: texts and JSON of people and engines, in which a person may be mentioned. `ids`: names that engines give,
    which are unique. `plain`: codes, digests, and names of configuration that name no person. `own`: columns of a
    person's own rows, which are deleted or emptied with the person. `case`: the paths from a row to the case whose
    legal hold keeps it. `goes`: a row that mentions the person is deleted as a whole, and is nobody else's. `repeats`:
    the table repeats what others have, so it comes after them.
    """

    words: str = ""
    ids: str = ""
    plain: str = ""
    own: str = ""
    case: str | None = None
    goes: bool = False
    repeats: bool = False

    @property
    def searched(self) -> list[str]:
        return [*self.words.split(), *self.ids.split()]

    @property
    def all(self) -> list[str]:
        return [*self.searched, *self.plain.split(), *self.own.split()]


@dataclass(frozen=True)
class Section:
    """A section of a person's export: rows of a model, found by a lookup with a value of the person (a Recipient).
    `without`: columns that are left out."""

    model: str
    lookup: str
    value: Callable[[Any], Any] = lambda person: person.pk
    without: frozenset[str] = frozenset()

    def rows(self, person: Any) -> QuerySet[Any]:
        value = self.value(person)
        rows: QuerySet[Any] = apps.get_model(self.model)._default_manager.order_by("pk")
        return rows.none() if value is None else rows.filter(**{self.lookup: value})


CHANGE_REASON, HISTORY_TYPE = " history_change_reason", " history_type"
"""Columns of every history: `words` and `plain`."""

Reference = tuple[str, str]
"""A model's label and its field, or the lookup, that refers to a person."""


@dataclass(frozen=True)
class PersonalData:
    """All tables of an app. References in `go` are of rows that go with the person; those in `stay` still say that
    somebody did or got something, but not who. `counted`: those of `go` that the preview of an erasure counts.
    `named_by`: configuration in which an administrator should name somebody else. `export`: the sections of a person's
    export, by name."""

    tables: Mapping[str, Columns]
    go: Sequence[Reference] = ()
    stay: Sequence[Reference] = ()
    named_by: Sequence[Reference] = ()
    export: Mapping[str, Section] = field(default_factory=dict)
    counted: Sequence[Reference] = ()


# --- configuration in files -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class ConfigPart:
    """Rows that belong to one row of a `ConfigTable`, a list in its file. `name`: the member in files, and the relation
    to the rows. `fields`: their fields, in the order of files; the rows are sorted by those. `is_one`: there is one row
    at most, so that the member is no list."""

    name: str
    fields: str
    is_one: bool = False


@dataclass(frozen=True)
class ConfigName:
    """The fields by which files name rows of a model. Without the last ones a row is named by the first alone."""

    model: str
    key: str


@dataclass(frozen=True)
class ConfigTable(ConfigName):
    """A model whose rows can be in files. `kind`: their name there; `fields`: besides those of the key. `left_out`:
    fields and parts that stay as they are if a file does not have them. `is_list`: the rows are a list, because their
    key may be empty; others are named by the key. `own_files`: each row has a file. `versions`: the dotted name of a
    class with the functions of `notifications.wording.config_versions.TemplateVersions`, if a version of the row has
    the parts. `hooks`: the dotted name of a class with the functions of
    `notifications.admin.engines.config_hooks.EngineHooks`, for what files cannot change freely, and what follows a
    change."""

    kind: str = ""
    fields: str = ""
    parts: Sequence[ConfigPart] = ()
    left_out: str = ""
    is_list: bool = False
    own_files: bool = True
    versions: str = ""
    hooks: str = ""


@dataclass(frozen=True)
class ConfigEffects:
    """What a change of configuration does to work. `effects`: the dotted name of a class. It is made with the time
    before the change, and its `sentences` are read after it, with the changed rows, in the same transaction."""

    effects: str


@dataclass(frozen=True)
class FixedRows:
    """Rows that the desk shows and does not change. `why`: the dotted name of a function of a row and a member,
    which may be empty. It returns a sentence if they are fixed, and else an empty one.
    `guard`: that of a function without arguments, which is called at start and makes all ways of saving refuse."""

    why: str
    guard: str
