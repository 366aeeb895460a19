"""What an item's page says about signatures to its reader."""

from notifications.models import Recipient
from notifications.second_factors import rules
from notifications.signed_answers.assertions import has_passkey
from notifications.types import Json
from notifications.wording.sentences import say


def facts(reader: Recipient) -> Json:
    return {
        "has_passkey": has_passkey(reader.user_id),
        "can_add": reader.user is not None and rules.can_add_passkey(reader.user),
        "unable": say("sign_unable"),
        "failed": say("sign_again"),
    }
