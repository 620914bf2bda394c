//! Matrices: actions and resources against everybody, one row of principals after the other.

use super::asking::QuestionScratch;
use super::inverse::Inverse;
use super::points::Template;
use super::who_can::{Found, Scope, answer};
use crate::ask::{ActionRef, Parts, ResourceRef};
use crate::bulk::PreparedContext;
use iamc_policy::Action;
use iamc_policy::request::{RequestError, ResourceInRequest};
use std::ops::ControlFlow;

/// Asks of everybody in the scope for each of the actions on each of the resources, resource by resource.
///
/// Actions and resources may be any, also such as the catalogue or the inventory does not have. Each answer is that of
/// [`crate::who_can`] and so of [`crate::decide()`], handed to `row` with the positions of its action and its resource as
/// soon as it is there, so that memory does not grow with the number of rows; a question that nobody can ask, such as one
/// for `*` about an action that needs an ARN, is handed over as its error. `row` may stop the walk.
///
/// Panics: never. Cost: that of the questions; no heap allocation once `scratch` has grown.
pub fn matrix(
    inverse: &Inverse,
    actions: &[Action],
    resources: &[ResourceInRequest],
    context: &PreparedContext,
    scope: Scope<'_>,
    scratch: &mut QuestionScratch,
    mut row: impl FnMut(usize, usize, Result<Found<'_>, RequestError>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for (at_resource, resource) in resources.iter().enumerate() {
        for (at_action, action) in actions.iter().enumerate() {
            let parts = Parts::Row { action: ActionRef::of(action), resource: ResourceRef::of(resource) };
            let found = answer(inverse, Template::of_context(context, parts), scope, scratch);
            row(at_action, at_resource, found)?;
        }
    }
    ControlFlow::Continue(())
}
