//! Facts gathered from the running host.
