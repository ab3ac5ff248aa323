//! As which user of the machine a job runs. Only a server that runs as root can choose.

use nix::unistd::{Uid, User, geteuid};
use serde::Deserialize;

use super::scope::Scope;

/// Jobs of a tenant, of an owner, or of both, and the user that they run as.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A tenant, with those below it. Default: all.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Who submits: the name on the token, or of the user on the unix socket. Default: all.
    #[serde(default)]
    pub owner: Option<String>,
    /// A user of this machine.
    pub user: String,
}

impl Rule {
    fn fits(&self, tenant: &str, owner: &str) -> bool {
        let below = |own: &String| Scope::Below(own.clone()).holds(tenant);
        self.tenant.as_ref().is_none_or(below) && self.owner.as_ref().is_none_or(|own| own == owner)
    }
}

/// Whether this server can run programs as others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    /// It is root.
    Root,
    /// It runs all programs as its own user.
    Own,
}

/// The rules of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAs {
    power: Power,
    rules: Vec<Rule>,
    /// Whoever has no rule runs as root.
    root: bool,
}

impl Default for RunAs {
    fn default() -> Self {
        Self { power: Power::Own, rules: Vec::new(), root: false }
    }
}

/// The server is root and nothing says as whom a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmapped;

impl RunAs {
    /// The rules of a server that is what this process is. Each user of a rule must be there, and be root only where
    /// `run_as_root` is said.
    pub fn new(rules: &[Rule], run_as_root: bool) -> Result<Self, String> {
        let power = if geteuid().is_root() { Power::Root } else { Power::Own };
        let own = Self { power, rules: rules.to_vec(), root: run_as_root };
        if power == Power::Own {
            return Ok(own);
        }
        for Rule { user: name, .. } in rules {
            let user =
                User::from_name(name).map_err(|errno| format!("run_as: cannot look up user `{name}`: {errno}"))?;
            let user = user.ok_or_else(|| format!("run_as: there is no user `{name}` on this machine"))?;
            if user.uid.is_root() && !run_as_root {
                return Err(format!("run_as: `{name}` is root, and run_as_root is not true"));
            }
        }
        Ok(own)
    }

    /// Whether programs may run as others than the user of the server.
    pub fn switches(&self) -> bool {
        self.power == Power::Root
    }

    /// As whom a job of this tenant and owner runs; `None`: as the server. The kernel's word on who is at the other end of a
    /// unix socket is as good as a rule: whoever it is runs as himself, root too. The first rule that fits comes before that.
    pub fn user(&self, tenant: &str, owner: &str, peer: Option<u32>) -> Result<Option<String>, Unmapped> {
        if self.power == Power::Own {
            return Ok(None);
        }
        if let Some(rule) = self.rules.iter().find(|rule| rule.fits(tenant, owner)) {
            return Ok(Some(rule.user.clone()));
        }
        match peer.map(Uid::from_raw) {
            Some(uid) if uid.is_root() => Ok(None),
            Some(uid) => match User::from_uid(uid) {
                Ok(Some(user)) => Ok(Some(user.name)),
                _ => Err(Unmapped),
            },
            None if self.root => Ok(None),
            None => Err(Unmapped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(tenant: Option<&str>, owner: Option<&str>, user: &str) -> Rule {
        Rule { tenant: tenant.map(str::to_owned), owner: owner.map(str::to_owned), user: user.to_owned() }
    }

    fn root(rules: &[Rule], root: bool) -> RunAs {
        RunAs { power: Power::Root, rules: rules.to_vec(), root }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules =
            [rule(Some("a/b"), None, "bob"), rule(Some("a"), Some("ada"), "ada"), rule(Some("a"), None, "alice")];
        let run_as = root(&rules, false);
        let user = |tenant, owner| run_as.user(tenant, owner, None).map(Option::unwrap_or_default);
        assert_eq!(user("a/b/c", "ada"), Ok("bob".to_owned()));
        assert_eq!(user("a", "ada"), Ok("ada".to_owned()));
        assert_eq!(user("a", "root"), Ok("alice".to_owned()));
        assert_eq!(user("ab", "ada"), Err(Unmapped));
    }

    #[test]
    fn without_a_rule_only_whom_the_kernel_knows_runs_as_himself() {
        let run_as = root(&[], false);
        // A name on a token proves nothing.
        assert_eq!(run_as.user("default", "root", None), Err(Unmapped));
        assert_eq!(run_as.user("default", "root", Some(0)), Ok(None));
        assert_eq!(run_as.user("default", "x", Some(u32::MAX - 7)), Err(Unmapped));
        if let Ok(Some(nobody)) = User::from_name("nobody") {
            assert_eq!(run_as.user("a", "x", Some(nobody.uid.as_raw())), Ok(Some("nobody".to_owned())));
        }
        assert_eq!(root(&[], true).user("default", "x", None), Ok(None));
        assert_eq!(RunAs::default().user("default", "x", None), Ok(None));
    }

    #[test]
    fn rules_name_users_that_are_there_and_root_only_where_that_is_said() {
        if !geteuid().is_root() {
            return;
        }
        let missing = [rule(None, None, "no-such-user")];
        assert!(RunAs::new(&missing, true).unwrap_err().contains("no user `no-such-user`"));
        assert!(RunAs::new(&[rule(None, None, "root")], false).unwrap_err().contains("run_as_root"));
        assert!(RunAs::new(&[rule(None, None, "root")], true).is_ok());
    }
}
