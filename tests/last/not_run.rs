//! Runs last and names what this run left out, so that no suite is skipped in silence.
//!
//! It is a package of its own because Cargo runs the tests of packages in the order of their names.

fn main() {
    let mut left_out = Vec::new();
    for (variable, name) in [
        ("TEST_POSTGRES", "everything on PostgreSQL"),
        ("TEST_REDIS", "everything on Redis"),
    ] {
        #[expect(
            clippy::disallowed_methods,
            reason = "tests are configured by their script"
        )]
        if std::env::var(variable).unwrap_or_default().is_empty() {
            left_out.push((name, "no server was named"));
        }
    }
    if !cfg!(feature = "failpoints") {
        let reason = "the feature `failpoints` is off (--all-features)";
        left_out.push(("owners that crash, hang and storm", reason));
    }
    if left_out.is_empty() {
        println!("every backend was run: embedded SQLite, PostgreSQL, PostgreSQL with Redis");
        return;
    }
    for (name, reason) in left_out {
        println!("not run: {name}: {reason}");
    }
    println!("./scripts/test starts private servers and runs everything");
    #[expect(
        clippy::disallowed_methods,
        reason = "under CI nothing may be left out"
    )]
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    if is_ci {
        std::process::exit(1);
    }
}
