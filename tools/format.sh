#!/usr/bin/env bash
# clang-format over every C++ file that git knows: `format` rewrites, `format-check` only looks and
# fails on the first difference.
set -euo pipefail
cd "$(dirname "$0")/.."
sources() { git ls-files -z --cached --others --exclude-standard -- '*.cc' '*.h'; }
case "${1:-}" in
  format) sources | xargs -0 -r clang-format-19 -i ;;
  format-check)
    sources | xargs -0 -r clang-format-19 --dry-run --Werror || {
      echo "format-check: run 'make format'" >&2
      exit 1
    }
    ;;
  *) echo "usage: tools/format.sh format|format-check" >&2; exit 1 ;;
esac
