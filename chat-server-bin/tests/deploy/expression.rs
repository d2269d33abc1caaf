//! What an expression of Prometheus asks for, read from its words: enough of the language for the expressions here,
//! and an error for what is not.

/// Between two vectors.
const OPERATORS: &[&str] = &["and", "or", "unless"];
/// What labels stand behind, in parentheses.
const GROUPINGS: &[&str] = &["by", "without", "on", "ignoring"];
/// What may stand before a parenthesis.
const FUNCTIONS: &[&str] = &[
    "avg",
    "changes",
    "histogram_quantile",
    "increase",
    "max",
    "min",
    "rate",
    "sum",
    "time",
];

/// What an expression asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Metrics, each with the labels that it is chosen by.
    pub(crate) metrics: Vec<(String, Vec<String>)>,
    /// Labels that are grouped by.
    pub(crate) groups: Vec<String>,
}

impl Asked {
    /// What this expression asks for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn by(expression: &str) -> Result<Self, String> {
        let words = words(expression)?;
        check_brackets(&words)?;
        let mut asked = Self::default();
        let mut rest = words.as_slice();
        while let Some((word, after)) = rest.split_first() {
            rest = after;
            let next = after.first().map_or("", String::as_str);
            match word.as_str() {
                // A time.
                "[" => rest = &rest[until(rest, "]")..],
                name if !is_name(name) || OPERATORS.contains(&name) => {}
                name if GROUPINGS.contains(&name) => {
                    let end = until(rest, ")");
                    let labels = rest[..end].iter().filter(|word| is_name(word));
                    asked.groups.extend(labels.cloned());
                    rest = &rest[end..];
                }
                name if FUNCTIONS.contains(&name) => {}
                name if next == "(" => return Err(format!("{name} is no function that is known here")),
                name => {
                    let end = if next == "{" { until(rest, "}") } else { 0 };
                    let labels = rest[..end].iter().filter(|word| is_name(word));
                    asked.metrics.push((name.to_owned(), labels.cloned().collect()));
                    rest = &rest[end..];
                }
            }
        }
        if asked.metrics.is_empty() {
            return Err("it asks for no metric".to_owned());
        }
        Ok(asked)
    }
}

/// How many words there are before this one.
fn until(words: &[String], end: &str) -> usize {
    words.iter().position(|word| word == end).unwrap_or(words.len())
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// Names, numbers with their units, texts as `""`, and every other character alone.
fn words(expression: &str) -> Result<Vec<String>, String> {
    // Grafana puts a time here.
    let expression = expression.replace("$__rate_interval", "1m");
    let mut words = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' {
            let (text, _) = rest[1..].split_once('"').ok_or("a text does not end")?;
            words.push("\"\"".to_owned());
            text.len() + 2
        } else {
            let in_word = |character: char| character.is_ascii_alphanumeric() || "_:.".contains(character);
            let length = rest.find(|character| !in_word(character)).unwrap_or(rest.len());
            let length = length.max(first.len_utf8());
            words.push(rest[..length].to_owned());
            length
        };
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

fn check_brackets(words: &[String]) -> Result<(), String> {
    let mut open = Vec::new();
    for word in words {
        match word.as_str() {
            "(" => open.push(")"),
            "[" => open.push("]"),
            "{" => open.push("}"),
            ")" | "]" | "}" if open.pop() != Some(word) => return Err(format!("{word} ends nothing")),
            _ => {}
        }
    }
    open.pop()
        .map_or(Ok(()), |missing| Err(format!("{missing} is missing")))
}
