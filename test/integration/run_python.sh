#!/usr/bin/env bash
# Runs one integration test program: run_python.sh SCRIPT NUNCIO_BINARY. Bazel's Python rules would want an interpreter
# toolchain; the tests need nothing but the standard library.
set -euo pipefail
script=$1
NUNCIO=$(realpath "$2")
export NUNCIO
exec python3 -B -W ignore::ResourceWarning "$script" -v
