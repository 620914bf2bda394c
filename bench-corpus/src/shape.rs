//! Shapes: how large a corpus is, by name.

use std::fmt;
use std::str::FromStr;

/// What to generate.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A realistic organization.
    Organization(Parameters),
    /// Principals that share nothing with each other, the shape on which other engines were measured.
    Flat(Flat),
    /// Everything that a limit or a slow algorithm could stumble over, in one small organization.
    Adversarial,
}

/// `flat105`: one account, its roles with one inline policy each, every statement distinct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flat {
    /// Number of roles.
    pub principals: usize,
    /// Statements of each role; 105 in `flat105`.
    pub statements: usize,
}

/// Sizes of a realistic organization; docs/corpus.md says where each comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Accounts, the management account included; at least 5.
    pub accounts: usize,
    /// Organizational units.
    pub units: usize,
    /// Levels of units below the root.
    pub depth: usize,
    /// SCP documents, `FullAWSAccess` aside.
    pub scps: usize,
    /// RCP documents, `RCPFullAWSAccess` aside.
    pub rcps: usize,
    /// SCPs attached to the root, to each unit and to each account, mean, `FullAWSAccess` aside.
    pub scps_attached: (f64, f64, f64),
    /// Roles in an account: median, mean and cap of a lognormal law.
    pub roles: (f64, f64, usize),
    /// Service-linked roles among them.
    pub service_linked: usize,
    /// Baseline and Identity Center roles among them, the same in every account.
    pub baseline: usize,
    /// Users in an account, mean.
    pub users: f64,
    /// Groups in an account, mean.
    pub groups: f64,
    /// Customer managed policies in an account, mean.
    pub customer_policies: f64,
    /// Managed policies attached to a role: mean and cap.
    pub attached: (f64, usize),
    /// Share of roles with a permissions boundary.
    pub boundary: f64,
    /// Resources with a policy in an account, mean.
    pub resources: f64,
    /// VPC endpoints in an account, mean.
    pub endpoints: f64,
    /// Documents in the style of AWS managed policies, stored once for the organization; at least 80.
    pub managed: usize,
    /// Share of principals' documents that are stamped copies: only account, Region or name differ.
    pub stamped: f64,
    /// Share of trust principals that are not services and lie in another account.
    pub cross_account: f64,
}

impl Parameters {
    /// S: 10 accounts, about 2,000 statements.
    pub const S: Parameters = Parameters {
        accounts: 10,
        units: 5,
        depth: 2,
        scps: 6,
        rcps: 1,
        scps_attached: (2.0, 1.5, 0.1),
        roles: (45.0, 60.0, 400),
        service_linked: 15,
        baseline: 15,
        users: 3.0,
        groups: 1.0,
        customer_policies: 20.0,
        attached: (1.8, 10),
        boundary: 0.02,
        resources: 30.0,
        endpoints: 1.0,
        managed: 120,
        stamped: 0.40,
        cross_account: 0.5,
    };

    /// M: 200 accounts, about 77,000 statements.
    pub const M: Parameters = Parameters {
        accounts: 200,
        units: 40,
        depth: 3,
        scps: 40,
        rcps: 6,
        scps_attached: (3.0, 2.0, 0.2),
        roles: (70.0, 110.0, 1_000),
        service_linked: 20,
        baseline: 30,
        users: 2.0,
        groups: 0.5,
        customer_policies: 35.0,
        attached: (1.8, 10),
        boundary: 0.10,
        resources: 50.0,
        endpoints: 3.0,
        managed: 600,
        stamped: 0.60,
        cross_account: 0.6,
    };

    /// L: 2,000 accounts, about 1.0 million statements.
    pub const L: Parameters = Parameters {
        accounts: 2_000,
        units: 200,
        depth: 4,
        scps: 150,
        rcps: 15,
        scps_attached: (4.0, 2.2, 0.2),
        roles: (80.0, 130.0, 2_500),
        service_linked: 22,
        baseline: 35,
        users: 1.0,
        groups: 0.3,
        customer_policies: 45.0,
        attached: (2.0, 20),
        boundary: 0.15,
        resources: 70.0,
        endpoints: 4.0,
        managed: 1_662,
        stamped: 0.70,
        cross_account: 0.6,
    };

    /// XL: 20,000 accounts, about 10 million statements.
    pub const XL: Parameters = Parameters {
        accounts: 20_000,
        units: 1_000,
        depth: 5,
        scps: 600,
        rcps: 40,
        scps_attached: (4.0, 2.5, 0.2),
        roles: (80.0, 130.0, 5_000),
        stamped: 0.75,
        ..Parameters::L
    };
}

impl Shape {
    /// The names that [`Shape::from_str`] reads.
    pub const NAMES: &'static [&'static str] = &["S", "M", "L", "XL", "flat105", "adversarial"];

    /// How many roles `flat105` has where its name gives no number.
    pub const FLAT_PRINCIPALS: usize = 1_000;
}

/// The name is none of [`Shape::NAMES`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a shape: expected S, M, L, XL, flat105, flat105:N (N principals) or adversarial")]
pub struct ShapeError {
    given: String,
}

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Shape, ShapeError> {
        let flat = |principals| Ok(Shape::Flat(Flat { principals, statements: 105 }));
        match text {
            "S" | "s" => Ok(Shape::Organization(Parameters::S)),
            "M" | "m" => Ok(Shape::Organization(Parameters::M)),
            "L" | "l" => Ok(Shape::Organization(Parameters::L)),
            "XL" | "xl" => Ok(Shape::Organization(Parameters::XL)),
            "adversarial" => Ok(Shape::Adversarial),
            "flat105" => flat(Shape::FLAT_PRINCIPALS),
            _ => match text.strip_prefix("flat105:").map(str::parse::<usize>) {
                Some(Ok(n)) if (1..=10_000_000).contains(&n) => flat(n),
                _ => Err(ShapeError { given: text.chars().take(40).collect() }),
            },
        }
    }
}

impl fmt::Display for Shape {
    /// The name that reads back as this shape; `custom` for parameters without a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Organization(p) if *p == Parameters::S => f.write_str("S"),
            Shape::Organization(p) if *p == Parameters::M => f.write_str("M"),
            Shape::Organization(p) if *p == Parameters::L => f.write_str("L"),
            Shape::Organization(p) if *p == Parameters::XL => f.write_str("XL"),
            Shape::Organization(_) => f.write_str("custom"),
            Shape::Flat(flat) => write!(f, "flat{}:{}", flat.statements, flat.principals),
            Shape::Adversarial => f.write_str("adversarial"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in ["S", "M", "L", "XL", "adversarial", "flat105:7"] {
            assert_eq!(name.parse::<Shape>().unwrap().to_string(), name);
        }
        let error = "XXL".parse::<Shape>().unwrap_err().to_string();
        assert!(error.starts_with("`XXL` is not a shape"), "{error}");
        assert!("flat105:0".parse::<Shape>().is_err());
        assert!("flat105:x".parse::<Shape>().is_err());
    }
}
