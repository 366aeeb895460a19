"""An editor of templates sees how a draft arrives, before anybody else reads a word of it."""

from django.core import mail
from django.utils import timezone

from notifications.items import ledger_audit
from notifications.models import Callback, Engine, Event, EventType, Notification, Recipient, Template
from notifications.routing import template_test
from notifications.wording import template_versions
from notifications.wording.batch_render import Writer
from tests.support.world import World


def test_a_draft_arrives_in_the_inbox_and_by_mail_and_nothing_else_happens(world: World) -> None:
    template = Template.objects.get(slug="task")
    draft = template_versions.new_draft(template, template.versions.get())
    draft.texts.filter(language="en").update(title="Decide: {{ task.name }}", body="Please have a look.")
    sample = EventType.objects.get(name="task.assigned").sample
    event = Event(
        engine=Engine.objects.get(), type="task.assigned", source="sample", data=sample, received_at=timezone.now()
    )
    bob = Recipient.objects.get(ref="bob")
    began = timezone.now()

    template_test.send(draft, bob, Writer(event, None, sample), ["email"], timezone.now())
    world.run()

    [letter] = mail.outbox
    assert letter.to == [bob.email]
    assert letter.subject == "Test: Decide: Approve invoice 4711"
    assert "This is a test of" in letter.body
    assert "Please have a look." in letter.body
    [item] = world.inbox("bob")
    assert (item["title"], item["actions"]) == ("Test: Decide: Approve invoice 4711", [])
    assert [each.recipient for each in Notification.objects.all()] == [bob]
    assert not Callback.objects.exists()
    assert ledger_audit.faults_since(began, timezone.now()) == []
