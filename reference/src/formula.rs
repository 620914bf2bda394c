//! The connectives of, on formulas: a constant is True or False, whatever is left over is Unknown.
//!
//! The whole evaluation is carried out on formulas. Folding constants away and nothing else means that the
//! truth value of a formula is Kleene's, and that the formula itself is the residual.

use iamc_policy::decision::ResidualAtom;
use iamc_policy::{Formula, Truth};

/// The truth value of a formula built by this module.
pub(crate) fn truth(formula: &Formula) -> Truth {
    match formula {
        Formula::True => Truth::True,
        Formula::False => Truth::False,
        _ => Truth::Unknown,
    }
}

/// The formula of a truth value; `atom` says what it is that is not known.
pub(crate) fn of(truth: Truth, atom: impl FnOnce() -> ResidualAtom) -> Formula {
    match truth {
        Truth::True => Formula::True,
        Truth::False => Formula::False,
        Truth::Unknown => Formula::Atom(Box::new(atom())),
    }
}

/// A constant.
pub(crate) fn constant(value: bool) -> Formula {
    if value { Formula::True } else { Formula::False }
}

/// conjunction.: nested conjunctions are flattened, operands sorted, identical ones dropped.
pub(crate) fn and(operands: impl IntoIterator<Item = Formula>) -> Formula {
    let mut kept = Vec::new();
    for operand in operands {
        match operand {
            Formula::True => {}
            Formula::False => return Formula::False,
            Formula::And(inner) => kept.extend(inner),
            other => kept.push(other),
        }
    }
    canonical(kept, Formula::True, Formula::And)
}

/// disjunction, with the canonical form of.
pub(crate) fn or(operands: impl IntoIterator<Item = Formula>) -> Formula {
    let mut kept = Vec::new();
    for operand in operands {
        match operand {
            Formula::False => {}
            Formula::True => return Formula::True,
            Formula::Or(inner) => kept.extend(inner),
            other => kept.push(other),
        }
    }
    canonical(kept, Formula::False, Formula::Or)
}

/// negation.
pub(crate) fn not(operand: Formula) -> Formula {
    match operand {
        Formula::True => Formula::False,
        Formula::False => Formula::True,
        other => Formula::Not(Box::new(other)),
    }
}

fn canonical(mut operands: Vec<Formula>, empty: Formula, join: fn(Vec<Formula>) -> Formula) -> Formula {
    operands.sort();
    operands.dedup();
    match operands.len() {
        0 => empty,
        1 => operands.remove(0),
        _ => join(operands),
    }
}

/// Calls `visit` for each atom, in printing order.
pub(crate) fn atoms<'f>(formula: &'f Formula, visit: &mut dyn FnMut(&'f ResidualAtom)) {
    match formula {
        Formula::True | Formula::False => {}
        Formula::Atom(atom) => visit(atom),
        Formula::And(operands) | Formula::Or(operands) => operands.iter().for_each(|operand| atoms(operand, visit)),
        Formula::Not(operand) => atoms(operand, visit),
    }
}
