//! The files of the folder `web/`, and the paths under which they are served.

/// A file as it is compiled in.
#[derive(Debug)]
pub(super) struct File {
    /// Where browsers find it.
    pub(super) path: &'static str,
    /// Its media type.
    pub(super) media_type: &'static str,
    /// Its bytes.
    pub(super) content: &'static [u8],
}

/// The media type of a file by the end of its name, known when the program is compiled.
const fn media_type(name: &str) -> &'static str {
    match name.as_bytes() {
        [.., b'.', b'j', b's'] => "text/javascript; charset=utf-8",
        [.., b'.', b'c', b's', b's'] => "text/css; charset=utf-8",
        [.., b'.', b's', b'v', b'g'] => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    }
}

/// Files under their names, below `/web/`.
macro_rules! files {
    ($($name:literal,)+) => {
        &[
            File {
                path: "/",
                media_type: media_type("index.html"),
                content: include_bytes!("../../../web/index.html"),
            },
            $(File {
                path: concat!("/web/", $name),
                media_type: media_type($name),
                content: include_bytes!(concat!("../../../web/", $name)),
            },)+
        ]
    };
}

/// All of them.
pub(super) const FILES: &[File] = files![
    "announcer.js",
    "chat.js",
    "composer.js",
    "contacts.js",
    "conversation-id.js",
    "conversation-view.js",
    "device.js",
    "dialog.js",
    "elements.js",
    "history.js",
    "icon.svg",
    "language.js",
    "lists-view.js",
    "login-view.js",
    "main.js",
    "members-view.js",
    "message-item.js",
    "model.js",
    "names.js",
    "outbox.js",
    "positions.js",
    "random.js",
    "session.js",
    "socket.js",
    "storage.js",
    "style.css",
    "texts.js",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// What all files together may take, so that the first visit is short also over a slow line.
    const MOST_BYTES: usize = 150 * 1_024;

    #[test]
    fn every_file_of_the_folder_is_served_and_all_are_small_together() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| match name.as_str() {
                "index.html" => "/".to_owned(),
                name => format!("/web/{name}"),
            })
            .collect();
        let served: BTreeSet<String> = FILES.iter().map(|file| file.path.to_owned()).collect();
        assert_eq!(served, there);
        let bytes: usize = FILES.iter().map(|file| file.content.len()).sum();
        assert!(bytes < MOST_BYTES, "{bytes}");
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere_and_no_text_becomes_markup() {
        for file in FILES {
            let text = std::str::from_utf8(file.content).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for banned in [
                "http://",
                "https://",
                "src=\"//",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                " style=",
                "onclick=\"",
            ] {
                assert!(!text.contains(banned), "{} has {banned}", file.path);
            }
        }
    }
}
