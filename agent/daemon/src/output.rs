//! Where a command's words go: to the standard streams of this process, or, where the daemon carries a command out for
//! somebody else, into a text that is sent there. The same verbs so tell the same, wherever they run.
//!
//! A thread carries one command out at a time, so this belongs to the thread. Log lines of the daemon itself are no output:
//! of these only warnings are copied ([`crate::run`]), which the caller would see as well if it had done the work itself.

use std::cell::RefCell;
use std::io;
use std::io::IsTerminal;
use std::io::Write;

use trimtab_core::render::Paint;

/// What a command said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
}

/// The colours that the reader of a command's words wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paints {
    /// On standard output.
    pub out: Paint,
    /// On standard error.
    pub err: Paint,
}

impl Paints {
    /// Those of the standard streams of this process, or of whoever this command is carried out for.
    pub fn of_now() -> Paints {
        let captured = CAPTURE.with_borrow(|capture| capture.as_ref().map(|(paints, _)| *paints));
        captured.unwrap_or_else(|| Paints {
            out: paint_for(io::stdout().is_terminal()),
            err: paint_for(io::stderr().is_terminal()),
        })
    }
}

thread_local! {
    static CAPTURE: RefCell<Option<(Paints, Said)>> = const { RefCell::new(None) };
}

/// Does something and keeps what it says.
pub fn captured<T>(paints: Paints, what: impl FnOnce() -> T) -> (T, Said) {
    CAPTURE.set(Some((paints, Said::default())));
    let done = what();
    let said = CAPTURE.take().map(|(_, said)| said).unwrap_or_default();
    (done, said)
}

/// Says something on standard output.
///
/// # Errors
/// The system's.
pub fn out(bytes: &[u8]) -> io::Result<()> {
    let kept = keep(bytes, |said| &mut said.out);
    if kept {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Says something on standard error. Nothing can be told about a failure to tell.
pub fn err(bytes: &[u8]) {
    if !keep(bytes, |said| &mut said.err) {
        let _ = io::stderr().lock().write_all(bytes);
    }
}

/// Takes in a line of the log as well, if a command is carried out for somebody.
pub fn copy(line: &[u8]) {
    keep(line, |said| &mut said.err);
}

fn keep(bytes: &[u8], of: impl FnOnce(&mut Said) -> &mut String) -> bool {
    CAPTURE.with_borrow_mut(|capture| match capture {
        Some((_, said)) => {
            of(said).push_str(&String::from_utf8_lossy(bytes));
            true
        }
        None => false,
    })
}

fn paint_for(is_terminal: bool) -> Paint {
    // https://no-color.org: set and not empty.
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_terminal && !unwanted { Paint::Colour } else { Paint::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_for_somebody_is_kept_and_what_comes_later_is_not() {
        let paints = Paints { out: Paint::Colour, err: Paint::Plain };
        let (seen, said) = captured(paints, || {
            out(b"one\n").unwrap();
            err(b"two\n");
            copy(b"three\n");
            Paints::of_now()
        });
        assert_eq!(seen, paints);
        assert_eq!(said, Said { out: "one\n".to_owned(), err: "two\nthree\n".to_owned() });
        copy(b"nobody hears this");
        assert_eq!(captured(paints, || ()).1, Said::default());
    }
}
