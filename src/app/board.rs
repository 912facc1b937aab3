//! Where is the board? Beside the watch, in the same process; it ends when the watch is gone.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::live::Shared;
#[cfg(feature = "http")]
use crate::http::{self, ServeError, Server};

/// The board while it is open.
pub struct Board {
    /// Where it really is.
    pub address: SocketAddr,
    /// The address that was asked for, if another program has it.
    pub instead_of: Option<String>,
    #[cfg(feature = "http")]
    _server: Server,
}

impl Board {
    /// Opens it.
    #[cfg(feature = "http")]
    pub(super) fn open(listen: &str, shared: &Arc<Shared>) -> anyhow::Result<Option<Board>> {
        let server = http::serve(listen, shared.clone(), Arc::default())?;
        let address = server.address();
        if !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "the board asks nobody for a password, and shows tickets to whoever reaches it: keep it behind a proxy"
            );
        }
        Ok(Some(Board { address, instead_of: None, _server: server }))
    }

    /// Opens it, at a free port if another program has the one that is asked for.
    #[cfg(feature = "http")]
    pub(super) fn open_somewhere(listen: &str, shared: &Arc<Shared>) -> anyhow::Result<Option<Board>> {
        let opened = Board::open(listen, shared);
        let is_taken = |error: &anyhow::Error| matches!(error.downcast_ref(), Some(ServeError::Busy(_)));
        match (&opened, listen.rsplit_once(':')) {
            (Err(error), Some((host, _))) if is_taken(error) => {
                let elsewhere = Board::open(&format!("{host}:0"), shared)?;
                Ok(elsewhere.map(|board| Board { instead_of: Some(listen.to_owned()), ..board }))
            }
            _ => opened,
        }
    }

    /// There is none in this program.
    #[cfg(not(feature = "http"))]
    pub(super) fn open(_: &str, _: &Arc<Shared>) -> anyhow::Result<Option<Board>> {
        Ok(None)
    }

    /// There is none in this program.
    #[cfg(not(feature = "http"))]
    pub(super) fn open_somewhere(_: &str, _: &Arc<Shared>) -> anyhow::Result<Option<Board>> {
        Ok(None)
    }
}
