#!/usr/bin/env bash
# How fixtures/ was made, with the code of commit 13fa73b:
#
#     git worktree add --detach OLD 13fa73b
#     PYTHONPATH=OLD bash tests/compat/make_fixtures.sh EMPTY_FOLDER SUITE ...
#
# for the suites analog_nmos, aanntwin, psa_resmlp, corruption_study and magnetoionic. In the folder, cut/ gets what was
# stopped on the way, and whole/ the same work never stopped; tidy.py packs the first, and keeps the numbers of the
# second as what must come out. analog_nmos needs libngspice for one of its runs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$1
unset RUN_DIR
py=python

in_both() { for kind in cut whole; do (cd "$place/$kind/$suite" && "$@"); done; }
whole() { (cd "$place/whole/$suite" && "$py" -m "$@"); }
# stopped CODE ROWS SIGNAL MODULE WORDS...: in cut/, and it must end with that exit code
stopped() {
  local code=0
  (cd "$place/cut/$suite" && "$py" "$here/stop_after.py" "${@:2}") || code=$?
  [[ $code == "$1" ]] || { echo "exit code $code in place of $1: ${*:2}" >&2; exit 1; }
}
cut() { (cd "$place/cut/$suite" && "$py" -m "$@"); }

make_analog_nmos() {
  small=(--train-limit 24 --test-limit 12 --gamma 3 --delta 0.1 --margin 0.02 --body-tie floating --quiet)
  dense=(analog_nmos.dense_trainer 3 --backend native --epochs 4 --val-split 0.25 --final-test "${small[@]}")
  stopped 143 3 TERM "${dense[@]}" --run-dir stopped
  whole "${dense[@]}" --run-dir stopped
  cut analog_nmos.dense_trainer 4 --backend native --epochs 2 "${small[@]}" --run-dir done
  whole analog_nmos.dense_trainer 4 --backend native --epochs 2 "${small[@]}" --run-dir done
  prune=(analog_nmos.auto_prune_trainer 1 --backend native --epochs 4 --vg-init-lo 0.5 --vg-init-hi 2.5
    --vg-cutoff-epochs 1 --vg-cutoff-ratio 1.2 "${small[@]}")
  stopped 143 3 TERM "${prune[@]}" --run-dir pruned
  whole "${prune[@]}" --run-dir pruned
  xent=(analog_nmos.dense_trainer_cross_entropy 2 --backend native --epochs 3 --train-limit 24 --test-limit 12 --quiet)
  stopped 137 3 KILL "${xent[@]}" --run-dir killed
  whole "${xent[@]}" --run-dir killed
  mean=(analog_nmos.dense_trainer_avgappr 2 --backend native --epochs 3 --train-limit 24 --test-limit 12 --quiet)
  stopped 143 3 TERM "${mean[@]}" --run-dir prototype
  whole "${mean[@]}" --run-dir prototype
  in_both bash -c 'printf "%s\n" "{\"seed\": 5, \"gamma\": 0.3}" "{\"seed\": 6, \"gamma\": 3}" > lanes.jsonl'
  lanes=(analog_nmos.dense_trainer --epochs 4 --train-limit 24 --test-limit 12 --quiet --lanes lanes.jsonl)
  stopped 143 6 TERM "${lanes[@]}" --run-dir lanes
  whole "${lanes[@]}" --run-dir lanes
  spice=(analog_nmos.dense_trainer 7 --epochs 3 --train-limit 4 --test-limit 3 --gamma 3 --quiet)
  stopped 143 3 TERM "${spice[@]}" --run-dir spice
  whole "${spice[@]}" --run-dir spice
  sweep=(analog_nmos.dense_sweep --seed 0,1 --gamma 3 --delta 0.1 --margin 0.02 --body-tie floating --vg fix4,rand1to6
    --train-limit 24 --test-limit 12 --epochs 3 --workers 1 --quiet --sweep-dir sweep)
  cut "${sweep[@]}" --limit 2
  cut "${sweep[@]}" --only 2 --run-timeout 0.001 || true
  stopped 137 3 KILL --sweep sweep 3
  whole "${sweep[@]}"

}
make_aanntwin() {
  model=(--dataset_name digits --threads 1 --model_params_conv_out_channels 2 --model_params_kernel_size 4
    --model_params_stride 4 --model_params_padding 2)
  train=(aanntwin.main "${model[@]}" --count_epoch 3 --quiet --train_params_lr 0.01 --train_params_momentum 0.5
    --training_nonidealities_input_noise 0.1 --training_nonidealities_relu_out_noise 0.1)
  stopped 143 2 TERM "${train[@]}" --run-dir cached
  whole "${train[@]}" --run-dir cached
  stopped 143 2 TERM "${train[@]}" --no_cache --run-dir uncached
  whole "${train[@]}" --no_cache --run-dir uncached
  cut "${train[@]}" --count_epoch 1 --normalize --no_cache --run-dir done
  whole "${train[@]}" --count_epoch 1 --normalize --no_cache --run-dir done
  noise=(aanntwin.scripts.sweep_noise noise.json "${model[@]}" --count_epoch 1 --runs_per_point 2 --workers 1 --quiet)
  cut "${noise[@]}" --limit 2
  whole "${noise[@]}" --limit 4

}
make_psa_resmlp() {
  quick=(psa_resmlp.train --arch "[1*8]" --dataset digits --lr 0.003 --batch-size 16 --threads 1 --stack 2 --quiet)
  trials=("${quick[@]}" --ablation-mode hidden --trials 2 --meta-loops 4)
  stopped 143 4 TERM "${trials[@]}" --run-dir trials --model-dir models
  whole "${trials[@]}" --run-dir trials --model-dir models
  in_both "$py" -m "${quick[@]}" --ablation-mode none --meta-loops 2 --run-dir first --model-dir chain
  chain=("${quick[@]}" --ablation-mode output --meta-loops 3 --run-dir second --model-dir chain)
  stopped 143 1 TERM "${chain[@]}"
  whole "${chain[@]}"
  study=(psa_resmlp.sweep --arch "1*8" --ablation-mode none,hidden --trial 1,2 --dataset digits --lr 0.003
    --batch-size 16 --meta-loops 3 --stack 1 --workers 1 --quiet --sweep-dir study)
  cut "${study[@]}" --limit 2
  stopped 0 2 TERM --sweep study 2
  whole "${study[@]}"

}
make_corruption_study() {
  campaign=(corruption_study.run_experiments --dataset digits --activations relu --repeats 2 --epochs 3 --ps 0 0.5
    --hidden-sizes 8 --max-train-samples 300 --max-workers 1 --stack 1 --quiet --output-dir campaign)
  cut "${campaign[@]}" --limit 2
  stopped 0 2 TERM --sweep campaign 2
  whole "${campaign[@]}"

}
make_magnetoionic() {
  simulation=(magnetoionic.main --task digits --n_models 1 --layers 4 --batch_size 256 --lr 1000 --clipping 0.1
    --resistor_noise 0.015 --threads 1 --quiet)
  stopped 143 2 TERM "${simulation[@]}" --epochs 3 --run-dir stopped
  whole "${simulation[@]}" --epochs 3 --run-dir stopped
  stopped 143 2 TERM "${simulation[@]}" --epochs 3 --field double-linear double-exponential --run-dir two-fields
  whole "${simulation[@]}" --epochs 3 --field double-linear double-exponential --run-dir two-fields
  in_both "$py" -m "${simulation[@]}" --epochs 1 --run-dir done
  for kind in cut whole; do
    "$py" -c 'print("pulses,hall_mV"); [print(f"{n},{5 - 0.1 * n - 0.001 * n * n:.4f}") for n in range(25)]' \
      > "$place/$kind/magnetoionic/device.csv"
  done
  curve=("${simulation[@]}" --epochs 2 --device-curve device.csv --run-dir curve)
  stopped 143 1 TERM "${curve[@]}"
  whole "${curve[@]}"
  rm "$place"/{cut,whole}/magnetoionic/device.csv # a run keeps a copy
  figure=(magnetoionic.sweep --figure 2 --lr 500,1000 --field double-linear,double-exponential --hidden 4 --task digits
    --batch_size 256 --n_models 1 --epochs 2 --workers 1 --quiet --sweep-dir figure)
  cut "${figure[@]}" --limit 2
  stopped 0 1 TERM --sweep figure 2
  whole "${figure[@]}"

}

for suite in "${@:2}"; do
  mkdir -p "$place"/{cut,whole}/"$suite"
  "make_$suite"
  "$py" "$here/tidy.py" "$place" "$suite"
done
