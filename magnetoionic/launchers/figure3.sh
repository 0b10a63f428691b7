#!/usr/bin/env bash
# Figure 3: clipping alone.
# Six learning rates, two fields, ten models each, below simulations/. Options given here go to every simulation.
#   nohup bash magnetoionic/launchers/figure3.sh > figure3.log &
# `magnetoionic-sweep --figure 3` trains the same on all cores and can be resumed.
set -euo pipefail
train=$(command -v magnetoionic-train || echo .venv/bin/magnetoionic-train)
for clipping in 0.1 0.2 0.5 1; do
  for field in double-linear double-exponential; do
    for lr in 500 1000 2000 3000 4000 5000; do
      "$train" --field "$field" --lr "$lr" --clipping "$clipping" --resistor_noise 0 --var 0 "$@"
    done
  done
done
