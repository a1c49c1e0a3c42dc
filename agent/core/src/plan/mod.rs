//! Plans: the ordered changes between what is wanted and what was observed.
