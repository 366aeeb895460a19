"""What `make dev`, `make demo-event` and `make release` run. Nothing of the product imports it."""
