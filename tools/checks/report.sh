#!/usr/bin/env bash
# Opens a report in headless chromium: it must draw its charts, log no error, and ask the network for nothing.
#
#     tools/checks/report.sh report.html [screenshots-folder]
#
# Needs chromium (Debian: apt-get install chromium). With a folder, leaves pictures there: light, dark, and as on a phone.
set -euo pipefail
report=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
open() {
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/profile" \
        --hide-scrollbars "$@" "file://$report"
}

open --enable-logging=stderr --v=0 --dump-dom >"$work/dom.html" 2>"$work/log"
charts=$(grep -o '<svg ' "$work/dom.html" | wc -l)
lines=$(grep -o '<polyline ' "$work/dom.html" | wc -l)
[ "$charts" -eq 11 ] || { echo "$charts charts, 11 are due"; exit 1; }
[ "$lines" -ge 11 ] || { echo "$lines lines, at least 11 are due"; exit 1; }
if grep -E 'NaN|undefined|\binf\b' "$work/dom.html" >/dev/null; then echo "something that is no number is shown"; exit 1; fi
if grep -E 'CONSOLE|Uncaught|ERR_' "$work/log"; then echo "the browser complains"; exit 1; fi
# Links and images would be fetched from elsewhere; a style sheet or a script of its own would, too.
if grep -E '(src|href)="[^"d]|@import|url\(|https?://' "$report" >/dev/null; then echo "it refers to something outside"; exit 1; fi
echo "$charts charts, $lines lines, nothing wrong"

if [ $# -gt 1 ]; then
    mkdir -p "$2"
    open --window-size=1200,3400 --screenshot="$2/light.png" 2>/dev/null
    open --window-size=1200,3400 --force-dark-mode --blink-settings=preferredColorScheme=0 --screenshot="$2/dark.png" 2>/dev/null
    open --window-size=500,7000 --screenshot="$2/phone.png" 2>/dev/null
fi
