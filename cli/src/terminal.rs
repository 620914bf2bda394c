//! Colours, and what goes to standard error.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

/// Something granted.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Something refused, an error.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something open, a warning.
pub(crate) const OPEN: Style = AnsiColor::Yellow.on_default().bold();
/// A heading.
pub(crate) const HEAD: Style = Style::new().bold();
/// What is less important than the rest.
pub(crate) const DIM: Style = Style::new().dimmed();
/// A file and line.
pub(crate) const PLACE: Style = AnsiColor::Cyan.on_default();

/// `text` in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` with control characters written as `\u{…}`, line feeds and tabs excepted: names come from files, and a
/// file must not be able to move the cursor of whoever reads about it.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_direction_mark(c);
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bad(c) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Characters that reorder the text around them, so that what is shown is not what is written.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// [`clean`] for text that must stay on its line.
pub(crate) fn clean_line(text: &str) -> String {
    clean(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// Makes `--color` hold for both streams.
pub(crate) fn choose_colour(choice: ColorChoice) {
    choice.write_global();
}

/// True iff a person is likely to be looking at standard error.
pub(crate) fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// True iff a person is likely to be looking at standard output.
pub(crate) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Writes a text that may hold colours to standard error, which may be closed: then there is nobody to tell.
pub(crate) fn say(text: &str) {
    let mut stream = AutoStream::auto(std::io::stderr());
    let _ = writeln!(stream, "{text}");
}

/// `error: …` on standard error.
pub(crate) fn error(text: &str) {
    say(&format!("{} {text}", paint(BAD, "error:")));
}

/// `warning: …` on standard error.
pub(crate) fn warning(text: &str) {
    say(&format!("{} {text}", paint(OPEN, "warning:")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(clean("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(clean("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(clean("ü\nb"), "ü\nb");
        assert_eq!(clean_line("a\nb\r"), "a\\nb\\u{d}");
    }
}
