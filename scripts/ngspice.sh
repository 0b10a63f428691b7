# shellcheck shell=bash disable=SC2034,SC2154 # setup.sh, which sources this, shares its variables
# Finding and installing libngspice; setup.sh sources it after lib.sh.

ngspice_folder=$root/.tools/ngspice
ngspice_hint="Debian and Ubuntu: apt-get install libngspice0, Fedora: dnf install libngspice,"
ngspice_hint+=" macOS: brew install libngspice"

# load_ngspice LIBRARY: loads it as the Python code does; prints what had to be loaded first.
load_ngspice() {
  case $1 in
    "$root"/.tools/*) "$root/.venv/bin/python" "$root/scripts/load_ngspice.py" "$1" --folder "${2:-$ngspice_folder}" ;;
    *) "$root/.venv/bin/python" "$root/scripts/load_ngspice.py" "$1" ;;
  esac
}

# The places where the Python code looks, in its order ($NGSPICE_LIBRARY_PATH, which comes first, is find_ngspice's).
ngspice_candidates() {
  local folder
  find "$ngspice_folder" -name 'libngspice.so*' 2>/dev/null | sort
  [[ $private_ngspice == no ]] || return 0
  # ldconfig lives in /sbin, which is not on everybody's PATH.
  PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | sed -n 's/.*libngspice\.so.* => //p' || true
  for folder in "${CONDA_PREFIX:-/nonexistent}" "${HOMEBREW_PREFIX:-/opt/homebrew}" /usr/local; do
    find "$folder/lib" -maxdepth 1 \( -name 'libngspice.so*' -o -name 'libngspice*.dylib' \) 2>/dev/null | sort
  done
}

# Prints the library's path; returns 1 if there is none that loads.
find_ngspice() {
  local candidate reason
  if [[ -n ${NGSPICE_LIBRARY_PATH:-} ]]; then
    reason=$(load_ngspice "$NGSPICE_LIBRARY_PATH" 2>&1 >/dev/null) ||
      die "NGSPICE_LIBRARY_PATH names no usable library: ${reason#error: }; correct or unset it"
    printf '%s\n' "$NGSPICE_LIBRARY_PATH"
    return
  fi
  while IFS= read -r candidate; do
    if load_ngspice "$candidate" >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done < <(ngspice_candidates)
  return 1
}

has() { command -v "$1" >/dev/null; }

can_be_root() { [[ $(id -u) == 0 ]] || { has sudo && sudo -n true 2>/dev/null; }; }

as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi; }

install_ngspice() {
  if has apt-get && [[ $private_ngspice == no ]] && can_be_root; then
    say "libngspice: installing the package libngspice0"
    # A broken third-party source makes update fail; whether it matters, install tells.
    as_root apt-get -qq update || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install libngspice0 \
      >/dev/null
  elif has apt-get; then
    unpack_ngspice
  elif has dnf && can_be_root; then
    say "libngspice: installing the package libngspice" # untested
    as_root dnf -q -y install libngspice
  elif has brew; then
    say "libngspice: installing the formula libngspice" # untested
    brew install --quiet libngspice
  else
    return 1
  fi
}

# Without root: Debian's package, and those packages it needs that are not installed, unpacked into .tools/ngspice.
# The loader does not search there, so preload.txt lists what to load first, in order, relative to that folder.
unpack_ngspice() {
  local library package
  say "libngspice: unpacking the package libngspice0 into .tools/ngspice (no root needed)"
  has dpkg-deb || return 1
  work=$(mktemp -d "$root/.tools/unpack.XXXXXX") || return 1 # not local: the trap outlives this function
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/debs" "$work/tree" "$work/lists/partial" "$work/cache/archives/partial"

  download_debs "$work/debs" -o Dir::Cache="$work/cache" 2>/dev/null ||
    download_debs_with_own_lists "$work" || return 1
  for package in "$work"/debs/*.deb; do
    dpkg-deb -x "$package" "$work/tree" || return 1
  done
  library=$(find "$work/tree" -name 'libngspice.so*' | sort | head -n 1)
  load_ngspice "$library" "$work/tree" >"$work/preload.txt" || return 1
  mv "$work/preload.txt" "$work/tree/"
  # Only a tree that loads takes the place, in one move, so an interrupted setup leaves nothing half-done there.
  rm -rf "$ngspice_folder"
  mv "$work/tree" "$ngspice_folder"
}

# Container images come without apt's package lists, and only root may fetch them to their usual place.
download_debs_with_own_lists() {
  say "libngspice: fetching package lists"
  local options=(-o Dir::State::Lists="$1/lists" -o Dir::Cache="$1/cache")
  apt-get -qq "${options[@]}" update || true
  download_debs "$1/debs" "${options[@]}"
}

# download_debs FOLDER [apt-get option...]
download_debs() {
  local folder=$1 packages
  shift
  # "Inst NAME (VERSION ..." is a new package, "Inst NAME [OLD] (NEW ..." an upgrade, which is not ours to make.
  packages=$(apt-get "$@" -qq --simulate --no-install-recommends install libngspice0 |
    awk 'BEGIN { print "libngspice0" } $1 == "Inst" && $3 !~ /^\[/ { print $2 }' | sort -u) || return 1
  # shellcheck disable=SC2086 # one word per package
  (cd "$folder" && apt-get "$@" -qq download $packages)
}
