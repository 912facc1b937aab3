//! What can be looked at? The board, the API and the metrics, served to browsers, scripts and Prometheus.
//!
//! ```text
//!   Pictures ──► metrics  GET /metrics                         (rendered when it is asked for)
//!      │    └──► api      GET /api/v1/…, /healthz, /readyz
//!      └──once a second, and at once when alerts change──► live ──► every open board
//!                board    GET / and the files of the page      (inside the binary)
//! ```
//!
//! Ground rules: it looks at [`Pictures`] and never keeps a worker waiting; everything can be read and nothing changed;
//! whoever reads slowly misses pictures, not the others; connections and streams are bounded; it has a thread of its own, and
//! ends within [`END`]. Not here: what the numbers mean, and who may look: it is for a trusted network, or behind a
//! proxy that asks for a password.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use tokio::sync::oneshot;

use crate::engine::clock;
use crate::engine::picture::Pictures;
use live::Live;
use metrics::Metrics;

mod api;
mod board;
mod door;
mod live;
mod metrics;
mod problem;
#[cfg(test)]
mod tests;

/// How many connections there may be; the next ones wait.
pub const CONNECTIONS_MAX: usize = 256;
/// How many boards may be open; the next ones are refused.
pub const STREAMS_MAX: usize = 64;
/// How many questions to the workers may wait at once.
pub const QUESTIONS_MAX: usize = 4;
/// How long the end may take.
pub const END: Duration = Duration::from_secs(2);
/// How often it is looked whether the end has come, or alerts have changed.
const LOOK: Duration = Duration::from_millis(100);

// Open boards must leave room for whoever asks how things are.
const _: () = assert!(STREAMS_MAX * 2 <= CONNECTIONS_MAX);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody listens there already.
    #[error(
        "{0} is taken: another program listens there. End it, or choose another address; port 0 takes a free one"
    )]
    Busy(String),
    /// One cannot listen there.
    #[error("one cannot listen at {at}: {error}. Write host:port with an address of this machine")]
    Address {
        /// Where.
        at: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The system gives no thread, or no timers.
    #[error("the server does not start: {0}")]
    Start(std::io::Error),
}

/// What is served while it exists. Dropping it ends it, within [`END`].
pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it really listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in it was shown already, and there is nobody left to serve.
            let _ = thread.join();
        }
    }
}

/// Serves at `listen` (`host:port`; port 0 is a free one) until `stop` is set or the server is dropped.
pub fn serve(listen: &str, pictures: Arc<dyn Pictures>, stop: Arc<AtomicBool>) -> Result<Server, ServeError> {
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => ServeError::Busy(listen.to_owned()),
        _ => ServeError::Address { at: listen.to_owned(), error },
    };
    let listener = TcpListener::bind(listen).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    listener.set_nonblocking(true).map_err(ServeError::Start)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(QUESTIONS_MAX)
        .build()
        .map_err(ServeError::Start)?;
    let ended = stop.clone();
    let work = move || {
        runtime.block_on(run(listener, pictures, &ended));
        // A question that a worker does not answer must not hold up the end.
        runtime.shutdown_background();
    };
    let thread = std::thread::Builder::new().name("http".into()).spawn(work).map_err(ServeError::Start)?;
    Ok(Server { address, stop, thread: Some(thread) })
}

async fn run(listener: TcpListener, pictures: Arc<dyn Pictures>, stop: &AtomicBool) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the board cannot be served"),
    };
    let site = Site::new(pictures);
    let (end, ended) = oneshot::channel::<()>();
    let over = async move { drop(ended.await) };
    let doors = door::Doors::new(listener, CONNECTIONS_MAX);
    let serving = axum::serve(doors, router(site.clone())).with_graceful_shutdown(over);
    let serving = tokio::spawn(async move { serving.await });
    site.live.tend(&*site.pictures, &site.metrics, stop).await;
    drop(end);
    if tokio::time::timeout(END.saturating_sub(LOOK * 2), serving).await.is_err() {
        tracing::debug!("some who were looking were cut off at the end");
    }
}

/// What the handlers share.
#[derive(Clone)]
struct Site {
    pictures: Arc<dyn Pictures>,
    metrics: Arc<Metrics>,
    live: Arc<Live>,
}

impl Site {
    fn new(pictures: Arc<dyn Pictures>) -> Site {
        let live = Arc::new(Live::new(STREAMS_MAX));
        let metrics = Arc::new(Metrics::new(pictures.clone(), live.clone()));
        Site { pictures, metrics, live }
    }
}

/// The routes, as they are told apart in metrics, and what answers there. Everything else is a file of the board.
fn router(site: Site) -> Router {
    let mut router = Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(api::health))
        .route("/readyz", get(api::readiness))
        .route("/api/v1/picture", get(api::picture))
        .route("/api/v1/live", get(live::stream))
        .route("/api/v1/alerts", get(api::alerts))
        .route("/api/v1/crises", get(api::crises))
        .route("/api/v1/commitments", get(api::commitments))
        .route("/api/v1/objectives", get(api::objectives))
        .route("/api/v1/shadow", get(api::shadow))
        .route("/api/v1/subjects/{id}", get(api::subject));
    for file in board::FILES {
        router = router.route(file.path, get(move |headers| board::answer(file, headers)));
    }
    let index = &board::FILES[0];
    router
        .route("/", get(move |headers| board::answer(index, headers)))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(site.clone(), around))
        .with_state(site)
}

async fn scrape(State(site): State<Site>) -> Result<Response, problem::Problem> {
    site.metrics.answer()
}

/// What is done around every request: the time is taken, and the headers are set that every answer has.
async fn around(State(site): State<Site>, request: Request, next: Next) -> Response {
    let route = route(request.uri().path());
    let began = clock::instant();
    let mut response = next.run(request).await;
    let seconds = clock::instant().saturating_duration_since(began).as_secs_f64();
    site.metrics.took(route, response.status().as_u16(), seconds);
    for (name, value) in board::HEADERS {
        response
            .headers_mut()
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
    // Files of the board say themselves how long they keep; everything else is true for now only.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The routes that metrics tell apart: what is asked for is not a label, or a stranger could fill the memory.
const ROUTES: [&str; 10] = [
    "/metrics",
    "/healthz",
    "/readyz",
    "/api/v1/picture",
    "/api/v1/live",
    "/api/v1/alerts",
    "/api/v1/crises",
    "/api/v1/commitments",
    "/api/v1/objectives",
    "/api/v1/shadow",
];

fn route(path: &str) -> &'static str {
    let subjects = || path.starts_with("/api/v1/subjects/").then_some("/api/v1/subjects/{id}");
    let board = || (path == "/" || board::FILES.iter().any(|file| file.path == path)).then_some("board");
    ROUTES.iter().find(|route| **route == path).copied().or_else(subjects).or_else(board).unwrap_or("other")
}
