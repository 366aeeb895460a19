"""The page of customers (external people): the progress of their case, contacts, and the messages about it.

`customer_page` collects what the page shows, `pages` takes what customers write about their case, and `api` offers the
same to portals of their own.
"""

from notifications.additions import ApiPaths, FirstPage, Pages
from wfpush.features import Feature

FEATURE = Feature(
    name="customers",
    adds=[
        FirstPage("notifications.customers.customer_page.list_page"),
        Pages("notifications.customers.pages"),
        ApiPaths("notifications.customers.api"),
    ],
)
