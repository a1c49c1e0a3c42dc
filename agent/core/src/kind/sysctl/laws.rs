//! Laws of canonical form and policies.
