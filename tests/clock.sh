#!/usr/bin/env bash
# Runs the tests again under a different clock and time zone: two minutes before midnight on
# 31 December, and on 28 February of a leap year. A test that computes a date from the current time
# fails here on the day it is written, and not months later.
#
#   tests/clock.sh        after a build by `cargo test`; tests/run does both
#
# Runs unit tests and tests/e2e, including the processes that they start: the server, openssl, curl.
# Skips
#   clients                  one of them is statically linked and sees the true time; together they
#                            take minutes
#   crashes, slow_clients    they wait for real seconds, and compute no dates
#   faults                   they take minutes, and have a clock of their own
#   cloud                    the emulator and the SDKs sign by the clock, and no test computes dates
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
runner=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$host")_RUNNER
library=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1)

# Usage: at TIME ZONE. Sets the clock of the tests' processes only: cargo and the compiler keep the
# true one.
at() {
    echo "== testing at $1 UTC, zone $2"
    seconds=$(($(date -u -d "$1" +%s) - $(date +%s)))
    # An offset rather than a fixed time, so that all processes agree. Timeouts and the times of
    # files are not affected.
    export "$runner=env TZ=$2 FAKETIME=+$seconds FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 LD_PRELOAD=$library"
    cargo test --workspace --locked --lib --bins
    cargo test -p scepter-tests --locked --test e2e -- --skip clients:: --skip crashes:: --skip slow_clients:: --skip faults::
}

# Time zones in which the date differs from UTC, written so that no time zone database is needed.
at '2027-12-31 23:58' '<+14>-14'
at '2028-02-28 23:58' '<-11>11'
