//! Decisions as texts: [`json`] for programs, [`human`] for people, [`sentence`] in the words of AWS.

pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod sentence;

use iamc_policy::decision::{Formula, ResidualAtom};

/// A formula in the canonical form of: nested ∧ and ∨ flattened, operands sorted, identical siblings once.
///
/// Constants inside a formula are folded already by whoever built it. Cost: O(n log n) in its atoms; recursion is as
/// deep as the formula, whose depth is that of the rules of section 0 and does not grow with the input.
pub(crate) fn canonical(formula: &Formula) -> Formula {
    match formula {
        Formula::True | Formula::False | Formula::Atom(_) => formula.clone(),
        Formula::Not(inner) => Formula::Not(Box::new(canonical(inner))),
        Formula::And(parts) => {
            let mut flat = Vec::new();
            for part in parts {
                match canonical(part) {
                    Formula::And(inner) => flat.extend(inner),
                    other => flat.push(other),
                }
            }
            sort(&mut flat);
            if flat.len() == 1 { flat.remove(0) } else { Formula::And(flat) }
        }
        Formula::Or(parts) => {
            let mut flat = Vec::new();
            for part in parts {
                match canonical(part) {
                    Formula::Or(inner) => flat.extend(inner),
                    other => flat.push(other),
                }
            }
            sort(&mut flat);
            if flat.len() == 1 { flat.remove(0) } else { Formula::Or(flat) }
        }
    }
}

fn sort(parts: &mut Vec<Formula>) {
    parts.sort_by(|a, b| origin(a).cmp(&origin(b)).then_with(|| a.cmp(b)));
    parts.dedup();
}

/// What a formula is sorted by: the origin of its first atom.
fn origin(formula: &Formula) -> Option<(&ResidualAtom,)> {
    match formula {
        Formula::True | Formula::False => None,
        Formula::Atom(atom) => Some((atom,)),
        Formula::Not(inner) => origin(inner),
        Formula::And(parts) | Formula::Or(parts) => parts.iter().find_map(origin),
    }
}

/// The statement or policy that an atom comes from, as explanations write it; gates and facts have none.
pub(crate) fn atom_origin(atom: &ResidualAtom) -> Option<String> {
    let policy = atom.policy.as_ref()?;
    Some(match &atom.statement {
        Some((_, Some(sid))) => format!("{policy}/{sid}"),
        Some((index, None)) => format!("{policy}/{index}"),
        None => policy.to_string(),
    })
}
