//! How is a child process kept? It ends with the tests however they end, its output is read as it comes, and it can be
//! wounded in every way the field knows.
//!
//! The kernel ends the child when its parent *thread* ends, and each test has a thread of its own; so all children
//! have the same parent, a thread that lives as long as the process.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use super::{Deadline, wait_until};

/// The last lines that are kept of an output.
const LINES_MAX: usize = 10_000;

/// A child. Killed when dropped.
pub struct Process {
    child: Child,
    pub stdout: Arc<Output>,
    pub stderr: Arc<Output>,
}

impl Process {
    /// Starts it with both outputs drained. Standard input is the caller's to set.
    pub fn start(mut command: Command) -> Process {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        end_with_us(&mut command);
        let what = format!("{command:?}");
        let mut child = spawn(command).unwrap_or_else(|error| panic!("{error}: {what}"));
        let stdout = Output::drain(child.stdout.take().expect("it was piped"));
        let stderr = Output::drain(child.stderr.take().expect("it was piped"));
        Process { child, stdout, stderr }
    }

    /// Its number.
    #[allow(dead_code, reason = "for the bench `e2e`")]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child can be waited for")
    }

    /// Waits for its end; `None` when that takes longer.
    pub fn wait(&mut self, seconds: u64) -> Option<ExitStatus> {
        let deadline = Deadline::in_seconds(seconds);
        loop {
            let ended = self.ended();
            if ended.is_some() || deadline.has_passed() {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// SIGKILL. Returns when it is gone.
    pub fn kill(&mut self) {
        // Fails only for a child that has ended, which is what is wanted.
        let _ = self.child.kill();
        self.child.wait().expect("our own child can be waited for");
    }

    /// SIGSTOP. Returns when it stands still.
    pub fn freeze(&mut self) {
        self.signal("STOP");
        wait_until(10, "the process is stopped", || self.state() == Some('T'));
    }

    /// SIGCONT, after which it goes on where it stood.
    pub fn thaw(&mut self) {
        self.signal("CONT");
        wait_until(10, "the process goes on", || self.state() != Some('T'));
    }

    /// SIGTERM.
    pub fn terminate(&mut self) {
        self.signal("TERM");
    }

    /// SIGQUIT: a JVM then writes what its threads do, and goes on.
    pub fn quit(&mut self) {
        self.signal("QUIT");
    }

    /// Sends a signal, unless it has ended: its number may be somebody else's by then.
    fn signal(&mut self, name: &str) {
        if self.ended().is_none() {
            let id = self.child.id();
            let status = Command::new("sh").args(["-c", &format!("kill -s {name} {id}")]).status();
            assert!(status.expect("sh starts").success(), "SIG{name} could not be sent to {id}");
        }
    }

    /// The kernel's letter for what it is doing.
    fn state(&self) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a child wrote: its last lines.
pub struct Output {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Default)]
struct Written {
    lines: VecDeque<String>,
    is_closed: bool,
}

impl Output {
    fn drain(from: impl Read + Send + 'static) -> Arc<Output> {
        let output = Arc::new(Output { written: Mutex::default(), changed: Condvar::new() });
        let kept = output.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(from);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
                kept.push(String::from_utf8_lossy(&line).trim_end().to_string());
                line.clear();
            }
            kept.written().is_closed = true;
            kept.changed.notify_all();
        });
        output
    }

    /// Waits for a line that contains `text`; `false` when none came and none can come, or time is over.
    pub fn wait_for(&self, text: &str, deadline: Deadline) -> bool {
        let mut written = self.written();
        loop {
            if written.lines.iter().any(|line| line.contains(text)) {
                return true;
            }
            if written.is_closed || deadline.has_passed() {
                return false;
            }
            let woken = self.changed.wait_timeout(written, deadline.left());
            written = woken.expect("nobody panics while holding the lock").0;
        }
    }

    /// All that is kept; after the child's end, all there is.
    pub fn text(&self) -> String {
        self.last(LINES_MAX)
    }

    /// The last lines.
    pub fn last(&self, count: usize) -> String {
        let written = self.written();
        let from = written.lines.len().saturating_sub(count);
        written.lines.range(from..).flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Waits until all that a child wrote before its end is here.
    pub fn wait_for_end(&self, seconds: u64) {
        wait_until(seconds, "the output is read to its end", || self.written().is_closed);
    }

    fn push(&self, line: String) {
        let mut written = self.written();
        if written.lines.len() == LINES_MAX {
            written.lines.pop_front();
        }
        written.lines.push_back(line);
        self.changed.notify_all();
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().expect("nobody panics while holding the lock")
    }
}

type Job = (Command, Sender<io::Result<Child>>);

/// Starts a child from the thread that lives as long as the process.
fn spawn(command: Command) -> io::Result<Child> {
    static PARENT: OnceLock<Sender<Job>> = OnceLock::new();
    let parent = PARENT.get_or_init(|| {
        let (jobs, orders) = channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                // Who asked waits for the answer.
                let _ = answer.send(command.spawn());
            }
        });
        jobs
    });
    let (answer, child) = channel();
    parent.send((command, answer)).expect("the parent of all children lives");
    child.recv().expect("the parent of all children answers")
}

/// Has the kernel end the child when we end, however we end.
#[expect(unsafe_code, reason = "only between fork and exec can a child ask to end with its parent")]
fn end_with_us(command: &mut Command) {
    let parent = libc::pid_t::try_from(std::process::id()).expect("a process number");
    let ask = move || {
        // SAFETY: both calls take no pointers and are plain system calls, which may be made between fork and exec.
        let (asked, is_orphan) = unsafe {
            let asked = libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            (asked, libc::getppid() != parent)
        };
        match (asked, is_orphan) {
            (0, false) => Ok(()),
            (0, true) => Err(io::ErrorKind::BrokenPipe.into()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: `ask` neither allocates nor takes a lock.
    unsafe { command.pre_exec(ask) };
}
