"""`python -m bench.peers.push ORDER`, with these settings: make the tables, and a task for each message to be sent."""

import sys

import django
from django.core.management import call_command

from bench.push_orders import Order

if __name__ == "__main__":
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from django_q.tasks import async_task

    from bench.peers.push.models import Delivery, Subscription

    order = Order.read(sys.argv[1])
    subscriptions = Subscription.objects.bulk_create(
        [Subscription(endpoint=each["endpoint"], **each["keys"]) for each in order.subscriptions]
    )
    chosen = [subscriptions[number % len(subscriptions)] for number in range(order.count)]
    deliveries = [Delivery(subscription=each, payload="x" * order.size) for each in chosen]
    for delivery in Delivery.objects.bulk_create(deliveries):
        async_task("bench.peers.push.tasks.send", delivery.pk)
