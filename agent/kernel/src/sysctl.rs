//! The sysctl adapter: one read(2), one write(2).
