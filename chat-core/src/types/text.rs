//! Texts that people write: names, descriptions, message bodies.

use std::fmt;
use std::sync::Arc;

use caseless::Caseless;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::{InvalidValue, deserialize_from_str};

const NAME_CHARACTERS: usize = 50;
const DESCRIPTION_CHARACTERS: usize = 200;
const BODY_BYTES: usize = 8_192;

const NAME: &str = "1 to 50 characters without control or invisible formatting characters, \
                    and without white space at either end";
const DESCRIPTION: &str = "at most 200 characters";
const BODY: &str = "a text of 1 to 8192 bytes";

/// What a name is compared by: its Unicode compatibility caseless form.
///
/// Two names that differ only in case ("Ärger", "ÄRGER", "STRASSE", "straße"), in composed or
/// decomposed accents, or in look-alike compatibility characters (full-width letters, a
/// no-break space for a space) have one key, and only one of them can be taken.
/// Source: The Unicode Standard, chapter 3.13, definition D146.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NameKey(Arc<str>);

impl NameKey {
    fn of(name: &str) -> Self {
        let key: String = name
            .nfd()
            .default_case_fold()
            .nfkd()
            .default_case_fold()
            .nfkd()
            .collect();
        Self(key.into())
    }

    /// The folded text, at most 1,650 bytes of UTF-8.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that do not show, or that change how their neighbours show: two names that look
/// the same must not differ by them. The joiners U+200C and U+200D stay allowed inside a name,
/// because Persian, Indic scripts and emoji need them.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

fn is_name(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || is_joiner(c));
    !edge(text.chars().next())
        && !edge(text.chars().next_back())
        && text.chars().count() <= NAME_CHARACTERS
        && !text.chars().any(is_deceptive)
}

const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Defines a checked, shared text.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:expr, $expected:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a text.
            ///
            /// # Errors
            /// [`InvalidValue`] that says what would have been accepted.
            pub fn parse(text: &str) -> Result<Self, InvalidValue> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.into())) } else { Err(InvalidValue::new($expected)) }
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidValue;
            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                Self::parse(text)
            }
        }

        deserialize_from_str!($name, $expected);
    };
}

text!(
    /// A user's name: 1–50 characters, shown as given, compared by its [`NameKey`].
    UserName, is_name, NAME
);
text!(
    /// A group's name: the same rules as for a user's.
    GroupName, is_name, NAME
);
text!(
    /// A group's description: at most 200 characters, possibly empty.
    Description, |text| text.chars().count() <= DESCRIPTION_CHARACTERS, DESCRIPTION
);
text!(
    /// A message's text: 1–8,192 bytes of UTF-8, kept byte for byte.
    Body, |text| (1..=BODY_BYTES).contains(&text.len()), BODY
);

impl UserName {
    /// What this name is compared by.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

impl GroupName {
    /// What this name is compared by.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

impl Default for Description {
    fn default() -> Self {
        Self("".into())
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserName(…)")
    }
}

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupName({:?})", self.as_str())
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Description({:?})", self.as_str())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_characters_and_refuse_what_deceives() {
        let fifty = "🦀".repeat(50);
        for good in [
            "a",
            "Anna Bell",
            "李雷",
            &fifty,
            "می\u{200C}خواهم",
            "👩\u{200D}🚀",
        ] {
            assert!(UserName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(51);
        for bad in [
            "",
            " a",
            "a ",
            "\u{a0}a",
            "a\u{3000}",
            "a\u{200D}",
            "a\nb",
            "a\0b",
            "a\u{7f}",
            "a\u{85}b",
            "a\u{200F}b",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{200B}b",
            "a\u{FEFF}b",
            "a\u{2028}b",
            &long,
        ] {
            assert!(UserName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_differ_only_in_case_or_look_have_one_key() {
        let key = |name: &str| UserName::parse(name).unwrap().key();
        for (one, other) in [
            ("Alice", "aLICE"),
            ("Ärger", "ÄRGER"),
            ("A\u{308}rger", "ärger"),
            ("straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Ａｌｉｃｅ", "alice"),
            ("a b", "a\u{a0}b"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        assert_ne!(key("alice"), key("alicia"));
    }

    #[test]
    fn the_longest_key_fits_its_stated_bound() {
        let longest = UserName::parse(&"\u{FDFA}".repeat(50)).unwrap();
        assert!(longest.key().as_str().len() <= 1_650);
    }

    #[test]
    fn bodies_count_bytes() {
        assert!(Body::parse(&"x".repeat(8_192)).is_ok());
        assert!(Body::parse(&"é".repeat(4_097)).is_err());
        assert!(Body::parse("").is_err());
        assert_eq!(Body::parse("a\0b\r\n'\"\\").unwrap().as_str(), "a\0b\r\n'\"\\");
    }
}
