# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Shared by the scripts in this folder, which source it; it is never run by itself.
# It keeps to what bash 3.2 (macOS) understands.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# Some tools turn Ctrl-C into an ordinary failure. The trap ends the script anyway, without a further error line.
trap 'exit 130' INT

say() { printf '== %s\n' "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

usage_error() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

# Exits 0 if the Python that runs it is one of the supported versions, and prints the interpreter itself: not a
# shim, and not the python of an active virtual environment, which setup.sh may be about to replace.
python_probe='
import sys
print(getattr(sys, "_base_executable", sys.executable))
sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12)])
'

# Prints the path of a supported Python. Each candidate is run, because pyenv puts shims of versions on the
# PATH that do not start.
find_python() {
  local candidate found
  if [[ -n ${NONIDEAL_PYTHON:-} ]]; then
    "$NONIDEAL_PYTHON" -c "$python_probe" 2>/dev/null && return
    die "NONIDEAL_PYTHON is '$NONIDEAL_PYTHON', which is not a working Python 3.11 or 3.12; correct or unset it"
  fi
  for candidate in python3.12 python3.11 python3 "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.1[12].*/bin/python3; do
    if found=$("$candidate" -c "$python_probe" 2>/dev/null); then
      printf '%s\n' "$found"
      return
    fi
  done
  die "no Python 3.11 or 3.12 found; install one (from your package manager, or pyenv install 3.12)" \
    "or name it in NONIDEAL_PYTHON"
}

# pip_index PYTHON: prints the address of the index that pip uses by default.
pip_index() {
  "$1" -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)' 2>/dev/null ||
    die "$1 has no pip to ask for the package index; set POETRY_PYPI_MIRROR_URL"
}
