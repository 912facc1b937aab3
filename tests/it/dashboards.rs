//! Do dashboards and rules speak of metrics that exist? Every query is taken apart and compared with the names.

mod query;
mod rules;

use std::collections::BTreeSet;

use serde_json::Value;

use query::Query;

const DASHBOARD: &str = include_str!("../../dashboards/monitoring-centre.json");
const DATASOURCE: &str = "${datasource}";

fn is_bilingual(text: &str) -> bool {
    let cjk = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    text.chars().any(cjk) && text.chars().filter(char::is_ascii_alphabetic).count() >= 3
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).expect("the dashboard is JSON")
}

/// What is wrong with a panel.
fn problems_of(panel: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let mut need = |holds: bool, what: &str| {
        if !holds {
            problems.push(format!("panel `{}`: {what}", text(panel, "/title")));
        }
    };
    need(is_bilingual(text(panel, "/title")), "the title is not in both languages");
    let description = text(panel, "/description");
    need(
        is_bilingual(description) && description.ends_with('。'),
        "the description is not in both languages",
    );
    need(!text(panel, "/fieldConfig/defaults/unit").is_empty(), "no unit");
    need(!list(panel, "/fieldConfig/defaults/thresholds/steps").is_empty(), "no thresholds");
    need(text(panel, "/datasource/uid") == DATASOURCE, "the data source is not the variable");
    need(!list(panel, "/targets").is_empty(), "no query");
    for transformation in list(panel, "/transformations") {
        let id = text(transformation, "/id");
        // Grafana says nothing of one it does not know.
        need(
            ["merge", "organize"].contains(&id),
            &format!("transformation `{id}` is not one of Grafana's known here"),
        );
    }
    let mut references = BTreeSet::new();
    for target in list(panel, "/targets") {
        need(text(target, "/datasource/uid") == DATASOURCE, "a query's data source is not the variable");
        need(references.insert(text(target, "/refId")), "two queries have one refId");
        let query = match Query::read(text(target, "/expr")) {
            Ok(query) => query,
            Err(what) => {
                need(false, &what);
                continue;
            }
        };
        for what in query.problems(&BTreeSet::new()) {
            need(false, &what);
        }
        for selector in &query.selectors {
            let asks = |label: &str| selector.labels.iter().any(|asked| asked == label);
            need(asks("instance"), &format!("`{}` does not ask for $instance", selector.name));
            let by_commitment =
                query::labels(&selector.name).is_some_and(|labels| labels.contains(&"commitment"));
            need(
                !by_commitment || asks("commitment"),
                &format!("`{}` does not ask for $commitment", selector.name),
            );
        }
        for window in &query.windows {
            let of_rate = window.function == "rate";
            need(!of_rate || window.length == "$__rate_interval", "a rate without $__rate_interval");
        }
        let legal: BTreeSet<&str> =
            query.selectors.iter().flat_map(|one| query::labels(&one.name)).flatten().collect();
        for label in
            text(target, "/legendFormat").split("{{").skip(1).filter_map(|part| part.split("}}").next())
        {
            need(
                legal.contains(label),
                &format!("the legend names `{label}`, which no metric of the query has"),
            );
        }
    }
    problems
}

#[test]
fn panels_are_whole_and_ask_for_what_exists() {
    let dashboard = dashboard();
    let panels: Vec<&Value> =
        list(&dashboard, "/panels").iter().filter(|panel| text(panel, "/type") != "row").collect();
    assert!(panels.len() >= 30, "{} panels", panels.len());
    let problems: Vec<String> = panels.iter().flat_map(|panel| problems_of(panel)).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn panels_lie_beside_each_other() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in list(&dashboard, "/panels") {
        let number =
            |name: &str| panel["gridPos"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {panel}"));
        let (x, y, w, h) = (number("x"), number("y"), number("w"), number("h"));
        assert!(x + w <= 24, "`{}` is too wide", text(panel, "/title"));
        for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |line| (column, line))) {
            assert!(taken.insert(cell), "`{}` lies on another panel at {cell:?}", text(panel, "/title"));
        }
        assert!(ids.insert(panel["id"].as_u64()), "an id is there twice: {}", panel["id"]);
    }
}

#[test]
fn variables_lead_to_metrics() {
    let dashboard = dashboard();
    let variables = list(&dashboard, "/templating/list");
    let names: Vec<&str> = variables.iter().map(|variable| text(variable, "/name")).collect();
    assert_eq!(names, ["datasource", "instance", "commitment"]);
    assert_eq!(text(&variables[0], "/type"), "datasource");
    for variable in &variables[1..] {
        assert_eq!(text(variable, "/datasource/uid"), DATASOURCE);
        let query = text(variable, "/query/query");
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.rsplit_once(", "));
        let (selector, label) = inner.unwrap_or_else(|| panic!("`{query}` is no label_values(…, …)"));
        let read = Query::read(selector).expect("a selector");
        assert_eq!(read.problems(&BTreeSet::new()), [""; 0], "{query}");
        let labels = query::labels(&read.selectors[0].name).expect("a metric");
        assert!(labels.contains(&label.trim_end_matches(')')), "{query}");
        assert!(is_bilingual(text(variable, "/label")), "{query}");
    }
    assert!(is_bilingual(text(&dashboard, "/title")));
}
