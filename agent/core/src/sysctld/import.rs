//! sysctl.d files as a profile.
