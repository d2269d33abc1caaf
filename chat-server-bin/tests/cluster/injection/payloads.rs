//! Texts that would change a statement, a pattern, a path or a format that they are pasted into, and in which
//! fields each of them is allowed.

/// All of them. Without regard to case they differ, so that each is a name of its own.
pub(super) const PAYLOADS: &[&str] = &[
    // Ends of strings, and conditions that always hold.
    "'",
    "''",
    "\"",
    "`",
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "' OR 1=1 -- ",
    "' OR 1=1#",
    "') OR ('1'='1",
    "')) OR 1=1/*",
    "1 OR 1=1",
    "admin'--",
    "x' AND 1=0 OR 'a'='a",
    "'||'1'='1",
    "' OR NOT EXISTS(SELECT 1) OR '",
    // Comments.
    "x'/**/OR/**/1=1/**/--",
    "/*!50000 DROP TABLE User */",
    "-- ",
    "#",
    ";--",
    // Unions.
    "' UNION SELECT 1,2,3,4,5,6 -- ",
    "' UNION ALL SELECT NULL,NULL,NULL#",
    "' UNION SELECT id,password FROM User -- ",
    "1) UNION SELECT @@version,user() -- ",
    // Further statements.
    "'; DROP TABLE User; --",
    "\"; DROP TABLE Message; --",
    "'; DELETE FROM Message; --",
    "'; UPDATE User SET password='' WHERE 1; --",
    "x'); INSERT INTO Friend VALUES (1,1); --",
    "1; TRUNCATE TABLE GroupUser",
    "'; DROP DATABASE chat; --",
    "'; CREATE TABLE Injected (a INT); --",
    "'; SHUTDOWN; --",
    "'; SET GLOBAL general_log=1; --",
    // Errors, time and files as answers.
    "' AND EXTRACTVALUE(1,CONCAT(0x7e,version())) -- ",
    "' AND (SELECT SLEEP(9)) AND '",
    "' OR BENCHMARK(900000000,MD5(1)) -- ",
    "' INTO OUTFILE '/tmp/injected",
    "' OR LOAD_FILE('/etc/passwd') -- ",
    // Quotes behind backslashes, and behind bytes that a multi-byte character set takes the backslash into.
    "\\",
    "\\'",
    "\\\\'",
    "\\' OR 1=1 -- ",
    "\\\" OR 1=1 -- ",
    "\u{BF}' OR 1=1 -- ",
    "\u{BF}\\' OR 1=1 -- ",
    "\u{5F27}' OR 2=2 -- ",
    "\u{8A31}\\' OR 1=1 -- ",
    "\u{2019} OR 1=1 -- ",
    "\u{FF07} OR 3=3 -- ",
    "\u{2BC} OR 1=1 -- ",
    // NUL and other control characters.
    "\u{0}",
    "'\u{0}; DROP TABLE User; --",
    "x\u{0}' OR 1=1 -- ",
    "a\r\n'; DROP TABLE User; --\n",
    "\u{1A}' OR 1=1 -- ",
    "\u{8}'",
    // Patterns.
    "%",
    "_",
    "%%",
    "bystander%",
    "b_stander one",
    "[a-z]*",
    ".*",
    "^.*$",
    // Paths and operators of JSON.
    "$.*",
    "$[*].body",
    "$.\"a\".b",
    "a'->>'$.b",
    "{\"$ne\": null}",
    "\",\"type\":\"welcome\",\"x\":\"",
    "\\u0027 OR 1=1 -- ",
    // Formats and templates.
    "%s%s%s%n",
    "%1$s %x %08x",
    "{0} {} {name}",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "?",
    "$1",
    ":name",
    "@user",
    "NULL",
    "0x27204f5220313d31",
    "CHAR(39)",
    // Lines of other protocols.
    "x\r\nSET injected 1\r\n",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "chat:*",
];

/// Whether this is a name: none of the texts has white space at its ends, or characters that do not show.
pub(super) fn is_name(text: &str) -> bool {
    (1..=50).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Whether these are 1 to 64 letters, digits and symbols.
pub(super) fn is_identifier(text: &str, symbols: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || symbols.contains(character);
    (1..=64).contains(&text.len()) && text.chars().all(allowed)
}
