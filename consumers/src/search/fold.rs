//! Folding of text, done here because not every search engine has the analyzers for it: lower case,
//! and Latin letters without their marks, on both the indexed text and the query.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Latin letters with marks (U+00C0 to U+024F, U+1E00 to U+1EFF) by the letter beneath, taken from the
/// Unicode decompositions, plus the stroked letters that have none.
const LETTERS: [(char, &str); LETTER_COUNT] = [
    ('a', "àáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ"),
    ('b', "ḃḅḇ"),
    ('c', "çćĉċčḉ"),
    ('d', "ðďđḋḍḏḑḓ"),
    ('e', "èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ"),
    ('f', "ḟ"),
    ('g', "ĝğġģǧǵḡ"),
    ('h', "ĥħȟḣḥḧḩḫẖ"),
    ('i', "ìíîïĩīĭįıǐȉȋḭḯỉị"),
    ('j', "ĵǰ"),
    ('k', "ķĸǩḱḳḵ"),
    ('l', "ĺļľłḷḹḻḽ"),
    ('m', "ḿṁṃ"),
    ('n', "ñńņňŋǹṅṇṉṋ"),
    ('o', "òóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ"),
    ('p', "ṕṗ"),
    ('r', "ŕŗřȑȓṙṛṝṟ"),
    ('s', "śŝşšſșṡṣṥṧṩẛ"),
    ('t', "ţťŧțṫṭṯṱẗ"),
    ('u', "ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự"),
    ('v', "ṽṿ"),
    ('w', "ŵẁẃẅẇẉẘ"),
    ('x', "ẋẍ"),
    ('y', "ýÿŷȳẏẙỳỵỷỹ"),
    ('z', "źżžẑẓẕ"),
];
const LETTER_COUNT: usize = 25;

static FOLDED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    LETTERS
        .into_iter()
        .flat_map(|(plain, marked)| marked.chars().map(move |letter| (letter, plain)))
        .collect()
});

/// Lower case without marks.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' | ' ' => folded.push(letter),
            // Marks that stand by themselves (decomposed text).
            '\u{300}'..='\u{36f}' => {}
            'ß' => folded.push_str("ss"),
            'æ' | 'ǽ' | 'ǣ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ĳ' => folded.push_str("ij"),
            _ => folded.push(FOLDED.get(&letter).copied().unwrap_or(letter)),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_letters_stay() {
        assert_eq!(fold("Crème BRÛLÉE"), "creme brulee");
        assert_eq!(fold("Łódź Øre Straße Æther"), "lodz ore strasse aether");
        assert_eq!(fold("Điện thoại"), "dien thoai");
        assert_eq!(fold("İstanbul"), "istanbul");
        assert_eq!(fold("cre\u{300}me"), "creme");
    }

    #[test]
    fn other_scripts_and_signs_are_left_alone() {
        assert_eq!(fold("日本語 50% A-1/б"), "日本語 50% a-1/б");
    }
}
