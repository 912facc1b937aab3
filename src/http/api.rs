//! What do scripts and probes ask? The picture and its parts as JSON, and whether the program is up and ready.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::problem::Problem;
use super::{Site, live};
use crate::alert::{Action, KINDS, Record};
use crate::engine::picture::{self, CHANGES_MAX, Picture};
use crate::names::Text;

/// How many changes are answered unless another number is asked for.
const LIMIT: usize = 50;
/// How many logs an answer names that are not live.
const NAMED_MAX: usize = 20;

/// `GET /healthz`: 200 while the process lives.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: 200 when everything up to a moment ago is read and judged, 503 with the reason otherwise.
pub(super) async fn readiness(State(site): State<Site>) -> Response {
    let picture = site.pictures.picture();
    let jump_seconds = site.pictures.wall_jump_seconds();
    let Some((reason, text)) = not_ready(picture.state, jump_seconds) else {
        return Json(json!({ "status": "ready", "state": picture.state })).into_response();
    };
    let others = picture.logs.iter().filter(|log| log.state != picture::State::Live).take(NAMED_MAX);
    let logs: Vec<Value> = others.map(|log| json!({ "place": log.place, "state": log.state })).collect();
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, text.en, text.zh)
        .with("state", json!(picture.state))
        .with("reason", json!(reason))
        .with("logs", json!(logs))
        .into_response()
}

/// Why it is not ready, as a word and in words.
fn not_ready(state: picture::State, jump_seconds: f64) -> Option<(&'static str, Text)> {
    if jump_seconds != 0.0 {
        let en = format!(
            "the system's clock jumped by {jump_seconds} s: the clocks stand still until it runs evenly"
        );
        let zh = format!("系统时钟跳变 {jump_seconds} 秒：在其恢复平稳之前时钟停走");
        return Some(("wall_jumped", Text::new(en, zh)));
    }
    let (en, zh) = match state {
        picture::State::Live => return None,
        picture::State::Starting => (
            "logs are still being taken over, or none is in the hands of this process yet",
            "日志仍在接管中，或本进程尚未持有任何日志",
        ),
        picture::State::CatchingUp => {
            ("records that were there before are still being read", "仍在读取此前已有的记录")
        }
        picture::State::Blind => {
            ("the brokers do not answer: the clocks stand still", "消息代理没有应答：时钟停走")
        }
        picture::State::Stopping => ("the program ends", "程序正在退出"),
    };
    Some((state.name(), Text::new(en, zh)))
}

/// `GET /api/v1/picture`: everything, as of now.
pub(super) async fn picture(State(site): State<Site>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], live::text(&site.pictures.picture()))
}

/// `GET /api/v1/alerts?limit=&kind=&action=`: the latest changes, newest first.
pub(super) async fn alerts(
    State(site): State<Site>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(pairs) = query.map_err(|rejection| refused(&rejection.body_text()))?;
    let wanted = Wanted::read(&pairs)?;
    let Picture { at, changes, .. } = site.pictures.picture();
    let changes: Vec<&Record> =
        changes.iter().filter(|record| wanted.is(record)).take(wanted.limit).collect();
    Ok(Json(json!({ "at": at.to_string(), "changes": changes })))
}

/// Which changes are wanted.
struct Wanted {
    limit: usize,
    kind: Option<&'static str>,
    action: Option<&'static str>,
}

impl Wanted {
    fn read(pairs: &[(String, String)]) -> Result<Wanted, Problem> {
        let mut wanted = Wanted { limit: LIMIT, kind: None, action: None };
        for (at, (name, value)) in pairs.iter().enumerate() {
            if pairs[..at].iter().any(|(before, _)| before == name) {
                return Err(refused(&format!("`{name}` is given twice")));
            }
            match name.as_str() {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=CHANGES_MAX).contains(limit));
                    let wrong =
                        || refused(&format!("`limit` is `{value}`: a number from 1 to {CHANGES_MAX}"));
                    wanted.limit = limit.ok_or_else(wrong)?;
                }
                "kind" => wanted.kind = Some(one_of(name, value, &KINDS)?),
                "action" => wanted.action = Some(one_of(name, value, &Action::ALL.map(Action::name))?),
                _ => return Err(refused(&format!("`{name}` is unknown: limit, kind, action"))),
            }
        }
        Ok(wanted)
    }

    fn is(&self, record: &Record) -> bool {
        let (kind, action) = (record.change.alert.about.kind(), record.change.action.name());
        self.kind.is_none_or(|wanted| wanted == kind) && self.action.is_none_or(|wanted| wanted == action)
    }
}

fn one_of(name: &str, value: &str, words: &[&'static str]) -> Result<&'static str, Problem> {
    let wrong = || refused(&format!("`{name}` is `{value}`: one of {}", words.join(", ")));
    words.iter().find(|word| **word == value).copied().ok_or_else(wrong)
}

fn refused(what: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, what, format!("请求有误：{what}"))
}

/// `GET /api/v1/crises`: what the aggregate says, if this process owns it.
pub(super) async fn crises(State(site): State<Site>) -> Json<Value> {
    let picture = site.pictures.picture();
    let owned = picture.aggregate.is_some();
    let aggregate = picture.aggregate.unwrap_or_default();
    Json(json!({
        "at": picture.at.to_string(),
        "owned": owned,
        "clock": aggregate.clock.map(|clock| clock.to_string()),
        "sources_missing": aggregate.sources_missing,
        "crises": aggregate.crises,
        "signals": aggregate.signals,
    }))
}

/// `GET /api/v1/commitments`: what is promised, and how it is kept.
pub(super) async fn commitments(State(site): State<Site>) -> Json<Value> {
    let picture = site.pictures.picture();
    Json(json!({ "at": picture.at.to_string(), "commitments": picture.commitments }))
}

/// `GET /api/v1/objectives`: the shares that are promised over many cases, if this process owns the aggregate.
pub(super) async fn objectives(State(site): State<Site>) -> Json<Value> {
    let picture = site.pictures.picture();
    let owned = picture.aggregate.is_some();
    let objectives = picture.aggregate.unwrap_or_default().objectives;
    Json(json!({ "at": picture.at.to_string(), "owned": owned, "objectives": objectives }))
}

/// `GET /api/v1/shadow`: which breaches only one of two policies has, where another one looks on.
pub(super) async fn shadow(State(site): State<Site>) -> Result<Json<Value>, Problem> {
    let picture = site.pictures.picture();
    let shadow = picture.shadow().ok_or_else(|| {
        let en =
            "no other policy looks on here: name one with [shadow] policy, or wait until logs are taken over";
        let zh = "此处没有影子策略：请用 [shadow] policy 指定，或等待日志接管完成";
        Problem::new(StatusCode::NOT_FOUND, en, zh)
    })?;
    Ok(Json(json!({ "at": picture.at.to_string(), "breaches": shadow.breaches, "latest": shadow.latest })))
}

/// `GET /api/v1/subjects/{id}`: how the clocks of a ticket or call come to their verdicts.
pub(super) async fn subject(
    State(site): State<Site>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id.map_err(|rejection| refused(&rejection.body_text()))?;
    let (pictures, asked) = (site.pictures.clone(), id.clone());
    let found = tokio::task::spawn_blocking(move || pictures.explain(&asked)).await.map_err(|_| {
        let en = "the question was not answered; the program's log says why";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, en, "未能回答；原因见程序日志")
    })?;
    if found.is_empty() {
        let en = format!(
            "`{id}` is none of the cases in this process: it was never promised anything, has ended and left, or belongs \
             to another instance"
        );
        let zh = format!("本进程中没有 `{id}`：从未对其作出承诺、已结束并移出，或由其他实例负责");
        return Err(Problem::new(StatusCode::NOT_FOUND, en, zh).with("subject", json!(id)));
    }
    Ok(Json(json!({ "subject": id, "explanations": found })))
}
