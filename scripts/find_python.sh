#!/bin/sh
# Print the newest Python >= 3.11 of this machine that can make a virtual environment.
# If there is none, say in one sentence what to install.
set -u

candidates() {
    (
        IFS=:
        for folder in $PATH; do
            for python in "$folder"/python3.[0-9]* "$folder"/python3; do echo "$python"; done
        done
    )
    for python in "$HOME"/.pyenv/versions/*/bin/python3 \
        "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}"/*/bin/python3; do
        echo "$python"
    done
}

# "MINOR PATCH yes PATH" for one that is good, "MINOR PATCH no PATH" for one without venv. A pre-release has
# no wheels yet; a shim that leads nowhere prints nothing.
describe='
import sys
try:
    import ctypes, ensurepip, ssl, venv
    whole = "yes"
except ImportError:
    whole = "no"
v = sys.version_info
if v.major == 3 and v.releaselevel == "final" and sys.implementation.name == "cpython":
    print(v.minor, v.micro, whole, sys.executable)
'

found=$(candidates | while read -r python; do
    case $python in *-config) continue ;; esac
    [ -x "$python" ] && "$python" -c "$describe" 2>/dev/null </dev/null
done | sort -u -k1,1nr -k2,2nr -k3,3r)

newest=$(echo "$found" | awk '$1 >= 11 && $3 == "yes"' | head -n 1 | cut -d' ' -f4-)
if [ -n "$newest" ]; then
    echo "$newest"
    exit 0
fi

incomplete=$(echo "$found" | awk '$1 >= 11' | head -n 1 | cut -d' ' -f4-)
latest=$(echo "$found" | awk 'NF { print "3." $1 "." $2; exit }')
if [ -n "$incomplete" ]; then
    echo "thawpool: $incomplete cannot make a virtual environment: apt-get install python3-venv (or your system's package), then try again." >&2
elif [ -n "$latest" ]; then
    echo "thawpool: Python 3.11 or newer is needed and the newest here is $latest: install a newer one (Debian 12: apt-get install python3 python3-venv), then try again." >&2
else
    echo "thawpool: Python 3.11 or newer is needed and none was found: install it (Debian: apt-get install python3 python3-venv), then try again." >&2
fi
exit 1
