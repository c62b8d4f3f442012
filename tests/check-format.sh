#!/bin/bash
# Every C file is as .clang-format has it.
set -uo pipefail
cd "$(dirname "$0")/.."
git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror 2>&1 | grep -E 'error:' | cut -d: -f1 | sort | uniq -c
[ "${PIPESTATUS[1]}" = 0 ]
