# make demo and make test do all the set-up, once; make env does it alone.
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) || command -v python3)
BIN := .venv/bin

.PHONY: env demo test lint lock bench clean

env: .venv/ready

# pyradiomics builds from source and needs NumPy there without saying so; uv is told in
# pyproject.toml. A new lock file or new metadata makes the environment again.
.venv/ready: requirements.lock setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' || \
	    { echo "Error: $(PYTHON) is not Python 3.10 or 3.11; run: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --compile-bytecode -r requirements.lock -e .
	touch .venv/ready

demo: env
	$(BIN)/ggngan demo --out demo --force

test: env
	$(BIN)/pytest -n 2 --dist loadfile

lint: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lock: env
	$(BIN)/uv pip compile pyproject.toml --extra test --extra vtt --extra cluster --extra serving \
	    --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" \
	    --python-version 3.10 --universal --quiet --output-file requirements.lock

# Speed, without data of one's own; the other scripts want data or hours and say so.
BENCHMARKS := cad_pipeline inference lungs radiomics_features training
bench: env
	for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py || exit 1; done

clean:
	rm -rf .venv demo
