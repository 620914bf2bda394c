//! Residuals: the connectives over formulas, with constants folded away and the canonical form of.

use crate::logic::Logic;
use iamc_policy::decision::ResidualAtom;
use iamc_policy::{Formula, Truth};

impl Logic for Formula {
    type Many = Vec<Formula>;

    fn constant(value: bool) -> Formula {
        if value { Formula::True } else { Formula::False }
    }

    fn and(self, other: Formula) -> Formula {
        Formula::all(vec![self, other])
    }

    fn or(self, other: Formula) -> Formula {
        Formula::any(vec![self, other])
    }

    fn not(self) -> Formula {
        match self {
            Formula::True => Formula::False,
            Formula::False => Formula::True,
            open => Formula::Not(Box::new(open)),
        }
    }

    fn push(many: &mut Vec<Formula>, operand: Formula) {
        many.push(operand);
    }

    fn any(many: Vec<Formula>) -> Formula {
        join(many, false)
    }

    fn all(many: Vec<Formula>) -> Formula {
        join(many, true)
    }

    fn is_settled(many: &Vec<Formula>) -> bool {
        many.contains(&Formula::True)
    }

    fn is_certain(&self) -> bool {
        *self == Formula::True
    }

    fn is_impossible(&self) -> bool {
        *self == Formula::False
    }
}

/// Conjunction or disjunction: flat, sorted, each operand once.
fn join(many: Vec<Formula>, conjunction: bool) -> Formula {
    let (neutral, absorbing) =
        if conjunction { (Formula::True, Formula::False) } else { (Formula::False, Formula::True) };
    let mut flat = Vec::with_capacity(many.len());
    for operand in many {
        if operand == absorbing {
            return absorbing;
        }
        match operand {
            Formula::True | Formula::False => {}
            Formula::And(inner) if conjunction => flat.extend(inner),
            Formula::Or(inner) if !conjunction => flat.extend(inner),
            other => flat.push(other),
        }
    }
    flat.sort();
    flat.dedup();
    match (flat.len(), conjunction) {
        (0, _) => neutral,
        (1, _) => flat.swap_remove(0),
        (_, true) => Formula::And(flat),
        (_, false) => Formula::Or(flat),
    }
}

/// The truth value of a formula: what is no constant is unknown.
pub(crate) fn truth(formula: &Formula) -> Truth {
    match formula {
        Formula::True => Truth::True,
        Formula::False => Truth::False,
        _ => Truth::Unknown,
    }
}

/// Adds the residual keys of a formula.
pub(crate) fn collect_keys(formula: &Formula, keys: &mut Vec<String>) {
    match formula {
        Formula::True | Formula::False => {}
        Formula::Atom(atom) => keys.extend(atom.keys.iter().cloned()),
        Formula::And(operands) | Formula::Or(operands) => {
            operands.iter().for_each(|operand| collect_keys(operand, keys));
        }
        Formula::Not(operand) => collect_keys(operand, keys),
    }
}

/// An atom.
pub(crate) fn atom(atom: ResidualAtom) -> Formula {
    Formula::Atom(Box::new(atom))
}

#[cfg(test)]
mod tests {
    use super::*;
    use iamc_policy::decision::{AtomKind, UnitId};

    fn fact(name: &str) -> Formula {
        atom(ResidualAtom {
            unit: UnitId::Resource(0),
            policy: None,
            statement: None,
            kind: AtomKind::Fact { name: name.into() },
            keys: vec![name.into()],
        })
    }

    #[test]
    fn constants_fold_and_operands_are_canonical() {
        let (a, b, c) = (fact("a"), fact("b"), fact("c"));
        assert_eq!(a.clone().and(Formula::False), Formula::False);
        assert_eq!(a.clone().or(Formula::False), a);
        assert_eq!(a.clone().or(a.clone()), a);
        let left = c.clone().and(a.clone()).and(b.clone());
        let right = a.clone().and(b.clone().and(c.clone()));
        assert_eq!(left, right);
        assert_eq!(left, Formula::And(vec![a.clone(), b.clone(), c]));
        assert_eq!(a.clone().not().not(), Formula::Not(Box::new(Formula::Not(Box::new(a.clone())))));
        let mut keys = Vec::new();
        collect_keys(&a.and(b.not()), &mut keys);
        assert_eq!(keys, ["a", "b"]);
    }
}
