//! Where did partitions end when they were last read? Without this memory a record is lost now and then.
//!
//! librdkafka 2.12.1, read in batches, takes the end of a partition at offset E for a record, and E + 1 for what comes
//! next. That is seen when fetching begins anew from there, as it does at every rebalance: the record at E is never
//! delivered; as long as there is none, the offset counts as out of range. So after every change of the assignment fetching
//! is sent back to the ends; and where a record comes that lies beyond the end before it, the log is read again from
//! that end, once: there may be only a transaction's marker between them.

use super::Offset;

/// The ends of partitions after which nothing was read yet.
#[derive(Debug, Default)]
pub(super) struct Ends(Vec<Offset>);

/// Something that was read of a partition.
pub(super) struct Seen<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) offset: u64,
    pub(super) is_end: bool,
}

impl Ends {
    /// Looks at what was read, in order; `see` gives nothing for an error. Returns from where it must be read again:
    /// what was read beyond has been taken out.
    pub(super) fn mind<M>(
        &mut self,
        batch: &mut Vec<M>,
        see: impl Fn(&M) -> Option<Seen<'_>>,
    ) -> Vec<Offset> {
        let mut again: Vec<Offset> = Vec::new();
        if self.0.is_empty() && !batch.iter().any(|one| see(one).is_some_and(|seen| seen.is_end)) {
            return again;
        }
        batch.retain(|one| {
            let Some(seen) = see(one) else { return true };
            if again.iter().any(|from| seen.is_of(from)) {
                return false;
            }
            let known = self.0.iter().position(|end| seen.is_of(end)).map(|at| self.0.swap_remove(at));
            match known {
                _ if seen.is_end => self.0.push(seen.place()),
                Some(end) if seen.offset > end.next_offset => {
                    again.push(end);
                    return false;
                }
                _ => {}
            }
            true
        });
        again
    }

    /// Nothing is known of these partitions any more.
    pub(super) fn forget(&mut self, topic: &str, partition: i32) {
        self.0.retain(|end| (end.topic.as_str(), end.partition) != (topic, partition));
    }

    /// All that are known.
    pub(super) fn all(&self) -> &[Offset] {
        &self.0
    }
}

impl Seen<'_> {
    fn is_of(&self, place: &Offset) -> bool {
        self.partition == place.partition && self.topic == place.topic
    }

    fn place(&self) -> Offset {
        let (topic, metadata) = (self.topic.to_owned(), String::new());
        Offset { topic, partition: self.partition, next_offset: self.offset, metadata }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Partitions and offsets.
    type Places = Vec<(i32, u64)>;

    /// Reads `(partition, offset, is_end)`; returns what is left and from where it must be read again.
    fn read(ends: &mut Ends, batch: &[(i32, u64, bool)]) -> (Places, Places) {
        let mut batch = batch.to_vec();
        let again = ends.mind(&mut batch, |&(partition, offset, is_end)| {
            Some(Seen { topic: "tickets", partition, offset, is_end })
        });
        let left = batch.into_iter().map(|(partition, offset, _)| (partition, offset)).collect();
        (left, again.into_iter().map(|from| (from.partition, from.next_offset)).collect())
    }

    #[test]
    fn a_rebalance_after_an_end_once_lost_the_next_record() {
        let mut ends = Ends::default();
        let (left, again) = read(&mut ends, &[(0, 6, false), (0, 7, true), (1, 3, true)]);
        assert_eq!((left.len(), again), (3, vec![]));
        // Record 7 is missing: read again from there, and of the other partition nothing is taken away.
        let (left, again) = read(&mut ends, &[(0, 8, false), (1, 3, false), (0, 9, false), (0, 10, true)]);
        assert_eq!((left, again), (vec![(1, 3)], vec![(0, 7)]));
        let (left, again) = read(&mut ends, &[(0, 7, false), (0, 8, false), (0, 9, true)]);
        assert_eq!((left.len(), again), (3, vec![]));
    }

    #[test]
    fn what_lies_beyond_an_end_is_believed_the_second_time() {
        let mut ends = Ends::default();
        read(&mut ends, &[(0, 7, true)]);
        assert_eq!(read(&mut ends, &[(0, 9, false)]), (vec![], vec![(0, 7)]));
        assert_eq!(read(&mut ends, &[(0, 9, false)]), (vec![(0, 9)], vec![]));
    }

    #[test]
    fn an_end_moves_when_only_markers_were_read() {
        let mut ends = Ends::default();
        read(&mut ends, &[(0, 7, true), (0, 8, true)]);
        assert_eq!(ends.all()[0].next_offset, 8);
        ends.forget("tickets", 0);
        assert!(ends.all().is_empty());
    }
}
