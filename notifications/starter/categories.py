"""What messages are about, for a person."""

from notifications.starter.shapes import CategorySeed

CATEGORIES = (
    CategorySeed("approvals", "Approvals and tasks", "Genehmigungen und Aufgaben"),
    CategorySeed("field-work", "Field work", "Außendienst"),
    CategorySeed("incidents", "Incidents", "Störungen"),
    CategorySeed("case-updates", "Case updates", "Neues zu Vorgängen"),
    CategorySeed("customer-updates", "Customer updates", "Kundenmitteilungen"),
)
