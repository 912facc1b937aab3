//! How does an open board hear of the next picture? One task takes it, and every stream sends what was taken last.
//!
//! Ground rules: a picture is taken once for all boards, about once a second, and at once when alerts have changed, at most
//! ten times a second; nothing is queued, so whoever reads slowly gets the newest picture later; all streams end when
//! the server does.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::metrics::Metrics;
use super::problem::Problem;
use super::{LOOK, Site};
use crate::engine::clock;
use crate::engine::picture::{Picture, Pictures};

/// The time between two pictures when alerts do not change.
const EVERY: Duration = Duration::from_secs(1);
/// After so long without a picture a comment is sent, or a proxy would call the line dead.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// The newest picture, for all who look.
pub(super) struct Live {
    newest: watch::Sender<Shown>,
    streams_max: usize,
}

/// What may be seen.
#[derive(Clone)]
pub(super) enum Shown {
    Nothing,
    Picture(Arc<str>),
    Over,
}

impl Live {
    pub(super) fn new(streams_max: usize) -> Live {
        Live { newest: watch::Sender::new(Shown::Nothing), streams_max }
    }

    /// How many look.
    pub(super) fn streams(&self) -> usize {
        self.newest.receiver_count()
    }

    /// Takes pictures until `stop` is set, then ends all streams.
    pub(super) async fn tend(&self, pictures: &dyn Pictures, metrics: &Metrics, stop: &AtomicBool) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut taken, mut said) = (None::<Instant>, 0);
        while !stop.load(Ordering::Relaxed) {
            looks.tick().await;
            let now = clock::instant();
            let said_now: u64 = pictures.said().values().sum();
            let due = taken.is_none_or(|taken| now.saturating_duration_since(taken) >= EVERY);
            let looked_at = self.streams() > 0;
            if !(due || (looked_at && said_now != said)) {
                continue;
            }
            said = said_now;
            let picture = pictures.picture();
            if due {
                taken = Some(now);
                metrics.count(&picture);
            }
            if looked_at {
                self.newest.send_replace(Shown::Picture(text(&picture).into()));
            }
        }
        self.newest.send_replace(Shown::Over);
    }

    /// A place among those who look; `None` when all are taken, or everything is over.
    pub(super) fn look(&self) -> Option<watch::Receiver<Shown>> {
        let is_over = matches!(*self.newest.borrow(), Shown::Over);
        (!is_over && self.streams() < self.streams_max).then(|| self.newest.subscribe())
    }
}

/// A picture as it is sent.
pub(super) fn text(picture: &Picture) -> String {
    serde_json::to_string(picture).expect("a picture is plain data")
}

/// The text of the next picture; `None` at the end.
async fn next(newest: &mut watch::Receiver<Shown>) -> Option<Arc<str>> {
    loop {
        newest.changed().await.ok()?;
        match &*newest.borrow_and_update() {
            Shown::Picture(text) => return Some(text.clone()),
            Shown::Nothing => {}
            Shown::Over => return None,
        }
    }
}

/// `GET /api/v1/live`: the picture now, then each that is taken.
pub(super) async fn stream(State(site): State<Site>) -> Response {
    let Some(newest) = site.live.look() else {
        let en = format!("{} boards are open, or the program ends: try again later", site.live.streams());
        let zh = format!("已打开 {} 个看板，或程序正在退出：请稍后再试", site.live.streams());
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, en, zh).into_response();
    };
    let first: Arc<str> = text(&site.pictures.picture()).into();
    let pictures = stream::unfold((Some(first), newest), |(first, mut newest)| async move {
        let text = match first {
            Some(text) => text,
            None => next(&mut newest).await?,
        };
        let event = Event::default().event("picture").data(&*text);
        Some((Ok::<_, Infallible>(event), (None, newest)))
    });
    // A proxy that gathers answers would show pictures in heaps.
    let at_once = [("x-accel-buffering", "no")];
    (at_once, Sse::new(pictures).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))).into_response()
}
