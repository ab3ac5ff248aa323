//! Users of this machine that may connect to the unix socket.

use std::net::IpAddr;

use nix::unistd::{Uid, User};

use super::identity::Identity;
use crate::access::Role;
use crate::config::UserConfig;

/// What is known of the other end of a connection; rides on its requests.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Somebody that may call.
    Known(Identity),
    /// A user of this machine that may not, without a token.
    Stranger {
        /// Its number; none where the kernel does not say.
        uid: Option<u32>,
    },
    /// Somebody on the network, of whom only a token can tell.
    Remote {
        /// The address.
        from: IpAddr,
    },
}

/// Whom the socket lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The user of the server, and root: the kernel turns others away.
    Own,
    /// Every user of the machine; the server turns away whom it does not know.
    Everybody,
}

/// Users that may connect: the one that runs the server, root, and those of the configuration. They are looked up once.
#[derive(Clone, Debug)]
pub struct Peers {
    known: Vec<(u32, Identity)>,
    door: Door,
}

impl Peers {
    /// The user of this process, and root.
    pub fn of_this_process() -> Self {
        Self::new([Uid::effective().as_raw(), 0])
    }

    /// These users, who may do everything.
    pub fn new(uids: impl IntoIterator<Item = u32>) -> Self {
        let name = |uid: u32| User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        let identity = |uid: u32| {
            let who = name(uid).unwrap_or_else(|| format!("uid-{uid}"));
            (uid, Identity::of_peer(who, uid, Role::Admin, None))
        };
        Self { known: uids.into_iter().map(identity).collect(), door: Door::Own }
    }

    /// And these, who may do what the configuration says. `Err` names one that is no user of this machine.
    pub fn with_users(mut self, users: &[UserConfig]) -> Result<Self, String> {
        for UserConfig { name, tenant, role } in users {
            let user = User::from_name(name).map_err(|errno| format!("users: cannot look up `{name}`: {errno}"))?;
            let user = user.ok_or_else(|| format!("users: there is no user `{name}` on this machine"))?;
            let uid = user.uid.as_raw();
            self.known.push((uid, Identity::of_peer(user.name, uid, *role, Some(tenant.clone()))));
            self.door = Door::Everybody;
        }
        Ok(self)
    }

    /// Whom the socket must let in for them.
    pub fn door(&self) -> Door {
        self.door
    }

    /// Who has this number.
    pub fn caller(&self, uid: Option<u32>) -> Caller {
        let known = self.known.iter().find(|(known, _)| Some(*known) == uid);
        known.map_or(Caller::Stranger { uid }, |(_, identity)| Caller::Known(identity.clone()))
    }
}
