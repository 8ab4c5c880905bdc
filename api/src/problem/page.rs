//! The pages behind the `type` URIs of problems.

use axum::extract::Path;
use axum::response::Html;

use super::Problem;
use super::catalogue::{CATALOGUE, NOT_FOUND, ProblemKind, find};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;\
padding:0 1rem;color:#1c2430}code{background:#eef1f5;padding:.1em .3em;border-radius:.2em}\
td,th{text-align:left;padding:.3rem .8rem .3rem 0;vertical-align:top}a{color:#0b5cad}";

/// One kind of problem in words.
#[utoipa::path(
    get,
    path = "/problems/{code}",
    tag = "system",
    summary = "What a problem means",
    params(("code" = String, Path, description = "The problem's code", example = "insufficient_stock")),
    responses(
        (status = 200, description = "A page in words", body = String, content_type = "text/html"),
        (status = 404, description = "No such code", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn problem_page(Path(code): Path<String>) -> Result<Html<String>, Problem> {
    find(&code)
        .map(|kind| Html(one(kind)))
        .ok_or_else(|| Problem::new(&NOT_FOUND).detail("there is no problem with this code"))
}

/// All kinds of problem.
#[utoipa::path(
    get,
    path = "/problems",
    tag = "system",
    summary = "All kinds of problem",
    responses((status = 200, description = "A page in words", body = String, content_type = "text/html"))
)]
pub(crate) async fn index_page() -> Html<String> {
    let rows: String = CATALOGUE
        .iter()
        .map(|kind| {
            format!(
                "<tr><td>{}<td><a href=\"/problems/{code}\"><code>{code}</code></a><td>{}</tr>",
                kind.status.as_u16(),
                kind.about,
                code = kind.code,
            )
        })
        .collect();
    Html(document(
        "Problems",
        &format!("<table><tr><th>Status<th>Code<th>Meaning</tr>{rows}</table>"),
    ))
}

fn one(kind: &ProblemKind) -> String {
    document(
        kind.title,
        &format!(
            "<p>Code <code>{}</code>, HTTP status {}.</p><p>{}</p><h2>What to do</h2><p>{}</p>\
             <p><a href=\"/problems\">All problems</a> &middot; <a href=\"/docs\">API</a></p>",
            kind.code,
            kind.status.as_u16(),
            kind.about,
            kind.hint,
        ),
    )
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} - Onhand</title>\
         <style>{STYLE}</style><h1>{title}</h1>{body}</html>"
    )
}
