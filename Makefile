# `make run` needs nothing but Python 3.11 or newer; everything it installs goes into .venv.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
# What people called, for the messages of what it needs.
GOAL ?= $(or $(firstword $(MAKECMDGOALS)),setup)
INSTALL = $(MAKE) --question $(1) >/dev/null 2>&1 || exec $(PYTHON) tools/installing.py \
	"\`make $(GOAL)\`$(if $(filter run dev,$(GOAL)), for http://127.0.0.1:$(PORT))" $(MAKE) --no-print-directory GOAL=$(GOAL) $(1)

.PHONY: setup setup-dev run dev shell demo-event test lint static bench bench-large soak pictures looks report messages openapi docs dist sbom release

setup:
	@$(call INSTALL,$(VENV)/installed)

setup-dev:
	@$(call INSTALL,$(VENV)/installed-dev)

REQUIREMENTS := requirements.txt requirements-embedded.txt requirements-demo.txt

# The stamps are younger than the files they were made from, or pip runs again.
$(VENV)/installed: $(REQUIREMENTS) constraints.txt | $(VENV)/bin/python
	@echo "Installing requirements.txt into $(VENV): the first time takes minutes on a slow line"
	@$(PIP) install --quiet $(REQUIREMENTS:%=--requirement %) --constraint constraints.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements-saml.txt requirements-otel.txt $(REQUIREMENTS) constraints.txt | $(VENV)/bin/python
	@echo "Installing requirements-dev.txt into $(VENV): the first time takes minutes on a slow line"
	@$(PIP) install --quiet --requirement requirements-dev.txt --constraint constraints.txt
	@touch $@ $(VENV)/installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "wfpush needs Python 3.11 or newer. Choose one: make $(GOAL) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) lacks ensurepip. Install it (Debian, Ubuntu: apt-get install python3-venv)" \
			"or choose another Python: make $(GOAL) PYTHON=python3.12"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)

run: setup
	@exec $(PY) manage.py up --demo --port $(PORT) --stop-with-parent

dev: setup-dev
	@exec $(PY) manage.py up --demo --port $(PORT) --stop-with-parent --under tools.restarting

shell: setup
	@$(PY) manage.py shell --verbosity 0

demo-event: setup
	@$(PY) -m tools.demo_event $(EVENT) --port $(PORT)

lint static test bench bench-large soak pictures looks report openapi: export WFPUSH_DATA ?= .wfpush-test
# Bytecode is kept, whatever the environment says: without it each of some 300 starts of the product compiles it anew.
lint static test bench bench-large soak pictures looks report openapi: export PYTHONDONTWRITEBYTECODE :=

lint: static docs
	$(PY) -m pytest -q -m "not django_db" tests/test_layering.py $(wildcard tests/test_docs*.py)

static: setup-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m tests.support.prepare
	$(PY) -m mypy
	$(PY) manage.py makemigrations --check --dry-run

# Both at once: the processors are not busy all the time with either.
test: setup-dev
	@$(MAKE) --no-print-directory static & static=$$!; \
		$(PY) -m pytest -n auto; tests=$$?; \
		wait $$static && exit $$tests

bench: setup-dev
	$(PY) -m bench

bench-large: setup-dev
	$(PY) -m bench growth retention day

soak: setup-dev
	WFPUSH_SOAK=long $(PY) -m pytest --timeout=14400 -m "soak or long"
	$(PY) -m tests.support.dates

# The pictures of docs/administrators/, of the desk as it is.
pictures: setup-dev
	$(PY) -m pytest -q tests/admin/pictures.py

# Pictures of people's pages and e-mails, on a phone and a desk, light and dark, in every language; and of the style page.
looks: setup-dev
	@mkdir -p .wfpush-looks
	WFPUSH_SOAK=long WFPUSH_LOOKS=.wfpush-looks $(PY) -m pytest -q tests/browsers/test_peace_looks.py tests/admin/test_style.py

# What axe finds on each page of the desk, what it weighs, and how long it takes on a slow line.
report: setup-dev
	$(PY) -m pytest -q tests/browsers/desk_report.py

# What a release consists of: the wheel, the versions that the tests ran with, and the list of what is installed with it.
DIST ?= dist
INSTALLED ?= $(DIST)/installed
dist: setup-dev
	@rm -rf $(DIST)/*.whl $(DIST)/*.cdx.json
	$(PY) -m build --wheel --no-isolation --outdir $(DIST)
	@cp constraints.txt $(DIST)
	$(PYTHON) -m venv --clear $(INSTALLED)
	$(INSTALLED)/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt \
		"$$(echo $(DIST)/*.whl)[demo,embedded]"
	@$(MAKE) --no-print-directory sbom

# In an environment of its own: jsonschema would import a package that it needs, which costs each start a second.
$(VENV)/sbom/bin/cyclonedx-py: requirements-sbom.txt constraints.txt | $(VENV)/bin/python
	@$(PYTHON) -m venv --clear $(VENV)/sbom
	@$(VENV)/sbom/bin/python -m pip --disable-pip-version-check install --quiet \
		--requirement requirements-sbom.txt --constraint constraints.txt

# As CycloneDX describes it. The wheel's folder is not named: it is one of this machine.
sbom: $(VENV)/sbom/bin/cyclonedx-py
	@wheel=$$(echo $(DIST)/*.whl); list=$${wheel%.whl}.cdx.json; \
		$< environment --output-reproducible --output-file $$list $(INSTALLED)/bin/python && \
		sed -i 's,file://[^"]*/,,' $$list && echo "The packages are listed in $$list"

messages: setup
	$(PY) -m tools.messages

openapi: setup
	@$(PY) -m tests.support.prepare
	@$(PY) manage.py spectacular --format openapi-json >$$WFPUSH_DATA/openapi.json && mv $$WFPUSH_DATA/openapi.json docs/

# The documentation as a site with search. All pages are read each time: kept ones would not repeat their warnings.
docs: setup-dev
	@site=.wfpush-docs/$$($(PY) -c 'import wfpush; print(wfpush.VERSION)') && \
		$(PY) -m sphinx --quiet --fresh-env --fail-on-warning --keep-going --conf-dir docs --doctree-dir .wfpush-docs/doctrees . $$site && \
		cp $$site/README.html $$site/index.html && echo "The documentation is in $$site/index.html"

# PART of the version rises: major, minor or patch. First everything that takes no time is checked.
release: setup-dev
	@test "$$(git branch --show-current)" = main || { echo "Not released. Releases are made of main: git switch main"; exit 1; }
	@$(PY) -m bumpversion bump --dry-run $(PART)
	@$(MAKE) --no-print-directory lint
	@$(PY) -m bumpversion bump $(PART)
	@version=$$($(PY) -m bumpversion show current_version); \
		{ echo "wfpush $$version"; sed -n "/^## \[$$version\]/,/^## /{/^## /!p;}" CHANGELOG.md; } | \
		git tag --annotate --cleanup=whitespace --file=- "v$$version" && \
		echo "v$$version is made, here alone. Publish it: git push origin main v$$version"
