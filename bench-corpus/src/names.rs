//! Names and numbers: accounts, identifiers, words for applications. Nothing here is secret or real.

use crate::rng::Rng;

pub(crate) const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(crate) const BASE36: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const HEX: &[u8] = b"0123456789abcdef";
pub(crate) const REGIONS: &[&str] = &["eu-west-1", "us-east-1", "eu-central-1", "us-west-2"];
/// How many of a hundred accounts live in each of [`REGIONS`].
pub(crate) const REGION_WEIGHTS: [f64; 4] = [60.0, 20.0, 12.0, 8.0];
pub(crate) const ENVIRONMENTS: &[&str] = &["dev", "test", "stage", "prod"];
/// Addresses of the offices: what guardrails and policies that look at the network let through.
pub(crate) const OFFICES: &[&str] = &["198.51.100.0/24", "203.0.113.0/24", "2001:db8:17::/48"];

const FIRST: &[&str] = &[
    "orders", "billing", "ledger", "catalog", "search", "basket", "pricing", "stock", "claims", "quotes", "routes",
    "fleet", "meter", "tariff", "grid", "patient", "intake", "triage", "roster", "payroll", "invoice", "tenant",
    "lease", "survey", "media", "ingest", "feeds", "alerts", "risk", "fraud", "cards", "loans", "portal", "mobile",
    "identity", "consent", "audit", "archive", "report", "metrics", "events", "stream", "batch", "ledgerx", "geo",
    "maps", "parcel", "depot", "returns", "loyalty", "offers", "coupons", "seats", "events2", "tickets", "venue",
];
const SECOND: &[&str] = &[
    "api", "web", "worker", "sync", "etl", "core", "edge", "gateway", "store", "index", "loader", "export", "import",
    "jobs", "cache", "router", "engine", "hub", "bridge", "agent", "proxy", "relay", "mirror", "probe",
];
pub(crate) const TEAMS: &[&str] = &[
    "payments",
    "data",
    "platform",
    "mobile",
    "search",
    "risk",
    "logistics",
    "identity",
    "growth",
    "insight",
    "care",
    "field",
    "retail",
    "energy",
    "media",
    "core",
];
pub(crate) const NOUNS: &[&str] = &[
    "logs",
    "assets",
    "uploads",
    "exports",
    "backup",
    "state",
    "artifacts",
    "inbox",
    "archive",
    "reports",
    "media",
    "raw",
    "curated",
    "events",
    "alerts",
    "jobs",
    "results",
    "tokens",
    "sessions",
    "orders",
    "users",
    "audit",
];
pub(crate) const TAG_KEYS: &[&str] = &["app", "team", "env", "cluster", "cost-center", "tenant", "owner", "Name"];

/// The name of an application, e.g. `orders-api`.
pub(crate) fn app(rng: &mut Rng) -> String {
    format!("{}-{}", rng.pick(FIRST), rng.pick(SECOND))
}

/// The number of the account at `index`: never the same for two indices below 9 * 10^11.
pub(crate) fn account_number(seed: u64, index: u64) -> String {
    // A step without a common factor with the range visits every number once.
    const RANGE: u128 = 900_000_000_000;
    const STEP: u128 = 618_033_988_751;
    let start = u128::from(Rng::new(seed, &[0xacc]).bits());
    format!("{:012}", 100_000_000_000 + (start + u128::from(index) * STEP) % RANGE)
}

/// A unique id of IAM: `prefix` (AROA, AIDA …) and 17 characters.
pub(crate) fn unique_id(prefix: &str, rng: &mut Rng) -> String {
    format!("{prefix}{}", rng.text(BASE32, 17))
}

/// A UUID-shaped text.
pub(crate) fn uuid(rng: &mut Rng) -> String {
    let mut part = |n| rng.text(HEX, n);
    format!("{}-{}-4{}-a{}-{}", part(8), part(4), part(3), part(3), part(12))
}

/// The host and path of an OIDC provider: an EKS cluster's.
pub(crate) fn eks_provider(region: &str, rng: &mut Rng) -> String {
    format!("oidc.eks.{region}.amazonaws.com/id/{}", rng.text(b"0123456789ABCDEF", 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_are_distinct() {
        let numbers: std::collections::BTreeSet<String> = (0..50_000).map(|i| account_number(1, i)).collect();
        assert_eq!(numbers.len(), 50_000);
        assert!(numbers.iter().all(|number| number.len() == 12));
    }
}
