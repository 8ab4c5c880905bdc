//! One line of comma-separated values, split into its fields.
//!
//! A record is one line: a field in quotes may hold commas and doubled quotes, but no line end. So a stray quote spoils
//! one line and not the rest of the file, and every line of the file is either imported or reported.

use std::borrow::Cow;

/// A quoted field that is not closed on its line, or goes on after its closing quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadQuote;

/// Splits a line; the fields of the line before are dropped.
pub(crate) fn split<'line>(line: &'line str, fields: &mut Vec<Cow<'line, str>>) -> Result<(), BadQuote> {
    fields.clear();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                (Cow::Borrowed(field), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(()),
            None => return Err(BadQuote),
        }
    }
}

/// The text up to the closing quote, and what follows that quote.
fn quoted_field(text: &str) -> Result<(Cow<'_, str>, &str), BadQuote> {
    let (first, mut after) = text.split_once('"').ok_or(BadQuote)?;
    let mut field = Cow::Borrowed(first);
    while let Some(more) = after.strip_prefix('"') {
        let (part, rest) = more.split_once('"').ok_or(BadQuote)?;
        let owned = field.to_mut();
        owned.push('"');
        owned.push_str(part);
        after = rest;
    }
    Ok((field, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Result<Vec<String>, BadQuote> {
        let mut fields = Vec::new();
        split(line, &mut fields)?;
        Ok(fields.into_iter().map(Cow::into_owned).collect())
    }

    #[test]
    fn plain_quoted_and_empty_fields() {
        assert_eq!(fields("a,,b"), Ok(vec!["a".into(), String::new(), "b".into()]));
        assert_eq!(fields(""), Ok(vec![String::new()]));
        assert_eq!(fields(r#"x,"never closed"#), Err(BadQuote));
        assert_eq!(
            fields(r#""a,b","","say ""hi""",z"#),
            Ok(vec!["a,b".into(), String::new(), r#"say "hi""#.into(), "z".into()])
        );
    }

    #[test]
    fn a_quote_inside_an_unquoted_field_is_text() {
        assert_eq!(fields(r#"12" RULER,3"#), Ok(vec![r#"12" RULER"#.into(), "3".into()]));
    }

    #[test]
    fn text_after_a_closing_quote_is_refused() {
        assert_eq!(fields(r#""a"b,c"#), Err(BadQuote));
    }
}
