#!/usr/bin/env bash
# Trains the runs of this folder anew and replaces their files: five minutes, most of them for the run on ngspice.
# With --prune it first prunes the dense network again and replaces the shipped topology.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
hinge=(1 --epochs 10 --gamma 0.3 --delta 0.1 --margin 0.02)
xent=(0 --epochs 10 --gamma 0.3 --delta 0.25 --softmax-temp 0.001)
circuit=(--topology digits_8x8_pruned --body-tie floating --vg-init fixed --vg-init-fixed 4)

if [[ ${1:-} == --prune ]]; then
  .venv/bin/nmos-auto-prune 1 --epochs 64 --gamma 3 --delta 0.02 --margin 0.02 --body-tie floating \
    --vg-init-lo 1 --vg-init-hi 6 --vg-cutoff-ratio 1 --backend native --run-dir "$work/prune" --quiet
  cp "$work/prune/topology_final_pruned.npz" analog_nmos/topology/digits_8x8_pruned.npz
  cp "$work/prune/run_meta.json" analog_nmos/topology/digits_8x8_pruned.run_meta.json
fi

# train NAME COMMAND OPTION...
train() {
  local name=$1 command=$2
  shift 2
  ".venv/bin/$command" "$@" "${circuit[@]}" --run-dir "$work/$name" --quiet
  .venv/bin/nmos-figures "$work/$name" --epochs last --out "$work/$name/figures" --quiet
  rm -rf "${here:?}/$name"
  mkdir -p "$here/$name"
  cp "$work/$name"/{run_meta.json,metrics.csv,train_log.txt,0_val_confusion_epoch10.npy,0_vg_unique_epoch10.npy} "$here/$name"
  cp "$work/$name"/{learning_curves_*,timing}.png "$here/$name"
  cp "$work/$name"/figures/{confusion_epoch10,confusion_errors_log_epoch10,vg_heatmap_epoch10,vg_by_label}.png "$here/$name"
}

train hinge_native nmos-dense "${hinge[@]}" --backend native
train cross_entropy_native nmos-xent "${xent[@]}" --backend native
train hinge_ngspice nmos-dense "${hinge[@]}" --backend ngspice
.venv/bin/nmos-compare "$here"/*/
