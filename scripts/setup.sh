#!/bin/sh
# Make .venv hold what pyproject.toml and uv.lock ask for. Quick when it does already.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.installed
wanted=$(cat pyproject.toml uv.lock scripts/requirements.py | cksum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
    "$@" >"$log" 2>&1 </dev/null && return
    tail -n 15 "$log" >&2
    echo "thawpool: setting up .venv failed at \`$*\`: see the lines above, mend their cause and try again." >&2
    exit 1
}

# A virtual environment whose Python has been removed cannot be mended.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(scripts/find_python.sh) || exit 1
    echo "making .venv with $python"
    run "$python" -m venv --clear .venv
fi
echo "installing what uv.lock names into .venv (a minute when it is new)"
run .venv/bin/python scripts/requirements.py .venv
run .venv/bin/python -m pip install --disable-pip-version-check -e . \
    -r .venv/requirements.txt -c .venv/constraints.txt
echo "$wanted" >"$stamp"
