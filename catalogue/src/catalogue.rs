//! The catalogue: a table of one edition, and the lists that hold whatever the table says.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use crate::layout::{ACTIONS, KEYS, SERVICES, TYPES, cmp_ignore_case};
use crate::table::Table;
use crate::view::{ActionFacts, ActionId, ConditionKeyFacts, ServiceFacts, ServiceId};
use crate::{KeyFacts, KeyType, ReadError, key, lists};

/// The facts of one edition of the service authorization reference.
///
/// Services are sorted by prefix, the actions of a service by their names in ASCII lower case; ids are dense and
/// follow that order. Lookups never fail: what is not known is `None`.
#[derive(Clone)]
pub struct Catalogue {
    table: Table,
}

static EMBEDDED_BYTES: &[u8] = include_bytes!("../data/catalogue.bin");

impl Catalogue {
    /// The edition that is compiled in.
    ///
    /// Cost: the first call validates the table, O(its bytes); later ones are free.
    pub fn embedded() -> &'static Catalogue {
        static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(|| {
            let table = Table::read(Cow::Borrowed(EMBEDDED_BYTES));
            Catalogue { table: table.expect("the committed table is read by the tests of this crate") }
        });
        &EMBEDDED
    }

    /// A catalogue that knows no service and no action; the lists of [`lists`] and the global keys stay what they are.
    pub fn without_actions() -> Catalogue {
        Catalogue { table: Table::empty() }
    }

    /// Reads a table, as [`encode`](crate::encode()) wrote it. The layout is described in `docs/catalogue.md`.
    ///
    /// Errors: [`ReadError`] if the bytes are no table or a damaged one. Panics: never, whatever the bytes are.
    /// Cost: O(bytes). Static bytes are borrowed, a `Vec<u8>` is kept.
    pub fn read(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Catalogue, ReadError> {
        Table::read(bytes.into()).map(|table| Catalogue { table })
    }

    /// The bytes of its table: [`Catalogue::read`] makes the same catalogue of them.
    ///
    /// Cost: O(bytes).
    ///
    /// ```
    /// use iamc_catalogue::Catalogue;
    /// let again = Catalogue::read(Catalogue::embedded().to_bytes()).unwrap();
    /// assert_eq!(again.n_actions(), Catalogue::embedded().n_actions());
    /// assert_eq!(Catalogue::read(Catalogue::without_actions().to_bytes()).unwrap().n_actions(), 0);
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        self.table.to_bytes()
    }

    /// Where the edition comes from, with versions; empty without actions.
    pub fn name(&self) -> &str {
        self.table.name()
    }

    /// The day of the edition, `YYYY-MM-DD`; `None` if the source does not say.
    pub fn date(&self) -> Option<&str> {
        Some(self.table.date()).filter(|date| !date.is_empty())
    }

    /// The number of services. Service ids run from 0 to this number, exclusive.
    pub fn n_services(&self) -> usize {
        self.table.n(SERVICES)
    }

    /// The number of actions of all services. Action ids run from 0 to this number, exclusive.
    pub fn n_actions(&self) -> usize {
        self.table.n(ACTIONS)
    }

    /// The number of resource types of all services.
    pub fn n_resource_types(&self) -> usize {
        self.table.n(TYPES)
    }

    /// The number of different condition keys in the table; a family counts once, keys of [`lists`] do not.
    pub fn n_condition_keys(&self) -> usize {
        self.table.n(KEYS)
    }

    /// All services in order of their ids, which is the order of their prefixes.
    pub fn services(&self) -> impl ExactSizeIterator<Item = ServiceFacts<'_>> + DoubleEndedIterator {
        (0..self.n_services()).map(|idx| ServiceFacts::new(&self.table, idx))
    }

    /// The service with this prefix, which compares without regard to ASCII case (R-9.11).
    ///
    /// Cost: O(log services).
    pub fn service(&self, prefix: &str) -> Option<ServiceFacts<'_>> {
        let idx = search(0..self.n_services(), |idx| cmp_ignore_case(self.table.service_prefix(idx), prefix))?;
        Some(ServiceFacts::new(&self.table, idx))
    }

    /// The service with this id; `None` for an id of a larger catalogue.
    pub fn service_by_id(&self, id: ServiceId) -> Option<ServiceFacts<'_>> {
        let idx = usize::try_from(id.get()).ok()?;
        (idx < self.n_services()).then(|| ServiceFacts::new(&self.table, idx))
    }

    /// All actions in order of their ids: grouped by service, sorted inside.
    pub fn actions(&self) -> impl ExactSizeIterator<Item = ActionFacts<'_>> + DoubleEndedIterator {
        (0..self.n_actions()).map(|idx| ActionFacts::new(&self.table, idx))
    }

    /// The facts of an action; both parts compare without regard to ASCII case.
    ///
    /// Cost: O(log services + log actions of the service).
    pub fn action(&self, service: &str, name: &str) -> Option<ActionFacts<'_>> {
        self.service(service)?.action(name)
    }

    /// The action with this id; `None` for an id of a larger catalogue.
    pub fn action_by_id(&self, id: ActionId) -> Option<ActionFacts<'_>> {
        let idx = usize::try_from(id.get()).ok()?;
        (idx < self.n_actions()).then(|| ActionFacts::new(&self.table, idx))
    }

    /// Every condition key of the table, sorted by name; the keys of [`lists::GLOBAL_KEYS`] only where services list
    /// them.
    pub fn condition_keys(&self) -> impl ExactSizeIterator<Item = ConditionKeyFacts<'_>> + DoubleEndedIterator {
        // The layout has no more keys than a u16 can number.
        (0..self.table.n(KEYS)).map(|idx| ConditionKeyFacts::new(&self.table, idx as u16))
    }

    /// What is declared of a key, given in canonical lower case: a global key, a service key, or a member of a family
    /// such as `aws:requesttag/…`. `None`: not declared, so that its cardinality is that of the request (R-4.3).
    ///
    /// The lists win over the table: [`lists::GLOBAL_KEYS`] and [`lists::MULTI_VALUED_KEYS`]. An exact name wins over a
    /// family, and of several families the one with the most literal text. `…:aud` of an OIDC provider is never
    /// declared, although the reference calls it a string: it has the cardinality of the token (R-5.17).
    ///
    /// ```
    /// use iamc_catalogue::{Catalogue, KeyFacts, KeyType};
    /// let catalogue = Catalogue::embedded();
    /// let single = |key_type| Some(KeyFacts { key_type, multi: false });
    /// assert_eq!(catalogue.key("aws:requesttag/cost:center"), single(KeyType::String));
    /// assert_eq!(catalogue.key("kms:encryptioncontext:tenant"), single(KeyType::String));
    /// assert_eq!(catalogue.key("issuer.example:sub"), None);
    /// ```
    ///
    /// Cost: O(global keys + families + log keys).
    pub fn key(&self, canonical: &str) -> Option<KeyFacts> {
        let global = |found: &lists::GlobalKey| KeyFacts { key_type: found.key_type, multi: found.multi };
        if let Some(found) = lists::GLOBAL_KEYS.iter().find(|known| key::names(known.name, canonical)) {
            return Some(global(found));
        }
        let declared = self.table_key(canonical).and_then(|id| self.table.key_facts(id));
        if lists::MULTI_VALUED_KEYS.iter().any(|known| known.eq_ignore_ascii_case(canonical)) {
            let key_type = declared.map_or(KeyType::String, |facts| facts.key_type);
            return Some(KeyFacts { key_type, multi: true });
        }
        if is_oidc_audience(canonical) { None } else { declared }
    }

    /// The key of the table that names `canonical`: exactly, else the family with the most literal text.
    fn table_key(&self, canonical: &str) -> Option<u16> {
        let exact = search(0..self.table.n(KEYS), |idx| cmp_ignore_case(self.table.key_name(idx as u16), canonical));
        if let Some(idx) = exact {
            return Some(idx as u16);
        }
        let fitting =
            self.table.families().iter().copied().filter(|&id| key::names(self.table.key_name(id), canonical));
        // `max_by_key` takes the last of equals; reversed, that is the first in order of names.
        fitting.rev().max_by_key(|&id| key::literal_len(self.table.key_name(id)))
    }
}

impl Default for Catalogue {
    /// A catalogue without actions.
    fn default() -> Self {
        Catalogue::without_actions()
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("name", &self.name())
            .field("date", &self.date())
            .field("n_services", &self.n_services())
            .field("n_actions", &self.n_actions())
            .finish_non_exhaustive()
    }
}

/// `ISSUER:aud`. Issuers are host names with or without a path, service prefixes and `saml` have no dot.
fn is_oidc_audience(canonical: &str) -> bool {
    canonical.rsplit_once(':').is_some_and(|(issuer, claim)| issuer.contains('.') && claim.eq_ignore_ascii_case("aud"))
}

/// Binary search in a range of positions; `order` compares the element there with the one sought.
pub(crate) fn search(range: std::ops::Range<usize>, order: impl Fn(usize) -> std::cmp::Ordering) -> Option<usize> {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        match order(middle) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle),
        }
    }
    None
}
