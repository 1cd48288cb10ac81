//! Files that hold a user and a password: what is taken of them, and when.

use std::fs;

use super::*;

fn password(credentials: &Credentials) -> Option<String> {
    credentials.now().current.as_ref()?.words.password.clone()
}

/// Looks as often as the watch does until nothing moves.
fn look(credentials: &Credentials) {
    let watched = credentials.watched().unwrap();
    while watched.look() == Look::Moving {}
}

#[test]
fn what_is_given_is_not_watched_and_not_printed() {
    let credentials = Credentials::fixed(Some("me".into()), Some("hunter2".into()));
    assert_eq!(password(&credentials).as_deref(), Some("hunter2"));
    assert!(credentials.watched().is_none());
    let login = credentials.now().current.clone();
    assert!(!format!("{credentials:?} {login:?}").contains("hunter2"));
}

#[test]
fn a_file_is_followed_and_its_last_good_content_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    let word = Some(Word::File(path.clone()));
    let credentials = Credentials::new(LoginSource { username: None, password: word });
    assert_eq!(password(&credentials), None);
    assert!(
        credentials.missing().to_string().contains("password cannot be read"),
        "{}",
        credentials.missing()
    );
    fs::write(&path, "one\n").unwrap();
    look(&credentials);
    assert_eq!(password(&credentials).as_deref(), Some("one"));
    let first = credentials.now();
    look(&credentials);
    for broken in [b"".as_slice(), b"\n", b"\xff"] {
        fs::write(&path, broken).unwrap();
        look(&credentials);
    }
    fs::remove_file(&path).unwrap();
    look(&credentials);
    assert_eq!(password(&credentials).as_deref(), Some("one"));
    assert!(Arc::ptr_eq(&credentials.now(), &first), "nothing has changed");
    fs::write(&path, " two \r\n").unwrap();
    look(&credentials);
    assert_eq!(password(&credentials).as_deref(), Some(" two "));
}

/// A wrong password that is mended before any server took it does not push out the one that works.
#[test]
fn the_last_login_that_was_taken_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, "one").unwrap();
    let source = LoginSource { username: None, password: Some(Word::File(path.clone())) };
    let credentials = Credentials::new(source);
    credentials.accepted(credentials.now().current.as_ref().unwrap(), &"a server");
    for changed in ["typo", "two"] {
        fs::write(&path, changed).unwrap();
        look(&credentials);
        let logins = credentials.now();
        assert_eq!(password(&credentials).as_deref(), Some(changed));
        assert_eq!(logins.previous.as_ref().unwrap().words.password.as_deref(), Some("one"));
    }
}

#[test]
fn half_a_password_is_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, "one").unwrap();
    let source = LoginSource { username: None, password: Some(Word::File(path.clone())) };
    let credentials = Credentials::new(source);
    let watched = credentials.watched().unwrap();
    for written in ["t", "tw", "two"] {
        fs::write(&path, written).unwrap();
        assert_eq!(watched.look(), Look::Moving);
        assert_eq!(password(&credentials).as_deref(), Some("one"));
    }
    assert_eq!(watched.look(), Look::Calm);
    assert_eq!(password(&credentials).as_deref(), Some("two"));
}
