#!/usr/bin/env bash
# Figure 1: all nonidealities: clipping 0.1, noise 0.015, variability 0.2.
# Six learning rates, two fields, ten models each, below simulations/. Options given here go to every simulation.
#   nohup bash magnetoionic/launchers/figure1.sh > figure1.log &
# `magnetoionic-sweep --figure 1` trains the same on all cores and can be resumed.
set -euo pipefail
train=$(command -v magnetoionic-train || echo .venv/bin/magnetoionic-train)
for field in double-linear double-exponential; do
  for lr in 500 1000 2000 3000 4000 5000; do
    "$train" --field "$field" --lr "$lr" --clipping 0.1 --resistor_noise 0.015 --var 0.2 "$@"
  done
done
