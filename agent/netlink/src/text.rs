//! Names that callers give.

use crate::error::Error;

/// The kernel reads a name up to its first NUL: with one inside, it would be somebody else's.
pub(crate) fn whole(what: &str, name: &str) -> Result<(), Error> {
    if name.contains('\0') {
        return Err(Error::NoName { request: what.to_owned().into(), name: name.escape_debug().to_string() });
    }
    Ok(())
}
