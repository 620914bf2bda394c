//! Which machine serves how many patterns of a set: what `inspect` shows.
//!
//! The machines themselves belong to the runtime, which builds them from the tables when they are first needed; this
//! builds all of them.

use iamc_runtime::{ActionTextCounts, CompiledPolicySet, IndexCounts};

/// How many patterns each strategy serves. Where a strategy has a limit, what the limit kept out is a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategies {
    /// Of different resource patterns.
    pub patterns: IndexCounts,
    /// Of the texts of action sets, for actions that the catalogue does not know.
    pub action_texts: ActionTextCounts,
}

/// Builds what serves the patterns of a set, and counts.
///
/// Cost: O(bytes of the patterns); half a second for 300,000 of them.
///
/// ```
/// use iamc_catalogue::Catalogue;
/// use iamc_compiler::{Limits, compile, strategies};
/// use iamc_policy::World;
/// let set = compile(&World::default(), Catalogue::embedded(), &Limits::default()).unwrap();
/// assert_eq!(strategies(&set).patterns.heap_bytes, strategies(&set).facts()[0].1);
/// ```
pub fn strategies(set: &CompiledPolicySet) -> Strategies {
    Strategies { patterns: set.pattern_index().counts(), action_texts: set.action_text_counts() }
}

impl Strategies {
    /// The strategies for resource patterns by name; together they serve every pattern once.
    pub fn for_patterns(&self) -> [(&'static str, usize); 8] {
        let IndexCounts { everything, nothing, whole, head, pair, token, piece, listed, .. } = self.patterns;
        [
            ("match_everything", everything),
            ("match_nothing", nothing),
            ("whole_text", whole),
            ("literal_head", head),
            ("token_pair", pair),
            ("token", token),
            ("aho_corasick", piece),
            ("always_compared", listed),
        ]
    }

    /// The strategies for texts of action sets by name; together they serve every text once a set.
    pub fn for_action_texts(&self) -> [(&'static str, usize); 5] {
        let ActionTextCounts { few, exact, automaton, globbed, refused, .. } = self.action_texts;
        [
            ("glob_of_few", few),
            ("bisection", exact),
            ("dfa", automaton),
            ("glob_of_other_wildcards", globbed),
            ("glob_beyond_dfa_limit", refused),
        ]
    }

    /// What the machines consist of, and which limits were met.
    pub fn facts(&self) -> [(&'static str, usize); 8] {
        [
            ("index_bytes", self.patterns.heap_bytes),
            ("buckets", self.patterns.n_buckets),
            ("largest_bucket", self.patterns.bucket_max),
            ("crowded_buckets", self.patterns.n_crowded),
            ("aho_corasick_refused", self.patterns.n_refused),
            ("dfas", self.action_texts.n_automata),
            ("dfa_bytes", self.action_texts.automata_bytes),
            ("dfas_beyond_limit", self.action_texts.n_refused),
        ]
    }
}
