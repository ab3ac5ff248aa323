//! The door: who it is that asks, whether such a one may ask for such a thing at all, and not too often.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::extract::too_large;
use super::identity::{Identity, forbidden};
use super::peers::Caller;
use crate::access::{Denied, Rates, Refusals, Role, RunAs, Secret, TokenFile, now_s};
use crate::note::Audit;

/// Who is let in, and how often.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The tokens; none: nobody has one.
    pub tokens: Option<Arc<TokenFile>>,
    /// How many requests a caller may make; none: any number.
    pub rates: Option<Arc<Rates>>,
    /// As whom jobs run.
    pub run_as: Arc<RunAs>,
    /// Which refusals are written down.
    pub refusals: Arc<Refusals>,
}

/// Somebody who is turned away.
pub(super) struct Turned {
    /// Who and from where, for the audit log.
    pub(super) audit: Audit,
    /// The answer.
    pub(super) response: Response,
}

impl Turned {
    fn new(audit: Audit, error: ApiError) -> Box<Self> {
        Box::new(Self { audit, response: error.into_response() })
    }

    /// With a header that says what to do.
    fn with(mut self: Box<Self>, name: header::HeaderName, value: &str) -> Box<Self> {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }
}

/// Lets a request in as somebody, or turns it away.
pub(super) fn admit(
    access: &Access,
    caller: &Caller,
    headers: &HeaderMap,
    method: &Method,
    body_max: usize,
) -> Result<Identity, Box<Turned>> {
    let known = authenticate(access, caller, headers);
    // Whoever is not known is counted by where he is.
    let counted = known.as_ref().map_or_else(|_| Some(place(caller)), |identity| identity.counted.clone());
    if let (Some(rates), Some(counted)) = (&access.rates, counted)
        && let Err(wait) = rates.take(&counted, Instant::now())
    {
        let audit = known.map_or_else(|turned| turned.audit, |identity| identity.audit());
        return Err(too_often(audit, wait));
    }
    let identity = known?;
    // Routes that change something ask for at least this; some ask for more.
    let role = if method == Method::GET { Role::Viewer } else { Role::Submitter };
    identity.at_least(role).map_err(|error| Turned::new(identity.audit(), error))?;
    // Whoever says that it will be too much is not waited for.
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > body_max as u64) {
        return Err(Turned::new(identity.audit(), too_large(body_max)));
    }
    Ok(identity)
}

fn too_often(audit: Audit, wait: Duration) -> Box<Turned> {
    let seconds = wait.as_secs() + 1;
    let hint = format!("try again in {seconds} s; one request can list many jobs, and `wait` and events need few");
    let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-often", "too many requests", hint);
    Turned::new(audit, error).with(header::RETRY_AFTER, &seconds.to_string())
}

/// Where a caller is: a user of this machine, an address, or for IPv6 the network that one customer has.
fn place(caller: &Caller) -> String {
    match caller {
        Caller::Known(identity) => identity.peer.map_or_else(|| "unix".to_owned(), |uid| format!("uid {uid}")),
        Caller::Stranger { uid } => uid.map_or_else(|| "unix".to_owned(), |uid| format!("uid {uid}")),
        Caller::Remote { from: std::net::IpAddr::V6(address) } => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Caller::Remote { from } => from.to_string(),
    }
}

fn authenticate(access: &Access, caller: &Caller, headers: &HeaderMap) -> Result<Identity, Box<Turned>> {
    let from = match caller {
        Caller::Remote { from } => from.to_string(),
        _ => "unix".to_owned(),
    };
    let nobody = |who: &str| Audit { who: who.to_owned(), from: from.clone(), ..Audit::default() };
    let unauthorized = |audit: Audit, code: &str, message: &str, hint: &str| {
        let error = ApiError::new(StatusCode::UNAUTHORIZED, code, message, hint);
        Err(Turned::new(audit, error).with(header::WWW_AUTHENTICATE, "Bearer"))
    };
    let shown = headers.get_all(header::AUTHORIZATION).iter().collect::<Vec<_>>();
    let secret = match (shown.as_slice(), caller) {
        ([], Caller::Known(identity)) => return Ok(identity.for_request()),
        ([], Caller::Stranger { uid }) => {
            let who = uid.map_or_else(|| "unknown".to_owned(), |uid| format!("uid-{uid}"));
            return Err(Turned::new(nobody(&who), forbidden()));
        }
        ([], Caller::Remote { .. }) => {
            let hint = "send `Authorization: Bearer TOKEN`; the command takes it from TRAINYARD_TOKEN or --token-file";
            return unauthorized(nobody(""), "no-token", "no token was sent", hint);
        }
        ([one], _) => bearer(one),
        _ => None,
    };
    let ask = "ask whoever runs the server for a token: `trainyard token create`";
    let Some(secret) = secret else {
        return unauthorized(nobody(""), "bad-token", "the header Authorization is not one `Bearer TOKEN`", ask);
    };
    let tokens = match access.tokens.as_ref().map(|file| file.current()) {
        None => return unauthorized(nobody(""), "bad-token", "there is no such token", ask),
        Some(Ok((tokens, _))) => tokens,
        Some(Err(error)) => {
            let message = "the server cannot read its tokens";
            let code = StatusCode::SERVICE_UNAVAILABLE;
            let hint = "whoever runs the server finds the reason in its audit log and by `trainyard token list`";
            let mut turned = Turned::new(nobody(""), ApiError::new(code, "tokens-unusable", message, hint));
            turned.audit.detail = error.message;
            return Err(turned);
        }
    };
    let of = |token: &crate::access::Token| Identity::of_token(token, from.clone()).audit();
    match tokens.find(&secret, now_s()) {
        Ok(token) => Ok(Identity::of_token(token, from)),
        Err(Denied::Unknown) => unauthorized(nobody(""), "bad-token", "there is no such token", ask),
        Err(Denied::Expired(token)) => unauthorized(of(&token), "expired-token", "the token has expired", ask),
        Err(Denied::Revoked(token)) => unauthorized(of(&token), "revoked-token", "the token was revoked", ask),
    }
}

/// The token of a header; none where it has another form.
fn bearer(value: &HeaderValue) -> Option<Secret> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::shown(token.trim()))
}
