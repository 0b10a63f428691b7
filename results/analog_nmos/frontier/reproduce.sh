#!/usr/bin/env bash
# Trains the recorded experiments anew on the native solver, each into a folder under the one that is named (default
# results/analog_nmos/frontier/runs), prints a table, and replaces the plots of this folder. Under a minute on one core
# where kernels are compiled; compiling them takes some minutes the first time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
runs=${1:-$here/runs}
mkdir -p "$runs"
runs=$(cd "$runs" && pwd)

# train NAME TASK OPTION...
train() {
  local name=$1
  shift
  rm -rf "${runs:?}/$name"
  "$root/.venv/bin/nmos-train" "$@" --run-dir "$runs/$name" --quiet --no-plots
  names+=("$runs/$name")
}

names=()
train xor xor 3
train regression regression
train ionosphere_hinge ionosphere
train ionosphere_mse ionosphere --objective mse --delta 0.02 --one-hot 0.5
train ionosphere_cross_entropy ionosphere --objective cross-entropy --gamma 2 --delta 0.005 --softmax-temp 0.005
train digits_pairs_hinge digits-pairs
train digits_pairs_mse digits-pairs --objective mse --gamma 2 --delta 0.1 --vg-init-lo 2 --vg-init-hi 8
train digits_pairs_cross_entropy digits-pairs --objective cross-entropy --delta 0.1
"$root/.venv/bin/nmos-compare" "${names[@]}"
"$root/.venv/bin/nmos-figures" "$runs/xor" --only scores --out "$runs/xor/figures" --quiet
"$root/.venv/bin/nmos-figures" "$runs/regression" --only regression-curve --out "$runs/regression/figures" --quiet
cp "$runs/xor/figures"/*scores*.png "$here/xor_scores.png"
cp "$runs/regression/figures"/*regression_curve*.png "$here/regression_curve.png"
