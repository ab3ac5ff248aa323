//! `token`: who may use a server from elsewhere. It works on the file in the state folder, beside a running server or without.

use std::path::Path;

use executor::access::{Secret, Token, TokenFile, TokensError, change, now_s, sound_tenant};

use crate::cli::{Format, TokenCommand, TokenCreateArgs, TokenListArgs, TokenRevokeArgs};
use crate::commands::client::utc;
use crate::error::Error;
use crate::{stdout, table, warnings};

/// Runs one of the commands.
pub(crate) fn run(command: TokenCommand) -> Result<(), Error> {
    match command {
        TokenCommand::Create(args) => create(args),
        TokenCommand::List(args) => list(&args),
        TokenCommand::Revoke(args) => revoke(&args),
    }
}

impl From<TokensError> for Error {
    fn from(error: TokensError) -> Self {
        Self::failed(&error, error.hint)
    }
}

/// A state folder is made by `serve`: a typing error must not make another.
fn check(state: &Path) -> Result<(), Error> {
    if state.is_dir() {
        return Ok(());
    }
    let hint = "name the state folder of a server; `trainyard serve --state DIR` makes it";
    Err(Error::input(format!("{} is no folder", state.display()), hint))
}

fn create(args: TokenCreateArgs) -> Result<(), Error> {
    check(&args.state)?;
    if !sound_tenant(&args.tenant) {
        return Err(Error::input(format!("--tenant: `{}` is no path of tenants", args.tenant), "write org/team/user"));
    }
    if args.name.is_empty() || args.name.chars().count() > 100 || args.name.chars().any(char::is_control) {
        return Err(Error::input("--name: it is empty, too long, or has control characters", "1 to 100 characters"));
    }
    let random = || Error::failed("the system has no random numbers", "see whether it has just been started");
    let (secret, now) = (Secret::random().ok_or_else(random)?, now_s());
    let id = change(&args.state, |tokens| {
        let holds = |token: &&Token| token.name == args.name && token.state(now) == "valid";
        if let Some(other) = tokens.tokens.iter().find(holds) {
            let hint = "the audit log knows people by these names: take another, or revoke that token first";
            return Err(Error::input(format!("--name: token {} is `{}` already", other.id, other.name), hint));
        }
        let id = tokens.free_id().ok_or_else(random)?;
        tokens.tokens.push(Token {
            id: id.clone(),
            name: args.name,
            tenant: args.tenant,
            role: args.role,
            digest: secret.digest(),
            created_s: now,
            expires_s: args.expires.map(|span| now.saturating_add(span.0.0.div_ceil(1_000_000))),
            revoked_s: None,
        });
        Ok(id)
    })?;
    warnings::note(&format!("token {id}; it is shown this once:"));
    stdout::show(&format!("{}\n", secret.text()))
}

fn list(args: &TokenListArgs) -> Result<(), Error> {
    check(&args.state)?;
    let (tokens, _) = TokenFile::of(&args.state).current()?;
    let now = now_s();
    if args.output == Format::Json {
        let shown = |token: &Token| {
            serde_json::json!({
                "id": token.id, "name": token.name, "tenant": token.tenant, "role": token.role, "state": token.state(now),
                "created_s": token.created_s, "expires_s": token.expires_s, "revoked_s": token.revoked_s,
            })
        };
        let all: Vec<serde_json::Value> = tokens.tokens.iter().map(shown).collect();
        return stdout::show_json(&serde_json::json!({"schema": 1, "tokens": all}));
    }
    let time = |second: Option<u64>| second.map_or_else(|| "-".to_owned(), |second| utc(second * 1_000_000));
    let rows = tokens.tokens.iter().map(|token| {
        let Token { id, name, tenant, role, .. } = token;
        let (created, expires) = (time(Some(token.created_s)), time(token.expires_s));
        vec![id.clone(), name.clone(), tenant.clone(), role.to_string(), token.state(now).to_owned(), created, expires]
    });
    let head = ["ID", "NAME", "TENANT", "ROLE", "STATE", "CREATED", "EXPIRES"];
    stdout::show(&table::words(&head, &rows.collect::<Vec<_>>()))
}

fn revoke(args: &TokenRevokeArgs) -> Result<(), Error> {
    check(&args.state)?;
    change(&args.state, |tokens| {
        let hint = "`trainyard token list` shows them";
        let found = tokens.tokens.iter_mut().find(|token| token.id == args.id);
        let token = found.ok_or_else(|| Error::input(format!("there is no token `{}`", args.id), hint))?;
        token.revoked_s.get_or_insert_with(now_s);
        Ok(())
    })
}
