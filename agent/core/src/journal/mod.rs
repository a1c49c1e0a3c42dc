//! Journal records and their replay: what makes an undo possible after any crash.
