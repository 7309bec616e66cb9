//! That passwords are pasted, and managers fill them in, wherever one is typed (NIST SP 800-63B-4
//! §3.1.1.2): judged of the templates themselves, so that no page is left out.

use std::fs;
use std::path::{Path, PathBuf};

const UI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ui");

#[test]
fn nist_sp_800_63b_4_3_1_1_2_every_password_is_pasted_and_filled_in() {
    let mut fields = 0;
    for path in files(&Path::new(UI).join("templates")) {
        let text = fs::read_to_string(&path).expect("a template");
        let place = path.display();
        for tag in text.split("<input ").skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            if !tag.contains("type=\"password\"") {
                continue;
            }
            fields += 1;
            let is_named = ["current-password", "new-password"]
                .iter()
                .any(|kind| tag.contains(&format!("autocomplete=\"{kind}\"")));
            assert!(is_named, "{place}: a manager does not know it: {tag}");
            for hindrance in ["onpaste", "readonly", "maxlength", "disabled"] {
                assert!(!tag.contains(hindrance), "{place}: {hindrance}: {tag}");
            }
        }
    }
    assert!(fields >= 5, "{fields}");
    for path in files(&Path::new(UI).join("static")) {
        let text = fs::read_to_string(&path).expect("a file");
        for hindrance in ["paste", "beforeinput", "user-select: none"] {
            let place = path.display();
            assert!(!text.contains(hindrance), "{place} knows of {hindrance}");
        }
    }
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
