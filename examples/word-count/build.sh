#!/usr/bin/env bash
# Rebuilds build/words.wasm. Needs Debian's clang, lld, wasi-libc and libclang-rt-dev-wasm32 (clang 14 gives the committed bytes).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${1:-build/words.wasm}
clang --target=wasm32-wasi -O2 -std=gnu11 -Wall -Wextra -Werror -Wl,--strip-all -o "$out" words.c
