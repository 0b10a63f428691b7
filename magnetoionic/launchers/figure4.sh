#!/usr/bin/env bash
# Figure 4: variability alone.
# Six learning rates, two fields, ten models each, below simulations/. Options given here go to every simulation.
#   nohup bash magnetoionic/launchers/figure4.sh > figure4.log &
# `magnetoionic-sweep --figure 4` trains the same on all cores and can be resumed.
set -euo pipefail
train=$(command -v magnetoionic-train || echo .venv/bin/magnetoionic-train)
for var in 0.1 0.2 0.5; do
  for field in double-linear double-exponential; do
    for lr in 500 1000 2000 3000 4000 5000; do
      "$train" --field "$field" --lr "$lr" --clipping 0 --resistor_noise 0 --var "$var" "$@"
    done
  done
done
