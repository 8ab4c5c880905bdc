//! Each SQLSTATE that the header of an api function names is met by a SQL test of that function.

use onhand_tests::commands::FUNCTIONS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a SQL test cannot meet, and why.
const EXCEPTIONS: [(&str, &str); 1] = [
    // It takes somebody who reads the slot at that moment.
    ("ensure_replication_slot", "IV008"),
];

#[test]
fn every_code_of_a_header_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = read_all(&root.join("sql"));
    let statements: Vec<&str> = tests.iter().flat_map(|test| statements(test)).collect();
    let headers: Vec<(String, BTreeSet<String>)> = read_all(&root.join("../functions"))
        .iter()
        .filter_map(|file| header(file))
        .collect();
    // Counted, so that it is noticed if headers are not found or not read any more.
    let named: usize = headers.iter().map(|(_, codes)| codes.len()).sum();
    assert!(
        headers.len() > 60 && named > 300,
        "{} functions, {named} codes",
        headers.len()
    );
    let missing: Vec<String> = headers
        .iter()
        .flat_map(|(function, codes)| codes.iter().map(move |code| (function, code)))
        .filter(|(function, code)| !EXCEPTIONS.contains(&(function.as_str(), code.as_str())))
        .filter(|(function, code)| !statements.iter().any(|statement| meets(statement, function, code)))
        .map(|(function, code)| format!("{function} {code}"))
        .collect();
    assert!(
        missing.is_empty(),
        "no statement in tests/sql has both of: {missing:#?}"
    );
}

#[test]
fn codes_are_read_from_headers() {
    let text = "-- Says IV009 in passing.\n-- Errors: IV003, IV008 (e.g. no\n-- reason), IV021 to IV023 unknown. Locks IV004.\n\
                create or replace function api.take(a text)";
    let codes = ["IV003", "IV008", "IV021", "IV022", "IV023"].map(str::to_owned);
    assert_eq!(header(text), Some(("take".to_owned(), BTreeSet::from(codes))));
    assert!(meets("select api.take(1), 'IV003'", "take", "IV003"));
    assert!(!meets("select api.mistake(1), 'IV003'", "take", "IV003"));
    assert!(meets("'{\"op\": \"add\"}', '{IV003}'", "add_stock", "IV003"));
    assert!(meets("select pg_temp.tried($$api.take(1$$, 2)", "take", "IV006"));
    assert!(!meets("select pg_temp.tried($$api.take(1$$, 2)", "take", "IV003"));
}

/// What tries a call with a stale version and with another request under its key, and the codes that it wants of it.
const TRIED: (&str, [&str; 2]) = ("pg_temp.tried(", ["IV006", "IV007"]);

/// Whether a statement names a function, or does the same by a command, and names the code.
fn meets(statement: &str, function: &str, code: &str) -> bool {
    let called = format!("api.{function}(");
    let commanded = FUNCTIONS
        .iter()
        .filter(|(_, does)| *does == function)
        .any(|(op, _)| statement.contains(&format!("\"op\": \"{op}\"")));
    let wanted = statement.contains(code) || (TRIED.1.contains(&code) && statement.contains(TRIED.0));
    wanted && (commanded || statement.contains(&called))
}

/// The statements of a test: each ends at a semicolon that ends its line, as those within a function body do.
fn statements(test: &str) -> Vec<&str> {
    test.split(";\n").collect()
}

/// Name and codes of a function of schema api.
fn header(file: &str) -> Option<(String, BTreeSet<String>)> {
    let (comment, rest) = file.split_once("create or replace function api.")?;
    let (name, _) = rest.split_once('(')?;
    let comment: String = comment
        .lines()
        .map(|line| line.trim_start_matches('-').to_owned())
        .collect();
    let (_, errors) = comment.split_once("Errors: ")?;
    Some((name.to_owned(), codes(sentence(errors))))
}

/// Up to a full stop that something else begins after.
fn sentence(text: &str) -> &str {
    text.match_indices(". ")
        .map(|(at, _)| at)
        .find(|at| text[at + 2..].starts_with(|next: char| next.is_ascii_uppercase()))
        .map_or(text, |at| &text[..at])
}

/// Each code, and those between where it says from which to which.
fn codes(errors: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut before: Option<(usize, usize)> = None;
    for (at, _) in errors.match_indices("IV") {
        let Some(number) = errors
            .get(at + 2..at + 5)
            .and_then(|digits| digits.parse::<usize>().ok())
        else {
            continue;
        };
        let first = match before {
            Some((end, first)) if &errors[end..at] == " to " => first,
            _ => number,
        };
        found.extend((first..=number).map(|number| format!("IV{number:03}")));
        before = Some((at + 5, number));
    }
    found
}

/// The SQL files of a folder and of those in it, but for what is only support.
fn read_all(folder: &Path) -> Vec<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .filter(|path| !path.ends_with("support"))
        .flat_map(|path| match path.extension().and_then(|end| end.to_str()) {
            Some("sql") => vec![fs::read_to_string(path).unwrap()],
            None if path.is_dir() => read_all(path),
            _ => Vec::new(),
        })
        .collect()
}
