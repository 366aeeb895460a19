"""What signed answers add to the world of the desk's tests."""

from notifications.models import Response
from notifications.signed_answers.models import AnswerSignature, SignatureRule
from tests.admin.world import World


def add_to(day: World) -> None:
    rule = SignatureRule.objects.create(name="Payments over 10,000", enabled=False, actions=["approve"])
    rule.conditions.create(path="variables.amount", operator="gt", value="10000")
    response = Response.objects.order_by("pk").first()
    assert response is not None
    AnswerSignature.objects.create(response=response, statement="{}", credential_id="AbC", public_key="AbC")
