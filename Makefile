# Two commands on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
DEMO := results/sample

# The CPU build is a third of the size; it exists for x86 Linux. CUDA where a device is seen.
ifneq ($(wildcard /proc/driver/nvidia/version /usr/lib/wsl/lib/libnvidia-ml.so.1),)
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

# Tests of pages skip where there is no Chromium. It is asked for where apt may bring it; only the
# download is limited in time, since an installation cut short would leave dpkg in pieces.
define CHROMIUM
for name in chromium chromium-browser google-chrome; do
    if command -v $$name > /dev/null; then exit 0; fi
done
why="no Chromium here, and only root's apt-get would fetch it"
if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "Installing Chromium for the tests of pages"
    export DEBIAN_FRONTEND=noninteractive
    get="apt-get -qq -y --no-install-recommends install chromium"
    {
        timeout 60 apt-get -qq update
        timeout 300 $$get --download-only && $$get --no-download && exit 0
    } > /dev/null 2>&1 < /dev/null
    why="apt-get could not bring Chromium"
fi
echo "The tests of pages will be skipped: $$why"
endef
export CHROMIUM

# setuptools warns of packages beside the working directory, which these are meant to be.
INSTALL = PYTHONWARNINGS="ignore:Editable installation" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

.PHONY: demo test check lint types imports tests coverage chromium docs pictures shape clean

# Its run has a name, so that another one in the same folder is not taken for it.
demo: RUN := demo-$(shell date +%Y%m%d-%H%M%S)
demo: .venv/installed
	test -d $(DEMO) || $(BIN)/tune demo $(DEMO)
	$(BIN)/tune clean $(DEMO)
	$(BIN)/tune run $(DEMO) --algo hyperband --families cnn,xception --image-size 64 --max-epochs 8 --name $(RUN)
	$(BIN)/tune export-best $(RUN) --seeds 1
	$(BIN)/tune report $(RUN) --measure 20s
	$(BIN)/tune predict results/$(RUN)/export $(DEMO)/dotted/dotted_010.*
	@echo "The exported model is results/$(RUN)/export/model.keras; look at the run in results/$(RUN)/report.html, or with: $(BIN)/tune tensorboard $(RUN)"

test: .venv/installed-dev chromium
	$(MAKE) check

check: lint types imports tests

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

# Two processes take three fifths of the time of one on two cores.
tests:
	$(BIN)/python -m pytest -n 2 --dist loadfile

# What the tests reach, a fifth slower.
coverage: .venv/installed-dev
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

chromium:
	@sh -c "$$CHROMIUM"

docs: .venv/installed-dev
	$(BIN)/python -m search.cli.reference README.md
	$(BIN)/python benchmarks/code_tree.py CONTRIBUTING.md

# The pictures of README.md, anew, from one search of four minutes.
pictures: .venv/installed-dev chromium
	$(BIN)/python benchmarks/pictures.py $(or $(DATA),$(error say which images: make pictures DATA=photos/)) $(if $(WEIGHTS),--weights $(WEIGHTS))

# Sizes, comments and imports between rooms; of another checkout with `make shape ROOT=…`.
shape:
	@$(PYTHON) benchmarks/shape.py $(ROOT)

.venv/installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=24" "setuptools>=77"
	$(BIN)/python -c "$$REQUIREMENTS" > .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r .venv/requirements.txt
	$(INSTALL)
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -c "$$REQUIREMENTS" dev onnx litert > .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r .venv/requirements.txt
	$(INSTALL)  # again: Ray has put its own `tune` over ours
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
