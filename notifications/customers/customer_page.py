"""The first page of customers: the progress of their case, contacts, and the messages about the case."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import translation

from notifications.customers import case_messages, unsubscribe_links
from notifications.customers.milestones import Progress, Step, progress_of, readable
from notifications.inbox.list_query import Finding
from notifications.inbox.listing import NOTHING, listing
from notifications.inbox.pages import ListPage
from notifications.items.inbox_json import phone_link
from notifications.items.revoked_items import part
from notifications.models import Brand, Case, Notification, NotificationState, Recipient
from notifications.people.brands import brand_for
from notifications.wording.times import exact, short_time
from wfpush.identifiers import uuid7

NO_PROGRESS = Progress()
CASES_SHOWN = 20
LOOKED_AT = 500
"""Items of a customer that are searched for their cases."""


@dataclass(frozen=True)
class CustomerPage:
    """The page of a customer. `case` is the one that is shown; `others` are the customer's other cases. `key` makes a
    message that is sent twice count once."""

    case: Case | None = None
    brand: Brand | None = None
    progress: Progress = NO_PROGRESS
    marks: Sequence[tuple[Step, str, str]] = ()
    """The steps of the case, each with its time in short and exact form."""
    since: str = ""
    news: Sequence[case_messages.News] = ()
    others: Sequence[tuple[Case, str]] = ()
    """The other cases, each with the time of its last change."""
    may_write: bool = False
    open_question: str = ""
    """The question that the next message answers; empty if there is none."""
    key: str = ""
    left: Sequence[tuple[int, str]] = ()
    """Categories whose e-mails the customer has turned off by a link: the pk of the unsubscription, and the name."""

    @property
    def title(self) -> str:
        return (self.case.title or self.case.case_id) if self.case else ""

    @property
    def number(self) -> str:
        """The case's id; empty if the title contains it."""
        return self.case.case_id if self.case and self.case.case_id not in self.title else ""

    @property
    def has_contact(self) -> bool:
        """Return whether the brand has contact data for customers."""
        names = ("contact", "contact_phone", "contact_email", "contact_address")
        return any(getattr(self.brand, name, "") for name in names)

    @property
    def phone_url(self) -> str:
        return phone_link(self.brand.contact_phone) if self.brand else ""

    @property
    def status(self) -> str:
        """The status as the engine names it; empty if milestones show it."""
        return self.progress.news or (readable(self.case.status) if self.case and not self.marks else "")


def list_page(reader: Recipient, finding: Finding | None, now: datetime) -> ListPage | None:
    """Return the page of an external reader: the list if the address asks for one, else the case and what waits."""
    if not reader.external:
        return None
    if finding is None:
        return _page(ListPage(NOTHING), CustomerPage(brand=reader.brand))
    if finding.but(case="", selecting=False) != Finding():
        return _page(ListPage(listing(reader, now, finding)), None)
    return _page(ListPage(replace(listing(reader, now), finding=finding)), customer_page(reader, finding, now))


def _page(page: ListPage, customer: CustomerPage | None) -> ListPage:
    brand = customer.brand if customer else None
    return replace(page, template="customers/inbox.html", context={"customer": customer}, brand=brand)


def cases_of(reader: Recipient) -> list[Case]:
    """Return the cases that the reader was notified of: those with open items first, then by the latest news."""
    rows = Notification.objects.filter(part(), recipient=reader, case__isnull=False).order_by("-seq")
    waiting = rows.filter(state=NotificationState.OPEN).values_list("case_id", flat=True)
    newest = dict.fromkeys([*waiting[:LOOKED_AT], *rows.values_list("case_id", flat=True)[:LOOKED_AT]])
    by_key = Case.objects.select_related("engine").in_bulk(list(newest)[:CASES_SHOWN])
    return [by_key[key] for key in newest if key in by_key]


def customer_page(reader: Recipient, finding: Finding, now: datetime) -> CustomerPage:
    """Return the page of the case that the address names, if it is one of the reader's; else of the first case."""
    cases = cases_of(reader)
    case = next((each for each in cases if str(each.pk) == finding.case), next(iter(cases), None))
    brand = brand_for(reader, case)
    language = translation.get_language() or ""
    left = unsubscribe_links.left(reader, language)
    if case is None:
        return CustomerPage(brand=brand, left=left)
    progress = progress_of(case, language)
    question = case_messages.open_question(reader, case)
    return CustomerPage(
        case=case,
        brand=brand,
        left=left,
        progress=progress,
        marks=[
            (step, short_time(step.at, now) if step.at else "", exact(step.at) if step.at else "")
            for step in progress.steps
        ],
        since=short_time(progress.news_at, now) if progress.news_at else "",
        news=case_messages.news(case, reader, now),
        others=[(each, short_time(each.updated_at, now)) for each in cases if each.pk != case.pk],
        may_write=question is not None or case_messages.task_to_write_to(case, reader) is not None,
        open_question=question.message.text if question else "",
        key=str(uuid7()),
    )
