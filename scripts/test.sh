#!/usr/bin/env bash
# Installs what is missing and runs the tests; see usage below.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'EOF'
usage: bash scripts/test.sh [--all | --long] [--help] [argument of pytest...]

Installs what is missing (scripts/setup.sh), then runs the tests on all cores, in under six minutes on two.

  --all   also the tests marked slow
  --long  only those marked long: every file operation killed, every file format damaged, 20,000 circuits; some hours
  --help  show this text

Everything else goes to pytest, which runs in the repository's root: bash scripts/test.sh -x tests/common
With -n 0 among it, the tests run one after another in one process (for --pdb), and with -n 4 in four processes.

environment:
  NONIDEAL_TEST_PATIENCE  factor for the limits after which a test gives up waiting for a process (default: 1)
EOF
}

selection=(-m "not slow and not long")
case ${1:-} in
  --all)
    selection=(-m "not long")
    shift
    ;;
  --long)
    selection=(-m long)
    shift
    ;;
  -h | --help)
    usage
    exit
    ;;
esac

bash "$root/scripts/setup.sh"
cd "$root"
say "tests"
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
# More than eight processes take too much memory; for 0, pytest starts none.
workers=$((cores > 8 ? 8 : cores > 1 ? cores : 0))
# worksteal: each process begins with a part of its own and takes from another's when that is done, so that tests of one
# file, which share what they have prepared, stay together.
exec .venv/bin/python -m pytest "${selection[@]}" -n "$workers" --dist worksteal "$@"
