#!/bin/sh
# test.sh: everything CI runs. Unit and kernel tests, linter, types, then the stories of the lab; ends with the counts.
#
# What needs root is left out without it, and named. Under CI=true leaving something out is a failure.
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1
mkdir -p .tap

# One line each: `passed NAME`, `failed NAME`, `left-out NAME`. All parts append to it.
results=.tap/results.txt
: > $results

title() { printf '\n== %s\n' "$*"; }
record() { printf '%s %s\n' "$1" "$2" >> $results; }
count() { grep -c "^$1 " $results; }

check() {
  name=$1
  shift
  title "$name: $*"
  if "$@"; then record passed "$name"; else record failed "$name"; fi
}

title 'tests: tap'
tap --reporter=tap | node scripts/tap-digest.ts $results
check lint biome check
check types tsc

title 'stories: npm run lab -- story'
if [ "$(id -u)" = 0 ]; then
  node netns-lab/main.ts story --results $results || [ "$(count failed)" != 0 ] || record failed 'stories'
else
  node netns-lab/main.ts list --plain | while read -r story; do record left-out "story $story"; done
fi

if [ "$(count left-out)" != 0 ]; then
  title 'left out (they need root)'
  sed -n 's/^left-out /  /p' $results
  if [ "${CI-}" = true ]; then
    echo 'CI=true: nothing may be left out, so each of these counts as failed.'
    sed -i 's/^left-out /failed left out: /' $results
  fi
fi
if [ "$(count failed)" != 0 ]; then
  title 'failed'
  sed -n 's/^failed /  /p' $results
fi
printf '\n%s passed, %s failed\n' "$(count passed)" "$(count failed)"
[ "$(count failed)" = 0 ]
