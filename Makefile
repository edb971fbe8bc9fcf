# Needs python3 (3.11 to 3.13), git and make. `make` lists the targets.

PYTHON ?= python3
ARGS ?=
IN_VENV = PATH="$$PWD/.venv/bin:$$PATH"
LOCK = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --extra dev $(ARGS)
PEERS = import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
	print(*extras["bench"], sep="\n")
LOCK_BENCH = uv pip compile - --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-deps $(ARGS) --output-file tests/benchmarks/requirements.txt

.DEFAULT_GOAL := help
.PHONY: help setup gpu jax jax-gpu run test test-all lint lock bench soak

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name what; do printf 'make %-9s %s\n' "$$name" "$$what"; done

setup: ## make .venv from requirements.txt, if it is not there yet
	@command -v "$(PYTHON)" > /dev/null || { echo "error: no '$(PYTHON)' found:" \
		"install Python 3.11 to 3.13, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" .ci/setup.py $(REQUIREMENTS)

gpu: REQUIREMENTS = requirements-gpu.txt
gpu: setup ## the same with TensorFlow for NVIDIA GPUs, from requirements-gpu.txt

jax: REQUIREMENTS = requirements-jax.txt
jax: setup ## the same with JAX beside TensorFlow, for the family convnet

jax-gpu: REQUIREMENTS = requirements-jax-gpu.txt
jax-gpu: setup ## the same with JAX for NVIDIA GPUs

run: setup ## retrain the embedded default, digits_knn and digits_cnn, and write the report
	@$(IN_VENV) python -m flows.retrain digits_knn digits_cnn

test: setup ## run the tests but the slow ones (ARGS="-k name" for some)
	@$(IN_VENV) python -m pytest -m "not slow" $(ARGS)

test-all: setup ## run all tests
	@$(IN_VENV) python -m pytest $(ARGS)

lint: setup ## check format, style and types
	@$(IN_VENV) python -m ruff format --check .
	@$(IN_VENV) python -m ruff check .
	@$(IN_VENV) python -m mypy

bench: setup ## time what is said to be fast, beside others (installs them)
	@$(IN_VENV) python -m pip install --quiet --require-hashes --no-deps \
		--requirement tests/benchmarks/requirements.txt
	@$(IN_VENV) python -m pytest tests/benchmarks -s -o python_files="bench_*.py" $(ARGS)

soak: setup ## end runs in every way, 20 times each, and count what is left: about an hour
	@$(IN_VENV) python -m pytest tests/benchmarks/soak.py -s $(ARGS)

lock: setup ## resolve requirements*.txt anew from pyproject.toml (ARGS=--upgrade for newer ones)
	@$(IN_VENV) python -m $(LOCK) --extra cpu --output-file requirements.txt
	@$(IN_VENV) python -m $(LOCK) --extra gpu --output-file requirements-gpu.txt
	@$(IN_VENV) python -m $(LOCK) --extra cpu --extra jax --output-file requirements-jax.txt
	@$(IN_VENV) python -m $(LOCK) --extra cpu --extra jax-gpu --output-file requirements-jax-gpu.txt
	@$(IN_VENV) python -c '$(PEERS)' | $(IN_VENV) python -m $(LOCK_BENCH)
	@! grep -n '://' requirements*.txt tests/benchmarks/requirements.txt
