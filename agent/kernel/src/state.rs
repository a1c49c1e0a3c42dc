//! The state folder: journal, applied, lock.
