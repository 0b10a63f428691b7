#!/usr/bin/env bash
# Train the simulations of figures 1 and 2 below results/magnetoionic/runs and curate them. Starting it again goes on where
# it was. MNIST: in $NONIDEAL_DATA or ./data, else it is downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=.venv/bin
base=results/magnetoionic

one() { # figure, learning rate, field, models
  local folder=$base/runs/figure_$1/$3_lr$2_n$4 settings="--var 0 --clipping 0 --resistor_noise 0"
  [ "$1" = 1 ] && settings="--var 0.2 --clipping 0.1 --resistor_noise 0.015"
  if [ ! -f "$folder/run_meta.json" ]; then
    # shellcheck disable=SC2086
    "$bin/magnetoionic-train" --run-dir "$folder" --lr "$2" --field "$3" --n_models "$4" $settings
  elif ! grep -q '"status": "done"' "$folder/run_meta.json"; then
    "$bin/magnetoionic-train" --resume "$folder"
  fi
}

for figure in 2 1; do
  for field in double-linear double-exponential; do
    for lr in 500 2000; do one $figure $lr $field 10; done
    for lr in 1000 3000 4000 5000; do one $figure $lr $field 3; done
  done
  "$bin/magnetoionic-figures" "$base/runs/figure_$figure" --out "$base/figure_$figure"
  rm -f "$base/figure_$figure"/{weights,device_curves}.* "$base/figure_$figure/accuracy.svg"
done
