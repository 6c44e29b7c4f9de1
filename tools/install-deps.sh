#!/usr/bin/env bash
# Installs what Grey needs from Debian 12, by package name. Quick and silent about the network when
# everything is there already; safe to run again.
#
#   tools/install-deps.sh                 what `make test` and `make demo` need (groups build, test)
#   tools/install-deps.sh build lint      only these groups
#   tools/install-deps.sh --list [group]  print the names and do nothing
#
# Groups: build (compilers and libraries), test (test libraries, model checker), lint (formatter and
# static checks), fuzz (clang with libFuzzer and sanitizers), all.
set -euo pipefail

declare -A groups=(
  [build]="g++ cmake ninja-build ccache git make python3 pkg-config
    liburing-dev libboost1.81-dev liblz4-dev zlib1g-dev libisal-dev libssl-dev libxxhash-dev
    librocksdb-dev libsnappy-dev libzstd-dev libbz2-dev libgflags-dev
    libyaml-cpp-dev libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev"
  [test]="libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev spin"
  [lint]="clang-19 clang-format-19 clang-tidy-19"
  [fuzz]="clang-19 libclang-rt-19-dev llvm-19"
)
order=(build test lint fuzz)

die() { echo "install-deps: $*" >&2; exit 1; }

list_only=false
chosen=()
for argument in "$@"; do
  case "$argument" in
    --list) list_only=true ;;
    -h | --help) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "$0"; exit 0 ;;
    all) chosen=("${order[@]}") ;;
    *)
      [ -n "${groups[$argument]:-}" ] || die "no group '$argument' (there are: ${order[*]} all)"
      chosen+=("$argument")
      ;;
  esac
done
[ ${#chosen[@]} -gt 0 ] || chosen=(build test)

wanted=()
for group in "${chosen[@]}"; do
  read -r -a names -d '' <<<"${groups[$group]}" || true
  wanted+=("${names[@]}")
done
mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)

if $list_only; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi

command -v dpkg-query >/dev/null ||
  die "this is no Debian system. Install the equivalents of: ${wanted[*]}"

# One query for all; a package that dpkg has never heard of is only named on stderr.
mapfile -t missing < <(comm -23 \
  <(printf '%s\n' "${wanted[@]}") \
  <(dpkg-query -W -f '${binary:Package} ${db:Status-Abbrev}\n' "${wanted[@]}" 2>/dev/null |
    awk '$2 == "ii" { sub(/:.*/, "", $1); print $1 }' | sort -u))
[ ${#missing[@]} -gt 0 ] || exit 0

echo "install-deps: installing ${#missing[@]} packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    die "needs root (and there is no sudo). As root, run: apt-get install ${missing[*]}"
  as_root=(sudo)
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
"${apt[@]}" update ||
  die "apt-get update failed: is there a network, and are the sources Debian 12 (bookworm)?"
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
  die "apt-get could not install them. The names are those of Debian 12 (bookworm); this is \
$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-unknown}")."
