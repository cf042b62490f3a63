#!/usr/bin/env bash
# Runs the tests once more under another clock and in another zone: two minutes before midnight on
# 31 December, and on 28 February of a leap year. A test that computes a day from the time of its
# run fails here on the day that it is written, and not months later.
#
#   tests/clock.sh        after a build by `cargo test`; tests/run does both
#
# Unit tests and tests/it run, with the processes that they start: the server, openssl, curl. Left
# out are
#   clients                  one of them is statically linked and sees the true time; together they
#                            take minutes
#   crashes, slow_clients    they wait for real seconds, and compute no dates
#   faults                   they take minutes, and have a clock of their own
#   cloud                    its emulator and SDKs sign by the clock, and its tests compute no dates
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
runner=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$host")_RUNNER
library=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1)

at() { # TIME ZONE: cargo itself and the compiler go on under the true clock, each test's process is given the other
    echo "== testing at $1 UTC, zone $2"
    seconds=$(($(date -u -d "$1" +%s) - $(date +%s)))
    # An offset, which every process has in common; timeouts and the times of files stay as they
    # are.
    export "$runner=env TZ=$2 FAKETIME=+$seconds FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 LD_PRELOAD=$library"
    cargo test --workspace --locked --lib --bins
    cargo test -p scepter-tests --locked --test it -- --skip clients:: --skip crashes:: --skip slow_clients:: --skip faults::
}

# Zones in which it is another day than in UTC: written so, no database of zones is needed.
at '2027-12-31 23:58' '<+14>-14'
at '2028-02-28 23:58' '<-11>11'
