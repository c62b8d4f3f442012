#!/bin/sh
# Include direction: spec/base <- spec <- drivers <- reconcile <- agent. Prints each include that points upward and fails.
set -eu
cd "$(dirname "$0")/.."
bad=0
upward() { # folder, pattern of what it must not include
    if grep -nE "^#include \"($2)/" "$1"/*.c "$1"/*.h; then bad=1; fi
}
upward spec/base 'drivers|reconcile|agent|tests'
if grep -nE '^#include "spec/[a-z]' spec/base/*.c spec/base/*.h | grep -vE '"spec/(base/|limits\.h)'; then bad=1; fi
upward spec 'drivers|reconcile|agent|tests'
upward drivers 'reconcile|agent|tests'
upward reconcile 'agent|tests'
upward agent 'tests'
[ $bad = 0 ] || { echo "check-layers: the includes above point upward" >&2; exit 1; }
echo "layers: every include points downward"
