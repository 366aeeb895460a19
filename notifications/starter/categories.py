"""What messages are about, for a person; `texts/` has the names."""

from notifications.starter.shapes import CategorySeed

CATEGORIES = (
    CategorySeed("approvals"),
    CategorySeed("field-work"),
    CategorySeed("incidents"),
    CategorySeed("case-updates"),
    CategorySeed("customer-updates"),
)
