//! In which phase did a process die? One byte in a file says so: written before each phase, kept when the process goes.
//!
//! For tests that kill: with the feature `faults`, and where `WATCHBELL_FAULT_PHASE` names a folder, every thread that
//! enters a phase keeps its byte in a file there, named as the thread is. Without the feature there is nothing here.

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Nothing that could be cut short.
    Idle = 1,
    /// A transaction is open: records and offsets are being sent.
    Sending,
    /// It is being committed.
    Committing,
    /// A checkpoint is being written.
    Checkpoint,
    /// A log is being taken over.
    Takeover,
}

/// A phase begins.
#[cfg(feature = "faults")]
pub fn enter(phase: Phase) {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    thread_local! {
        static BYTE: Option<File> = {
            let thread = std::thread::current();
            let folder = std::env::var_os("WATCHBELL_FAULT_PHASE").map(std::path::PathBuf::from);
            folder.and_then(|folder| File::create(folder.join(thread.name().unwrap_or("unnamed"))).ok())
        };
    }
    BYTE.with(|file| file.as_ref().map(|file| file.write_all_at(&[phase as u8], 0)));
}

/// A phase begins.
#[cfg(not(feature = "faults"))]
pub fn enter(_: Phase) {}
