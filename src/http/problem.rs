//! What is wrong with a request? One form of error for all answers: `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::names::Text;

/// An error, as it is answered.
pub(super) struct Problem {
    status: StatusCode,
    detail: Text,
    more: Map<String, Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, en: impl Into<String>, zh: impl Into<String>) -> Problem {
        Problem { status, detail: Text::new(en, zh), more: Map::new() }
    }

    /// With a member of its own.
    pub(super) fn with(mut self, name: &str, value: Value) -> Problem {
        self.more.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail.en,
            "detail_zh": self.detail.zh,
        });
        if let Some(members) = body.as_object_mut() {
            members.extend(self.more);
        }
        let form = HeaderValue::from_static("application/problem+json");
        (self.status, [(header::CONTENT_TYPE, form)], body.to_string()).into_response()
    }
}

pub(super) async fn not_found(uri: Uri) -> Problem {
    let path = uri.path();
    Problem::new(StatusCode::NOT_FOUND, format!("nothing is served at {path}"), format!("{path} 没有内容"))
}

pub(super) async fn method_not_allowed() -> Problem {
    let en = "everything here can be read, and nothing changed: use GET or HEAD";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, en, "这里只能读取，不能修改：请使用 GET 或 HEAD")
}
