//! A terminal of its own for the binary, and a reader of its screen.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

use crate::setting::{DEADLINE, Setting};

/// Runs the binary as a shell does, and then waits as one does.
const SHELL: &str = "\"$0\" \"$@\"; echo \"The command ended with $?.\"; read -r line";
const ENDED: &str = "The command ended with ";

pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    slave: Box<dyn SlavePty + Send>,
    writer: Box<dyn Write + Send>,
    shown: Arc<Shown>,
    child: Option<Box<dyn Child + Send + Sync>>,
    reader: Option<JoinHandle<()>>,
}

struct Shown {
    parser: Mutex<vt100::Parser>,
    changed: Condvar,
}

const fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn some(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

impl Terminal {
    pub(crate) fn open(rows: u16, columns: u16) -> Self {
        let pair = native_pty_system().openpty(size(rows, columns)).unwrap();
        let shown = Arc::new(Shown {
            parser: Mutex::new(vt100::Parser::new(some(rows), some(columns), 0)),
            changed: Condvar::new(),
        });
        let mut output = pair.master.try_clone_reader().unwrap();
        let screen = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                let Ok(mut parser) = screen.parser.lock() else {
                    return;
                };
                parser.process(&buffer[..count]);
                drop(parser);
                screen.changed.notify_all();
            }
        });
        Self {
            writer: pair.master.take_writer().unwrap(),
            master: pair.master,
            slave: pair.slave,
            shown,
            child: None,
            reader: Some(reader),
        }
    }

    pub(crate) fn start(&mut self, setting: &Setting, arguments: &[&str], environment: &[(&str, &str)]) {
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", SHELL, env!("CARGO_BIN_EXE_chat")]);
        command.args(arguments);
        command.cwd(setting.path(""));
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command.env("TZ", "UTC");
        for (key, value) in environment {
            command.env(key, value);
        }
        self.child = Some(self.slave.spawn_command(command).unwrap());
    }

    /// Waits until the screen is like this, and gives it.
    pub(crate) fn wait_for(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + DEADLINE;
        let mut parser = self.shown.parser.lock().unwrap();
        loop {
            let screen = parser.screen().contents();
            if is_there(&screen) {
                return screen;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} did not come:\n{screen}");
            parser = self.shown.changed.wait_timeout(parser, left).unwrap().0;
        }
    }

    pub(crate) fn screen(&self) -> String {
        self.shown.parser.lock().unwrap().screen().contents()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        self.shown
            .parser
            .lock()
            .unwrap()
            .screen_mut()
            .set_size(some(rows), some(columns));
        self.master.resize(size(rows, columns)).unwrap();
    }

    /// Sends the binary SIGTERM.
    pub(crate) fn terminate(&self) {
        let shell = self.child.as_ref().unwrap().process_id().unwrap();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        let status = std::process::Command::new("kill")
            .args(["-TERM", children.trim()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end: whether it was a good one.
    pub(crate) fn ends_well(&self) -> bool {
        let screen = self.wait_for("the end", |screen| {
            screen.contains(ENDED) && screen.trim_end().ends_with('.')
        });
        let (_, code) = screen.rsplit_once(ENDED).unwrap();
        code.trim() == "0."
    }

    pub(crate) fn is_alternate(&self) -> bool {
        self.shown.parser.lock().unwrap().screen().alternate_screen()
    }

    pub(crate) fn hides_cursor(&self) -> bool {
        self.shown.parser.lock().unwrap().screen().hide_cursor()
    }

    /// Whether any character on the screen has a colour.
    pub(crate) fn has_colours(&self) -> bool {
        let parser = self.shown.parser.lock().unwrap();
        let screen = parser.screen();
        let (rows, columns) = screen.size();
        let mut places = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        places.any(|(row, column)| {
            let cell = screen.cell(row, column).unwrap();
            cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default
        })
    }

    /// How the terminal treats lines and keys.
    pub(crate) fn modes(&self) -> String {
        let name = self.master.tty_name().unwrap();
        let output = std::process::Command::new("stty")
            .arg("-F")
            .arg(name)
            .arg("-a")
            .output();
        let modes = String::from_utf8(output.unwrap().stdout).unwrap();
        // The size is no mode.
        let (_, modes) = modes.split_once(';').unwrap();
        modes
            .split_once("columns")
            .map_or(modes, |(_, rest)| rest)
            .split_once(';')
            .unwrap()
            .1
            .to_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
        // The reader ends with the last handle of the terminal, which goes with this value.
        drop(self.reader.take());
    }
}
