# Sourced by the scripts of this folder and of tools/: where the build cache is, and how Bazel is called.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Outside the checkout, so that a second clone builds from it. Bazel does not prune it; it may be deleted at any time.
cache=${NUNCIO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nuncio}
mkdir -p "$cache/disk"

# bazel COMMAND [ARGUMENTS]: with the cache, and output fit for a log where no terminal is there.
run_bazel() {
  local command=$1
  shift
  local options=(--disk_cache="$cache/disk")
  if [[ ! -t 2 ]]; then options+=(--noshow_progress --color=no --curses=no); fi
  (cd "$repository" && bazel "$command" "${options[@]}" "$@")
}
