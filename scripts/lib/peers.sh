# Clients that others wrote, and a real browser, against the service as a process of its own.

NODE_OLDEST=20

# OAuth and OpenID Connect libraries of other languages.
run_peers() {
  local status=0 counted='' judge
  find_node && build_service || return 1
  for judge in 'judge_by_node peers' judge_by_python judge_by_rust; do
    $judge || status=1
    counted+="${COUNTED_BY_STEP:-}"
  done
  # What one of them counted is counted, whatever came after it.
  COUNTED_BY_STEP=$counted
  return "$status"
}

# Every hosted page in Chromium: looked at, walked through, and judged by axe.
run_browser() {
  find_node && build_service || return 1
  find_chromium || {
    did_not_run 'browser' 'Chromium is not installed and could not be'
    return 0
  }
  judge_by_node e2e
}

build_service() {
  attend cargo build --quiet --all-features --bin auth-service || return 1
  export AUTH_SERVICE="${CARGO_TARGET_DIR:-$PWD/target}/debug/auth-service"
}

find_node() {
  has_node && return 0
  install_package nodejs && install_package npm && has_node && return 0
  did_not_run 'peers and browser' "no Node.js $NODE_OLDEST or newer found or installed"
  return 1
}

has_node() {
  local version
  version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  [[ "${version%%.*}" -ge "$NODE_OLDEST" ]] && command -v npm >/dev/null
}

find_chromium() {
  CHROMIUM=$(command -v chromium) || {
    install_package chromium && CHROMIUM=$(command -v chromium)
  } || return 1
  export CHROMIUM
}

# Runs the tests of the folder tests/$1 with the packages its lock file names.
judge_by_node() {
  local log="$WORK/$1.log" status=0
  attend in_folder "tests/$1" npm ci --silent --no-audit --no-fund || {
    did_not_run "tests/$1" 'its npm packages could not be installed'
    return 0
  }
  attend logged "$log" in_folder "tests/$1" node --test --test-concurrency=1 || status=$?
  count_outcomes "$log" '^# pass ' '^# fail '
  return "$status"
}

# Runs the Python peers in an environment of their own.
judge_by_python() {
  local log="$WORK/python.log" status=0 home="$WORK/python"
  { python3 -m venv "$home" || install_package python3-venv && python3 -m venv "$home"; } &&
    attend "$home/bin/pip" install --quiet -r tests/peers/requirements.txt || {
    did_not_run 'tests/peers in Python' 'its packages could not be installed'
    return 0
  }
  attend logged "$log" in_folder tests/peers "$home/bin/python" -m pytest -q -p no:cacheprovider || status=$?
  count_pytest "$log"
  return "$status"
}

# Runs the Rust peers: a workspace of their own, whose lock file the service's build knows nothing of.
judge_by_rust() {
  local log="$WORK/rust.log" status=0 manifest=tests/peers/rust/Cargo.toml
  attend cargo fetch --quiet --locked --manifest-path "$manifest" || {
    did_not_run 'tests/peers/rust' 'its crates could not be fetched'
    return 0
  }
  attend logged "$log" cargo test --quiet --locked --manifest-path "$manifest" \
    --target-dir "${CARGO_TARGET_DIR:-$PWD/target}" || status=$?
  count_results "$log"
  return "$status"
}

in_folder() { (cd "$1" && shift && exec "$@"); }

# Adds up what stands behind the patterns $2 and $3 in the log $1.
count_outcomes() {
  local passed failed
  passed=$(sed -n "s/$2\([0-9]*\)$/\1/p" "$1" | tail -n 1)
  failed=$(sed -n "s/$3\([0-9]*\)$/\1/p" "$1" | tail -n 1)
  # What was cancelled is no pass: without a failure of its own it is one of the step.
  note_outcomes "${passed:-0}" "${failed:-0}"
}

count_pytest() {
  local passed failed
  passed=$(sed -n 's/^\(.* \)\{0,1\}\([0-9][0-9]*\) passed.*$/\2/p' "$1" | tail -n 1)
  failed=$(sed -n 's/^\(.* \)\{0,1\}\([0-9][0-9]*\) failed.*$/\2/p' "$1" | tail -n 1)
  note_outcomes "${passed:-0}" "${failed:-0}"
}

# A failure that is counted here is not counted again as a failed step.
note_outcomes() {
  TESTS_PASSED=$((TESTS_PASSED + $1))
  TESTS_FAILED=$((TESTS_FAILED + $2))
  COUNTED_BY_STEP=${2#0}
}
