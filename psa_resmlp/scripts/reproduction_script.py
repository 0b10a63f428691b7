"""The text of run_reproduction.sh: trains one folder after another, skips what is done, and stops on signals."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from common.plugins import label
from psa_resmlp.study.architectures import Architecture
from psa_resmlp.study.modes import MODE_NAMES

_HEAD = r"""#!/usr/bin/env bash
# Trains every architecture in every mode, one after another, into $models/DxW_mode/. Start it again after a stop or a
# failure: what is done is skipped, and what was begun goes on. Ctrl-C and SIGTERM end the training in progress cleanly.
#   PSA_TRAIN="python -m psa_resmlp.train" ./run_reproduction.sh      another way to start the trainer
set -um # m: the trainer gets a separate process group, so that signals reach it once, from this script

models=@models@
loops=@loops@
trials=@trials@
options=(@options@)
if [[ -n ${PSA_TRAIN:-} ]]; then
  read -r -a train <<<"$PSA_TRAIN"
elif command -v psa-train >/dev/null; then
  train=(psa-train)
else
  train=(@fallback@)
fi

child=
stop=0
failed=()
done_now=0
skipped=0

forward() { # signal, exit code
  stop=$2
  if [[ -n $child ]]; then kill -s "$1" -- "$child" 2>/dev/null; fi
}
trap 'forward INT 130' INT
trap 'forward TERM 143' TERM
trap 'forward USR1 138' USR1

# Runs a command to its end in the background, as bash keeps signals waiting while a command is in the foreground.
watch() {
  local code
  "$@" </dev/null &
  child=$!
  if ((stop)); then kill -s TERM -- "$child" 2>/dev/null; fi # asked for while the trainer was being started
  wait "$child"
  code=$?
  while kill -0 "$child" 2>/dev/null; do # a signal has ended the wait and not the command
    wait "$child"
    code=$?
  done
  child=
  return "$code"
}

leave() { # exit code, reason
  echo "stopped ($2): $done_now trained, $skipped done before; start again to go on" >&2
  exit "$1"
}

one() { # architecture, mode, folder
  local folder=$models/$3
  local marker=$folder/reproduced-${loops}x$trials.done
  if ((stop)); then leave "$stop" signal; fi
  if [[ -f $marker && -n $(find "$folder" -name '*.safetensors' -print -quit) ]]; then
    skipped=$((skipped + 1))
    return
  fi
  echo "$3: $1 $2"
  mkdir -p -- "$folder" || leave 1 "cannot make $folder"
  watch "${train[@]}" --arch "$1" --ablation-mode "$2" --model-dir "$folder/" --trials "$trials" \
    --meta-loops "$loops" --until-loop "$loops" ${options[@]+"${options[@]}"}
  local code=$?
  if ((stop)); then leave "$stop" signal; fi
  if ((code == 2 || code == 126 || code == 127)); then
    leave "$code" "$3: psa-train could not start, see above"
  elif ((code > 128)); then
    leave "$code" "$3: the trainer was ended by a signal"
  elif ((code != 0)); then
    echo "$3: failed with exit code $code" >&2
    failed+=("$3")
  else
    : >"$marker" || leave 1 "cannot write $marker"
    done_now=$((done_now + 1))
  fi
}

"""

_TAIL = r"""
echo "$done_now trained, $skipped done before, ${#failed[@]} failed${failed[*]+: ${failed[*]}}"
((${#failed[@]} == 0))
"""


def script(
    architectures: Sequence[Architecture],
    *,
    models: str,
    loops: int,
    trials: int,
    options: Sequence[str],
    fallback: Sequence[str],
    modes: Sequence[str] = MODE_NAMES,
) -> str:
    """The whole bash script.

    Args:
        architectures, modes: trained in this order, modes innermost.
        models: folder for the folders DxW_mode.
        loops: meta-loops of every training in all.
        trials: replicas of every training.
        options: further arguments of psa-train.
        fallback: command to start the trainer where psa-train is not on the path.
    """
    words = {
        "models": shlex.quote(models),
        "loops": str(loops),
        "trials": str(trials),
        "options": shlex.join(options),
        "fallback": shlex.join(fallback),
    }
    head = re.sub(r"@(\w+)@", lambda place: words[place[1]], _HEAD)
    lines = [
        f"one {shlex.quote(str(architecture))} {mode} {architecture.folder}_{label(mode)}"
        for architecture in architectures
        for mode in modes
    ]
    return head + "\n".join(lines) + "\n" + _TAIL


def commands(
    architectures: Sequence[Architecture],
    *,
    models: str,
    loops: int,
    trials: int,
    options: Sequence[str],
    modes: Sequence[str] = MODE_NAMES,
) -> list[str]:
    """The trainings as single commands to copy, with a comment before each architecture."""
    lines = []
    for architecture in architectures:
        lines.append(f"# {architecture}: {architecture.folder}")
        for mode in modes:
            folder = f"{models.rstrip('/')}/{architecture.folder}_{label(mode)}/"
            words = ["--arch", str(architecture), "--ablation-mode", mode, "--model-dir", folder]
            words += ["--trials", str(trials)] * (trials > 1)
            words += ["--meta-loops", str(loops), "--until-loop", str(loops), *options]
            lines.append(shlex.join(["psa-train", *words]))
    return lines
