//! Why a world is not compiled, and how large one may be.

use iamc_runtime::LoadError;

/// How much of each kind a compiled policy set may hold.
///
/// A world beyond a limit is an error that names the limit, never a slow or silent failure. The defaults leave room
/// for several of the largest organizations and fit a machine of 16 GB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all different texts: names, ARNs, values, patterns.
    pub text_bytes_max: u64,
    /// Different statements.
    pub statements_max: u64,
    /// Rows of the service index over all different policies: one for each service that a statement names.
    pub rules_max: u64,
    /// Policies attached to users and roles, directly or through groups.
    pub attachments_max: u64,
    /// Levels of all guardrail paths: for each account the number of entities from the root down to itself.
    pub levels_max: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            text_bytes_max: 2 << 30,
            statements_max: 20_000_000,
            rules_max: 100_000_000,
            attachments_max: 50_000_000,
            levels_max: 5_000_000,
        }
    }
}

/// Why a world is not compiled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The world is larger than [`Limits`] allow, or than 32-bit ids can number.
    #[error("too many {what}: {given}, limit {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How many there are, or at least are where counting stopped.
        given: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The parts of a world that is compiled in parts were read under different settings.
    #[error("the parts of the inventory were read under different settings")]
    Settings,
    /// The runtime refuses what was compiled: a defect of the compiler, reported instead of a wrong answer.
    #[error("the compiled policy set contradicts itself: {0}")]
    Tables(#[from] LoadError),
}

/// Checks one count against its limit.
pub(crate) fn within(what: &'static str, given: usize, limit: u64) -> Result<(), CompileError> {
    let given = given as u64;
    if given <= limit { Ok(()) } else { Err(CompileError::Limit { what, given, limit }) }
}

/// The number as a 32-bit id or offset; [`u32::MAX`] is kept for "none".
pub(crate) fn id(what: &'static str, number: usize) -> Result<u32, CompileError> {
    within(what, number, u64::from(u32::MAX) - 1)?;
    // Below 2^32 by the line above.
    Ok(number as u32)
}

/// An id that shares its word with flags.
pub(crate) fn below(what: &'static str, id: u32, limit: u32) -> Result<u32, CompileError> {
    within(what, id as usize, u64::from(limit) - 1)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_end_before_the_word_for_none() {
        let most = u32::MAX as usize - 1;
        assert_eq!(id("roles", most).unwrap(), u32::MAX - 1);
        let error = id("roles", most + 1).unwrap_err().to_string();
        assert_eq!(error, "too many roles: 4294967295, limit 4294967294");
    }
}
