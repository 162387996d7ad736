# Two commands on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
DEMO := results/sample

# The CPU build is a third of the size; it exists for x86 Linux. CUDA where a device is seen.
ifneq ($(wildcard /proc/driver/nvidia/version),)
TENSORFLOW := tensorflow[and-cuda]
else ifeq ($(shell uname -sm),Linux x86_64)
TENSORFLOW := tensorflow-cpu
else
TENSORFLOW := tensorflow
endif

# Requirements of setup.cfg, TensorFlow's build left out: the lines above choose it.
define REQUIREMENTS
import configparser, sys
config = configparser.ConfigParser()
config.read("setup.cfg")
extras = config["options.extras_require"]
wanted = config["options"]["install_requires"] + "".join(extras[name] for name in sys.argv[1:])
version = [line for line in wanted.split() if line.startswith("tensorflow>")][0].removeprefix("tensorflow")
kept = [line for line in wanted.split() if not line.startswith("tensorflow>")]
print("\n".join([*kept, "$(TENSORFLOW)" + version]))
endef
export REQUIREMENTS

.PHONY: demo test check lint types imports tests coverage docs clean

demo: .venv/installed
	test -d $(DEMO) || $(BIN)/tune demo $(DEMO)
	$(BIN)/tune clean $(DEMO)
	$(BIN)/tune run $(DEMO) --algo hyperband --families cnn,xception --image-size 64 --max-epochs 8 --name demo-$$(date +%Y%m%d-%H%M%S)
	$(BIN)/tune export-best --seeds 1
	run=$$($(BIN)/tune list --json | $(BIN)/python -c 'import json,sys; print(json.load(sys.stdin)[0]["run"])'); \
	$(BIN)/tune predict results/$$run/export $(DEMO)/dotted/dotted_010.* && \
	echo "The exported model is results/$$run/export/model.keras; look at the run with: $(BIN)/tune tensorboard $$run"

test: .venv/installed-dev
	$(MAKE) check

check: lint types imports tests

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

tests:
	$(BIN)/python -m pytest

# What the tests reach, a fifth slower.
coverage: .venv/installed-dev
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

docs: .venv/installed-dev
	$(BIN)/python -m search.cli.reference README.md

.venv/installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=24" "setuptools>=77"
	$(BIN)/python -c "$$REQUIREMENTS" > .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -c "$$REQUIREMENTS" dev onnx litert bayesian > .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r .venv/requirements.txt
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
