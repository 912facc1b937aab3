//! The store behind an address: S3, Google Cloud Storage or Azure, one object per checkpoint.
//!
//! A number that is taken is refused by the service itself: an object is put only if there is none of its name. What
//! a service has acknowledged is durable. Who we are says the environment, in the variables that are usual there.

use std::io::{self, Seek, SeekFrom, Write};

use object_store::path::Path;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutPayloadMut, parse_url_opts,
};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::frame::Body;
use super::{Store, StoreError, name_of, number_of};

/// A request may take so long, unless the environment says otherwise: it may carry a whole checkpoint.
const TIMEOUT: &str = "300s";
/// The beginnings of variables that are options of the services.
const VARIABLES: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];
/// So much of what a service answers is told.
const TOLD_MAX: usize = 300;

/// Checkpoints as objects below an address.
pub struct Objects {
    /// The address, for errors.
    place: String,
    folder: Path,
    store: Box<dyn ObjectStore>,
    runtime: Runtime,
}

impl Objects {
    /// Keeps checkpoints below an address, in a folder of this name. Nothing is asked of the service yet.
    pub fn new(address: &str, folder: &str) -> Result<Objects, StoreError> {
        let away = |error: String| StoreError::Away { place: address.to_owned(), error };
        let url = Url::parse(address).map_err(|error| away(error.to_string()))?;
        let set = |(name, value): (String, String)| {
            VARIABLES
                .iter()
                .any(|begins| name.starts_with(begins))
                .then(|| (name.to_ascii_lowercase(), value))
        };
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| set((name.into_string().ok()?, value.into_string().ok()?)));
        let options = [("timeout".to_owned(), TIMEOUT.to_owned())].into_iter().chain(environment);
        let (store, below) = parse_url_opts(&url, options).map_err(|error| away(told(&error)))?;
        // The thread that has the store is the one that waits for it.
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| away(error.to_string()))?;
        Ok(Objects { place: address.to_owned(), folder: below.join(folder), store, runtime })
    }

    fn object(&self, log: u32, number: u64) -> Path {
        self.folder.clone().join(name_of(log, number))
    }

    fn away(&self, error: &Error) -> StoreError {
        StoreError::Away { place: self.place.clone(), error: told(error) }
    }
}

impl Store for Objects {
    fn put(&mut self, log: u32, number: u64, body: &dyn Body) -> Result<(), StoreError> {
        let mut sheets = Sheets::default();
        body.write(&mut sheets)
            .map_err(|error| self.away(&Error::Generic { store: "memory", source: error.into() }))?;
        let object = self.object(log, number);
        let only_new = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.store.put_opts(&object, sheets.into_payload(), only_new);
        match self.runtime.block_on(put) {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Err(StoreError::Taken { log, number })
            }
            Err(error) => Err(self.away(&error)),
        }
    }

    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError> {
        let listed = self.runtime.block_on(self.store.list_with_delimiter(Some(&self.folder)));
        let objects = listed.map_err(|error| self.away(&error))?.objects;
        let number = |object: &object_store::ObjectMeta| number_of(log, object.location.filename()?);
        let mut numbers: Vec<u64> = objects.iter().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError> {
        let object = self.object(log, number);
        let got = self.runtime.block_on(async { self.store.get(&object).await?.bytes().await });
        match got {
            Ok(bytes) => Ok(bytes.into()),
            Err(Error::NotFound { .. }) => Err(StoreError::Gone { log, number }),
            Err(error) => Err(self.away(&error)),
        }
    }

    fn delete(&mut self, log: u32, number: u64) -> Result<(), StoreError> {
        let object = self.object(log, number);
        match self.runtime.block_on(self.store.delete(&object)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.away(&error)),
        }
    }
}

/// A body in memory, in pieces: a service takes one that must be new in one request only.
#[derive(Default)]
struct Sheets {
    pieces: Vec<Vec<u8>>,
    /// Where in the first piece is written; `None`: behind the last one.
    head_at: Option<usize>,
}

impl Sheets {
    fn into_payload(self) -> PutPayload {
        let mut payload = PutPayloadMut::new();
        self.pieces.into_iter().for_each(|piece| payload.push(piece.into()));
        payload.freeze()
    }
}

impl Write for Sheets {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(at) = self.head_at else {
            self.pieces.push(bytes.to_vec());
            return Ok(bytes.len());
        };
        let head = self.pieces.first_mut().and_then(|first| first.get_mut(at..at + bytes.len()));
        head.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(bytes);
        self.head_at = Some(at + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sheets {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.head_at = Some(at as usize);
        Ok(at)
    }
}

/// What went wrong, without what may be secret: answers to requests that were refused repeat parts of them, and
/// addresses may carry a signature behind their question mark.
fn told(error: &Error) -> String {
    match error {
        Error::Unauthenticated { .. } => "the credentials are not accepted".into(),
        Error::PermissionDenied { .. } => "the credentials do not allow it, or are not accepted".into(),
        Error::NotFound { .. } => "it is not there".into(),
        _ => without_queries(&error.to_string()).chars().take(TOLD_MAX).collect(),
    }
}

fn without_queries(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || c == ')' || c == '"';
    let mut parts = text.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| told + "?…" + part.find(ends).map_or("", |at| &part[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_told() {
        let text = "error sending request for url (https://a/b?sig=hush&x=1): timed out";
        assert_eq!(without_queries(text), "error sending request for url (https://a/b?…): timed out");
        assert_eq!(without_queries("why? and so"), "why?… and so");
        assert_eq!(without_queries("plain"), "plain");
    }
}
