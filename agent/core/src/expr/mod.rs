//! Expressions: formulas over facts and parameters, in CEL.
