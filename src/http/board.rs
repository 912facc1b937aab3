//! What does a browser load? The files of the board, inside the binary, with the headers that keep the page to itself.
//!
//! Ground rules: the page loads nothing from elsewhere and has no script or style within itself, so that the strictest
//! content policy holds. `early.js` is a classic script that must run before the first paint, and stays a file of its own
//! for that reason. A browser asks each time whether a file has changed, and gets an answer of a few bytes if not.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file of the board.
pub(super) struct File {
    /// Its address.
    pub(super) path: &'static str,
    text: &'static str,
}

/// Names files below `board/`; the first is the page itself.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(File { path: concat!("/", $name), text: include_str!(concat!("board/", $name)) },)*]
    };
}

pub(super) const FILES: &[File] = files! {
    "index.html"
    "board.css"
    "board.js"
    "chart.js"
    "clock.js"
    "dom.js"
    "draw/case.js"
    "draw/changes.js"
    "draw/crisis.js"
    "draw/due.js"
    "draw/frame.js"
    "draw/keeping.js"
    "draw/objectives.js"
    "draw/program.js"
    "draw/satisfaction.js"
    "draw/series.js"
    "draw/vitals.js"
    "early.js"
    "format.js"
    "icon.svg"
    "live.js"
    "panels.css"
    "preferences.js"
    "scrolling.js"
    "text.js"
    "theme.css"
    "words.js"
};

/// What every answer carries: nothing is loaded from elsewhere, guessed, framed, or told to others.
pub(super) const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

impl File {
    fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }

    fn tag(&self) -> String {
        format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(self.text.as_bytes()))
    }
}

/// Answers with a file, or that the browser has it already.
pub(super) async fn answer(file: &'static File, headers: HeaderMap) -> Response {
    let tag = file.tag();
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let known =
        known.is_some_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { file.text.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type()));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn below(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the board's folder") {
            let entry = entry.expect("an entry");
            let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                below(&entry.path(), &name, found);
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let mut found = BTreeSet::new();
        below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/board"), "", &mut found);
        let listed: BTreeSet<String> = FILES.iter().map(|file| file.path.to_owned()).collect();
        assert_eq!(listed, found, "the list in this file and the folder differ");
        assert_eq!(FILES[0].path, "/index.html");
        assert!(FILES.iter().all(|file| !file.content_type().starts_with("text/plain")));
    }

    #[test]
    fn the_page_loads_only_what_is_served() {
        for file in FILES {
            for quote in ['"', '\''] {
                for part in file.text.split(quote).filter(|part| part.starts_with('/') && part.len() > 1) {
                    let served = FILES.iter().any(|file| file.path == part) || part.starts_with("/api/v1/");
                    let is_path = part.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
                    assert!(served || !is_path, "{} names {part}", file.path);
                }
            }
            assert!(!file.text.contains("<style") && !file.text.contains(" style=\""), "{}", file.path);
        }
    }
}
