//! The rules of sysctls.
