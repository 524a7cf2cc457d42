//! From words to an expression.

use super::axes::{AXES, Axis, Test};
use super::functions::{self, Function};
use super::lexer::{Token, tokens};
use super::{Expr, Operator, Step};

/// The deepest nesting: more is a mistake, and must not exhaust the stack.
const DEEPEST: usize = 64;

/// Operators by how strongly they bind, the weakest first.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[("=", Operator::Equal), ("!=", Operator::NotEqual)],
    &[("<", Operator::Less), ("<=", Operator::LessOrEqual), (">", Operator::More), (">=", Operator::MoreOrEqual)],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[("*", Operator::Times), ("div", Operator::Div), ("mod", Operator::Mod)],
];

/// Reads an expression.
pub fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, end: text.len() };
    let expr = parser.expression()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => parser.wrong("the end"),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn sees(&self, sign: &str) -> bool {
        self.sees_behind(0, sign)
    }

    fn sees_behind(&self, more: usize, sign: &str) -> bool {
        matches!(self.tokens.get(self.at + more), Some((_, Token::Sign(found))) if *found == sign)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = self.sees(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { self.wrong(sign) }
    }

    fn wrong<T>(&self, wanted: &str) -> Result<T, String> {
        match self.tokens.get(self.at) {
            Some((at, _)) => Err(format!("expected {wanted} at byte {at}")),
            None => Err(format!("expected {wanted} at byte {}", self.end)),
        }
    }

    fn expression(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("more than {DEEPEST} expressions in each other"));
        }
        let expr = self.level(0)?;
        self.depth -= 1;
        Ok(expr)
    }

    fn level(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.level(level + 1)?;
            left = Expr::Binary(operator, Box::new([left, right]));
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let written = match self.peek()? {
            Token::Sign(sign) => sign,
            Token::Name(prefix, name) if prefix.is_empty() => name.as_str(),
            _ => return None,
        };
        let found = operators.iter().find(|(name, _)| *name == written).map(|(_, operator)| *operator);
        self.at += usize::from(found.is_some());
        found
    }

    fn unary(&mut self) -> Result<Expr, String> {
        let mut negative = false;
        while self.takes("-") {
            negative = !negative;
        }
        let mut expr = self.path()?;
        while self.takes("|") {
            expr = Expr::Binary(Operator::Union, Box::new([expr, self.path()?]));
        }
        Ok(if negative { Expr::Negative(Box::new(expr)) } else { expr })
    }

    fn path(&mut self) -> Result<Expr, String> {
        let Some(from) = self.primary()? else { return self.location() };
        let predicates = self.predicates()?;
        let mut steps = Vec::new();
        if self.sees("/") || self.sees("//") {
            self.more_steps(&mut steps)?;
        }
        if predicates.is_empty() && steps.is_empty() {
            return Ok(from);
        }
        Ok(Expr::Filter { from: Box::new(from), predicates, steps })
    }

    /// What is no path: a value, a call, or something in brackets.
    fn primary(&mut self) -> Result<Option<Expr>, String> {
        let expr = match self.peek() {
            Some(Token::Number(number)) => Expr::Number(*number),
            Some(Token::Text(text)) => Expr::Text(text.clone()),
            Some(Token::Sign("(")) => {
                self.at += 1;
                let expr = self.expression()?;
                self.expect(")")?;
                // In brackets a path is a whole, of which predicates take some.
                return Ok(Some(Expr::Filter { from: Box::new(expr), predicates: Vec::new(), steps: Vec::new() }));
            }
            Some(Token::Sign("$")) => return Err("variables have no value here".to_owned()),
            Some(Token::Name(prefix, name)) if self.sees_behind(1, "(") && node_test(prefix, name).is_none() => {
                let function = functions::find(prefix, name)?;
                return self.call(function).map(Some);
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(expr))
    }

    fn call(&mut self, function: &'static Function) -> Result<Expr, String> {
        self.at += 2;
        let mut args = Vec::new();
        while !self.takes(")") {
            if !args.is_empty() {
                self.expect(",")?;
            }
            args.push(self.expression()?);
        }
        function.check(&args)?;
        Ok(Expr::Call(function, args))
    }

    fn location(&mut self) -> Result<Expr, String> {
        let mut steps = Vec::new();
        let absolute = self.sees("/") || self.sees("//");
        if !absolute {
            steps.push(self.step()?);
        }
        // The document alone.
        if self.sees("/") && absolute && !self.begins_step(1) {
            self.at += 1;
            return Ok(Expr::Path { absolute, steps });
        }
        self.more_steps(&mut steps)?;
        Ok(Expr::Path { absolute, steps })
    }

    fn begins_step(&self, more: usize) -> bool {
        match self.tokens.get(self.at + more) {
            Some((_, Token::Name(..))) => true,
            Some((_, Token::Sign(sign))) => ["@", ".", "..", "*"].contains(sign),
            _ => false,
        }
    }

    fn more_steps(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        loop {
            if self.takes("//") {
                steps.push(Step { axis: Axis::DescendantOrSelf, test: Test::Any, predicates: Vec::new() });
            } else if !self.takes("/") {
                return Ok(());
            }
            steps.push(self.step()?);
        }
    }

    fn step(&mut self) -> Result<Step, String> {
        let short = [(".", Axis::Myself), ("..", Axis::Parent)];
        if let Some((sign, axis)) = short.into_iter().find(|(sign, _)| self.sees(sign)) {
            self.expect(sign)?;
            return Ok(Step { axis, test: Test::Any, predicates: self.predicates()? });
        }
        let axis = self.axis()?;
        let test = self.test()?;
        Ok(Step { axis, test, predicates: self.predicates()? })
    }

    fn axis(&mut self) -> Result<Axis, String> {
        if self.takes("@") {
            return Ok(Axis::Attribute);
        }
        if !self.sees_behind(1, "::") {
            return Ok(Axis::Child);
        }
        let Some(Token::Name(prefix, name)) = self.peek() else { return self.wrong("an axis") };
        let found = AXES.iter().find(|(known, _)| prefix.is_empty() && known == name);
        let Some((_, axis)) = found else { return self.wrong("an axis, such as child or ancestor") };
        self.at += 2;
        Ok(*axis)
    }

    fn test(&mut self) -> Result<Test, String> {
        if self.takes("*") {
            return Ok(Test::Name { prefix: String::new(), name: None });
        }
        let Some(Token::Name(prefix, name)) = self.peek() else { return self.wrong("a name") };
        let kind = node_test(prefix, name).filter(|_| self.sees_behind(1, "("));
        let Some(mut kind) = kind else {
            let test = Test::Name { prefix: prefix.clone(), name: (name != "*").then(|| name.clone()) };
            self.at += 1;
            return Ok(test);
        };
        self.at += 2;
        if let (Test::Instruction(target), Some(Token::Text(text))) = (&mut kind, self.peek()) {
            *target = Some(text.clone());
            self.at += 1;
        }
        self.expect(")")?;
        Ok(kind)
    }

    fn predicates(&mut self) -> Result<Vec<Expr>, String> {
        let mut predicates = Vec::new();
        while self.takes("[") {
            predicates.push(self.expression()?);
            self.expect("]")?;
        }
        Ok(predicates)
    }
}

fn node_test(prefix: &str, name: &str) -> Option<Test> {
    match name {
        _ if !prefix.is_empty() => None,
        "node" => Some(Test::Any),
        "text" => Some(Test::Text),
        "comment" => Some(Test::Comment),
        "processing-instruction" => Some(Test::Instruction(None)),
        _ => None,
    }
}
