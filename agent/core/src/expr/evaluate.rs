//! Evaluation: a tree, a host, a value. Unknown facts travel upwards only as far as they are needed.

use super::ExprError;
use super::Outcome;
use super::Scope;
use super::functions::Function;
use super::lower::Form;
use super::lower::Node;
use super::lower::Operator;
use super::number::Number;
use crate::diagnostic::suggest;
use crate::facts::FactValue;

/// Why a part has no value: a fact is unknown, or the formula is wrong.
enum Stop {
    Unknown(String),
    Wrong(ExprError),
}

impl From<ExprError> for Stop {
    fn from(error: ExprError) -> Stop {
        Stop::Wrong(error)
    }
}

type Step = Result<FactValue, Stop>;

pub(super) fn evaluate(root: &Node, scope: &Scope<'_>) -> Result<Outcome, ExprError> {
    match value(root, scope) {
        Ok(value) => Ok(Outcome::Known(value)),
        Err(Stop::Unknown(fact)) => Ok(Outcome::Unknown { fact }),
        Err(Stop::Wrong(error)) => Err(error),
    }
}

fn value(node: &Node, scope: &Scope<'_>) -> Step {
    match &node.form {
        Form::Literal(literal) => Ok(literal.clone()),
        Form::Fact(name) => fact(name, node.at, scope),
        Form::Param(name) => param(name, node.at, scope),
        Form::Not(operand) => Ok(FactValue::Bool(!truth(operand, scope)?)),
        Form::Negate(operand) => {
            let negated = number(operand, scope)?.negate().map_err(|message| ExprError::at(node.at, message))?;
            Ok(negated.value())
        }
        Form::And(left, right) => either(left, right, scope, false),
        Form::Or(left, right) => either(left, right, scope, true),
        Form::If(condition, yes, no) => value(if truth(condition, scope)? { yes } else { no }, scope),
        Form::Binary(operator, left, right) => binary(*operator, node.at, left, right, scope),
        Form::Call(function, args) => call(*function, node.at, args, scope),
    }
}

fn fact(name: &str, at: usize, scope: &Scope<'_>) -> Step {
    let found = match name.strip_prefix("link.") {
        None => scope.facts.get(name).cloned(),
        Some(inner) => {
            let Some(link) = scope.link else {
                return Err(ExprError::at(at, format!("`{name}`: this setting is about no interface")).into());
            };
            let known = scope.facts.links.get(link).and_then(|facts| facts.get(inner)).map(|fact| fact.value.clone());
            // The name of the interface is known even where nothing else of it is.
            known.or_else(|| (inner == "name").then(|| FactValue::Text(link.to_owned())))
        }
    };
    let value = found.ok_or_else(|| Stop::Unknown(name.to_owned()))?;
    finite(value, name, at)
}

fn param(name: &str, at: usize, scope: &Scope<'_>) -> Step {
    match scope.params.get(name) {
        Some(value) => finite(value.clone(), name, at),
        None => {
            let message = match suggest(name, scope.params.keys().map(String::as_str)) {
                Some(near) => format!("there is no parameter `{name}`: did you mean `params.{near}`?"),
                None => format!("there is no parameter `{name}`: declare it below [params]"),
            };
            Err(ExprError::at(at, message).into())
        }
    }
}

fn finite(value: FactValue, name: &str, at: usize) -> Step {
    match value {
        FactValue::Float(number) if !number.is_finite() => {
            Err(ExprError::at(at, format!("`{name}` is {number}, no number to count with")).into())
        }
        FactValue::Float(_) | FactValue::Bool(_) | FactValue::Int(_) | FactValue::Text(_) => Ok(value),
    }
}

/// `&&` and `||`: what decides is enough, on whichever side, so that an unknown fact on the other does not matter.
fn either(left: &Node, right: &Node, scope: &Scope<'_>, decides: bool) -> Step {
    match truth(left, scope) {
        Ok(first) if first == decides => Ok(FactValue::Bool(decides)),
        Ok(_) => Ok(FactValue::Bool(truth(right, scope)?)),
        Err(Stop::Unknown(fact)) => match truth(right, scope)? {
            second if second == decides => Ok(FactValue::Bool(decides)),
            _ => Err(Stop::Unknown(fact)),
        },
        Err(Stop::Wrong(error)) => Err(Stop::Wrong(error)),
    }
}

fn binary(operator: Operator, at: usize, left: &Node, right: &Node, scope: &Scope<'_>) -> Step {
    let (a, b) = (value(left, scope)?, value(right, scope)?);
    let wrong = |message: String| Stop::from(ExprError::at(at, message));
    let (x, y) = match (&a, &b, operator) {
        (FactValue::Text(a), FactValue::Text(b), Operator::Equal) => return Ok(FactValue::Bool(a == b)),
        (FactValue::Text(a), FactValue::Text(b), Operator::NotEqual) => return Ok(FactValue::Bool(a != b)),
        (FactValue::Bool(a), FactValue::Bool(b), Operator::Equal) => return Ok(FactValue::Bool(a == b)),
        (FactValue::Bool(a), FactValue::Bool(b), Operator::NotEqual) => return Ok(FactValue::Bool(a != b)),
        _ => match (as_number(&a), as_number(&b)) {
            (Some(x), Some(y)) => (x, y),
            (None, _) | (_, None) => {
                let (a, b) = (type_word(&a), type_word(&b));
                return Err(wrong(format!("`{}` does not work on {a} and {b}", operator.word())));
            }
        },
    };
    if let Some(number) = x.arithmetic(operator, y).map_err(wrong)? {
        return Ok(number.value());
    }
    let order = x.compare(y);
    let holds = match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => false,
    };
    Ok(FactValue::Bool(holds))
}

fn call(function: Function, at: usize, args: &[Node], scope: &Scope<'_>) -> Step {
    if function == Function::Known
        && let [first, otherwise] = args
    {
        return match value(first, scope) {
            Err(Stop::Unknown(_)) => value(otherwise, scope),
            Ok(value) => Ok(value),
            Err(Stop::Wrong(error)) => Err(Stop::Wrong(error)),
        };
    }
    let mut numbers = Vec::with_capacity(args.len());
    for arg in args {
        numbers.push(number(arg, scope)?);
    }
    function.apply(&numbers).map(Number::value).map_err(|message| ExprError::at(at, message).into())
}

fn truth(node: &Node, scope: &Scope<'_>) -> Result<bool, Stop> {
    match value(node, scope)? {
        FactValue::Bool(yes) => Ok(yes),
        other @ (FactValue::Int(_) | FactValue::Float(_) | FactValue::Text(_)) => {
            let message =
                format!("want true or false, found {} `{other}`: compare it with something", type_word(&other));
            Err(ExprError::at(node.at, message).into())
        }
    }
}

fn number(node: &Node, scope: &Scope<'_>) -> Result<Number, Stop> {
    let value = value(node, scope)?;
    as_number(&value)
        .ok_or_else(|| ExprError::at(node.at, format!("want a number, found {} `{value}`", type_word(&value))).into())
}

fn as_number(value: &FactValue) -> Option<Number> {
    match value {
        FactValue::Int(number) => Some(Number::Int(*number)),
        FactValue::Float(number) => Some(Number::Float(*number)),
        FactValue::Bool(_) | FactValue::Text(_) => None,
    }
}

fn type_word(value: &FactValue) -> &'static str {
    match value {
        FactValue::Bool(_) => "a boolean",
        FactValue::Int(_) | FactValue::Float(_) => "a number",
        FactValue::Text(_) => "a text",
    }
}
