//! Who watches, and how does it die? Instances of the program with one worker each, in one group, with one place for
//! their checkpoints.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use watchbell::sink::phase::Phase;

use crate::kafka::program::Program;
use crate::kafka::{Deadline, now};

/// What a worker may have been doing.
const PHASES: [Phase; 5] =
    [Phase::Idle, Phase::Sending, Phase::Committing, Phase::Checkpoint, Phase::Takeover];

/// How long a phase is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a program may take to end when it is asked to.
const END_SECONDS: u64 = 30;

/// One of the instances, in one life after the other.
pub struct Instance {
    number: usize,
    folder: PathBuf,
    config: PathBuf,
    program: Option<Program>,
    lives: u32,
    /// When it is to be started again.
    pub restart_at: Option<Instant>,
    /// Until when it stands still.
    pub frozen_until: Option<Instant>,
    /// What earlier lives wrote that should not have been.
    pub complaints: Vec<String>,
}

impl Instance {
    pub fn new(number: usize, folder: &Path, config: &Path) -> Instance {
        Instance {
            number,
            folder: folder.join(format!("instance-{number}")),
            config: config.to_owned(),
            program: None,
            lives: 0,
            restart_at: None,
            frozen_until: None,
            complaints: Vec::new(),
        }
    }

    pub fn start(&mut self) {
        self.lives += 1;
        let phases = self.phases();
        std::fs::create_dir_all(&phases).expect("writable");
        let config = self.config.to_str().expect("UTF-8");
        let environment = [("WATCHBELL_FAULT_PHASE", phases.to_str().expect("UTF-8")), ("NO_COLOR", "1")];
        self.program = Some(Program::start(&["run", "--config", config], &environment));
        self.restart_at = None;
    }

    /// Where this life keeps its bytes.
    fn phases(&self) -> PathBuf {
        self.folder.join(self.lives.to_string())
    }

    /// Whether it runs, and does not stand still.
    pub fn is_up(&self) -> bool {
        self.program.is_some() && self.frozen_until.is_none()
    }

    /// Under which name its worker writes now.
    pub fn owner(&self) -> Option<String> {
        let said = self.program.as_ref()?.stderr();
        let is_name = |line: &&str| line.contains("a writer begins") && !line.contains("aggregate");
        let name = said.lines().rfind(is_name)?.split_once("owner=")?.1;
        Some(name.trim_matches('"').to_owned())
    }

    /// What its worker is doing; what the dead were doing, too.
    pub fn phase(&self) -> Phase {
        let byte = |name: &str| {
            let mut byte = [0];
            let file = File::open(self.phases().join(name)).ok()?;
            file.read_exact_at(&mut byte, 0).ok()?;
            PHASES.into_iter().find(|phase| *phase as u8 == byte[0])
        };
        // What the worker itself does says most; checkpoints are written and logs taken over beside it.
        let threads = ["worker-0", "worker-0-take", "worker-0-keep"].into_iter().filter_map(byte);
        threads.into_iter().find(|phase| *phase != Phase::Idle).unwrap_or(Phase::Idle)
    }

    /// Waits a little for a phase, and kills it. Returns its name and in which phase it died.
    pub fn kill(&mut self, wanted: Option<Phase>) -> (Option<String>, Phase) {
        let owner = self.owner();
        self.wait_for(wanted);
        if let Some(program) = &mut self.program {
            program.kill();
        }
        let phase = self.phase();
        self.bury();
        (owner, phase)
    }

    /// Waits a little for a phase, and makes it stand still.
    pub fn freeze(&mut self, wanted: Option<Phase>, until: Instant) -> Phase {
        self.wait_for(wanted);
        if let Some(program) = &mut self.program {
            program.freeze();
        }
        self.frozen_until = Some(until);
        self.phase()
    }

    pub fn thaw(&mut self) {
        if let Some(program) = self.program.as_mut().filter(|_| self.frozen_until.take().is_some()) {
            program.thaw();
        }
    }

    /// Waits until a phase begins: in the midst of it, it may be over before the signal is there.
    fn wait_for(&self, wanted: Option<Phase>) {
        let Some(wanted) = wanted else { return };
        let deadline = now() + PATIENCE;
        for is_in_it in [false, true] {
            while (self.phase() == wanted) != is_in_it && now() < deadline {
                std::hint::spin_loop();
            }
        }
    }

    /// Whether it has ended although nobody asked it to; then, its last words.
    pub fn ended_by_itself(&mut self) -> Option<String> {
        let status = self.program.as_mut()?.ended()?;
        let words = self.program.as_mut().map(|program| {
            program.wait(1);
            program.stderr()
        });
        self.bury();
        let words = words.unwrap_or_default();
        let last: Vec<&str> = words.lines().rev().take(3).collect();
        Some(format!("instance {}, {status}: {}", self.number, last.join(" | ")))
    }

    /// The last lines that this life wrote.
    pub fn last_words(&self) -> String {
        let said = self.program.as_ref().map(Program::stderr).unwrap_or_default();
        let mut last: Vec<&str> = said.lines().rev().take(20).collect();
        last.reverse();
        format!("instance {}, life {}:\n{}\n", self.number, self.lives, last.join("\n"))
    }

    /// Asks it to end.
    pub fn terminate(&mut self) {
        self.program.iter_mut().for_each(Program::terminate);
    }

    /// Waits until it has ended. If it did not end well, how, with its last words.
    pub fn wait(&mut self) -> Option<String> {
        let status = self.program.as_mut()?.wait(END_SECONDS);
        let ended_badly = (!status.success()).then(|| format!("{status}, {}", self.last_words()));
        self.bury();
        ended_badly
    }

    /// Notes what a life wrote that it should not have.
    fn bury(&mut self) {
        let Some(mut program) = self.program.take() else { return };
        program.wait(1);
        let said = program.stderr();
        let bad = |line: &&str| line.contains("differs from what stands") || line.contains("panicked");
        self.complaints.extend(said.lines().filter(bad).map(str::to_owned));
        keep(&format!("{}-{}", self.number, self.lives), &said);
    }
}

/// Keeps what a program wrote in the folder that the variable names, if it does.
pub fn keep(name: &str, said: &str) {
    if let Some(kept) = std::env::var_os("WATCHBELL_CHAOS_KEEP") {
        let file = Path::new(&kept).join(format!("{name}.log"));
        std::fs::write(file, said).expect("the folder for logs is writable");
    }
}

/// Waits until something is so, and says so if it was.
pub fn within(seconds: u64, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Deadline::in_seconds(seconds);
    while !is_so() {
        if deadline.has_passed() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
