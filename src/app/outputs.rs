//! Where do the answers go? Files that are there whole or not at all, whatever was there before and whatever goes
//! wrong on the way.
//!
//! A file is written beside its place and moved there when everything has been written. What is no file (a pipe, a
//! terminal, `/dev/null`) is written as it comes. Places are checked before anything is read, so that a wrong path
//! costs no time and an answer never overwrites what it was made from.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use super::replay::Settings;
use crate::engine::replay::Replayed;
use crate::sink::changelog::Lines;

/// The places of the answers, ready to be written.
pub struct Outputs {
    outcomes: Option<Output>,
    alerts: Option<Output>,
}

/// One place.
struct Output {
    path: PathBuf,
    to: To,
}

enum To {
    /// A file that is not yet where it belongs.
    Beside(NamedTempFile),
    /// Something that is there already and stays what it is.
    Standing(File),
}

impl Outputs {
    /// Checks and opens the places.
    pub fn open(settings: &Settings) -> anyhow::Result<Outputs> {
        refuse_overwriting(settings)?;
        let open = |path: &Option<PathBuf>| path.as_deref().map(Output::open).transpose();
        Ok(Outputs { outcomes: open(&settings.outcomes)?, alerts: open(&settings.alerts)? })
    }

    /// Writes the answers. Where that fails, none of the files has changed.
    pub fn write(mut self, replayed: &Replayed, lines: Lines) -> anyhow::Result<()> {
        if let Some(output) = &mut self.outcomes {
            output.fill(|out| {
                for outcome in &replayed.outcomes {
                    serde_json::to_writer(&mut *out, outcome)?;
                    out.write_all(b"\n")?;
                }
                Ok(())
            })?;
        }
        if let Some(output) = &mut self.alerts {
            output.fill(|out| lines.write(out).map(|_| ()))?;
        }
        self.outcomes.into_iter().chain(self.alerts).try_for_each(Output::publish)
    }
}

impl Output {
    fn open(path: &Path) -> anyhow::Result<Output> {
        let to = match path.metadata() {
            Ok(data) if data.is_dir() => bail!("{}: cannot be written: it is a folder", path.display()),
            Ok(data) if data.is_file() && !path.starts_with("/dev") => {
                beside(path).map(To::Beside).or_else(|_| standing(path))
            }
            Ok(_) => standing(path),
            Err(_) => beside(path).map(To::Beside),
        };
        let to = to.with_context(|| {
            format!(
                "{}: cannot be written: choose a folder that exists and that you may write to",
                path.display()
            )
        })?;
        Ok(Output { path: path.to_owned(), to })
    }

    fn fill(&mut self, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> anyhow::Result<()> {
        let file = match &mut self.to {
            To::Beside(file) => file.as_file_mut(),
            To::Standing(file) => file,
        };
        let mut out = BufWriter::with_capacity(1 << 16, file);
        let written = fill(&mut out).and_then(|()| out.flush());
        written.with_context(|| format!("{}: cannot be written", self.path.display()))
    }

    /// Puts a file where it belongs.
    fn publish(self) -> anyhow::Result<()> {
        let To::Beside(file) = self.to else { return Ok(()) };
        let target = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        file.persist(target).with_context(|| format!("{}: cannot be written", self.path.display()))?;
        Ok(())
    }
}

/// A file in the folder of `path`, where it can be moved to `path` in one step; it goes away unless it is.
fn beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".watchbell-");
    let mode = permissions(&target);
    if let Some(mode) = mode {
        builder.permissions(mode);
    }
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

/// Those of the file that is there, else what the system gives new files: a temporary one would be the owner's alone.
#[cfg(unix)]
fn permissions(target: &Path) -> Option<std::fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    let known = target.metadata().ok().map(|data| data.permissions());
    Some(known.unwrap_or_else(|| std::fs::Permissions::from_mode(0o666)))
}

#[cfg(not(unix))]
fn permissions(_target: &Path) -> Option<std::fs::Permissions> {
    None
}

/// What is there is written from its start; a device or a pipe has none.
fn standing(path: &Path) -> std::io::Result<To> {
    let file = OpenOptions::new().write(true).open(path)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(To::Standing(file))
}

/// An answer must not take the place of what it is made from, nor of the other answer.
fn refuse_overwriting(settings: &Settings) -> anyhow::Result<()> {
    let files = settings.files.iter().map(PathBuf::as_path);
    let named = [&settings.mapping, &settings.policy, &settings.against].into_iter().flatten().map(Path::new);
    let mut taken: Vec<PathBuf> = files.chain(named).filter_map(|path| path.canonicalize().ok()).collect();
    for path in [&settings.outcomes, &settings.alerts].into_iter().flatten() {
        let Some(place) = place(path) else { continue };
        if taken.contains(&place) {
            let path = path.display();
            bail!("{path}: is read, or written, in this very run: choose another path for the answer");
        }
        taken.push(place);
    }
    Ok(())
}

/// Where a file is or would be; nothing for what is no file.
fn place(path: &Path) -> Option<PathBuf> {
    if path.exists() {
        return path.canonicalize().ok().filter(|path| path.is_file());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}
