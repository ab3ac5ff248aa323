//! Who calls. On the unix socket the kernel says so; whoever may connect may do everything.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use nix::unistd::{Uid, User};

use super::App;
use super::error::ApiError;
use crate::note::Audit;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
}

impl Role {
    /// Word for the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }
}

/// Who calls, in which role, from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the user.
    pub who: String,
    /// Role.
    pub role: Role,
    /// `unix`.
    pub from: String,
}

impl Identity {
    /// The beginning of a line of the audit log.
    pub fn audit(&self) -> Audit {
        let (who, role, from) = (self.who.clone(), self.role.name().to_owned(), self.from.clone());
        Audit { who, role, from, ..Audit::default() }
    }
}

/// What is known of the peer of a connection; rides on its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody that may call.
    Known(Identity),
    /// A user of this machine that may not.
    Stranger {
        /// Its number; none where the kernel does not say.
        uid: Option<u32>,
    },
}

/// Users that may connect: the one that runs the server, and root. Their names are looked up once.
#[derive(Clone, Debug)]
pub struct Peers(Vec<(u32, Identity)>);

impl Peers {
    /// The user of this process, and root.
    pub fn of_this_process() -> Self {
        Self::new([Uid::effective().as_raw(), 0])
    }

    /// These users.
    pub fn new(uids: impl IntoIterator<Item = u32>) -> Self {
        let name = |uid: u32| User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        let identity = |uid: u32| Identity {
            who: name(uid).unwrap_or_else(|| format!("uid-{uid}")),
            role: Role::Admin,
            from: "unix".to_owned(),
        };
        Self(uids.into_iter().map(|uid| (uid, identity(uid))).collect())
    }

    /// Who has this number.
    pub fn caller(&self, uid: Option<u32>) -> Caller {
        let known = self.0.iter().find(|(known, _)| Some(*known) == uid);
        known.map_or(Caller::Stranger { uid }, |(_, identity)| Caller::Known(identity.clone()))
    }
}

impl FromRequestParts<App> for Identity {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        match parts.extensions.get() {
            Some(Caller::Known(identity)) => Ok(identity.clone()),
            _ => Err(forbidden()),
        }
    }
}

/// The answer to strangers.
pub(super) fn forbidden() -> ApiError {
    let hint = "the socket is for the user that runs the server, and for root";
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", "this user may not use this server", hint)
}
