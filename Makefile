# Two commands matter: `make demo` and `make test`. Both set up everything they need from Python, pip and make alone.
PYTHON ?= python3
UV = .tools/bin/uv
RUN = .venv/bin
WORKERS ?= 2
# Trust what the machine trusts: behind a bank's proxy that is its own authority.
export UV_SYSTEM_CERTS ?= true
# Servers and workers start often; each would compile the house again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check run client sbom bench soak mutation lock clean

demo: .venv/ok
	$(RUN)/carbonfin demo

test: .venv/ok-dev .tools/generator/ok
	$(RUN)/python -m pytest -n $(WORKERS) --dist loadgroup $(TESTS)

check: .venv/ok-dev .tools/generator/ok
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/vulture
	$(RUN)/deptry .
	$(RUN)/python -m pytest -n $(WORKERS) --dist loadgroup

run: .venv/ok
	$(RUN)/carbonfin serve

# The Python client for bank systems, written from the service's own description into build/client.
client: .venv/ok .tools/generator/ok
	@mkdir -p build
	$(RUN)/carbonfin openapi > build/openapi.json
	.tools/generator/bin/openapi-python-client generate --path build/openapi.json --output-path build/client --overwrite

# Software bill of materials of what is shipped, in CycloneDX, from the locked requirements.
sbom: .venv/ok-dev
	@mkdir -p build
	$(RUN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --of JSON -o build/sbom.json

bench: .venv/ok-dev
	$(RUN)/python -m benchmarks $(NAME)

soak: .venv/ok-dev
	$(RUN)/python -m benchmarks.soak
	$(RUN)/python -m benchmarks.ledger_harness
	LEDGER_STEPS=1000000 LEDGER_DATABASE_STEPS=50000 $(RUN)/python -m pytest -q -s -n 0 tests/collateral/test_holds.py tests/collateral/test_ledger_steps.py

# Small changes of the decision tables' core, each against its tests; half an hour on one processor.
mutation: .venv/ok-dev .tools/mutation/ok
	nice -n 10 $(RUN)/python -m benchmarks.mutation

# Installed with pip alone: no venv module, no root, no node.
$(UV): tools.lock
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes --only-binary=:all: --upgrade --target .tools -r tools.lock
	@touch $@

.venv/ok: requirements.lock pyproject.toml $(UV)
	$(UV) venv --quiet --allow-existing --no-managed-python --python $(PYTHON) .venv
	$(UV) pip install --quiet --python $(RUN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(RUN)/python --no-deps --editable .
	@touch $@

.venv/ok-dev: requirements-dev.lock .venv/ok
	$(UV) pip install --quiet --python $(RUN)/python --require-hashes -r requirements-dev.lock
	@touch $@

# The client generator asks for older versions of what we use, so it lives apart.
.tools/generator/ok: generator.lock $(UV)
	$(UV) venv --quiet --allow-existing --no-managed-python --python $(PYTHON) .tools/generator
	$(UV) pip install --quiet --python .tools/generator/bin/python --require-hashes -r generator.lock
	@touch $@

# Nobody needs the mutation tool to work on the house or to run it, so it lives apart and in no lock.
.tools/mutation/ok: requirements-dev.lock $(UV)
	$(UV) venv --quiet --allow-existing --no-managed-python --python $(PYTHON) .tools/mutation
	$(UV) pip install --quiet --python .tools/mutation/bin/python --require-hashes -r requirements-dev.lock
	$(UV) pip install --quiet --python .tools/mutation/bin/python mutmut==3.8.1
	@touch $@

# New locks name no index; nothing younger than two weeks is taken.
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade --exclude-newer $$(date -d '14 days ago' +%F)
lock: $(UV)
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	echo openapi-python-client | $(LOCK) - -o generator.lock

clean:
	rm -rf .venv .tools out var build dist
