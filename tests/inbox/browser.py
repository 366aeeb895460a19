"""A browser without JavaScript: follows links, presses the buttons of the page's forms, reads what it says."""

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client
from lxml import html

from notifications.inbox.sign_in.session import BACKEND, RECIPIENT_KEY, SIGNED_OUT_KEY
from notifications.models import Recipient


class Page:
    """What a person sees after a request."""

    def __init__(self, client: Client, response: HttpResponse) -> None:
        self.client = client
        self.response = response
        self.url = response.request["PATH_INFO"]  # type: ignore[attr-defined]
        self.tree = html.fromstring(response.content) if response.content else html.fromstring("<p></p>")

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def title(self) -> str:
        return " ".join(self.tree.findtext(".//title", "").split())

    @property
    def text(self) -> str:
        """All that is shown, without what is hidden and what only scripts read."""
        return " ".join(_shown(self.tree.find("body") if self.tree.find("body") is not None else self.tree).split())

    def part(self, name: str) -> str:
        """The shown text of the first element with an id or data-slot of that name."""
        found = self.tree.xpath(f"//*[@id='{name}' or @data-slot='{name}']")
        return " ".join(_shown(found[0]).split()) if found else ""

    def titles(self, list_id: str) -> list[str]:
        """The items of one of the lists, in their order."""
        return [link.text_content().strip() for link in self.tree.xpath(f"//*[@id='{list_id}']//a[@data-slot='title']")]

    def link(self, words: str) -> str:
        """The address of the first link that says the words."""
        for link in self.tree.iter("a"):
            if words in " ".join(link.text_content().split()):
                return str(link.get("href"))
        raise AssertionError(f"No link says {words!r}: {self.text}")

    def follow(self, words: str) -> "Page":
        return get(self.client, self.link(words), self.url)

    def buttons(self) -> list[str]:
        """Everything on the page that can be pressed and stands in an answer's form."""
        found = self.tree.xpath("//*[@data-slot='buttons']/*[not(ancestor::template)]")
        return [" ".join(each.text_content().split()) for each in found]

    def press(self, words: str, **fields: Any) -> "Page":
        """Fill in the button's form, press it, follow the redirect. The open item's buttons come first. A number in
        parentheses behind the words is left out."""
        shown = [each for each in self.tree.iter("button") if not _inside(each, "template")]
        for button in sorted(shown, key=lambda each: not _inside(each, "article")):
            if re.sub(r" \(\d+\)$", "", " ".join(button.text_content().split())) == words:
                return self._submit(button, fields)
        raise AssertionError(f"No button says {words!r}: {self.text}")

    def _submit(self, button: Any, fields: dict[str, Any]) -> "Page":
        named = self.tree.xpath("//form[@id=$name]", name=button.get("form") or "")
        form = named[0] if named else next(each for each in button.iterancestors() if each.tag == "form")
        values: dict[str, Any] = {}
        theirs = self.tree.xpath("//*[@form=$name]", name=form.get("id") or "-")
        for field in (*form.iter("input"), *(each for each in theirs if each.tag == "input")):
            ticked = field.get("type") not in ("checkbox", "radio") or field.get("checked") is not None
            if field.get("name") and ticked:
                values.setdefault(field.get("name"), []).append(field.get("value") or "")
        boxes = (*form.iter("textarea"), *(each for each in theirs if each.tag == "textarea"))
        values |= {field.get("name"): field.text or "" for field in boxes}
        lists = (*form.iter("select"), *(each for each in theirs if each.tag == "select"))
        values |= {each.get("name"): each.value for each in lists}
        if button.get("name"):
            values[button.get("name")] = button.get("value")
        address = button.get("formaction") or form.get("action") or self.url
        response = self.client.post(address, values | fields, follow=True)
        return Page(self.client, response)


def get(client: Client, address: str, base: str = "/") -> Page:
    if address.startswith("?"):
        address = base + address
    return Page(client, client.get(address.split("#")[0], follow=True))


def signed_in(person: Recipient) -> Client:
    """A browser in which somebody has signed in, by a link if they have no account, with CSRF checked as in life."""
    client = Client(enforce_csrf_checks=True)
    if person.user is not None:
        client.force_login(person.user, backend=BACKEND)
    else:
        session = client.session
        session[RECIPIENT_KEY], session[SIGNED_OUT_KEY] = person.pk, ""
        session.save()
    return client


def _inside(element: Any, tag: str) -> bool:
    return any(each.tag == tag for each in element.iterancestors())


def _shown(element: Any) -> str:
    if element.tag in ("script", "style", "template", "title") or element.get("hidden") is not None:
        return ""
    parts = [element.text or ""]
    for child in element:
        parts.append(_shown(child) if isinstance(child.tag, str) else "")
        parts.append(child.tail or "")
    return " ".join(parts)
