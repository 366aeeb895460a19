"""What developers run: `make dev`, `make demo-event`, `make messages`, `make release`, `python -m tools.draw_icons`.

Nothing of the product imports it.
"""
