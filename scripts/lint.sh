#!/usr/bin/env bash
# usage: bash scripts/lint.sh    checks style, types and the syntax of the scripts; needs scripts/setup.sh before it
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

# Every check runs, so that one look shows all there is to mend.
failed=()
check() {
  say "$*"
  "$@" || failed+=("$*")
}

check .venv/bin/python -m ruff check
check .venv/bin/python -m ruff format --check
check .venv/bin/python -m mypy
for script in scripts/*.sh .ci/run; do
  check bash -n "$script"
done

if ((${#failed[@]})); then
  die "failed: $(printf '%s; ' "${failed[@]}" | sed 's/; $//')"
fi
