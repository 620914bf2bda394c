//! `ORG`: an inventory, compiled in memory, or a compiled image.

use crate::args::Global;
use crate::ending::Failure;
use crate::inventory::{self, Tables};
use crate::settings;
use iamc_catalogue::Catalogue;
use iamc_compiler::{Compiler, Limits, compile_session};
use iamc_policy::decision::Answer;
use iamc_policy::request::{Request, RequestError};
use iamc_policy::world::NamedPolicy;
use iamc_policy::{Decision, World};
use iamc_runtime::{CompiledPolicySet, CompiledSession, Scratch, decide_with, explain};
use std::path::{Path, PathBuf};

/// The ending of a compiled image's name.
const IMAGE_EXTENSION: &str = "iamc";

/// True iff the path names a compiled image.
pub(crate) fn is_image(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(IMAGE_EXTENSION)) && !path.is_dir()
}

/// Reads and compiles an inventory, or loads an image.
///
/// # Errors
/// The inventory is invalid, the image is refused, or options are given that an image has settled already.
pub(crate) fn open(paths: &[PathBuf], global: &Global) -> Result<CompiledPolicySet, Failure> {
    let Some(image) = paths.iter().find(|path| is_image(path)) else {
        let tables = Tables::read(global.catalogue.as_deref())?;
        let world = inventory::read(paths, global, settings::read(global)?)?;
        return compile_world(world, tables.get());
    };
    if paths.len() > 1 {
        return Err(Failure::Usage(format!("`{}` is a compiled image: it is a whole organization", image.display())));
    }
    for (given, name) in [
        (!global.set.is_empty(), "--set"),
        (global.assume_complete, "--assume-complete"),
        (global.catalogue.is_some(), "--catalogue"),
    ] {
        if given {
            let message =
                format!("`{name}` is settled when `{}` is compiled: give it to `iamc compile`", image.display());
            return Err(Failure::Usage(message));
        }
    }
    load(image)
}

/// Loads an image.
pub(crate) fn load(path: &Path) -> Result<CompiledPolicySet, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::unreadable(path.display(), error))?;
    CompiledPolicySet::load(&bytes).map_err(|error| Failure::Input(format!("`{}`: {error}", path.display())))
}

/// Compiles a world that was read, and drops it on the way.
pub(crate) fn compile_world(world: World, catalogue: &Catalogue) -> Result<CompiledPolicySet, Failure> {
    let mut compiler = Compiler::new(catalogue, &world.settings, world.assume_complete, &Limits::default());
    let set = compiler.consume(world).and_then(|()| compiler.finish());
    set.map_err(|error| Failure::Input(format!("the inventory cannot be compiled: {error}")))
}

/// One worker's way to ask a compiled set.
pub(crate) struct Asker<'a> {
    set: &'a CompiledPolicySet,
    scratch: Scratch,
}

impl<'a> Asker<'a> {
    pub(crate) fn new(set: &'a CompiledPolicySet) -> Asker<'a> {
        Asker { set, scratch: Scratch::new(set) }
    }

    /// The whole answer.
    pub(crate) fn explain(&mut self, request: &Request) -> Result<Answer, RequestError> {
        let session = request.session.as_deref().map(|policies| session(self.set, policies)).transpose()?;
        explain(self.set, request, session.as_ref(), &mut self.scratch)
    }

    /// The decision alone.
    pub(crate) fn decide(&mut self, request: &Request) -> Result<Decision, RequestError> {
        let session = request.session.as_deref().map(|policies| session(self.set, policies)).transpose()?;
        decide_with(self.set, request, session.as_ref(), &mut self.scratch)
    }
}

/// The session policies of a request, compiled on their own.
pub(crate) fn session(set: &CompiledPolicySet, policies: &[NamedPolicy]) -> Result<CompiledSession, RequestError> {
    compile_session(set, policies).map_err(|error| RequestError {
        code: "E-SESSION-POLICIES",
        message: error.to_string(),
        field: "session",
        rule: "R-6.12",
    })
}
