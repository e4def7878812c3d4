#!/bin/sh
# Install the system's packages that tests use and this machine lacks, where that needs no password.
# Never fails: tests name what is missing. REQUIRE_ALL=1 asks for all; without it, no database server is
# installed, since Debian's package would start one.
set -u

has() {
    for program in "$@"; do
        PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null 2>&1 && return 0
    done
    return 1
}

missing=
has pgbouncer || missing="$missing pgbouncer"
has chromium chromium-browser google-chrome google-chrome-stable || missing="$missing chromium"
if [ "${REQUIRE_ALL:-0}" != 0 ]; then
    has /usr/lib/postgresql/15/bin/postgres || missing="$missing postgresql-15"
    # Not mariadb-server, which would start one: the programs alone. One to make a data folder is the client's.
    has mariadbd mysqld || missing="$missing mariadb-server-core mariadb-client-core"
    # It moves the wall clock of a process.
    has faketime || missing="$missing faketime"
    # What mysqlclient is compiled with.
    has cc || missing="$missing gcc libc6-dev"
    has pkg-config && pkg-config --exists libmariadb || missing="$missing pkg-config libmariadb-dev"
fi
if [ -z "$missing" ] || ! has apt-get; then
    exit 0
fi

if [ "$(id -u)" = 0 ]; then
    as_root=
elif has sudo && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    exit 0
fi

apt() {
    # shellcheck disable=SC2086  # empty, or two words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=60 "$@" >/dev/null 2>&1 </dev/null
}

echo "installing with apt-get:$missing"
apt update
for package in $missing; do
    apt install -y --no-install-recommends "$package" || echo "could not install $package"
done
exit 0
