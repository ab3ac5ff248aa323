//! Who calls. On the unix socket the kernel says so; elsewhere, and where a token is shown, the token does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use engine::{Core, JobId};

use super::App;
use super::error::ApiError;
use super::peers::Caller;
pub use crate::access::Role;
use crate::access::{Beyond, Scope, Token};
use crate::book::Book;
use crate::note::Audit;
use crate::view::JobView;

/// Who calls, in which role, for which tenant, from where.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name of the user, or on the token.
    pub who: String,
    /// Role.
    pub role: Role,
    /// An address, or `unix`.
    pub from: String,
    /// The tenant, with those below it; none: all of them.
    pub tenant: Option<String>,
    /// Number of the user, where the kernel says so.
    pub peer: Option<u32>,
    /// Under which name requests are counted; none: they are not.
    pub counted: Option<String>,
    /// A job was asked for that is hidden. The answer does not say so; the audit log does.
    hid: Arc<AtomicBool>,
}

impl Identity {
    /// A user of this machine. Without a tenant: one who could do everything anyway, as the user of the server or root.
    pub(super) fn of_peer(who: String, uid: u32, role: Role, tenant: Option<String>) -> Self {
        let counted = tenant.as_ref().map(|_| format!("uid {uid}"));
        let (from, hid) = ("unix".to_owned(), Arc::default());
        Self { who, role, from, tenant, peer: Some(uid), counted, hid }
    }

    /// The holder of a token.
    pub(super) fn of_token(token: &Token, from: String) -> Self {
        let (who, tenant) = (token.name.clone(), Some(token.tenant.clone()));
        let counted = Some(format!("token {}", token.id));
        Self { who, role: token.role, from, tenant, peer: None, counted, hid: Arc::default() }
    }

    /// The same for one request: what it hides is its own.
    #[must_use]
    pub(super) fn for_request(&self) -> Self {
        Self { hid: Arc::default(), ..self.clone() }
    }

    /// The beginning of a line of the audit log.
    pub fn audit(&self) -> Audit {
        let (who, role, from) = (self.who.clone(), self.role.name().to_owned(), self.from.clone());
        Audit { who, role, from, ..Audit::default() }
    }

    /// Refuses whoever may do less than `role`.
    pub(super) fn at_least(&self, role: Role) -> Result<(), ApiError> {
        if self.role >= role {
            return Ok(());
        }
        let message = format!("a {} may not do this", self.role);
        let hint = format!("ask somebody who is {role}, or for a token with that role");
        Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message, hint))
    }

    /// Whose jobs are seen and acted on.
    pub(super) fn scope(&self) -> Scope {
        match &self.tenant {
            Some(tenant) if self.role < Role::Operator => Scope::Below(tenant.clone()),
            _ => Scope::All,
        }
    }

    /// Refuses whoever sees a part only.
    pub(super) fn sees_all(&self) -> Result<(), ApiError> {
        if self.scope() == Scope::All { Ok(()) } else { self.at_least(Role::Operator) }
    }

    /// The tenant that was asked for, with those below it, or the widest that may be seen.
    pub(super) fn narrowed(&self, asked: Option<&str>) -> Result<Option<String>, ApiError> {
        match (self.scope(), asked) {
            (Scope::Below(own), None) => Ok(Some(own)),
            (scope, Some(tenant)) if !scope.holds(tenant) => {
                let message = format!("{} does not see tenant `{tenant}`", self.who);
                let hint = "leave the tenant out, or name one of yours";
                Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message, hint).at("tenant"))
            }
            (_, asked) => Ok(asked.map(str::to_owned)),
        }
    }

    /// As whom jobs may be submitted.
    pub(super) fn submits_for(&self) -> Scope {
        match &self.tenant {
            Some(tenant) if self.role < Role::Admin => Scope::Below(tenant.clone()),
            _ => Scope::All,
        }
    }

    /// The job of a number, or the last one of a name, among those that are seen.
    pub(super) fn find(&self, book: &Book, text: &str) -> Option<JobId> {
        self.scope()
            .find(book, text)
            .map_err(|beyond| self.hid.fetch_or(beyond == Beyond::Hidden, Ordering::Relaxed))
            .ok()
    }

    /// Whether a job is seen.
    pub(super) fn sees(&self, book: &Book, job: JobId) -> bool {
        self.scope().sees(book, job)
    }

    /// A job as it is seen; none where it is not.
    pub(super) fn view(&self, core: &Core, book: &Book, job: JobId) -> Option<JobView> {
        self.scope().view(core, book, job).filter(|_| self.sees(book, job))
    }

    /// Whether a job was asked for that is hidden.
    pub(super) fn has_hidden(&self) -> bool {
        self.hid.load(Ordering::Relaxed)
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
    let hint =
        "the socket is for the user that runs the server, for root, and for whom [[users]] of its configuration names";
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", "this user may not use this server", hint)
}
