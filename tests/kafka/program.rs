//! How does the binary behave that is under test? Started with arguments, wounded, and asked for its last words.

use std::process::{Command, ExitStatus, Stdio};

use super::process::Process;

/// The binary, running. Killed when dropped; if its test fails, what it wrote to standard error is shown.
pub struct Program {
    process: Process,
    arguments: String,
}

impl Program {
    /// Starts it, with these variables beside those of the tests. Its standard input is a pipe into which nobody writes.
    pub fn start<A: AsRef<str>>(arguments: &[A], environment: &[(&str, &str)]) -> Program {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
        command.args(&arguments).envs(environment.iter().copied()).stdin(Stdio::piped());
        Program { process: Process::start(command), arguments: arguments.join(" ") }
    }

    /// SIGKILL. Returns when it is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGSTOP. Returns when it stands still.
    pub fn freeze(&mut self) {
        self.process.freeze();
    }

    /// SIGCONT.
    pub fn thaw(&mut self) {
        self.process.thaw();
    }

    /// SIGTERM.
    pub fn terminate(&mut self) {
        self.process.terminate();
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Waits for its end, and fails when that takes longer. All it wrote can be read afterwards.
    pub fn wait(&mut self, seconds: u64) -> ExitStatus {
        let Some(status) = self.process.wait(seconds) else {
            panic!("`watchbell {}` still runs after {seconds} s", self.arguments)
        };
        self.process.stdout.wait_for_end(10);
        self.process.stderr.wait_for_end(10);
        status
    }

    /// The names of its threads.
    #[allow(dead_code, reason = "the bench `e2e` does not ask")]
    pub fn threads(&self) -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("it runs");
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
        tasks.flatten().filter_map(name).map(|name| name.trim_end().to_owned()).collect()
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        self.process.stdout.text()
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.process.stderr.text()
    }
}

impl Drop for Program {
    #[expect(clippy::print_stderr, reason = "the harness shows it with the failed test")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("`watchbell {}` wrote:\n{}", self.arguments, self.process.stderr.last(200));
        }
    }
}
