//! A corpus: a shape and a seed, from which every part can be made at any time.

use crate::account;
use crate::adversarial;
use crate::flat;
use crate::organization::{self, Organization};
use crate::part::{AccountPart, OrganizationPart};
use crate::shape::{Flat, Shape};
use crate::templates::Templates;
use crate::world::{self, Parser};
use iamc_policy::World;

/// A synthetic inventory.
///
/// It holds the organization part; accounts are made when asked for, each from the seed and its index alone, so memory
/// does not grow with their number (but for some hundred bytes an account, where it lies and who guards it).
#[derive(Debug, Clone)]
pub struct Corpus {
    pub(crate) shape: Shape,
    pub(crate) seed: u64,
    pub(crate) source: Source,
}

#[derive(Debug, Clone)]
pub(crate) enum Source {
    Realistic(Box<Organization>),
    Flat(Flat, OrganizationPart),
    Adversarial(OrganizationPart),
}

/// Generates the corpus of a shape: the same shape, seed and templates always give the same bytes.
///
/// `templates` is what most statements are made from, [`Templates::built_in`] or a file's; `flat105` and `adversarial`
/// use none. Cost: the organization part; below a second also for XL.
///
/// ```
/// use iamc_bench_corpus::{Shape, Templates, generate};
/// let corpus = generate("S".parse::<Shape>().unwrap(), 1, Templates::built_in());
/// assert_eq!(corpus.n_accounts(), 10);
/// let first = corpus.account(4);
/// assert_eq!(first, corpus.account(4));
/// ```
pub fn generate(shape: Shape, seed: u64, templates: Templates) -> Corpus {
    let source = match &shape {
        Shape::Organization(parameters) => {
            Source::Realistic(Box::new(organization::build(*parameters, seed, templates)))
        }
        Shape::Flat(flat) => Source::Flat(*flat, flat::organization(*flat, seed)),
        Shape::Adversarial => Source::Adversarial(adversarial::organization(seed)),
    };
    Corpus { shape, seed, source }
}

impl Corpus {
    /// Its shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Everything outside the accounts.
    pub fn organization(&self) -> &OrganizationPart {
        match &self.source {
            Source::Realistic(organization) => &organization.part,
            Source::Flat(_, part) | Source::Adversarial(part) => part,
        }
    }

    /// Number of accounts.
    pub fn n_accounts(&self) -> usize {
        self.organization().accounts.len()
    }

    /// The account at `index`, below [`Corpus::n_accounts`].
    ///
    /// Panics: on an index out of range. Cost: O(bytes of the account).
    pub fn account(&self, index: usize) -> AccountPart {
        assert!(index < self.n_accounts(), "account {index} of {}", self.n_accounts());
        match &self.source {
            Source::Realistic(organization) => account::write(organization, index),
            Source::Flat(flat, part) => flat::account(*flat, part, self.seed, index),
            Source::Adversarial(part) => adversarial::account(part, self.seed, index),
        }
    }

    /// Every account, by index, made one after the other.
    pub fn accounts(&self) -> impl Iterator<Item = AccountPart> + '_ {
        (0..self.n_accounts()).map(|index| self.account(index))
    }

    /// The organization part as a world without accounts.
    pub fn organization_fragment(&self) -> World {
        let mut world = World::default();
        world::add_organization(&mut world, self.organization(), &mut Parser::default());
        world
    }

    /// One account as a world that holds nothing else: with the organization fragment and the other accounts it is the whole world, for a compiler that takes it in parts.
    ///
    /// Panics: on an index out of range.
    pub fn account_fragment(&self, index: usize) -> World {
        let mut world = World::default();
        world::add_account(&mut world, &self.account(index), &mut Parser::default());
        world
    }

    /// The whole world. `progress` is told after each account how many are done.
    ///
    /// Equal documents share one parsed policy. Cost: everything in memory, for L about 1.5 GB.
    pub fn world(&self, mut progress: impl FnMut(usize)) -> World {
        let mut parser = Parser::default();
        let mut world = World::default();
        world::add_organization(&mut world, self.organization(), &mut parser);
        for (index, account) in self.accounts().enumerate() {
            world::add_account(&mut world, &account, &mut parser);
            progress(index + 1);
        }
        world
    }
}
