//! Who works on the logs? Workers that read, cut, publish checkpoints, crash in the middle of it, and hand logs over.
//!
//! One thread plays all of them, so a seed always gives the same run. The world goes on while they work; what a worker
//! does next, how much it reads, which fences it notices and where it dies is chance.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use fastrand::Rng;
use watchbell::checkpoint::{self, Checkpoint, Store, StoreError};
use watchbell::engine::partition::{Outcome, Partition};
use watchbell::engine::takeover::{Taken, TakeoverError, take_over};
use watchbell::shard::{Options, Read};
use watchbell::sink::{self, CutRecord, Sink, SinkError, Transaction};
use watchbell::sla::policy::Policy;
use watchbell::source::{self, Item, Source};

use super::faults::Faults;
use super::judge::Record;
use super::world::{DEDUP_WINDOW, HORIZON, LOGS, MAX_SKEW, World};

/// How often each kind of fault and each kind of event was hit.
pub type Hits = BTreeMap<&'static str, u64>;

/// What may be wrong with an effect of a worker.
#[derive(Debug, Default)]
struct Weather {
    random: Rng,
    /// After so many effects the worker dies.
    dies_in: Option<u32>,
    hits: Hits,
}

/// The weather is the same for all doors of all workers.
type Shared = Rc<RefCell<Weather>>;

/// How a worker dies at an effect.
#[derive(Clone, Copy, PartialEq)]
enum Death {
    Before,
    Within,
    After,
}

impl Weather {
    fn hit(&mut self, what: &'static str) {
        *self.hits.entry(what).or_default() += 1;
    }

    /// One effect passes; whether the worker dies of it, and how.
    fn effect(&mut self) -> Option<Death> {
        let left = self.dies_in?.saturating_sub(1);
        self.dies_in = Some(left).filter(|left| *left > 0);
        let deaths = [Death::Before, Death::Within, Death::After];
        self.dies_in.is_none().then(|| deaths[self.random.usize(0..3)])
    }
}

/// A sink in bad weather.
struct StormySink<F> {
    inner: sink::memory::Memory,
    weather: Shared,
    faults: std::marker::PhantomData<F>,
}

impl<F: Faults> Sink for StormySink<F> {
    fn commit(&mut self, mut transaction: Transaction) -> Result<(), SinkError> {
        let mut weather = self.weather.borrow_mut();
        if F::DROPS_RETRACTIONS {
            let is_kept = |record: &watchbell::alert::Record| {
                record.change.action != watchbell::alert::Action::Retracted
            };
            transaction.alerts.retain(is_kept);
        }
        match weather.effect() {
            Some(Death::Before | Death::Within) => {
                weather.hit("crash before a commit");
                return Err(SinkError::Crash);
            }
            Some(Death::After) => {
                weather.hit("crash after a commit");
                self.inner.commit(transaction)?;
                return Err(SinkError::Crash);
            }
            None => {}
        }
        let in_doubt = || SinkError::InDoubt { place: "memory".into() };
        match weather.random.u32(0..24) {
            0 => {
                weather.hit("doubt, not written");
                Err(in_doubt())
            }
            1 => {
                weather.hit("doubt, written");
                self.inner.commit(transaction)?;
                if F::FORGETS_DOUBT {
                    Err(SinkError::Io { place: "memory".into(), error: lost() })
                } else {
                    Err(in_doubt())
                }
            }
            _ => self.inner.commit(transaction),
        }
    }

    fn claim(&mut self, log: u32, cut: CutRecord) -> Result<(), SinkError> {
        let death = self.weather.borrow_mut().effect();
        if death != Some(Death::Before) {
            self.inner.claim(log, cut)?;
        }
        death.map_or(Ok(()), |_| Err(SinkError::Crash))
    }

    fn cut(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError> {
        self.inner.cut(log)
    }

    fn alerts(
        &mut self,
        log: u32,
        from: u64,
        visit: &mut dyn FnMut(watchbell::alert::Record),
    ) -> Result<u64, SinkError> {
        self.inner.alerts(log, from, visit)
    }
}

fn lost() -> std::io::Error {
    std::io::ErrorKind::ConnectionReset.into()
}

/// A store in bad weather.
struct StormyStore<F> {
    inner: checkpoint::memory::Memory,
    weather: Shared,
    /// Whether somebody is taking a log over.
    taking_over: bool,
    faults: std::marker::PhantomData<F>,
}

impl<F: Faults> Store for StormyStore<F> {
    fn put(&mut self, log: u32, number: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let mut weather = self.weather.borrow_mut();
        match weather.effect() {
            Some(Death::Before) => {
                weather.hit("crash before a checkpoint");
                return Err(StoreError::Crash);
            }
            Some(Death::Within) => {
                weather.hit("crash within a checkpoint: it is torn");
                let torn = weather.random.usize(0..bytes.len());
                self.inner.put(log, number, &bytes[..torn])?;
                return Err(StoreError::Crash);
            }
            Some(Death::After) => {
                weather.hit("crash after a checkpoint");
                self.inner.put(log, number, bytes)?;
                return Err(StoreError::Crash);
            }
            None => {}
        }
        self.inner.put(log, number, bytes)
    }

    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError> {
        let mut numbers = self.inner.list(log)?;
        if F::LOADS_THE_WRONG_CHECKPOINT && self.taking_over {
            numbers.truncate(1);
        }
        Ok(numbers)
    }

    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError> {
        self.inner.get(log, number)
    }
}

/// A worker: one source, and the logs it owns.
struct Worker<R: watchbell::shard::Rules> {
    owner: String,
    source: source::memory::Memory,
    logs: BTreeMap<u32, Partition<R>>,
}

/// What a run leaves behind.
pub struct Run {
    /// The records of each log, in order.
    pub records: Vec<Vec<Record>>,
    /// Everything that was committed, in order.
    pub transactions: Vec<Transaction>,
    /// How often what happened.
    pub hits: Hits,
    /// The worst that was noticed by the workers themselves.
    pub problem: Option<String>,
}

/// All workers and what they share.
pub struct Cluster<F: Faults> {
    random: Rng,
    weather: Shared,
    policy: Arc<Policy>,
    source: source::memory::Memory,
    sink: StormySink<F>,
    store: StormyStore<F>,
    workers: Vec<Worker<F::Rules>>,
    lives: u32,
    /// Whether nothing more will happen in the world.
    ending: bool,
    records: Vec<Vec<Record>>,
    problem: Option<String>,
}

/// How every log of the worlds is read.
pub fn options() -> Options {
    Options { horizon: HORIZON, dedup_window: DEDUP_WINDOW, max_skew: MAX_SKEW, ..Options::default() }
}

impl<F: Faults> Cluster<F> {
    /// Plays a world to its end with two or three workers.
    pub fn play(seed: u64, world: &World, policy: &Arc<Policy>) -> Run {
        let mut random = Rng::with_seed(seed ^ 0x5eed);
        let weather = Weather { random: random.fork(), dies_in: None, hits: Hits::new() };
        let weather = Rc::new(RefCell::new(weather));
        let faults = std::marker::PhantomData;
        let sink = StormySink { inner: Default::default(), weather: weather.clone(), faults };
        let store =
            StormyStore { inner: Default::default(), weather: weather.clone(), taking_over: false, faults };
        let mut cluster: Cluster<F> = Cluster {
            random,
            weather,
            policy: policy.clone(),
            source: source::memory::Memory::new(LOGS),
            sink,
            store,
            workers: Vec::new(),
            lives: 0,
            ending: false,
            records: vec![Vec::new(); LOGS as usize],
            problem: None,
        };
        for _ in 0..cluster.random.usize(2..4) {
            cluster.join();
        }
        for log in 0..LOGS {
            cluster.hand_to_somebody(log);
        }
        cluster.live(world);
        cluster.end(world);
        let (weather, transactions) = (cluster.weather.borrow(), cluster.sink.inner.transactions());
        Run { records: cluster.records, transactions, hits: weather.hits.clone(), problem: cluster.problem }
    }

    fn hit(&mut self, what: &'static str) {
        self.weather.borrow_mut().hit(what);
    }

    fn join(&mut self) {
        self.lives += 1;
        let owner = format!("life-{}", self.lives);
        self.workers.push(Worker { owner, source: self.source.clone(), logs: BTreeMap::new() });
    }

    /// The world goes on, and the workers with it.
    fn live(&mut self, world: &World) {
        let steps = world.arrivals.len() / 4;
        // Every world has a crash and a hand-over, at instants of chance.
        let crashes = [self.random.usize(0..steps), self.random.usize(0..steps)];
        let hand_overs = [self.random.usize(0..steps), self.random.usize(0..steps)];
        for (step, arrivals) in world.arrivals.chunks(4).enumerate() {
            for arrival in arrivals {
                match &arrival.payload {
                    Some(payload) => {
                        self.source.append(arrival.log, payload.as_bytes(), arrival.wall);
                        self.records[arrival.log as usize].push(Record::new(arrival.wall, payload));
                    }
                    None => self.source.advance(arrival.log, arrival.wall),
                }
            }
            if crashes.contains(&step) {
                let effects = self.random.u32(1..4);
                self.weather.borrow_mut().dies_in = Some(effects);
            }
            if hand_overs.contains(&step) {
                self.hand_over();
            }
            for _ in 0..self.random.u32(0..3) {
                let at = self.random.usize(0..self.workers.len());
                let most = self.random.usize(1..12);
                self.work(at, most);
            }
        }
    }

    /// Everything is read and said; then the clock shows the end of the world, and what follows from that is said.
    fn end(&mut self, world: &World) {
        self.weather.borrow_mut().dies_in = None;
        self.ending = true;
        for clock in [world.last, world.end] {
            (0..LOGS).for_each(|log| self.source.advance(log, clock));
            for at in 0..self.workers.len() {
                while self.work(at, 64) > 0 {}
            }
            let partitions = self.workers.iter_mut().flat_map(|worker| worker.logs.values_mut());
            for partition in partitions {
                // A doubt about the first leaves it to the next.
                let written = (0..100).any(|_| {
                    let before = partition.shard().is_dirty();
                    partition.cut(&mut self.sink, true, true).is_ok() && !before
                });
                assert!(written, "a hundred doubts in a row");
            }
        }
    }

    /// Worker `at` reads up to `most` records and does what follows. Returns how many it read.
    fn work(&mut self, at: usize, most: usize) -> usize {
        let mut worker = self.workers.remove(at);
        match self.turn(&mut worker, most) {
            Some(read) => {
                self.workers.insert(at, worker);
                read
            }
            None => {
                // It is dead: another life begins, and its logs go to whoever is there.
                self.join();
                worker.logs.into_keys().for_each(|log| self.hand_to_somebody(log));
                most
            }
        }
    }

    /// `None`: the worker died.
    fn turn(&mut self, worker: &mut Worker<F::Rules>, most: usize) -> Option<usize> {
        let mut seen = Vec::new();
        let Worker { source, logs, .. } = worker;
        let mut problem = None;
        let (random, ending) = (&mut self.random, self.ending);
        let mut visit = |record: source::Record<'_>| {
            let partition = logs.get_mut(&record.log).expect("only what is assigned");
            let clock = match record.item {
                // Not every fence is noticed: a worker asks for them ten times a second, not all the time.
                Item::Clock(time) if ending || random.u32(0..4) > 0 => Some(time),
                _ => None,
            };
            seen.push((record.log, partition.read(&record)));
            if let Some(difference) = partition.settle().filter(|difference| *difference > 0) {
                problem.get_or_insert(format!(
                    "log {}: {difference} alerts differ after a takeover",
                    record.log
                ));
            }
            clock.into_iter().for_each(|clock| partition.advance(clock));
        };
        let read = source.poll(most, &mut visit).expect("memory can be read");
        self.problem = self.problem.take().or(problem);
        for (_, outcome) in &seen {
            match outcome {
                Outcome::Rejected(reason) => self.hit(reason.code()),
                Outcome::Read(Read::Duplicate) => self.hit("duplicate"),
                Outcome::Read(_) => {}
            }
        }
        let live: Vec<u32> =
            worker.logs.iter().filter(|(_, partition)| partition.is_live()).map(|(log, _)| *log).collect();
        for log in live {
            self.write(worker.logs.get_mut(&log).expect("its own"))?;
        }
        Some(read)
    }

    /// Cuts, and publishes a checkpoint now and then.
    fn write(&mut self, partition: &mut Partition<F::Rules>) -> Option<()> {
        let (with_partial, publish) = (self.random.bool(), self.random.u32(0..6) == 0);
        if F::PUBLISHES_TOO_EARLY && publish && self.random.bool() {
            self.publish_early(partition)?;
        }
        let dirty = partition.shard().is_dirty();
        if !dirty && !with_partial && self.random.bool() {
            return Some(());
        }
        match partition.cut(&mut self.sink, with_partial, true) {
            Ok(_) => {}
            Err(SinkError::Crash) => return None,
            Err(error) if F::FORGETS_DOUBT => drop(error),
            Err(error) => panic!("memory can be written: {error}"),
        }
        // A cut in doubt that was not written leaves something to say: no checkpoint then.
        if publish && !partition.shard().is_dirty() {
            match partition.checkpoint(&mut self.store) {
                Ok(_) => self.hit("checkpoint"),
                Err(StoreError::Crash) => return None,
                Err(error) => panic!("memory can be written: {error}"),
            }
        }
        Some(())
    }

    /// The state as it will be after the cut that is still to be written.
    fn publish_early(&mut self, partition: &mut Partition<F::Rules>) -> Option<()> {
        let mut nowhere = sink::memory::Memory::default();
        partition.cut(&mut nowhere, false, true).expect("memory can be written");
        match partition.checkpoint(&mut self.store) {
            Ok(_) => Some(()),
            Err(_) => None,
        }
    }

    /// A log goes from one worker to another: released, or torn away.
    fn hand_over(&mut self) {
        let log = self.random.u32(0..LOGS);
        let Some(at) = self.workers.iter().position(|worker| worker.logs.contains_key(&log)) else { return };
        let worker = &mut self.workers[at];
        worker.source.revoke(log);
        let partition = worker.logs.remove(&log).expect("its own");
        if self.random.bool() {
            self.hit("hand-over, released");
            if !partition.is_live() {
                self.hit("hand-over while catching up");
            }
            match partition.release(&mut self.sink) {
                Ok(()) | Err(SinkError::Crash) => {}
                Err(error) if F::FORGETS_DOUBT => drop(error),
                Err(error) => panic!("memory can be written: {error}"),
            }
        } else {
            self.hit("hand-over, torn away");
        }
        self.hand_to_somebody(log);
    }

    /// A log goes to a worker of chance; one that dies of it leaves its other logs to the rest.
    fn hand_to_somebody(&mut self, log: u32) {
        let mut waiting = vec![log];
        while let Some(log) = waiting.pop() {
            let at = self.random.usize(0..self.workers.len());
            if self.take(log, at).is_none() {
                self.hit("crash in a takeover");
                let dead = self.workers.remove(at);
                self.join();
                waiting.push(log);
                waiting.extend(dead.logs.into_keys());
            }
        }
    }

    /// Worker `at` takes a log over. `None`: it died.
    fn take(&mut self, log: u32, at: usize) -> Option<()> {
        let worker = &mut self.workers[at];
        self.store.taking_over = true;
        let taken: Result<Taken<F::Rules>, TakeoverError> =
            take_over(log, &worker.owner, self.policy.clone(), options(), &mut self.sink, &mut self.store);
        self.store.taking_over = false;
        let Taken { mut partition, next_offset, passed_over, .. } = match taken {
            Ok(taken) => taken,
            Err(TakeoverError::Sink(SinkError::Crash)) => return None,
            Err(error) => panic!("memory can be read: {error}"),
        };
        let mut from = next_offset;
        if F::LOADS_THE_WRONG_CHECKPOINT {
            from = newest_end(&mut self.store.inner, log).unwrap_or(from).max(from);
        }
        if F::SKIPS_AN_OFFSET && from < self.source.next_offset(log) {
            from += 1;
        }
        worker.source.assign(log, from).expect("it is there");
        if let Some(difference) = partition.settle().filter(|difference| *difference > 0) {
            self.problem.get_or_insert(format!("log {log}: {difference} alerts differ after a takeover"));
        }
        worker.logs.insert(log, partition);
        if !passed_over.is_empty() {
            self.hit("damaged checkpoint passed over");
        }
        self.hit("takeover");
        Some(())
    }
}

/// Where the newest checkpoint of a log ends.
fn newest_end(store: &mut checkpoint::memory::Memory, log: u32) -> Option<u64> {
    let numbers = store.list(log).expect("memory can be read");
    let bytes = numbers.into_iter().rev().filter_map(|number| store.get(log, number).ok());
    bytes.filter_map(|bytes| Checkpoint::decode(&bytes).ok()).map(|found| found.state.next_offset).next()
}
