//! sysctl.d: what the next boot would set, and from which line.
