#!/usr/bin/env bash
# Installs what the project needs and is not there yet; see usage below.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/ngspice.sh
source "$root/scripts/ngspice.sh"

# Pinned: the lock file is this Poetry's, and the plugin reaches into Poetry's inside.
poetry_requirement=poetry==2.5.1
mirror_plugin_requirement=poetry-plugin-pypi-mirror==0.6.5

usage() {
  cat <<'EOF'
usage: bash scripts/setup.sh [--without-torch] [--private-ngspice] [--help]

Installs what is missing: Poetry into .tools/poetry, the locked packages into .venv, and libngspice. Takes a moment
when everything is there. If it was interrupted or failed, run it again.

  --without-torch    leave out torch, torchvision (5.9 GB) and the development tools: enough for the demo
  --private-ngspice  unpack libngspice into .tools/ngspice, whether or not the system has one (Debian and Ubuntu)
  --help             show this text

environment:
  NONIDEAL_PYTHON          the Python to use, 3.11 or 3.12 (default: the first of python3.12, python3.11, python3
                           that is one of these, then pyenv's)
  NGSPICE_LIBRARY_PATH     the libngspice to use
  POETRY_PYPI_MIRROR_URL   index that Poetry uses in place of its default one
EOF
}

# ensure_poetry PYTHON
ensure_poetry() {
  local tool=$root/.tools/poetry complete=yes requirement output
  local required=("$poetry_requirement")
  [[ -z ${POETRY_PYPI_MIRROR_URL:-} ]] || required+=("$mirror_plugin_requirement")
  for requirement in "${required[@]}"; do
    grep -qxF "$requirement" "$tool/installed.txt" 2>/dev/null || complete=no
  done
  if "$tool/bin/python" -m pip --version >/dev/null 2>&1; then
    [[ $complete == no ]] || return 0
  else
    "$1" -c 'import ensurepip' 2>/dev/null || die "$1 cannot make virtual environments: apt-get install python3-venv"
    output=$("$1" -m venv --clear "$tool" 2>&1) || die "cannot make the virtual environment $tool: ${output##*$'\n'}"
  fi
  say "Poetry: installing into .tools/poetry"
  "$tool/bin/python" -m pip install -qq --disable-pip-version-check "${required[@]}" ||
    die "cannot install Poetry; check the network, or pip's settings, and run setup again"
  printf '%s\n' "${required[@]}" >"$tool/installed.txt"
}

# Poetry installs into an active environment if there is one, so it must not see any.
run_poetry() {
  env -u VIRTUAL_ENV -u CONDA_PREFIX -u CONDA_DEFAULT_ENV POETRY_VIRTUALENVS_CREATE=true \
    POETRY_VIRTUALENVS_IN_PROJECT=true "$root/.tools/poetry/bin/python" -m poetry --no-interaction "$@"
}

# install_packages PYTHON [option of poetry install...]; compiled once, as torch alone takes seconds at every start
install_packages() {
  local python=$1 failed="poetry install failed, for the reason above; mend that and run setup again"
  shift
  run_poetry install --compile "$@" && return
  [[ -z ${POETRY_PYPI_MIRROR_URL:-} ]] || die "$failed"
  # Poetry asks its default index in a way of its own, which mirrors and proxies may not know.
  say "packages: trying once more, with the index as pip reads it"
  POETRY_PYPI_MIRROR_URL=$(pip_index "$root/.tools/poetry/bin/python")
  export POETRY_PYPI_MIRROR_URL
  ensure_poetry "$python"
  run_poetry install --compile "$@" || die "$failed"
}

# Prints a hash of all that decides which packages belong into .venv; fails if .venv's Python is broken or unsupported.
fingerprint() {
  "$root/.venv/bin/python" -c '
import hashlib, sys
if sys.version_info[:2] not in [(3, 11), (3, 12)]:
    sys.exit(1)
content = b"".join(open(name, "rb").read() for name in ["pyproject.toml", "poetry.lock"])
print(hashlib.sha256(content + sys.version.encode()).hexdigest())
' 2>/dev/null
}

# The stamp says what was installed last, in three lines: fingerprint, folder, selection.
ensure_packages() {
  local stamp=$root/.venv/nonideal-setup.txt python current
  [[ -f pyproject.toml && -f poetry.lock ]] || die "pyproject.toml or poetry.lock is missing in $root; restore it"
  current=$(fingerprint) || current=broken
  case $(cat "$stamp" 2>/dev/null) in
    "$current"$'\n'"$root"$'\n'full | "$current"$'\n'"$root"$'\n'"$selection") return ;;
  esac

  python=$(find_python)
  ensure_poetry "$python"
  # Scripts in an environment begin with its absolute path, so one that was moved or copied is of no use.
  if [[ -e $root/.venv ]] && { [[ $current == broken ]] || [[ -f $stamp && $(sed -n 2p "$stamp") != "$root" ]]; }; then
    say "packages: .venv is broken or was made for another folder; making it anew"
    rm -rf "$root/.venv"
  fi
  rm -f "$stamp"
  [[ -e $root/.venv ]] || run_poetry env use --quiet "$python" || die "Poetry cannot make .venv with $python"
  say "packages: installing into .venv ($selection)"
  if [[ $selection == full ]]; then
    install_packages "$python"
  else
    install_packages "$python" --without torch,dev
  fi
  printf '%s\n%s\n%s\n' "$(fingerprint)" "$root" "$selection" >"$stamp"
}

# Poetry compiles the packages, but not this folder; without bytecode every first start takes a second longer, and
# every start where Python writes none. A folder that cannot be written does no harm.
compile_sources() {
  "$root/.venv/bin/python" -m compileall -qq common device_models analog_nmos aanntwin psa_resmlp corruption_study \
    magnetoionic || say "bytecode: some could not be written; commands start a second later"
}

ensure_ngspice() {
  local library
  if ! library=$(find_ngspice); then
    [[ -z ${NGSPICE_LIBRARY_PATH:-} ]] || exit 1 # find_ngspice has said why
    install_ngspice || die "cannot install libngspice; install it ($ngspice_hint) or set NGSPICE_LIBRARY_PATH"
    library=$(find_ngspice) || die "libngspice was installed but does not load; install it anew ($ngspice_hint)"
  fi
  say "libngspice: $library"
}

selection=full
private_ngspice=no
while (($#)); do
  case $1 in
    --without-torch) selection='without-torch' ;;
    --private-ngspice) private_ngspice=yes ;;
    -h | --help)
      usage
      exit
      ;;
    *) usage_error "unknown option '$1'; allowed are --without-torch, --private-ngspice and --help" ;;
  esac
  shift
done

cd "$root"
mkdir -p .tools
# Two setups at once would spoil each other's work. macOS has no flock and goes without.
if has flock; then
  exec 9>.tools/setup.lock
  flock -n 9 || { say "waiting for another setup to finish" && flock 9; }
fi
ensure_packages
compile_sources
ensure_ngspice
say "setup: complete ($selection)"
