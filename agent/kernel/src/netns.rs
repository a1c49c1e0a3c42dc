//! Entering network namespaces.
