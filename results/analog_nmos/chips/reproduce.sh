#!/usr/bin/env bash
# Trains and deploys everything of this page anew on the native solver, each into a folder under the one that is named
# (default results/analog_nmos/chips/runs), prints the tables, and replaces the plots of this folder. Some ten minutes on
# two cores where kernels are compiled; sweeps go on where they were stopped.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
runs=${1:-$here/runs}
mkdir -p "$runs"
cd "$runs"
bin=$root/.venv/bin

# train FOLDER TASK OPTION...: unless it is done
train() {
  local folder=$1
  shift
  [ -f "$folder/metrics.csv" ] && grep -q '"status": "done"' "$folder/run_meta.json" && return
  rm -rf "$folder"
  "$bin/nmos-train" "$@" --run-dir "$folder" --quiet --no-plots
}

echo "== mismatch at inference"
train clean digits-pairs
"$bin/nmos-deploy" clean --epoch last --draw-chips 5 --scales 0.2,0.5,1,2,5,10,20,30,40,50 --without-kp \
  --out mismatch --force

echo "== read noise, retrained"
"$bin/nmos-train-sweep" digits-pairs --grid read-noise --sweep-dir read_noise --no-plots --quiet
"$bin/nonideal" table read_noise --value final_val_acc --by read_noise --plot-dir read_noise/plots

echo "== body and gate source"
"$bin/nmos-train-sweep" digits-pairs --grid devices --sweep-dir devices --no-plots --quiet
"$bin/nonideal" table devices --value final_val_acc --x body_tie --y gate_ref --plot-dir devices/plots

echo "== trained here, deployed there: chips with 300 mV and 15 percent"
for seed in 0 1 2; do
  "$bin/nmos-chip" draw --topology clean/topology.npz --vto-sigma 0.3 --kp-sigma 0.15 --seed "$seed" --out "chip_$seed.npz" \
    --force > /dev/null
  train "on_chip_$seed" digits-pairs --chip "chip_$seed.npz"
done
"$bin/nmos-deploy" clean on_chip_0 on_chip_1 on_chip_2 --epoch last --chips chip_0.npz chip_1.npz chip_2.npz \
  --out matrix --force

echo "== trained on the chip from the deployed gates: chips with 500 mV and 25 percent"
"$bin/nmos-deploy" clean --epoch last --draw-chips 5 --vto-sigma 0.5 --kp-sigma 0.25 --repair-epochs 10 \
  --repair-gamma 0.1 --out repair --force

echo "== a tenth of the transistors breaks"
for kind in open on frozen; do
  train "damage_$kind" digits 1 --epochs 40 --damage-share 0.1 --damage-epoch 20 --damage-kind "$kind"
  "$bin/nmos-figures" "damage_$kind" --only recovery --out "damage_$kind/figures" --quiet
  cat "damage_$kind/0_damage.json"
done

echo "== what each task stands"
train xor xor 3
train regression regression --epochs 2000
train ionosphere ionosphere
for run in clean regression ionosphere; do "$bin/nmos-spec" "$run" --format markdown --force; done
"$bin/nmos-spec" xor --epoch last --format markdown --force

cp mismatch/scales.png "$here/mismatch.png"
cp read_noise/plots/final_val_acc_by_axis.png "$here/read_noise.png"
cp devices/plots/final_val_acc_gate_ref_over_body_tie.png "$here/devices.png"
cp matrix/matrix.png "$here/matrix.png"
cp repair/repair.png "$here/repair.png"
cp damage_on/figures/*recovery*.png "$here/recovery_on.png"
cp clean/spec/spec.png "$here/spec.png"
