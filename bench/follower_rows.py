"""Makes a case that very many people follow, each with a browser, in four languages. Run by bench.inside."""

from notifications.models import Case, Device, Engine, Recipient, Template, TemplateText, VersionState
from wfpush.crypto import digest_of

LANGUAGES = ("en", "de", "fr", "it")
CHUNK = 5_000
KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
TITLES = {"fr": "{{ case.title }} : {{ case.status }}", "it": "{{ case.title }} è {{ case.status }}"}


def main(followers: str) -> str:
    """The id of the case."""
    _make_texts()
    count, engine = int(followers), Engine.objects.get(slug="bench")
    case = Case.objects.create(engine=engine, case_id=f"followed-by-{count}", title="Main Street 5")
    for start in range(0, count, CHUNK):
        people = Recipient.objects.bulk_create(
            Recipient(ref=f"{case.case_id}-{number}", locale=LANGUAGES[number % len(LANGUAGES)])
            for number in range(start, min(start + CHUNK, count))
        )
        Device.objects.bulk_create(_browser(person) for person in people)
        Case.followers.through.objects.bulk_create(
            Case.followers.through(case_id=case.pk, recipient_id=person.pk) for person in people
        )
    return case.case_id


def _make_texts() -> None:
    """The template of milestones in French and Italian, too."""
    version = Template.objects.get(slug="case-milestone").versions.get(state=VersionState.PUBLISHED)
    english = version.texts.get(language="en", channel="")
    for language, title in TITLES.items():
        texts = {"title": title, "body": english.body, "short_body": english.short_body}
        TemplateText.objects.get_or_create(version=version, language=language, channel="", defaults=texts)


def _browser(person: Recipient) -> Device:
    address = f"https://updates.push.services.mozilla.com/{person.ref}"
    return Device(
        recipient=person, channel="webpush", address=address, digest=digest_of(address), name="Firefox", **KEYS
    )
