//! The secrets that development makes for itself: made once, kept in `DATA_DIR/secrets`.
//!
//! A file holds what the variable would: comma-separated texts, newest first, so it may later be
//! named by `SYSTEM_SECRETS_FILE`. The directory is mode 0700 and a file 0600. Whoever makes a file
//! holds a lock and renames a finished, synced file into place, so two processes that start at once
//! agree on one secret, and a crash leaves either no secret or a whole one.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use domain::random::Random;
use domain::secret::{SecretBytes, SecretText};

use crate::config::kind::text::parse_secrets;

/// Reads the secrets of a name, making one of 256 bits when there is none yet.
///
/// Blocks on the file system; meant for the start of the process.
///
/// # Errors
/// When the directory or the file cannot be made or read, or holds no secrets
/// ([`io::ErrorKind::InvalidData`]). The error names the path, never the content.
pub fn load_or_create(
    data_dir: &Path,
    name: &str,
    random: &dyn Random,
) -> io::Result<Vec<SecretBytes>> {
    let directory = data_dir.join("secrets");
    let path = directory.join(name);
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory);
    made.and_then(|()| make_unless_present(&directory, name, random))
        .and_then(|()| load(&path))
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn load(path: &Path) -> io::Result<Vec<SecretBytes>> {
    let text = SecretText::new(fs::read_to_string(path)?);
    let secrets = parse_secrets(text.expose().trim());
    secrets.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "holds no secrets"))
}

fn make_unless_present(directory: &Path, name: &str, random: &dyn Random) -> io::Result<()> {
    let path = directory.join(name);
    if path.try_exists()? {
        return Ok(());
    }
    let lock = private(directory.join(".lock").as_path(), false)?;
    lock.lock()?;
    if path.try_exists()? {
        return Ok(()); // somebody else was faster
    }
    let temporary = directory.join(format!(".{name}.new"));
    let mut file = private(&temporary, true)?;
    file.write_all(generate(random).expose().as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    File::open(directory)?.sync_all()
}

/// Opens a file for writing that only its owner may read.
fn private(path: &Path, truncate: bool) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(truncate)
        .mode(0o600)
        .open(path)
}

fn generate(random: &dyn Random) -> SecretText {
    let bytes = SecretBytes::new(random.array::<32>().to_vec());
    let mut text = String::with_capacity(64);
    for byte in bytes.expose() {
        let _ = write!(text, "{byte:02x}"); // writing to a text cannot fail
    }
    SecretText::new(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::thread;

    use domain::random::Counting;
    use protocol::entropy::SystemRandom;

    use super::*;

    fn exposed(secrets: &[SecretBytes]) -> Vec<Vec<u8>> {
        secrets.iter().map(|s| s.expose().to_vec()).collect()
    }

    #[test]
    fn a_secret_is_made_once_and_read_ever_after() {
        let directory = tempfile::tempdir().expect("a directory");
        let load = || load_or_create(&directory.path().join("a/b"), "pepper", &SystemRandom);
        let first = exposed(&load().expect("it can be made"));
        assert_eq!((first.len(), first[0].len()), (1, 64));
        assert_eq!(exposed(&load().expect("it can be read")), first);
    }

    #[test]
    fn only_the_owner_may_read_it() {
        let directory = tempfile::tempdir().expect("a directory");
        load_or_create(directory.path(), "pepper", &Counting::default()).expect("made");
        let mode = |path: &str| {
            let metadata = fs::metadata(directory.path().join(path)).expect("it exists");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode("secrets"), 0o700);
        assert_eq!(mode("secrets/pepper"), 0o600);
    }

    #[test]
    fn all_who_start_at_once_agree_on_one_secret() {
        let directory = tempfile::tempdir().expect("a directory");
        let load = || load_or_create(directory.path(), "pepper", &SystemRandom);
        let lists: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(load)).collect();
            let join = threads.into_iter().map(thread::ScopedJoinHandle::join);
            join.map(|list| exposed(&list.expect("no panic").expect("a secret")))
                .collect()
        });
        assert!(lists.iter().all(|list| *list == lists[0]));
    }

    #[test]
    fn what_a_crash_left_behind_does_not_matter() {
        let directory = tempfile::tempdir().expect("a directory");
        let secrets = directory.path().join("secrets");
        fs::create_dir(&secrets).expect("made");
        fs::write(secrets.join(".pepper.new"), "x".repeat(1000)).expect("written");
        let list = load_or_create(directory.path(), "pepper", &SystemRandom).expect("made");
        assert_eq!(list[0].expose().len(), 64);
    }

    #[test]
    fn a_spoilt_file_is_named_and_not_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let secrets = directory.path().join("secrets");
        fs::create_dir(&secrets).expect("made");
        fs::write(secrets.join("pepper"), "short").expect("written");
        let error = load_or_create(directory.path(), "pepper", &SystemRandom).expect_err("spoilt");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("secrets/pepper"));
        assert!(!error.to_string().contains("short"));
        let kept = fs::read_to_string(secrets.join("pepper")).expect("still there");
        assert_eq!(kept, "short");
    }
}
