"""Events in, written the usual way: a DRF ModelSerializer, the same rows, the same authentication, default settings."""
