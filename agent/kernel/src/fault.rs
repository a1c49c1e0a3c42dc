//! Fault points for crash tests; nothing in a release build.
