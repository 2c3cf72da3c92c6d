#!/usr/bin/env bash
# Runs one integration test program: run_python.sh SCRIPT NUNCIO [NUNCIO_CONTROL NUNCIOCTL], all binaries. Bazel's
# Python rules would want an interpreter toolchain. Debian's Python, since some tests use packages of its.
set -euo pipefail
script=$1
NUNCIO=$(realpath "$2")
export NUNCIO
if (($# > 2)); then
  NUNCIO_CONTROL=$(realpath "$3")
  NUNCIOCTL=$(realpath "$4")
  export NUNCIO_CONTROL NUNCIOCTL
fi
exec /usr/bin/python3 -B -W ignore::ResourceWarning "$script" -v
