//! From the tree of the `cel` crate to a tree that holds only what a formula may hold, names resolved.

use cel::Program;
use cel::common::ast::CallExpr;
use cel::common::ast::Expr;
use cel::common::ast::IdedExpr;
use cel::common::ast::LiteralValue;
use cel::common::ast::SourceInfo;
use cel::common::ast::operators;

use super::ExprError;
use super::References;
use super::functions::Function;
use crate::diagnostic::suggest;
use crate::facts::FactValue;
use crate::facts::KNOWN;
use crate::facts::KnownFact;
use crate::facts::known;

/// A part of a formula and the byte it is written at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) form: Form,
}

/// Everything a formula can consist of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    Literal(FactValue),
    Fact(&'static str),
    Param(String),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
}

/// The operators of two operands that always need both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    pub(super) fn word(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
        }
    }

    fn of(name: &str) -> Option<Operator> {
        match name {
            operators::ADD => Some(Operator::Add),
            operators::SUBSTRACT => Some(Operator::Subtract),
            operators::MULTIPLY => Some(Operator::Multiply),
            operators::DIVIDE => Some(Operator::Divide),
            operators::MODULO => Some(Operator::Remainder),
            operators::EQUALS => Some(Operator::Equal),
            operators::NOT_EQUALS => Some(Operator::NotEqual),
            operators::LESS => Some(Operator::Less),
            operators::LESS_EQUALS => Some(Operator::LessOrEqual),
            operators::GREATER => Some(Operator::Greater),
            operators::GREATER_EQUALS => Some(Operator::GreaterOrEqual),
            _ => None,
        }
    }
}

/// Parses a scanned text and resolves its names.
pub(super) fn parse(text: &str, references: &mut References) -> Result<Node, ExprError> {
    let program = Program::compile(text).map_err(|errors| syntax_error(text, &errors))?;
    let mut lowering = Lowering { text, places: program.source_info(), references };
    lowering.node(program.expression())
}

/// What the complaints of the generated parser begin with.
const SYNTAX: &str = "Syntax error: ";

/// The first complaint of the parser in a form for people: without the list of every token that would have done.
fn syntax_error(text: &str, errors: &cel::ParseErrors) -> ExprError {
    // Complaints about an incomplete tree follow from one about the text, but may stand before it.
    let of_the_text = errors.errors.iter().find(|error| error.msg.starts_with(SYNTAX));
    let Some(first) = of_the_text.or(errors.errors.first()) else {
        return ExprError { message: "no valid expression".to_owned(), offset: None };
    };
    let message = first.msg.strip_prefix(SYNTAX).unwrap_or(&first.msg);
    let message = message.split(" expecting ").next().unwrap_or(message);
    let message = match message.split_once("input ") {
        Some((_, "'<EOF>'")) => "the expression ends too early".to_owned(),
        Some((_, input)) => format!("{} does not belong here", input.replace('\'', "`")),
        None => message.to_owned(),
    };
    // The parser counts lines and columns from 1; the text is ASCII, so a column is a byte.
    let (line, column) = first.pos;
    let line = usize::try_from(line.saturating_sub(1)).unwrap_or(0);
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    ExprError { message, offset: Some((start + column).min(text.len())) }
}

struct Lowering<'a> {
    text: &'a str,
    places: &'a SourceInfo,
    references: &'a mut References,
}

impl Lowering<'_> {
    fn node(&mut self, from: &IdedExpr) -> Result<Node, ExprError> {
        let at = self.place(from);
        let form = match &from.expr {
            Expr::Literal(literal) => literal_form(literal, at)?,
            Expr::Select(select) if select.test => {
                return Err(ExprError::at(at, "there is no `has`: write `known(fact, otherwise)`"));
            }
            Expr::Select(select) => match &select.operand.expr {
                Expr::Ident(root) => self.name(root, &select.field, self.name_start(at))?,
                Expr::Select(_)
                | Expr::Call(_)
                | Expr::Literal(_)
                | Expr::List(_)
                | Expr::Map(_)
                | Expr::Struct(_)
                | Expr::Comprehension(_)
                | Expr::Unspecified => return Err(ExprError::at(at, "a name has two parts, such as `host.memory`")),
            },
            Expr::Ident(name) => return Err(unknown_name(name, at)),
            Expr::Call(call) => self.call(call, at)?,
            Expr::Comprehension(_) => return Err(ExprError::at(at, "a formula has no comprehensions")),
            Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => {
                return Err(ExprError::at(at, "a formula has no lists, maps or messages"));
            }
            Expr::Unspecified => return Err(ExprError::at(at, "no valid expression")),
        };
        Ok(Node { at, form })
    }

    fn call(&mut self, call: &CallExpr, at: usize) -> Result<Form, ExprError> {
        if call.target.is_some() {
            let at = self.name_start(at);
            return Err(ExprError::at(
                at,
                format!("`{}` is called on something: a formula has no methods", call.func_name),
            ));
        }
        let mut args = Vec::with_capacity(call.args.len());
        let name = call.func_name.as_str();
        let operator = Operator::of(name);
        let function = match name {
            operators::CONDITIONAL
            | operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::NEGATE => None,
            _ if operator.is_some() => None,
            _ => Some(self.function(name, at)?),
        };
        for arg in &call.args {
            args.push(self.node(arg)?);
        }
        if let Some(function) = function {
            function.check_count(args.len()).map_err(|message| ExprError::at(self.name_start(at), message))?;
            return Ok(Form::Call(function, args));
        }
        let mut operands = args.into_iter().map(Box::new);
        match (name, operands.next(), operands.next(), operands.next()) {
            (operators::LOGICAL_NOT, Some(a), None, None) => Ok(Form::Not(a)),
            (operators::NEGATE, Some(a), None, None) => Ok(Form::Negate(a)),
            (operators::LOGICAL_AND, Some(a), Some(b), None) => Ok(Form::And(a, b)),
            (operators::LOGICAL_OR, Some(a), Some(b), None) => Ok(Form::Or(a, b)),
            (operators::CONDITIONAL, Some(a), Some(b), Some(c)) => Ok(Form::If(a, b, c)),
            (_, Some(a), Some(b), None) => match operator {
                Some(operator) => Ok(Form::Binary(operator, a, b)),
                None => Err(ExprError::at(at, "no valid expression")),
            },
            _ => Err(ExprError::at(at, "no valid expression")),
        }
    }

    fn function(&self, name: &str, at: usize) -> Result<Function, ExprError> {
        Function::of(name).ok_or_else(|| {
            let names = || Function::ALL.iter().map(|function| function.word());
            let message = match suggest(name, names()) {
                Some(near) => format!("there is no function `{name}`: did you mean `{near}`?"),
                None => format!("there is no function `{name}`: there are {}", names().collect::<Vec<_>>().join(", ")),
            };
            ExprError::at(self.name_start(at), message)
        })
    }

    fn name(&mut self, root: &str, field: &str, at: usize) -> Result<Form, ExprError> {
        if root == "params" {
            self.references.params.insert(field.to_owned());
            return Ok(Form::Param(field.to_owned()));
        }
        let name = format!("{root}.{field}");
        match known(&name) {
            Some(KnownFact { name, .. }) => {
                self.references.facts.insert(name);
                Ok(Form::Fact(name))
            }
            None => Err(unknown_name(&name, at)),
        }
    }

    /// Where a node is written. For a selection that is its point, for a call its parenthesis, for an operation its
    /// operator: what the parser keeps.
    fn place(&self, node: &IdedExpr) -> usize {
        let start = self.places.offset_for(node.id).map_or(0, |(start, _)| start);
        usize::try_from(start).unwrap_or(0)
    }

    /// The start of the name that ends at `at`, blanks between allowed.
    fn name_start(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or("").trim_ascii_end();
        let name = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if name.len() == before.len() { at } else { name.len() }
    }
}

fn literal_form(literal: &LiteralValue, at: usize) -> Result<Form, ExprError> {
    let value = match literal {
        LiteralValue::Boolean(value) => FactValue::Bool(*value.inner()),
        LiteralValue::Int(value) => FactValue::Int(*value.inner()),
        LiteralValue::Double(value) if value.inner().is_finite() => FactValue::Float(*value.inner()),
        LiteralValue::String(value) => FactValue::Text(value.inner().to_owned()),
        LiteralValue::Double(_) | LiteralValue::UInt(_) | LiteralValue::Bytes(_) | LiteralValue::Null => {
            return Err(ExprError::at(at, "a formula knows whole numbers, doubles, strings, `true` and `false`"));
        }
    };
    Ok(Form::Literal(value))
}

fn unknown_name(name: &str, at: usize) -> ExprError {
    let names = KNOWN.iter().map(|fact| fact.name);
    let message = match (suggest(name, names), name.split_once('.')) {
        (Some(near), _) => format!("there is no fact `{name}`: did you mean `{near}`?"),
        (None, Some((root @ ("host" | "link" | "uplink"), _))) => {
            let all: Vec<&str> = KNOWN.iter().map(|fact| fact.name).filter(|name| name.starts_with(root)).collect();
            format!("there is no fact `{name}`: there are {}", all.join(", "))
        }
        (None, _) => format!("`{name}` names nothing: a formula knows host.*, link.*, uplink.* and params.*"),
    };
    ExprError::at(at, message)
}
