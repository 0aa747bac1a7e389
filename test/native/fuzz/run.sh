#!/bin/sh
# Fuzzes the runner's frame reader with libFuzzer for so many seconds (60 unless said otherwise). New inputs go to a scratch
# folder; copy those worth keeping to corpus/.
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-$(command -v clang || true)}
if [ -z "$clang" ]; then
  echo 'libFuzzer comes with clang: apt-get install clang (or set CLANG)' >&2
  exit 1
fi
found=$(mktemp -d)
"$clang" -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$found/fuzz" frames_fuzz.c ../../../native/runner/frames.c ../../../native/runner/area.c
mkdir "$found/new"
exec "$found/fuzz" -max_total_time="${1:-60}" -max_len=65536 -malloc_limit_mb=2048 -rss_limit_mb=4096 "$found/new" corpus
