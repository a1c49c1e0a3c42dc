//! Whether a file and its folders can be changed by others.
