# The steps themselves. Each returns 0 if all is well.

CARGO_DENY_VERSION=0.20.2

check_format() {
  attend cargo fmt --all --check &&
    attend cargo fmt --manifest-path tests/peers/rust/Cargo.toml --check
}

check_lints() {
  attend cargo clippy --workspace --all-targets --all-features -- -D warnings
}

# The docs are read by those who work here, so they are built with what is private, and may link to
# it; a link that leads nowhere fails.
check_docs() {
  RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' attend \
    cargo doc --workspace --all-features --no-deps --document-private-items
}

# Licences, banned crates and sources need only the lock file; advisories need their database.
check_dependencies() {
  local status=0
  find_cargo_deny || {
    did_not_run 'licences, bans, sources, advisories' 'cargo-deny could not be installed'
    return 0
  }
  attend cargo deny --workspace check licenses bans sources || status=1
  if attend bounded 120 cargo deny fetch db; then
    attend cargo deny --workspace --offline check advisories || status=1
  else
    was_skipped advisories 'their database could not be fetched'
  fi
  return "$status"
}

# Finds cargo-deny, or installs it under target/tools, where `cargo clean` removes it again.
find_cargo_deny() {
  PATH="$PWD/target/tools/bin:$PATH"
  command -v cargo-deny >/dev/null && return 0
  say "cargo-deny is not installed: building version $CARGO_DENY_VERSION into target/tools once"
  attend cargo install --quiet --locked --root target/tools \
    --version "$CARGO_DENY_VERSION" cargo-deny
}

# Unit, contract and integration tests, on every backend that can be had. TEST_ONLY narrows them in
# the words of `cargo test`: TEST_ONLY='--test it refresh'.
run_tests() {
  local log="$WORK/tests.log" status=0 only=()
  read -ra only <<<"${TEST_ONLY:-}"
  start_postgres || true
  start_redis || true
  # What tests write to temporary files goes when we go, also when they are interrupted.
  mkdir -p "$WORK/tmp"
  TMPDIR="$WORK/tmp" attend logged "$log" \
    cargo test --workspace --all-features --no-fail-fast "${only[@]}" || status=$?
  count_results "$log"
  [[ $((TESTS_PASSED + TESTS_FAILED)) -eq 0 ]] || list_backends
  return "$status"
}

list_backends() {
  ran_on 'embedded SQLite, short-lived state in process'
  [[ -n "${TEST_POSTGRES:-}" ]] || return 0
  ran_on "PostgreSQL $POSTGRES_VERSION, short-lived state in process"
  [[ -z "${TEST_REDIS:-}" ]] || ran_on "PostgreSQL $POSTGRES_VERSION + Redis $REDIS_VERSION"
}
