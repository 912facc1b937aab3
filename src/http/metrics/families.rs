//! How is a value written down? Under its metric, with labels that the metric has.

use std::collections::BTreeMap;

use prometheus::proto::{self, LabelPair, MetricFamily, MetricType};

use crate::names::metric::{Kind, Metric};

/// Labels and their values.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

/// Values by metric.
#[derive(Default)]
pub(super) struct Families(BTreeMap<Metric, Vec<proto::Metric>>);

impl Families {
    /// Writes what goes up and down.
    pub(super) fn gauge(&mut self, metric: Metric, labels: Labels<'_>, value: f64) {
        let mut gauge = proto::Gauge::default();
        gauge.set_value(value);
        self.write(metric, Kind::Gauge, labels, |written| written.set_gauge(gauge));
    }

    /// Writes what only grows.
    pub(super) fn counter(&mut self, metric: Metric, labels: Labels<'_>, value: f64) {
        let mut counter = proto::Counter::default();
        counter.set_value(value);
        self.write(metric, Kind::Counter, labels, |written| written.set_counter(counter));
    }

    fn write(
        &mut self,
        metric: Metric,
        kind: Kind,
        labels: Labels<'_>,
        set: impl FnOnce(&mut proto::Metric),
    ) {
        debug_assert_eq!(metric.kind(), kind, "{}", metric.name());
        let pair = |(name, value): &(&'static str, &str)| {
            debug_assert!(metric.labels().contains(name), "{} has no label {name}", metric.name());
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        };
        let mut written = proto::Metric::from_label(labels.iter().map(pair).collect());
        set(&mut written);
        self.0.entry(metric).or_default().push(written);
    }

    pub(super) fn into_vec(self) -> Vec<MetricFamily> {
        let family = |(metric, values): (Metric, Vec<proto::Metric>)| {
            let mut family = MetricFamily::default();
            family.set_name(metric.name().to_owned());
            family.set_help(metric.help().to_owned());
            family.set_field_type(match metric.kind() {
                Kind::Counter => MetricType::COUNTER,
                Kind::Gauge => MetricType::GAUGE,
                Kind::Histogram => MetricType::HISTOGRAM,
            });
            family.set_metric(values);
            family
        };
        self.0.into_iter().map(family).collect()
    }
}
