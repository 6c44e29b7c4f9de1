#!/usr/bin/env bash
# clang-tidy-19 with the checks of .clang-tidy. It takes seconds per file, so it runs on a choice:
#   changed   files that differ from the merge base with main, or are not committed (the default)
#   cores     the pure cores, where every byte from outside is judged; what CI runs
#   all       everything, and with the path-sensitive clang-analyzer checks, which take three times
#             as long as all others together
# Headers are checked through the files that include them.
set -euo pipefail
cd "$(dirname "$0")/.."
choice=${1:-changed}
jobs=${2:-$(nproc)}

checks=-clang-analyzer-*
case "$choice" in
  changed)
    base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null ||
      git rev-list --max-parents=0 HEAD | tail -n 1)
    mapfile -t files < <({
      git diff --name-only --diff-filter=d "$base" -- '*.cc'
      git ls-files --others --exclude-standard -- '*.cc'
    } | sort -u)
    ;;
  cores)
    mapfile -t cores < <(PYTHONPATH=tools python3 -B -c \
      'from structure.rules import PURE; print(*PURE, sep="\n")')
    mapfile -t files < <(git ls-files -- "${cores[@]/%//*.cc}" | grep -v '_test\.cc$')
    ;;
  all)
    checks=
    mapfile -t files < <(git ls-files -- '*.cc')
    ;;
  *) echo "usage: tools/tidy.sh [changed|cores|all] [jobs]" >&2; exit 1 ;;
esac
# The compile commands know no fuzz targets, and the precompiled header is no source.
mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -vE '^(fuzz|cmake)/|^$' || true)
[ ${#files[@]} -gt 0 ] || { echo "tidy: no files ($choice)"; exit 0; }

cmake --preset lint >/dev/null
echo "tidy: ${#files[@]} files ($choice), $jobs at a time"
begin=$SECONDS
# What clang-tidy says about system headers goes to stderr; kept, in case it fails altogether.
log=build/lint/tidy.log
if printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$jobs" \
  clang-tidy-19 -p build/lint --quiet --checks="$checks" 2>"$log"; then
  echo "tidy: no findings ($((SECONDS - begin)) s)"
else
  grep -v 'warnings generated\|^Suppressed\|^\[' "$log" >&2 || true
  echo "tidy: findings above ($((SECONDS - begin)) s)" >&2
  exit 1
fi
