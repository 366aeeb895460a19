"""What the starter templates are called. Their words are in `texts/`, a file for each language."""

from pathlib import Path

from notifications.starter.shapes import TemplateSeed, TextSeed

TEXTS = Path(__file__).parent / "texts"
LANGUAGES = ("en", "de")

TEMPLATES = (
    TemplateSeed("task", "Task: approval, review and others"),
    TemplateSeed("field-work", "Field work"),
    TemplateSeed("task-reminder", "Reminder of a task"),
    TemplateSeed("task-late", "Task that runs late: for lead and manager"),
    TemplateSeed("task-escalated", "Task that has waited too long"),
    TemplateSeed("information-requested", "Information requested"),
    TemplateSeed("exception-raised", "Exception"),
    TemplateSeed("exception-resolved", "Exception solved"),
    TemplateSeed("case-milestone", "Case milestone"),
    TemplateSeed("customer-update", "Customer update"),
    TemplateSeed("general", "Any other event"),
)


def text_of(slug: str, language: str) -> TextSeed:
    """The words of one template in one language: title, short body and body, parted by lines of three dashes."""
    title, short_body, body = (TEXTS / f"{slug}.{language}.txt").read_text(encoding="utf-8").split("\n---\n")
    return TextSeed(title.strip(), body.strip(), short_body.strip())
