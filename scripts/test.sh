#!/usr/bin/env bash
# Installs what is missing and runs the tests; see usage below.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'EOF'
usage: bash scripts/test.sh [--all | --long] [--help] [argument of pytest...]

Installs what is missing (scripts/setup.sh), then runs the tests, in under ten minutes on two cores.

  --all   also the tests marked slow
  --long  only those marked long: every file operation killed, every file format damaged, 20,000 circuits; some hours
  --help  show this text

Everything else goes to pytest, which runs in the repository's root: bash scripts/test.sh -x tests/common
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
# This form of an empty array is for bash before 4.4, which calls it unset.
exec .venv/bin/python -m pytest ${selection[@]+"${selection[@]}"} "$@"
