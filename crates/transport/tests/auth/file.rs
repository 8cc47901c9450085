//! A credentials file on the disk.

use std::error::Error as _;
use std::fs;
use std::path::Path;

use gimmal_transport::auth::{CredentialsFile, StoredCredentials, StoredKey};
use gimmal_transport::{Delivery, ErrorKind};
use secrecy::ExposeSecret;
use tempfile::TempDir;

fn file(directory: &TempDir) -> CredentialsFile {
    CredentialsFile::new(directory.path().join("new/deeper/credentials.json"))
}

fn stored(key: &str) -> StoredCredentials {
    let mut stored = StoredCredentials::default();
    stored.insert("a", StoredKey::new(key.into(), "one"));
    stored.set_default("a").unwrap();
    stored
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) {}

#[test]
fn a_file_that_is_not_there_holds_nothing() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(file(&directory).load().unwrap().keys().count(), 0);
    assert!(!directory.path().join("new").exists());
}

#[test]
fn what_is_saved_is_loaded_and_nothing_else_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let file = file(&directory);
    for key in ["SECRET-1", "SECRET-2"] {
        file.save(&stored(key)).unwrap();
        let loaded = file.load().unwrap();
        assert_eq!(loaded.default_key().unwrap().key().expose_secret(), key);
    }
    let entries = fs::read_dir(file.path().parent().unwrap()).unwrap();
    assert_eq!(entries.count(), 1);
}

#[cfg(unix)]
#[test]
fn file_and_new_directories_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    let file = file(&directory);
    file.save(&stored("SECRET")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file.path()), 0o600);
    assert_eq!(mode(&directory.path().join("new/deeper")), 0o700);
    assert_eq!(mode(&directory.path().join("new")), 0o700);
    assert_eq!(
        mode(directory.path()),
        0o755,
        "an old directory is left alone"
    );

    // A file that was open to others is replaced by one that is not.
    set_mode(file.path(), 0o644);
    file.save(&stored("SECRET")).unwrap();
    assert_eq!(mode(file.path()), 0o600);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_open_to_others_is_refused_with_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    let file = file(&directory);
    file.save(&stored("SECRET")).unwrap();
    for mode in [0o644, 0o640, 0o620, 0o604] {
        set_mode(file.path(), mode);
        let error = file.load().unwrap_err();
        let path = file.path().display();
        assert_eq!(
            error.to_string(),
            format!(
                "bad configuration: credentials file {path} is open to others (mode 0{mode:o}); \
                 run `chmod 600 {path}`"
            )
        );
        let allowed = file.clone().with_shared_allowed();
        assert!(allowed.load().unwrap().default_key().is_some());
    }
    set_mode(file.path(), 0o400);
    assert!(file.load().is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("elsewhere.json");
    let link = directory.path().join("credentials.json");
    write(&target, "{}");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    CredentialsFile::new(&link).save(&stored("SECRET")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("SECRET"));
}

#[test]
fn errors_name_file_and_flaw_and_quote_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = file(&directory);
    for (text, expected) in [
        (
            "{\"keys\": {\"a\": {\"key\": \"SECRET\"",
            "is no JSON: line 1, column",
        ),
        (
            "{\"keys\": {\"a\": {\"key\": [\"SECRET\"]}}}",
            "a key `a` without a text `key`",
        ),
        (
            "{\"version\": 9, \"keys\": \"SECRET\"}",
            "has a `version` other than 1",
        ),
    ] {
        write(file.path(), text);
        let error = file.load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(error.field(), Some("credentials_file"));
        assert!(error.source().is_none());
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected), "{shown}");
        assert!(
            shown.contains(&file.path().display().to_string()),
            "{shown}"
        );
        assert!(!shown.contains("SECRET"), "{shown}");
    }

    write(file.path(), &" ".repeat(1024 * 1024 + 1));
    assert!(
        file.load()
            .unwrap_err()
            .to_string()
            .contains("larger than 1 MiB")
    );
    let no_file = CredentialsFile::new(directory.path());
    assert!(
        no_file
            .load()
            .unwrap_err()
            .to_string()
            .contains("is no file")
    );
}
