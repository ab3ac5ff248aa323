//! Who looks after access beside the requests: tokens that were made and revoked, and refusals that were left out, go into the
//! audit log.

use std::collections::BTreeMap;
use std::time::Duration;

use super::admit::Access;
use super::server::Shutdown;
use crate::access::{FILE, Owner, Token, Tokens, TokensError};
use crate::handle::{Down, Handle};
use crate::note::Audit;
use crate::world::Wish;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks until the end.
pub async fn watch(handle: Handle, access: Access, shutdown: Shutdown) {
    let mut told = None;
    loop {
        // A server that does not take requests any more ends by itself.
        let _ = tell_of_tokens(&handle, &access, &mut told).await;
        let _ = tell_of_refusals(&handle, &access).await;
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = shutdown.begun() => return,
        }
    }
}

async fn tell_of_refusals(handle: &Handle, access: &Access) -> Result<(), Down> {
    for left_out in access.refusals.left_out() {
        let detail =
            format!("{} more refusals of {} were not written down one by one", left_out.count, left_out.source);
        let (verb, outcome) = ("refused".to_owned(), "left-out".to_owned());
        let audit = Audit { verb, subject: left_out.source, outcome, detail, ..Audit::default() };
        handle.ask(Wish::Refusal, audit).await?;
    }
    Ok(())
}

async fn tell_of_tokens(handle: &Handle, access: &Access, told: &mut Option<TokensError>) -> Result<(), Down> {
    let Some(file) = &access.tokens else { return Ok(()) };
    match file.current() {
        Err(error) => {
            if told.as_ref() != Some(&error) {
                let (verb, subject) = ("token.read".to_owned(), FILE.to_owned());
                let (outcome, detail) = ("tokens-unusable".to_owned(), error.message.clone());
                *told = Some(error);
                handle.ask(Wish::Refusal, Audit { verb, subject, outcome, detail, ..Audit::default() }).await?;
            }
        }
        Ok((tokens, owner)) => {
            *told = None;
            let known = handle.look(|_, book| book.token_verbs().clone()).await?;
            for audit in lines(&tokens, owner, &known) {
                handle.ask(Wish::Refusal, audit).await?;
            }
        }
    }
    Ok(())
}

/// What the audit log does not say yet of the tokens, given the last verb that it has of each.
fn lines(tokens: &Tokens, owner: Option<Owner>, known: &BTreeMap<String, String>) -> Vec<Audit> {
    let who = owner.map_or_else(String::new, |Owner(name)| name);
    let line = |id: &str, verb: &str, detail: String| Audit {
        who: who.clone(),
        role: "admin".to_owned(),
        from: FILE.to_owned(),
        verb: verb.to_owned(),
        subject: format!("token {id}"),
        outcome: "done".to_owned(),
        detail,
    };
    let mut all = Vec::new();
    for token in &tokens.tokens {
        let Token { id, name, tenant, role, .. } = token;
        let verb = known.get(id).map(String::as_str);
        if !matches!(verb, Some("token.create" | "token.revoke")) {
            all.push(line(id, "token.create", format!("{name}: {role} of `{tenant}`")));
        }
        if token.revoked_s.is_some() && verb != Some("token.revoke") {
            all.push(line(id, "token.revoke", name.clone()));
        }
    }
    for (id, verb) in known {
        if verb != "token.remove" && tokens.tokens.iter().all(|token| token.id != *id) {
            all.push(line(id, "token.remove", String::new()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, Secret};

    #[test]
    fn each_change_of_a_token_is_one_line() {
        let token = |id: &str, revoked_s| Token {
            id: id.to_owned(),
            name: "ada".to_owned(),
            tenant: "a".to_owned(),
            role: Role::Viewer,
            digest: Secret::shown(id).digest(),
            created_s: 1,
            expires_s: None,
            revoked_s,
        };
        let mut known = BTreeMap::new();
        let mut seen = |tokens: Vec<Token>| {
            let all = lines(&Tokens { schema: 1, tokens }, Some(Owner("root".to_owned())), &known);
            for line in &all {
                assert_eq!(line.who, "root");
                known.insert(line.subject["token ".len()..].to_owned(), line.verb.clone());
            }
            all.into_iter().map(|line| format!("{} {}", line.verb, line.subject)).collect::<Vec<_>>()
        };
        assert_eq!(seen(vec![token("1", None)]), ["token.create token 1"]);
        let more = vec![token("1", Some(5)), token("2", None), token("3", Some(2))];
        let expected = ["token.revoke token 1", "token.create token 2", "token.create token 3", "token.revoke token 3"];
        assert_eq!(seen(more.clone()), expected);
        assert!(seen(more).is_empty());
        assert_eq!(seen(vec![token("2", None)]), ["token.remove token 1", "token.remove token 3"]);
        assert_eq!(seen(vec![token("1", Some(5)), token("2", None)]), ["token.create token 1", "token.revoke token 1"]);
    }
}
