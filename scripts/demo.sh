#!/usr/bin/env bash
# A look at what this project does: a network of transistors that learns to tell digits apart.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The same settings for both runs; the first argument of nmos-dense is the seed.
seed=1
common_options=(--gamma 0.3 --delta 0.1 --margin 0.02 --body-tie floating --vg-init fixed --vg-init-fixed 4)
# Half a minute on ngspice, seconds on the native solver; the first epochs of both have the same accuracies.
ngspice_epochs=2
native_epochs=10

usage() {
  cat <<'EOF'
usage: bash scripts/demo.sh [--help]

Installs what is missing (scripts/setup.sh --without-torch), then trains a transistor network on the 8x8 digits, and
prints its accuracies and the folder with its plots.
EOF
}

case ${1:-} in
  "") ;;
  -h | --help)
    usage
    exit
    ;;
  *) usage_error "unknown option '$1'; allowed is --help" ;;
esac

# train NAME OPTION...
train() {
  local run_dir
  run_dir=results/demo/$1-$(date +%Y%m%d-%H%M%S)
  shift
  .venv/bin/nmos-dense "$seed" "${common_options[@]}" "$@" --run-dir "$run_dir"
}

bash "$root/scripts/setup.sh" --without-torch
cd "$root"

say "1. 640 transistors learn in ngspice, $ngspice_epochs epochs"
train ngspice --epochs "$ngspice_epochs"

say "2. the same training on the native solver, $native_epochs epochs; the first run compiles it, which takes some seconds"
train native --backend native --epochs "$native_epochs"
