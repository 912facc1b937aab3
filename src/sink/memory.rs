//! The sink without a disk: for tests and for simulating many workers that write to one place.

use std::cell::RefCell;
use std::rc::Rc;

use super::{CutRecord, Sink, SinkError, Transaction};
use crate::alert::Record;

/// Transactions in memory. Clones write to the same place.
#[derive(Clone, Debug, Default)]
pub struct Memory(Rc<RefCell<Vec<Transaction>>>);

impl Memory {
    /// All transactions written so far, in order.
    pub fn transactions(&self) -> Vec<Transaction> {
        self.0.borrow().clone()
    }
}

impl Sink for Memory {
    fn commit(&mut self, transaction: Transaction) -> Result<(), SinkError> {
        self.0.borrow_mut().push(transaction);
        Ok(())
    }

    fn cut(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError> {
        Ok(self.0.borrow().iter().rev().find(|written| written.log == log).map(|written| written.cut.clone()))
    }

    fn alerts(&mut self, log: u32, from: u64, visit: &mut dyn FnMut(Record)) -> Result<u64, SinkError> {
        let written = self.0.borrow();
        let mut count = 0;
        for alert in written.iter().filter(|written| written.log == log).flat_map(|written| &written.alerts) {
            if count >= from {
                visit(alert.clone());
            }
            count += 1;
        }
        Ok(count)
    }
}
