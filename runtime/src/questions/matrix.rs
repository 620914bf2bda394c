//! Matrices: actions and resources against everybody, one row of principals after the other.

use super::asking::QuestionScratch;
use super::inverse::Inverse;
use super::who_can::{Found, Scope, who_can_ids};
use crate::bulk::{ActionId, PreparedContext, ResourceId};
use iamc_policy::request::RequestError;
use std::ops::ControlFlow;

/// Asks of everybody in the scope for each of the actions on each of the resources (`None`: `*`), resource by resource.
///
/// Each answer is that of [`who_can_ids`], handed to `row` as soon as it is there, so that memory does not grow with the
/// number of rows; a question that nobody can ask, such as one for `*` about an action that needs an ARN, is handed over as
/// its error. `row` may stop the walk.
///
/// Panics: never. Cost: that of the questions.
pub fn matrix(
    inverse: &Inverse,
    actions: &[ActionId],
    resources: &[Option<ResourceId>],
    context: &PreparedContext,
    scope: Scope<'_>,
    scratch: &mut QuestionScratch,
    mut row: impl FnMut(ActionId, Option<ResourceId>, Result<Found<'_>, RequestError>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for resource in resources {
        for action in actions {
            let found = who_can_ids(inverse, *action, *resource, context, scope, scratch);
            row(*action, *resource, found)?;
        }
    }
    ControlFlow::Continue(())
}
