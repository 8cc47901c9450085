//! Cutting a text into passages: the units an answer is made of. Knows Markdown's blocks well
//! enough to keep code, list items and table rows whole; every passage is a slice of the text.

use std::ops::Range;

use crate::engine::sentences;

/// A piece of text that can be quoted by itself, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Where it is in the text.
    pub(crate) range: Range<usize>,
    /// What it stands under: headings, a table's header row, the sentence that opens its list.
    pub(crate) context: Vec<Range<usize>>,
}

/// The passages of `text`, in order.
pub(crate) fn split(text: &str) -> Vec<Passage> {
    let mut splitter = Splitter {
        text,
        ..Splitter::default()
    };
    let mut lines = lines(text).peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().cloned();
        splitter.line(line, next);
    }
    splitter.finish()
}

#[derive(Default)]
struct Splitter<'a> {
    text: &'a str,
    out: Vec<Passage>,
    /// The headings in force, outermost first, with their levels.
    headings: Vec<(usize, Range<usize>)>,
    block: Block,
    /// The last sentence of the paragraph before a list, when it ends in a colon.
    intro: Option<Range<usize>>,
}

#[derive(Default)]
enum Block {
    #[default]
    None,
    Paragraph(Range<usize>),
    Item(Range<usize>),
    Fence {
        range: Range<usize>,
        mark: char,
        len: usize,
    },
    Table {
        header: Option<Range<usize>>,
    },
}

impl Splitter<'_> {
    fn line(&mut self, line: Range<usize>, next: Option<Range<usize>>) {
        let whole = &self.text[line.clone()];
        let trimmed = whole.trim();
        if let Block::Fence { range, mark, len } = &mut self.block {
            range.end = line.end;
            if fence(trimmed).is_some_and(|(m, l)| m == *mark && l >= *len) {
                self.close();
            }
            return;
        }
        if let Some((mark, len)) = fence(trimmed) {
            self.close();
            self.block = Block::Fence {
                range: line,
                mark,
                len,
            };
        } else if trimmed.is_empty() {
            self.close();
        } else if let Some(level) = heading_level(trimmed) {
            self.close();
            self.heading(level, trim(self.text, line));
        } else if matches!(self.block, Block::Paragraph(_)) && is_underline(trimmed) {
            let level = if trimmed.starts_with('=') { 1 } else { 2 };
            if let Block::Paragraph(range) = std::mem::take(&mut self.block) {
                self.heading(level, trim(self.text, range));
            }
        } else if is_rule(trimmed) {
            self.close();
        } else if let Some(marker) = list_marker(whole) {
            self.close();
            self.block = Block::Item(line.start + marker..line.end);
        } else if is_table_row(trimmed) {
            self.table_row(line, next);
        } else {
            match &mut self.block {
                Block::Paragraph(range) | Block::Item(range) => range.end = line.end,
                _ => {
                    self.close();
                    self.intro = None;
                    self.block = Block::Paragraph(line);
                }
            }
        }
    }

    fn table_row(&mut self, line: Range<usize>, next: Option<Range<usize>>) {
        let row = trim(self.text, line);
        if let Block::Table { header } = &self.block {
            if !is_table_rule(&self.text[row.clone()]) {
                let header = header.clone();
                self.push(row, header);
            }
            return;
        }
        let next_is_rule = next.is_some_and(|next| is_table_rule(self.text[next].trim()));
        self.close();
        if next_is_rule {
            self.block = Block::Table { header: Some(row) };
        } else {
            self.push(row, None);
            self.block = Block::Table { header: None };
        }
    }

    fn heading(&mut self, level: usize, range: Range<usize>) {
        self.intro = None;
        self.headings.retain(|(other, _)| *other < level);
        self.headings.push((level, range));
    }

    /// Ends the open block and keeps what it held.
    fn close(&mut self) {
        match std::mem::take(&mut self.block) {
            Block::None | Block::Table { .. } => {}
            Block::Paragraph(range) => {
                let found = sentences::split(self.text, range);
                let last = found.last().cloned();
                self.intro = last.filter(|last| self.text[last.clone()].ends_with(':'));
                for sentence in found {
                    self.push(sentence, None);
                }
            }
            Block::Item(range) => {
                let range = trim(self.text, range);
                let intro = self.intro.clone();
                self.push(range, intro);
            }
            Block::Fence { range, .. } => {
                let range = trim(self.text, range);
                let intro = self.intro.clone();
                self.push(range, intro);
            }
        }
    }

    fn push(&mut self, range: Range<usize>, extra: Option<Range<usize>>) {
        if range.is_empty() {
            return;
        }
        let context = self
            .headings
            .iter()
            .map(|(_, range)| range.clone())
            .chain(extra)
            .collect();
        self.out.push(Passage { range, context });
    }

    fn finish(mut self) -> Vec<Passage> {
        self.close();
        self.out
    }
}

/// The lines of `text` without their line ends.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let begin = start;
        start += line.len();
        begin..begin + line.trim_end_matches(['\n', '\r']).len()
    })
}

pub(crate) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    start..start.max(range.start + slice.trim_end().len())
}

/// The mark and length of a code fence line.
fn fence(line: &str) -> Option<(char, usize)> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let len = line.chars().take_while(|c| *c == mark).count();
    (len >= 3 && (mark == '~' || !line[len..].contains('`'))).then_some((mark, len))
}

fn heading_level(line: &str) -> Option<usize> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    ((1..=6).contains(&level) && (line.len() == level || line[level..].starts_with(' ')))
        .then_some(level)
}

/// The line under a heading of the underlined kind.
fn is_underline(line: &str) -> bool {
    line.len() >= 2 && (line.bytes().all(|b| b == b'=') || line.bytes().all(|b| b == b'-'))
}

/// A thematic break.
fn is_rule(line: &str) -> bool {
    ['-', '*', '_'].iter().any(|mark| {
        line.chars().all(|c| c == *mark || c == ' ') && line.matches(*mark).count() >= 3
    })
}

/// Where the text of a list item begins.
fn list_marker(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    let marker = if rest.starts_with(['-', '*', '+']) {
        1
    } else {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=9).contains(&digits) || !rest[digits..].starts_with(['.', ')']) {
            return None;
        }
        digits + 1
    };
    rest[marker..]
        .starts_with([' ', '\t'])
        .then_some(indent + marker + 1)
}

fn is_table_row(line: &str) -> bool {
    line.starts_with('|') && line.matches('|').count() >= 2
}

fn is_table_rule(line: &str) -> bool {
    is_table_row(line) && line.contains('-') && line.chars().all(|c| "|-: ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        split(text)
            .into_iter()
            .map(|passage| &text[passage.range])
            .collect()
    }

    fn context(text: &str, at: usize) -> Vec<&str> {
        split(text)[at]
            .context
            .iter()
            .map(|range| &text[range.clone()])
            .collect()
    }

    #[test]
    fn sentences_stand_under_their_headings() {
        let text = "# Handbook\n\n## Hours\nWe open at 7. We close at 9.\n\n## Pay\nMonthly.\n";
        assert_eq!(texts(text), ["We open at 7.", "We close at 9.", "Monthly."]);
        assert_eq!(context(text, 0), ["# Handbook", "## Hours"]);
        assert_eq!(context(text, 2), ["# Handbook", "## Pay"]);
    }

    #[test]
    fn list_items_are_whole_and_know_what_opened_the_list() {
        let text =
            "The limits are:\n- ten per day. No more.\n- five\n  per hour\n\n1. first\n2) second";
        assert_eq!(
            texts(text),
            [
                "The limits are:",
                "ten per day. No more.",
                "five\n  per hour",
                "first",
                "second"
            ]
        );
        assert_eq!(context(text, 1), ["The limits are:"]);
    }

    #[test]
    fn table_rows_stand_under_their_header_row() {
        let text = "| Plan | Price |\n|---|---:|\n| Basic | 5 |\n| Pro | 9.50 |\nAfter.";
        assert_eq!(texts(text), ["| Basic | 5 |", "| Pro | 9.50 |", "After."]);
        assert_eq!(context(text, 1), ["| Plan | Price |"]);
    }

    #[test]
    fn code_fences_are_kept_whole() {
        let text = "Run:\n```sh\n# not a heading\n\nls. Then.\n```\nDone.";
        assert_eq!(
            texts(text),
            ["Run:", "```sh\n# not a heading\n\nls. Then.\n```", "Done."]
        );
        let open = "~~~\nno end. Here.";
        assert_eq!(texts(open), [open]);
    }

    #[test]
    fn underlined_headings_and_rules() {
        let text = "Title\n=====\nOne.\n\n***\n\nPart\n----\nTwo.";
        assert_eq!(texts(text), ["One.", "Two."]);
        assert_eq!(context(text, 1), ["Title", "Part"]);
    }

    #[test]
    fn crlf_line_ends_are_line_ends() {
        assert_eq!(texts("# H\r\n\r\nA b.\r\n- c\r\n"), ["A b.", "c"]);
    }

    proptest! {
        #[test]
        fn passages_are_in_order_and_do_not_overlap(text in "[-#|`~*. a-zA-Z0-9\\n:=é]{0,120}") {
            let mut end = 0;
            for passage in split(&text) {
                prop_assert!(passage.range.start >= end);
                prop_assert!(!text[passage.range.clone()].trim().is_empty());
                end = passage.range.end;
            }
        }
    }
}
