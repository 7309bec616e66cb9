# What ran, what did not, what passed and what failed; and the last lines, which say so.

TESTS_PASSED=0
TESTS_FAILED=0
TESTS_SKIPPED=0
FAILED_STEPS=''
BACKENDS=''
NOT_RUN=''
LEFT_OUT='' # set when something is missing that CI must not do without

say() { printf '%s\n' "$*"; }

begin_step() { printf '\n== %s ==\n' "$1"; }

# Whether step $1 is among the names that follow; without names, every step is.
is_wanted() {
  local step=$1 name
  shift
  [[ $# -eq 0 ]] && return 0
  for name in "$@"; do
    [[ "$name" == "$step" ]] && return 0
  done
  return 1
}

# A step that failed counts as one failure, unless it has counted its own.
step_failed() {
  FAILED_STEPS+="${FAILED_STEPS:+, }$1"
  [[ -n "${COUNTED_BY_STEP:-}" ]] || TESTS_FAILED=$((TESTS_FAILED + 1))
  COUNTED_BY_STEP=''
}

ran_on() { BACKENDS+="  $1"$'\n'; }

# Notes that something could not be run: what, and why. CI does not accept it.
did_not_run() {
  say "NOT RUN: $1: $2"
  NOT_RUN+="  $1: $2"$'\n'
  LEFT_OUT=yes
}

# The same, where leaving it out is acceptable in CI too.
was_skipped() {
  say "SKIPPED: $1: $2"
  NOT_RUN+="  $1: $2"$'\n'
}

# Adds up the result lines and the "not run" and "skipped" lines in the log of test binaries, $1. A
# test says "skipped" where what it needs is more than CI has to have.
count_results() {
  local passed failed ignored line
  read -r passed failed ignored < <(awk '
    /^test result: / {
      for (i = 2; i <= NF; i++) {
        if ($i == "passed;") passed += $(i - 1)
        if ($i == "failed;") failed += $(i - 1)
        if ($i == "ignored;") ignored += $(i - 1)
      }
    }
    END { print passed + 0, failed + 0, ignored + 0 }' "$1")
  TESTS_PASSED=$((TESTS_PASSED + passed))
  TESTS_FAILED=$((TESTS_FAILED + failed))
  TESTS_SKIPPED=$((TESTS_SKIPPED + ignored))
  # A failure that was counted here is not counted again as a failed step. A test binary that does
  # not build or that dies prints no result and is.
  COUNTED_BY_STEP=${failed#0}
  while IFS= read -r line; do
    did_not_run "${line%%: *}" "${line#*: }"
  done < <(sed -n 's/^not run: //p' "$1" | sort -u)
  while IFS= read -r line; do
    was_skipped "${line%%: *}" "${line#*: }"
  done < <(sed -n 's/^skipped: //p' "$1" | sort -u)
}

# Prints the summary and ends with the verdict.
sum_up() {
  printf '\n== summary ==\n'
  [[ -z "$BACKENDS" ]] || printf 'ran on:\n%s' "$BACKENDS"
  [[ -z "$NOT_RUN" ]] || printf 'did not run:\n%s' "$NOT_RUN"
  [[ -z "$FAILED_STEPS" ]] || say "failed steps: $FAILED_STEPS"
  local verdict="$TESTS_PASSED passed, $TESTS_FAILED failed"
  [[ "$TESTS_SKIPPED" -eq 0 ]] || verdict+=", $TESTS_SKIPPED skipped"
  local status=0
  [[ "$TESTS_FAILED" -eq 0 ]] || status=1
  if [[ "${CI:-}" == true && -n "$LEFT_OUT" ]]; then
    say 'CI=true: what did not run counts as a failure of the whole'
    status=1
  fi
  say "$verdict"
  exit "$status"
}
