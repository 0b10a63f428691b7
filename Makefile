# Short names for the scripts; a machine without make runs those.
.DEFAULT_GOAL := help
.PHONY: help demo test lint format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## install what is missing and train the digit network for a few minutes
	@bash scripts/demo.sh

test: ## install what is missing and run the tests, but for the slow ones
	@bash scripts/test.sh

lint: ## check style, types and scripts
	@bash scripts/setup.sh
	@bash scripts/lint.sh

format: ## rewrite the sources in the one style
	@bash scripts/setup.sh
	.venv/bin/python -m ruff check --fix
	.venv/bin/python -m ruff format

clean: ## remove caches and build output, but no results and no environments
	rm -rf build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . \( -path ./.git -o -path ./.venv -o -path ./.tools -o -path ./results -o -path ./data \) -prune \
	  -o -type d \( -name __pycache__ -o -name .ipynb_checkpoints -o -name '*.egg-info' \) -prune -exec rm -rf {} +
