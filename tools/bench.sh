#!/usr/bin/env bash
# Runs every benchmark program (*_bench) in a build folder; stops at the first that fails.
set -euo pipefail
folder=${1:?usage: tools/bench.sh FOLDER [google-benchmark flags]}
shift
found=0
for program in "$folder"/*_bench; do
  [ -x "$program" ] || continue
  found=$((found + 1))
  echo "== $(basename "$program")"
  "$program" "$@"
done
[ "$found" -gt 0 ] || { echo "bench: no *_bench program in $folder" >&2; exit 1; }
