//! Reading and replacing files without std's probing reads.
