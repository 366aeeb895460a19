"""One task for each delivery."""

from django.conf import settings
from django.utils import timezone
from pywebpush import WebPushException, webpush

from bench.peers.push.models import Delivery


def send(delivery_id: int) -> None:
    delivery = Delivery.objects.select_related("subscription").get(pk=delivery_id)
    subscription = delivery.subscription
    try:
        webpush(
            subscription_info={
                "endpoint": subscription.endpoint,
                "keys": {"p256dh": subscription.p256dh, "auth": subscription.auth},
            },
            data=delivery.payload,
            vapid_private_key=settings.VAPID_PRIVATE_KEY,
            vapid_claims={"sub": settings.VAPID_CONTACT},
            ttl=86_400,
        )
    except WebPushException as fault:
        if fault.response is not None and fault.response.status_code in (404, 410):
            subscription.delete()
            return
        delivery.state, delivery.error = "failed", str(fault)
    else:
        delivery.state, delivery.sent_at = "sent", timezone.now()
    delivery.save()
