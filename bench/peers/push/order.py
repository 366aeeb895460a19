"""Makes the peer's tables, and a task for each message of an order. Run by bench.inside, with the peer's settings."""

from django.core.management import call_command
from django_q.tasks import async_task

from bench.peers.push.models import Delivery, Subscription
from bench.push_orders import Order


def main(file: str) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    order = Order.read(file)
    subscriptions = Subscription.objects.bulk_create(
        [Subscription(endpoint=each["endpoint"], **each["keys"]) for each in order.subscriptions]
    )
    chosen = [subscriptions[number % len(subscriptions)] for number in range(order.count)]
    deliveries = [Delivery(subscription=each, payload="x" * order.size) for each in chosen]
    for delivery in Delivery.objects.bulk_create(deliveries):
        async_task("bench.peers.push.tasks.send", delivery.pk)
