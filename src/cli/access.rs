//! Arguments of `token` and `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use executor::access::Role;
use executor::job_file::Spoken;

use super::examples;
use super::{Output, ServerArgs};

/// Commands about tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, and print it: alone on stdout, and never again.
    #[command(after_help = examples::TOKEN_CREATE)]
    Create(TokenCreateArgs),
    /// List the tokens; what opens the server is not stored.
    List(TokenListArgs),
    /// Take a token back; a running server knows at once.
    Revoke(TokenRevokeArgs),
}

/// Arguments of `token create`.
#[derive(Args, Debug)]
pub(crate) struct TokenCreateArgs {
    /// Who holds it; the owner of its jobs, and the name in the audit log
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// The tenant that it is for, with those below it
    #[arg(long, value_name = "T")]
    pub(crate) tenant: String,
    /// viewer, submitter, operator or admin
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Role,
    /// How long it is valid, such as 12h or 30d [default: until it is revoked]
    #[arg(long, value_name = "D")]
    pub(crate) expires: Option<Spoken>,
    /// State folder of the server
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
}

/// Arguments of `token list`.
#[derive(Args, Debug)]
pub(crate) struct TokenListArgs {
    /// State folder of the server
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
    /// How the list is shown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) output: super::Format,
}

/// Arguments of `token revoke`.
#[derive(Args, Debug)]
pub(crate) struct TokenRevokeArgs {
    /// State folder of the server
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
    /// The token, by its id
    pub(crate) id: String,
}

/// Arguments of `audit`.
#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Only the last so long, such as 2h or 7d
    #[arg(long, value_name = "D")]
    pub(crate) since: Option<Spoken>,
    /// Only of this user or token
    #[arg(long, value_name = "NAME")]
    pub(crate) who: Option<String>,
    /// Only about this, such as `job 7`
    #[arg(long, value_name = "S")]
    pub(crate) subject: Option<String>,
    /// Only this, such as job.cancel
    #[arg(long, value_name = "V")]
    pub(crate) verb: Option<String>,
    /// Only with this outcome: done, or the code of a refusal
    #[arg(long, value_name = "CODE")]
    pub(crate) outcome: Option<String>,
    /// Most lines
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
    /// Lines after this one of the list, by its number
    #[arg(long, value_name = "SEQ")]
    pub(crate) after: Option<u64>,
    /// How the list is shown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|wide|json")]
    pub(crate) output: Output,
}
