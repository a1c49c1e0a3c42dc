//! Gathering the sysctl.d files of the host.
