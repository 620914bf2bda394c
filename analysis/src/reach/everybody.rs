//! Who is worth a look: questions about everybody, so that steps are decided only for callers that may take them (P-15.10).
//!
//! What is asked here leaves out what section 2 binds, so that whoever may take a step is among those found; each of them
//! is decided afterwards with everything that is bound.

use super::fact::{Form, Identity};
use super::steps::{Candidates, Engine};
use iamc_compiler::CompileError;
use iamc_policy::request::{Context, GivenKeys, Mode, Request, RequestResource};
use iamc_policy::{AccountId, Action, Arn, Principal};
use iamc_runtime::{CompiledPolicySet, Inverse, Question, QuestionScratch, Scope, who_can};
use std::sync::Arc;

struct Asking {
    inverse: Inverse,
    scratch: QuestionScratch,
    /// Identity by principal of the set.
    identities: Vec<Option<Identity>>,
}

impl Asking {
    /// Calls `visit` for everybody of the scope who can at least perhaps.
    fn ask(
        &mut self,
        action: &Action,
        resource: &Arn,
        context: Context,
        scope: Scope<'_>,
        mut visit: impl FnMut(Identity),
    ) {
        let mut request = Request::new(Principal::Anonymous, action.clone(), RequestResource::Arn(resource.clone()));
        request.mode = Mode::Open;
        request.given_keys = GivenKeys::Pinned;
        request.context = context;
        request.facts.session_unknown = true;
        // A request that is refused whoever makes it is nobody's step.
        if let Ok(found) = who_can(&self.inverse, &Question::new(request), scope, &mut self.scratch) {
            for (principal, _) in found.iter() {
                if let Some(Some(id)) = self.identities.get(principal.get() as usize) {
                    visit(*id);
                }
            }
        }
    }
}

impl Engine {
    /// Fills in the candidates, once.
    pub(super) fn ask_everybody(&mut self) -> Result<(), CompileError> {
        if self.candidates.is_some() {
            return Ok(());
        }
        let set: Arc<CompiledPolicySet> = Arc::clone(&self.worlds.get(&self.base, Form::default())?.set);
        let name = |at: u32| set.principal_arn(iamc_runtime::PrincipalId::new(at));
        let identities = (0..set.n_principals()).map(|at| self.base.by_arn.get(name(at)?).copied()).collect();
        let mut asking =
            Asking { inverse: Inverse::new(Arc::clone(&set)), scratch: QuestionScratch::default(), identities };
        let n = self.base.n_identities as usize;
        let mut found =
            Candidates { assume: vec![Vec::new(); n], simple: vec![Vec::new(); n], pass: vec![Vec::new(); n] };
        let assume: Action = "sts:AssumeRole".parse().expect("an action of ours");
        let pass: Action = "iam:PassRole".parse().expect("an action of ours");
        for role in self.base.n_users..self.base.n_identities {
            if self.base.services_of.contains_key(&role) {
                let arn = self.base.arn(role);
                asking.ask(&assume, arn, Context::new(), Scope::All, |id| found.assume[id as usize].push(role));
            }
        }
        for account in 0..self.base.accounts.len() as u32 {
            let id: [AccountId; 1] = [self.base.accounts[account as usize].id];
            let scope = Scope::Accounts(&id);
            for at in 0..self.simple.len() {
                let action = self.simple_action(at).clone();
                for target in self.targets(at, account) {
                    let Some(context) = self.simple_keys(at, account, target) else { continue };
                    let Some(arn) = self.target_arn(target) else { continue };
                    asking.ask(&action, &arn, context, scope, |id| found.simple[id as usize].push((at as u16, target)));
                }
            }
            for role in self.base.accounts[account as usize].roles.clone() {
                let named = self.base.services_of.get(&role).cloned().flatten();
                for (at, service) in (0u16..).zip(&self.services) {
                    let all = named.is_none() || self.base.trusting_all.binary_search(&role).is_ok();
                    // Providers that services stand behind are passed to under names of their own.
                    let is_named = named.as_ref().is_some_and(|names| names.contains(service))
                        || self.base.providers.binary_search(service).is_ok();
                    if !(all || is_named) || self.base.is_fixed(role) {
                        continue;
                    }
                    let mut context = Context::new();
                    let key = iamc_policy::ConditionKey::new("iam:PassedToService");
                    context.insert(key, iamc_policy::KeyState::one(service.clone()));
                    let arn = self.base.arn(role);
                    asking.ask(&pass, arn, context, scope, |id| found.pass[id as usize].push((role, at)));
                }
            }
        }
        self.candidates = Some(found);
        Ok(())
    }
}
