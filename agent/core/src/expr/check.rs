//! The types of a formula, as far as they are certain before any host is known: literals and facts have a type,
//! parameters may have any.

use super::ExprError;
use super::functions::Function;
use super::lower::Form;
use super::lower::Node;
use super::lower::Operator;
use crate::facts::FactValue;
use crate::facts::Unit;
use crate::facts::known;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Number,
    Bool,
    Text,
    /// Decided by a parameter.
    Any,
}

impl Type {
    fn word(self) -> &'static str {
        match self {
            Type::Number => "a number",
            Type::Bool => "a boolean",
            Type::Text => "a text",
            Type::Any => "a parameter",
        }
    }

    fn may_be(self, other: Type) -> bool {
        self == other || self == Type::Any || other == Type::Any
    }
}

/// Refuses a formula that can have no value on any host.
pub(super) fn check(root: &Node) -> Result<(), ExprError> {
    type_of(root).map(|_| ())
}

fn type_of(node: &Node) -> Result<Type, ExprError> {
    match &node.form {
        Form::Literal(FactValue::Bool(_)) => Ok(Type::Bool),
        Form::Literal(FactValue::Int(_) | FactValue::Float(_)) => Ok(Type::Number),
        Form::Literal(FactValue::Text(_)) => Ok(Type::Text),
        Form::Param(_) => Ok(Type::Any),
        Form::Fact(name) => Ok(match known(name).map(|fact| fact.unit) {
            Some(Unit::Number | Unit::Bytes | Unit::BitsPerSecond | Unit::Seconds) => Type::Number,
            Some(Unit::Text) => Type::Text,
            Some(Unit::Bool) => Type::Bool,
            None => Type::Any,
        }),
        Form::Not(operand) => want(operand, Type::Bool),
        Form::Negate(operand) => want(operand, Type::Number),
        Form::And(left, right) | Form::Or(left, right) => {
            want(left, Type::Bool)?;
            want(right, Type::Bool)
        }
        Form::If(condition, yes, no) => {
            want(condition, Type::Bool)?;
            same(node, yes, no, "both branches of a condition")
        }
        Form::Binary(operator, left, right) => binary(*operator, node, left, right),
        Form::Call(Function::Known, args) => match args.as_slice() {
            [first, otherwise] => same(node, first, otherwise, "both arguments of `known`"),
            _ => Ok(Type::Any),
        },
        Form::Call(_, args) => {
            for arg in args {
                want(arg, Type::Number)?;
            }
            Ok(Type::Number)
        }
    }
}

fn binary(operator: Operator, node: &Node, left: &Node, right: &Node) -> Result<Type, ExprError> {
    match operator {
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            want(left, Type::Number)?;
            want(right, Type::Number)
        }
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            want(left, Type::Number)?;
            want(right, Type::Number)?;
            Ok(Type::Bool)
        }
        Operator::Equal | Operator::NotEqual => {
            same(node, left, right, &format!("both sides of `{}`", operator.word()))?;
            Ok(Type::Bool)
        }
    }
}

fn want(node: &Node, wanted: Type) -> Result<Type, ExprError> {
    let found = type_of(node)?;
    if found.may_be(wanted) {
        Ok(wanted)
    } else {
        Err(ExprError::at(node.at, format!("want {}, found {}", wanted.word(), found.word())))
    }
}

fn same(node: &Node, left: &Node, right: &Node, what: &str) -> Result<Type, ExprError> {
    let (a, b) = (type_of(left)?, type_of(right)?);
    if a.may_be(b) {
        Ok(if a == Type::Any { b } else { a })
    } else {
        let message = format!("{what} must be of one kind, found {} and {}", a.word(), b.word());
        Err(ExprError::at(node.at, message))
    }
}
