#!/usr/bin/env bash
# Figure 5: noise alone.
# Six learning rates, two fields, ten models each, below simulations/. Options given here go to every simulation.
#   nohup bash magnetoionic/launchers/figure5.sh > figure5.log &
# `magnetoionic-sweep --figure 5` trains the same on all cores and can be resumed.
set -euo pipefail
train=$(command -v magnetoionic-train || echo .venv/bin/magnetoionic-train)
for noise in 0.15 0.015 0.0015; do
  for field in double-linear double-exponential; do
    for lr in 500 1000 2000 3000 4000 5000; do
      "$train" --field "$field" --lr "$lr" --clipping 0 --resistor_noise "$noise" --var 0 "$@"
    done
  done
done
