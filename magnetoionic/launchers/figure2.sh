#!/usr/bin/env bash
# Figure 2: ideal devices: no clipping, noise or variability.
# Six learning rates, two fields, ten models each, below simulations/. Options given here go to every simulation.
#   nohup bash magnetoionic/launchers/figure2.sh > figure2.log &
# `magnetoionic-sweep --figure 2` trains the same on all cores and can be resumed.
set -euo pipefail
train=$(command -v magnetoionic-train || echo .venv/bin/magnetoionic-train)
for field in double-linear double-exponential; do
  for lr in 500 1000 2000 3000 4000 5000; do
    "$train" --field "$field" --lr "$lr" --clipping 0 --resistor_noise 0 --var 0 "$@"
  done
done
