//! What does Prometheus get? The pictures as metrics, made when it asks.
//!
//! ```text
//!   Picture ──► totals   what only grows, over all logs, also over those that have left
//!      └──────► clocks   what a monitoring centre looks at     ┐
//!               program  what an operator looks at             ┴─► families ──► text format 0.0.4
//! ```
//!
//! Ground rules: names, labels and helps are those of [`Metric`], nothing else is written; what is not known is left out,
//! never written as 0; the values of labels are few, see [`names::metric`](crate::names::metric).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, Registry, TEXT_FORMAT, TextEncoder};

use super::live::Live;
use super::problem::Problem;
use crate::engine::picture::{Picture, Pictures};
use crate::names::metric::{Kind, Metric};
use families::Families;
use totals::Totals;

mod clocks;
mod families;
mod program;
#[cfg(test)]
mod tests;
mod totals;

/// Buckets of answer times in seconds: from a picture that is copied to a worker that is busy.
const BUCKETS: [f64; 6] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

/// All metrics of the process.
pub(super) struct Metrics {
    registry: Registry,
    totals: Arc<Mutex<Totals>>,
    pictures: Arc<dyn Pictures>,
    requests: HistogramVec,
}

impl Metrics {
    pub(super) fn new(pictures: Arc<dyn Pictures>, live: Arc<Live>) -> Metrics {
        let proof = "the names were checked by a test";
        let totals = Arc::new(Mutex::new(Totals::new(pictures.labels().len())));
        let registry = Registry::new();
        let looked_at = Seen::new(pictures.clone(), live, totals.clone());
        registry.register(Box::new(looked_at)).expect(proof);
        let duration = Metric::HttpDuration;
        let options = HistogramOpts::new(duration.name(), duration.help()).buckets(BUCKETS.to_vec());
        let requests = HistogramVec::new(options, duration.labels()).expect(proof);
        registry.register(Box::new(requests.clone())).expect(proof);
        Metrics { registry, totals, pictures, requests }
    }

    /// Takes note of what has grown, so that little is lost when a log leaves between two scrapes.
    pub(super) fn count(&self, picture: &Picture) {
        lock(&self.totals).take(&picture.logs, &|place| self.pictures.commitment(place));
    }

    /// A request was answered.
    pub(super) fn took(&self, route: &str, code: u16, seconds: f64) {
        let histogram: Histogram = self.requests.with_label_values(&[route, &code.to_string()]);
        histogram.observe(seconds);
    }

    /// The text format.
    pub(super) fn answer(&self) -> Result<Response, Problem> {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(|error| {
            let en = format!("the metrics cannot be written: {error}");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, en, format!("无法输出指标：{error}"))
        })?;
        let form = format!("{TEXT_FORMAT}; charset=utf-8");
        Ok(([(header::CONTENT_TYPE, form)], text).into_response())
    }
}

/// What is seen in the pictures.
struct Seen {
    pictures: Arc<dyn Pictures>,
    live: Arc<Live>,
    totals: Arc<Mutex<Totals>>,
    descriptions: Vec<Desc>,
}

impl Seen {
    fn new(pictures: Arc<dyn Pictures>, live: Arc<Live>, totals: Arc<Mutex<Totals>>) -> Seen {
        let described = |metric: &Metric| {
            let labels = metric.labels().iter().map(|label| (*label).to_owned()).collect();
            Desc::new(metric.name().into(), metric.help().into(), labels, Default::default())
        };
        // The histogram is described by itself.
        let seen = Metric::ALL.iter().filter(|metric| metric.kind() != Kind::Histogram);
        let descriptions = seen.map(described).collect::<Result<_, _>>();
        Seen { pictures, live, totals, descriptions: descriptions.expect("the names were checked by a test") }
    }
}

impl Collector for Seen {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let picture = self.pictures.picture();
        let mut families = Families::default();
        let mut totals = lock(&self.totals);
        totals.take(&picture.logs, &|place| self.pictures.commitment(place));
        clocks::write(&mut families, &picture, &totals, &*self.pictures);
        drop(totals);
        program::write(&mut families, &picture, &*self.pictures);
        families.gauge(Metric::HttpStreams, &[], self.live.streams() as f64);
        families.into_vec()
    }
}

/// A panic of another thread leaves sums behind that are as good as before.
fn lock(totals: &Mutex<Totals>) -> MutexGuard<'_, Totals> {
    totals.lock().unwrap_or_else(PoisonError::into_inner)
}
