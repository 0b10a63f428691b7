#!/usr/bin/env bash
# Figure 6: physical clipping, with noise 0.015 and variability 0.2 (--compat published leaves the clipping out).
# Six learning rates, two fields, ten models each, below simulations/. Options given here go to every simulation.
#   nohup bash magnetoionic/launchers/figure6.sh > figure6.log &
# `magnetoionic-sweep --figure 6` trains the same on all cores and can be resumed.
set -euo pipefail
train=$(command -v magnetoionic-train || echo .venv/bin/magnetoionic-train)
for field in double-linear double-exponential; do
  for lr in 500 1000 2000 3000 4000 5000; do
    "$train" --field "$field" --lr "$lr" --physical_clipping --clipping 0 --resistor_noise 0.015 --var 0.2 "$@"
  done
done
