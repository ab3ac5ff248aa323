//! Access: who may do what.
//!
//! ```text
//!   token ─▶ TokenFile ─▶ role and tenant ─▶ Scope: what is seen      peer of the unix socket ─▶ Peers ─┐
//!                                         └▶ Role: what may be done ◀───────────────────────────────────┘
//! ```
//!
//! Nothing here speaks HTTP. A token is 256 random bits; only its digest is stored.

mod bucket;
mod rates;
mod refusals;
mod role;
mod run_as;
mod scope;
mod token;
mod token_file;

pub use self::rates::Rates;
pub use self::refusals::{LeftOut, Refusals};
pub use self::role::Role;
pub use self::run_as::{Rule, RunAs, Unmapped};
pub use self::scope::{Beyond, Scope, sound_tenant};
pub use self::token::{Denied, Digest, Secret, Token, Tokens};
pub use self::token_file::{FILE, Owner, TokenFile, TokensError, change, now_s};
