//! Facts about AWS: actions, resource types, condition keys, and the dated lists of appendix C. Data only: nothing
//! here decides anything.
//!
//! What the catalogue does not know is data too: an unknown service, action or key is `None`, never an error.
//!
//! ```
//! use iamc_catalogue::{AccessLevel, Catalogue};
//! let catalogue = Catalogue::embedded();
//! let action = catalogue.action("s3", "getobject").unwrap();
//! assert_eq!(action.name(), "GetObject");
//! assert_eq!(action.access_level(), Some(AccessLevel::Read));
//! assert!(action.resource_types().any(|(resource_type, _)| resource_type.name() == "object"));
//! assert!(action.lists_key("s3:existingobjecttag/team"));
//! assert!(!action.lists_key("s3:prefix"));
//! ```
//!
//! The way of the data: a reader ([`iam_data`], [`service_reference`]) makes an [`Edition`], [`encode`] turns it into
//! the bytes of a table, [`Catalogue::read`] validates those once, and the views ([`ServiceFacts`], [`ActionFacts`],
//! [`ResourceTypeFacts`], [`ConditionKeyFacts`]) borrow from them. The edition that is compiled in went the same way.

mod catalogue;
#[cfg(test)]
mod damage;
mod edition;
mod encode;
mod error;
pub mod iam_data;
mod key;
mod layout;
pub mod lists;
mod load;
pub mod service_reference;
mod table;
mod tolerant;
mod view;

pub use catalogue::Catalogue;
pub use edition::{AccessLevel, ActionEntry, ActionResource, Edition, KeyEntry, ResourceTypeEntry, ServiceEntry};
pub use encode::encode;
pub use error::{EncodeError, LoadError, ReadError};
pub use key::{KeyFacts, KeyType};
pub use view::{ActionFacts, ActionId, ConditionKeyFacts, ResourceTypeFacts, ServiceFacts, ServiceId};
