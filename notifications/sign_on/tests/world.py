"""What sign-on adds to the world of the desk's tests."""

from notifications.sign_on.models import IdentityProvider
from tests.admin.world import World


def add_to(day: World) -> None:
    IdentityProvider.objects.create(
        slug="acme", name="Acme", issuer="https://login.acme.example", client_id="wfpush", domains=["acme.example"]
    )
