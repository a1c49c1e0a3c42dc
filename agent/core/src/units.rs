//! Quantities with units, as tc(8) and people write them.
