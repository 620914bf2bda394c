//! The set that decides now, and its replacement.

use iamc_runtime::CompiledPolicySet;
use std::sync::{Arc, PoisonError, RwLock};

/// A set that can be replaced while others decide with it.
///
/// A set never changes, so that whoever holds one sees the same policies until the decision, or the batch, is done. The
/// old set goes when the last of them lets go of it.
#[derive(Debug)]
pub(crate) struct Service {
    current: RwLock<Arc<CompiledPolicySet>>,
}

impl Service {
    /// Decides with that set.
    pub(crate) fn new(set: CompiledPolicySet) -> Service {
        Service { current: RwLock::new(Arc::new(set)) }
    }

    /// The set of now. Hold it for one decision or one batch: the lock is free again when this returns.
    pub(crate) fn current(&self) -> Arc<CompiledPolicySet> {
        // Nothing can be half done behind this lock, whoever panicked.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Decides with another set from now on.
    pub(crate) fn replace(&self, set: CompiledPolicySet) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
    }
}
