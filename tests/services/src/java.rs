use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use crate::error::StartError;
use crate::programs::find_program;
use crate::service::Missing;

/// A small machine that is soon there, and leaves nothing outside its folder.
const OPTIONS: [&str; 4] = [
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

/// A Java program that works in `directory`; its class is still missing.
pub(crate) fn java(class_path: &OsStr, memory: &str, directory: &Path) -> Result<Command, StartError> {
    let program = find_program("java").ok_or_else(|| Missing {
        reason: "java is missing".to_owned(),
        required: false,
    })?;
    let mut temporary = OsString::from("-Djava.io.tmpdir=");
    temporary.push(directory);
    let mut command = Command::new(program);
    command
        .arg(memory)
        .args(OPTIONS)
        .arg(temporary)
        .arg("-cp")
        .arg(class_path)
        .current_dir(directory)
        // What a machine has for its own programs.
        .env_remove("JAVA_TOOL_OPTIONS")
        .env_remove("CLASSPATH");
    Ok(command)
}
