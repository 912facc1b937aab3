//! Who works on the logs? Workers that read, cut, publish checkpoints, crash in the middle of it, and hand logs over.
//!
//! One thread plays all of them, so a seed always gives the same run. The world goes on while they work; what a worker
//! does next, how much it reads, which fences it notices and where it dies is chance.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use fastrand::Rng;
use watchbell::checkpoint::frame::{Body, bytes_of};
use watchbell::checkpoint::{self, Checkpoint, Store, StoreError, prune};
use watchbell::engine::partition::{Outcome, Partition};
use watchbell::engine::takeover::{Taken, TakeoverError, take_over};
use watchbell::shard::{Options, Read};
use watchbell::sink::{self, CutRecord, Sink, SinkError, Transaction};
use watchbell::sla::policy::Policy;
use watchbell::source::{self, Item, Source};
use watchbell::time::{Span, Time};

use super::faults::Faults;
use super::judge::{self, Record};
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
    /// Who is writing: the transactional id of the life that has the sink in its hands.
    acting: String,
    /// Lives that may write no more.
    fenced: BTreeSet<String>,
    weather: Shared,
    faults: std::marker::PhantomData<F>,
}

impl<F: Faults> StormySink<F> {
    /// Whether whoever is writing has been fenced.
    fn admit(&self) -> Result<(), SinkError> {
        match self.fenced.contains(&self.acting) {
            true => Err(SinkError::Fenced {
                owner: self.acting.clone(),
                error: "a newer producer is there".into(),
            }),
            false => Ok(()),
        }
    }
}

impl<F: Faults> Sink for StormySink<F> {
    fn fence(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError> {
        let cut = self.inner.cut(log)?;
        let owner = cut.as_ref().map_or("", |cut| cut.owner.as_str());
        if !owner.is_empty() && owner != self.acting && !F::FENCES_NOBODY {
            self.fenced.insert(owner.to_owned());
        }
        Ok(cut)
    }

    fn commit(&mut self, mut transaction: Transaction) -> Result<(), SinkError> {
        self.admit()?;
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
        self.admit()?;
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
    /// Whether whoever has the store in its hands sees nothing of what others have put there.
    unshared: bool,
    faults: std::marker::PhantomData<F>,
}

impl<F: Faults> Store for StormyStore<F> {
    fn put(&mut self, log: u32, number: u64, body: &dyn Body) -> Result<(), StoreError> {
        let mut bytes = bytes_of(body);
        let mut weather = self.weather.borrow_mut();
        match weather.effect() {
            Some(Death::Before) => {
                weather.hit("crash before a checkpoint");
                return Err(StoreError::Crash);
            }
            Some(Death::Within) => {
                weather.hit("crash within a checkpoint: it is torn");
                let torn = weather.random.usize(0..bytes.len());
                bytes.truncate(torn);
                self.inner.put(log, number, &bytes)?;
                return Err(StoreError::Crash);
            }
            Some(Death::After) => {
                weather.hit("crash after a checkpoint");
                self.inner.put(log, number, &bytes)?;
                return Err(StoreError::Crash);
            }
            None => {}
        }
        self.inner.put(log, number, &bytes)
    }

    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError> {
        if self.unshared {
            return Ok(Vec::new());
        }
        let mut numbers = self.inner.list(log)?;
        if F::LOADS_THE_WRONG_CHECKPOINT && self.taking_over {
            numbers.truncate(1);
        }
        Ok(numbers)
    }

    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError> {
        self.inner.get(log, number)
    }

    fn delete(&mut self, log: u32, number: u64) -> Result<(), StoreError> {
        let death = self.weather.borrow_mut().effect();
        if death != Some(Death::Before) {
            self.inner.delete(log, number)?;
        }
        death.map_or(Ok(()), |_| Err(StoreError::Crash))
    }
}

/// A worker: one source, and the logs it owns.
struct Worker<R: watchbell::shard::Rules> {
    owner: String,
    source: source::memory::Memory,
    logs: BTreeMap<u32, Partition<R>>,
}

/// A worker that stands still in the middle of something, and does not know that the world goes on.
struct Zombie<R: watchbell::shard::Rules> {
    owner: String,
    partition: Partition<R>,
    /// A checkpoint of its last cut.
    checkpoint: Option<(u64, Vec<u8>)>,
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
    /// Owners that were stopped, with a log that somebody else has now, and a checkpoint that they were about to put.
    zombies: Vec<Zombie<F::Rules>>,
    /// The same promises but for one.
    other_policy: Arc<Policy>,
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
        let (acting, fenced) = Default::default();
        let sink = StormySink { inner: Default::default(), acting, fenced, weather: weather.clone(), faults };
        let store = StormyStore {
            inner: Default::default(),
            weather: weather.clone(),
            taking_over: false,
            unshared: false,
            faults,
        };
        let mut cluster: Cluster<F> = Cluster {
            random,
            weather,
            policy: policy.clone(),
            source: source::memory::Memory::new(LOGS),
            sink,
            store,
            workers: Vec::new(),
            lives: 0,
            zombies: Vec::new(),
            other_policy: other_policy::<F>(policy),
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
        let wakes = [self.random.usize(0..steps), self.random.usize(0..steps)];
        let freezes = self.random.usize(0..steps);
        let frozen = freezes..freezes + self.random.usize(1..6);
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
            if wakes.contains(&step) {
                self.wake();
            }
            if frozen.contains(&step) {
                self.stand_still(arrivals.last().map_or(world.last, |arrival| arrival.wall));
                continue;
            }
            for _ in 0..self.random.u32(0..3) {
                let at = self.random.usize(0..self.workers.len());
                let most = self.random.usize(1..12);
                self.work(at, most);
            }
        }
    }

    /// The brokers are frozen: nothing is read, no fence is passed, and no clock moves.
    fn stand_still(&mut self, wall: Time) {
        self.hit("frozen broker");
        if !F::CLOCK_RUNS_BLIND {
            return;
        }
        for at in 0..self.workers.len() {
            self.sink.acting = self.workers[at].owner.clone();
            for partition in self.workers[at].logs.values_mut().filter(|partition| partition.is_live()) {
                partition.advance(wall);
                let _ = partition.cut(&mut self.sink, false, false);
            }
        }
    }

    /// Whoever stood still goes on where it stopped: it publishes its checkpoint, and wants to write.
    fn wake(&mut self) {
        for mut zombie in std::mem::take(&mut self.zombies) {
            self.sink.acting = zombie.owner.clone();
            let log = zombie.partition.shard().log();
            if let Some((number, bytes)) = zombie.checkpoint {
                self.hit("zombie's checkpoint");
                match self.store.inner.put(log, number, &bytes) {
                    Ok(()) | Err(StoreError::Taken { .. }) => {}
                    Err(error) => panic!("memory can be written: {error}"),
                }
            }
            if let Some(named) = zombie.partition.named() {
                self.prune_blindly(log, named);
            }
            self.hit("zombie");
            if zombie.partition.is_live() {
                zombie.partition.advance(zombie.partition.shard().stamp().clock + Span::from_minutes(1));
                match zombie.partition.cut(&mut self.sink, true, true) {
                    Err(SinkError::Fenced { .. }) => self.hit("fenced"),
                    // Its log has not been taken by anybody who writes yet, or nobody is fenced.
                    Ok(_) | Err(SinkError::Crash) => {}
                    Err(error) if F::FORGETS_DOUBT => drop(error),
                    Err(error) => panic!("memory can be written: {error}"),
                }
            }
        }
    }

    /// Everything is read and said; then the clock shows the end of the world, and what follows from that is said.
    fn end(&mut self, world: &World) {
        self.weather.borrow_mut().dies_in = None;
        self.ending = true;
        self.wake();
        for clock in [world.last, world.end] {
            (0..LOGS).for_each(|log| self.source.advance(log, clock));
            // A worker that has been fenced notices now, and its logs go to others.
            while (0..self.workers.len()).any(|at| self.work(at, 64) > 0) {}
            for worker in &mut self.workers {
                self.sink.acting = worker.owner.clone();
                for partition in worker.logs.values_mut() {
                    // One in doubt may not have been written, and leaves it to the next.
                    let written = (0..100).any(|_| {
                        let (before, seq) = (partition.shard().is_dirty(), partition.seq());
                        let cut = partition.cut(&mut self.sink, true, true);
                        cut.is_ok() && partition.seq() > seq && !before
                    });
                    assert!(written, "a hundred doubts in a row");
                }
            }
        }
    }

    /// Worker `at` reads up to `most` records and does what follows. Returns how many it read.
    fn work(&mut self, at: usize, most: usize) -> usize {
        let mut worker = self.workers.remove(at);
        self.sink.acting = worker.owner.clone();
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
        let (log, dirty) = (partition.shard().log(), partition.shard().is_dirty());
        if !dirty && !with_partial && self.random.bool() {
            return Some(());
        }
        match partition.cut(&mut self.sink, with_partial, true) {
            Ok(_) => {}
            Err(SinkError::Crash) => return None,
            // Somebody else has a log of this life; the next one begins without any.
            Err(SinkError::Fenced { .. }) => {
                self.hit("fenced");
                return None;
            }
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
        let keep = self.random.u32(1..4);
        match partition.named().map_or(Ok(0), |named| prune(&mut self.store, log, named, keep)) {
            Ok(0) => {}
            Ok(_) => self.hit("checkpoints pruned"),
            Err(StoreError::Crash) => return None,
            Err(error) => panic!("memory can be written: {error}"),
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
        self.sink.acting = worker.owner.clone();
        if self.random.bool() {
            self.hit("hand-over, released");
            if !partition.is_live() {
                self.hit("hand-over while catching up");
            }
            match partition.release(&mut self.sink) {
                Ok(()) | Err(SinkError::Crash | SinkError::Fenced { .. }) => {}
                Err(error) if F::FORGETS_DOUBT => drop(error),
                Err(error) => panic!("memory can be written: {error}"),
            }
        } else {
            self.hit("hand-over, torn away");
            if self.random.bool() {
                self.stop(at, partition);
            }
        }
        self.hand_to_somebody(log);
    }

    /// A worker is stopped with all logs in its hands, one of which is already somebody else's: often when it was about
    /// to publish a checkpoint of its last cut. The others are taken from it, too.
    fn stop(&mut self, at: usize, torn: Partition<F::Rules>) {
        let Worker { owner, mut source, logs } = self.workers.remove(at);
        self.join();
        let others: Vec<u32> = logs.keys().copied().collect();
        others.iter().for_each(|log| source.revoke(*log));
        for partition in logs.into_values().chain([torn]) {
            let zombie = self.zombie(&owner, partition);
            self.zombies.push(zombie);
        }
        others.into_iter().for_each(|log| self.hand_to_somebody(log));
    }

    fn zombie(&mut self, owner: &str, mut partition: Partition<F::Rules>) -> Zombie<F::Rules> {
        let log = partition.shard().log();
        self.sink.acting = owner.to_owned();
        let written = partition.is_live() && partition.cut(&mut self.sink, false, true).is_ok();
        let checkpoint = (written && !partition.shard().is_dirty()).then(|| {
            let mut alone = checkpoint::memory::Memory::default();
            let numbers = self.store.inner.list(log).unwrap_or_default();
            let after = numbers.last().copied().unwrap_or(0) + 1;
            let number = partition.checkpoint(&mut alone).expect("memory can be written");
            let bytes = alone.get(log, number).expect("it was just put there");
            let renumbered =
                Checkpoint { number: after, ..Checkpoint::decode(&bytes).expect("it was just made") };
            (after, renumbered.encode())
        });
        Zombie { owner: owner.to_owned(), partition, checkpoint }
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

    /// What a taker believes to be promised: now and then it has been started with other promises.
    fn policy_of_a_taker(&mut self, log: u32) -> Arc<Policy> {
        // A log that was never cut is anybody's to begin.
        let begun = self.sink.inner.cut(log).ok().flatten().is_some_and(|cut| cut.seq > 0);
        let other = begun && self.random.u32(0..8) == 0;
        if other { self.other_policy.clone() } else { self.policy.clone() }
    }

    /// Worker `at` takes a log over. `None`: it died.
    fn take(&mut self, log: u32, at: usize) -> Option<()> {
        self.check_named(log);
        let policy = self.policy_of_a_taker(log);
        self.store.taking_over = true;
        self.store.unshared = self.random.u32(0..8) == 0;
        if self.store.unshared {
            self.hit("unshared checkpoints");
        }
        let worker = &mut self.workers[at];
        self.sink.acting = worker.owner.clone();
        let mut taken: Result<Taken<F::Rules>, TakeoverError> =
            take_over(log, &worker.owner, policy, options(), &mut self.sink, &mut self.store);
        if let Err(TakeoverError::State(_)) = taken {
            // It goes to the same worker again, with the policy put right.
            self.weather.borrow_mut().hit("other policy refused");
            let policy = self.policy.clone();
            taken = take_over(log, &worker.owner, policy, options(), &mut self.sink, &mut self.store);
        }
        let unshared = std::mem::take(&mut self.store.unshared);
        self.store.taking_over = false;
        let Taken { mut partition, next_offset, passed_over, .. } = match taken {
            Ok(taken) => taken,
            Err(TakeoverError::Sink(SinkError::Crash)) => return None,
            Err(TakeoverError::Sink(SinkError::Fenced { .. })) => {
                self.hit("fenced");
                return None;
            }
            Err(error) => panic!("memory can be read: {error}"),
        };
        let mut from = next_offset;
        if F::BEGINS_AT_THE_CUT && unshared {
            from = partition.catching_up().map_or(from, |cut| cut.next_offset);
        }
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

impl<F: Faults> Cluster<F> {
    /// Somebody whose last cut named a checkpoint long ago deletes what it takes for old.
    fn prune_blindly(&mut self, log: u32, named: u64) {
        let pruned = prune(&mut self.store.inner, log, named, 1).expect("memory can be written");
        if pruned > 0 {
            self.hit("zombie prunes");
        }
        if F::PRUNES_THE_UNKNOWN {
            let numbers = self.store.inner.list(log).expect("memory can be read");
            let unknown = numbers.into_iter().filter(|number| *number > named);
            unknown.for_each(|number| self.store.inner.delete(log, number).expect("memory can be written"));
        }
    }

    /// What the last cut names must be there, and be good for it, whoever was stopped when and deletes what: the
    /// records before it may be gone.
    fn check_named(&mut self, log: u32) {
        let Some(cut) = self.sink.inner.cut(log).expect("memory can be read") else { return };
        let found = checkpoint::newest(&mut self.store.inner, log, cut.seq).expect("memory can be read").0;
        if found.map_or(0, |found| found.number) < cut.checkpoint {
            self.problem
                .get_or_insert(format!("log {log}: checkpoint {} is needed and gone", cut.checkpoint));
        }
    }
}

/// The promises of somebody who has changed one of them, with the hash that this gives.
fn other_policy<F: Faults>(policy: &Policy) -> Arc<Policy> {
    let text = judge::POLICY.replace("goal = \"1h\"", "goal = \"50m\"");
    let mut other = watchbell::config::policy::read("other.toml", &text).expect("it differs in one number");
    assert_ne!(other.hash, policy.hash);
    if F::HASHES_POLICIES_ALIKE {
        other.hash = policy.hash;
    }
    Arc::new(other)
}

/// Where the newest checkpoint of a log ends.
fn newest_end(store: &mut checkpoint::memory::Memory, log: u32) -> Option<u64> {
    let numbers = store.list(log).expect("memory can be read");
    let bytes = numbers.into_iter().rev().filter_map(|number| store.get(log, number).ok());
    bytes.filter_map(|bytes| Checkpoint::decode(&bytes).ok()).map(|found| found.state.next_offset).next()
}
