"""An answer, recorded the usual way: a DRF view with a serializer, and plain ORM code in a transaction."""
