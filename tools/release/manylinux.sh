#!/usr/bin/env bash
# A binary that runs on every Linux of the last ten years (glibc 2.17 and later, as manylinux2014 asks): zig links against
# that version's symbols, whatever this machine has. Needs Rust and Python 3; what else it needs comes from PyPI and crates.io.
#
#     tools/release/manylinux.sh [x86_64|aarch64]     writes target/<arch>-unknown-linux-gnu/dist/skimmer
set -euo pipefail
cd "$(dirname "$0")/../.."
arch=${1:-$(uname -m)}
glibc=2.17
tools=target/release-tools
python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check ziglang==0.15.2 cargo-zigbuild==0.24.1
rustup target add "$arch-unknown-linux-gnu" 2>/dev/null || true
PATH="$PWD/$tools/bin:$PATH" cargo zigbuild --locked --profile dist --bin skimmer --target "$arch-unknown-linux-gnu.$glibc"
binary=target/$arch-unknown-linux-gnu/dist/skimmer
newest=$(objdump -T "$binary" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -1)
echo "$binary: $(stat -c %s "$binary") bytes, newest symbol version $newest"
[ "$(printf '%s\n' "GLIBC_$glibc" "$newest" | sort -V | tail -1)" = "GLIBC_$glibc" ]
