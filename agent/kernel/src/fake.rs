//! A fake kernel that obeys the same laws, with fault injection.
