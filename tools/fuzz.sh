#!/usr/bin/env bash
# Runs every fuzz target (*_fuzz) in a build folder for a number of seconds each. Seeds come from
# fuzz/corpus/<target> where it exists; what libFuzzer adds stays in the build folder, so that the
# next run goes on from there. A finding is kept as build/fuzz/fuzz/<target>.finding-* and fails.
set -euo pipefail
folder=${1:?usage: tools/fuzz.sh FOLDER SECONDS JOBS}
seconds=${2:?}
jobs=${3:-1}
cd "$(dirname "$0")/.."

run_one() {
  local program=$1 seconds=$2 name work seeds
  name=$(basename "$program")
  work=$(dirname "$program")/corpus-$name
  seeds=fuzz/corpus/$name
  mkdir -p "$work"
  local log=$program.log
  local corpora=("$work")
  [ ! -d "$seeds" ] || corpora+=("$seeds")
  if "$program" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$program.finding-" "${corpora[@]}" >"$log" 2>&1; then
    echo "fuzz: $name: no finding; $(grep -oE 'number_of_executed_units: *[0-9]+' "$log" |
      grep -oE '[0-9]+$') executions in $seconds s"
  else
    echo "fuzz: $name: FINDING, see $log" >&2
    tail -n 30 "$log" >&2
    return 1
  fi
}
export -f run_one

mapfile -t programs < <(find "$folder" -maxdepth 1 -name '*_fuzz' -type f -executable | sort)
[ ${#programs[@]} -gt 0 ] || { echo "fuzz: no *_fuzz program in $folder" >&2; exit 1; }
echo "fuzz: ${#programs[@]} targets, $seconds s each, $jobs at a time"
printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'run_one "$0" '"$seconds"
