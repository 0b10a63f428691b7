#!/usr/bin/env bash
# The first program of a job's container, beside code.tar.gz in <root>/input/data/code, where root is /opt/ml. Installs
# what the image lacks and is then replaced by the training (exec), so that signals reach the training directly.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)

# SageMaker shows the beginning of output/failure as the reason why a job failed.
fail() {
  mkdir -p "$root/output"
  printf '%s\n' "$*" >"$root/output/failure"
  printf 'error: %s\n' "$*" >&2
  exit 1
}

python=$(command -v python || command -v python3) || fail "the image has no Python; set TRAINING_IMAGE to one with Python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "the image's Python is $("$python" -V 2>&1), and 3.11 or newer is needed; set TRAINING_IMAGE to another image"
"$python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)' ||
  fail "the image has no torch; set TRAINING_IMAGE to one with torch"
code=$(mktemp -d)/nonideal # a fixed name, as the cache of compiled kernels depends on it
mkdir "$code"
tar -xzf "$here/code.tar.gz" -C "$code" || fail "code.tar.gz is damaged; remove it from the bucket and start again"
"$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore -r "$code/requirements.txt" ||
  fail "pip could not install $(tr '\n' ' ' <"$code/requirements.txt"); see the log, or use an image that has them"

# Spot machines stop two minutes after a notice; the running meta-loop may use most of that.
export NONIDEAL_GRACE_S=${NONIDEAL_GRACE_S:-90} PYTHONUNBUFFERED=1
export PYTHONPATH=$code${PYTHONPATH:+:$PYTHONPATH}
exec "$python" -m psa_resmlp.sagemaker.entry --root "$root"
