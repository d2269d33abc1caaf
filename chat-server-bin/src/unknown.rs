//! Settings that do not exist: an error that names the nearest one that does.

use std::ffi::OsString;
use std::path::Path;

use toml::{Table, Value};

use crate::arguments::variable_of;
use crate::failure::Failure;
use crate::reference::reference;

/// Variables of the project's other programs, which may be set where a server starts.
const OF_OTHER_PROGRAMS: &[&str] = &[
    "CHAT_CA",
    "CHAT_DEVICE",
    "CHAT_PASSWORD",
    "CHAT_REQUIRE",
    "CHAT_SERVER",
    "CHAT_TEST_KAFKA",
    "CHAT_TEST_MYSQL_URL",
    "CHAT_TEST_REDIS_CLUSTER_URL",
    "CHAT_TEST_REDIS_URL",
    "CHAT_TEST_ZOOKEEPER",
    "CHAT_TOKEN",
    "CHAT_TOKEN_FILE",
];

/// Refuses a key of the file that is no setting.
pub(crate) fn check_file(file: &Table, path: &Path) -> Result<(), Failure> {
    let known: Vec<&str> = reference().iter().map(|setting| setting.key.as_str()).collect();
    for key in keys_of(file) {
        if !known.contains(&key.as_str()) && !is_section(&key, &known) {
            let nearest = nearest(&key, &known).unwrap_or_default();
            return Err(Failure::setting(format!(
                "there is no setting `{key}`, which the file {} has; the nearest is `{nearest}`",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Refuses a variable that begins with `CHAT_` and is no setting.
pub(crate) fn check_variables(names: impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let mut known: Vec<String> = reference()
        .iter()
        .map(|setting| variable_of(&setting.key))
        .collect();
    known.extend(["CHAT_CONFIG", "CHAT_IMPORT_FROM"].map(str::to_owned));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for name in names {
        let name = name.to_string_lossy();
        let ours = name.starts_with("CHAT_") && !OF_OTHER_PROGRAMS.contains(&&*name);
        if ours && !known.contains(&&*name) {
            let nearest = nearest(&name, &known).unwrap_or_default();
            return Err(Failure::setting(format!(
                "the variable {name} is set and names no setting; unset it, or use the nearest, {nearest}"
            )));
        }
    }
    Ok(())
}

/// The keys of all values, with their sections before them.
pub(crate) fn keys_of(table: &Table) -> Vec<String> {
    let mut keys = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                keys.extend(keys_of(inner).into_iter().map(|key| format!("{name}.{key}")));
            }
            _ => keys.push(name.clone()),
        }
    }
    keys
}

/// An empty section is no mistake, and one that is no table is told by its type.
fn is_section(key: &str, known: &[&str]) -> bool {
    known
        .iter()
        .any(|known| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

/// The known name that differs least, also where only the section is wrong.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let distance = |candidate: &&&str| {
        let whole = strsim::damerau_levenshtein(name, candidate);
        whole.min(strsim::damerau_levenshtein(&last(name), &last(candidate)))
    };
    known.iter().min_by_key(distance).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_error(text: &str) -> Option<String> {
        let table = toml::from_str(text).unwrap();
        check_file(&table, Path::new("chat.toml"))
            .err()
            .map(|failure| failure.to_string())
    }

    #[test]
    fn an_unknown_key_of_the_file_names_the_nearest() {
        for (text, nearest) in [
            ("lisen = 'x'", "`listen`"),
            ("max_frame = 1", "`limits.max_frame`"),
            ("[limits]\nwriter_bacth = 1", "`limits.writer_batch`"),
            ("[limit]\npassword_queue = 1", "`limits.password_queue`"),
        ] {
            let error = file_error(text).unwrap();
            assert!(error.contains(nearest) && error.contains("chat.toml"), "{error}");
        }
        for text in ["", "[limits]", "listen = 'x'\n[limits]\nmax_frame = 1"] {
            assert_eq!(file_error(text), None);
        }
    }

    #[test]
    fn an_unknown_variable_names_the_nearest_and_other_programs_variables_are_left_alone() {
        let check = |name: &str| check_variables([OsString::from(name)].into_iter());
        let error = check("CHAT_LIMIT_MAX_FRAME").unwrap_err().to_string();
        assert!(error.contains("CHAT_LIMITS_MAX_FRAME"), "{error}");
        for name in [
            "PATH",
            "CHATTER_X",
            "CHAT_PASSWORD",
            "CHAT_REQUIRE",
            "CHAT_TEST_KAFKA",
            "CHAT_TEST_ZOOKEEPER",
            "CHAT_CONFIG",
            "CHAT_LOG_LEVEL",
        ] {
            assert!(check(name).is_ok(), "{name}");
        }
    }
}
