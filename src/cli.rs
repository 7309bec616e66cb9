//! The command line: what an operator may ask of the one binary.
//!
//! Here is what can be typed; each subcommand's work is in `cli/`, and without a subcommand the
//! service runs. Whatever is not on the command line is configuration (`docs/CONFIG.md`): there are
//! no options that repeat a variable.
//!
//! What a command was asked for goes to standard output, in lines of `name=value` where a program
//! may want to read it; everything else goes to standard error.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use domain::client::ClientType;
use domain::email::{EmailAddress, InvalidEmail};
use domain::id::ApiKeyId;

use crate::config::{Configuration, Sources};

mod admin;
mod audit;
mod client;
pub mod config;
mod doctor;
mod failure;
mod keys;
mod migrate;
mod office;
mod prepare;
mod serve;
mod tenant;
mod user;

use failure::Failure;
pub use tenant::TenantCommand;

/// The authentication and authorization service: one binary for people, services and agents.
#[derive(Debug, Parser)]
#[command(name = "auth-service", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// What to do; to serve, when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER_HELP: &str = "\
Configuration comes from environment variables and a .env file; `auth-service config print` shows it.
Exit status: 0 done, 1 failed, 2 wrong usage, 70 the service gave up, 78 wrong configuration.";

/// What the binary can do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the service (the default)
    Serve,
    /// Bring the database's schema up to date, or show how far it is
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look after the keys that sign tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Let operators in
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Look after tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Look after people's accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Look after applications, services and agents
    #[command(subcommand)]
    Client(ClientCommand),
    /// Look after the audit trail
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Find out what keeps the service from working: configuration, store, readiness
    Doctor,
}

/// `auth-service migrate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum MigrateCommand {
    /// Apply every migration that is missing; safe while nodes of the previous release run
    Up,
    /// Name the migrations that are missing
    Status,
}

/// `auth-service config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Report every mistake; exit status 78 if there is one
    Check,
    /// Show every variable with its value (secrets hidden) and where it comes from
    Print,
}

/// `auth-service keys`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum KeysCommand {
    /// List the signing keys and how far each has come
    List {
        /// Id or slug of their tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Let the next key sign from now on and make the one after it
    Rotate {
        /// Id or slug of its tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Make a private key the signing one
    Import {
        /// A private key in PEM (PKCS#8 or SEC1), for ES256 or `EdDSA`
        path: std::path::PathBuf,
        /// Id or slug of its tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
}

/// `auth-service admin`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AdminCommand {
    /// Make an API key for the admin door and print it once
    CreateKey {
        /// A name to know the key by
        #[arg(long, default_value = "cli")]
        name: String,
        /// What the key may do; may be repeated, or a list with commas
        #[arg(
            long = "scope",
            alias = "scopes",
            value_name = "SCOPE",
            value_delimiter = ',',
            default_value = "admin:*"
        )]
        scopes: Vec<String>,
        /// How long it works, such as 90d or 12h; for good when absent
        #[arg(long, value_name = "SPAN", value_parser = parse_span)]
        expires: Option<Duration>,
        /// Id or slug of its tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
    /// List the API keys, live or not; never the keys themselves
    ListKeys {
        /// Id or slug of their tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Revoke an API key: every node refuses it from then on
    RevokeKey {
        /// Its id, as list-keys shows it
        id: ApiKeyId,
        /// Id or slug of its tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
}

/// `auth-service audit`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AuditCommand {
    /// Find whatever was changed, taken out, cut off or put elsewhere; exit status 1 if anything was
    Verify {
        /// Id or slug of the tenant; every tenant when absent
        #[arg(long)]
        tenant: Option<String>,
        /// A file with checkpoints that were kept elsewhere, as /admin/audit/checkpoints lists them
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<std::path::PathBuf>,
    },
}

/// `auth-service user`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum UserCommand {
    /// Create an account
    Create {
        /// The person's e-mail address
        #[arg(long, value_parser = parse_email)]
        email: EmailAddress,
        /// The person's name
        #[arg(long)]
        name: String,
        /// A role to give; may be repeated
        #[arg(long = "role", value_name = "ROLE", default_value = "user")]
        roles: Vec<String>,
        /// Read a password from standard input, up to the first line break. Otherwise the account
        /// has none until its owner resets it
        #[arg(long)]
        password_stdin: bool,
        /// Id or slug of the tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Lift a lock that an operator set
    Unlock {
        /// The account's e-mail address
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
        /// Id or slug of the tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
}

/// `auth-service client`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ClientCommand {
    /// Register a client and print its id and, once, its secret
    Create {
        /// The client's name for people
        #[arg(long)]
        name: String,
        /// What stands behind it
        #[arg(long = "type", value_name = "service|agent|web|native", value_parser = parse_client_type)]
        client_type: ClientType,
        /// Where codes may be sent, for web and native clients; may be repeated
        #[arg(long = "redirect-uri", value_name = "URI")]
        redirect_uris: Vec<String>,
        /// A scope it may ask for; may be repeated
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// A role its own tokens carry; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// How it authenticates; as its type has it when absent
        #[arg(
            long = "auth-method",
            value_name = "client_secret_basic|client_secret_post|private_key_jwt|none"
        )]
        auth_method: Option<String>,
        /// It is ours: people are not asked for their consent
        #[arg(long)]
        first_party: bool,
        /// A file with its public keys, a JWK set, for `private_key_jwt` and signed requests
        #[arg(long, value_name = "FILE")]
        jwks: Option<std::path::PathBuf>,
        /// Id or slug of the tenant; the default tenant when absent
        #[arg(long)]
        tenant: Option<String>,
    },
}

/// Does what the command line asks and gives the exit status.
///
/// Ends the process itself, with status 2, when it does not understand, and with 0 after `--help`.
#[must_use]
pub fn run() -> ExitCode {
    let command = Arguments::parse().command();
    // An error says that there is a provider already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let configuration = Configuration::resolve(Sources::of_process());
    match obey(command, &configuration) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&mut io::stderr()),
    }
}

fn obey(command: Command, configuration: &Configuration) -> Result<(), Failure> {
    match command {
        Command::Serve => serve::run(configuration),
        Command::Migrate(command) => migrate::run(command, configuration),
        Command::Config(command) => {
            let (out, notes) = (&mut io::stdout(), &mut io::stderr());
            match config::run(command, configuration, out, notes)? {
                0 => Ok(()),
                status => Err(Failure::Told(status)),
            }
        }
        Command::Keys(command) => keys::run(command, configuration),
        Command::Admin(command) => admin::run(command, configuration),
        Command::Tenant(command) => tenant::run(command, configuration),
        Command::Audit(command) => audit::run(command, configuration),
        Command::User(command) => user::run(command, configuration),
        Command::Client(command) => client::run(command, configuration),
        Command::Doctor => doctor::run(configuration),
    }
}

// === impl Arguments ===

impl Arguments {
    /// Gives the command, which is to serve when none was named.
    #[must_use]
    pub fn command(self) -> Command {
        self.command.unwrap_or(Command::Serve)
    }
}

fn parse_email(text: &str) -> Result<EmailAddress, InvalidEmail> {
    EmailAddress::parse(text)
}

/// Reads a span that is more than nothing.
fn parse_span(text: &str) -> Result<Duration, &'static str> {
    let span = humantime::parse_duration(text).ok();
    span.filter(|span| !span.is_zero())
        .ok_or("expected a span such as 90d, 12h or 30m")
}

fn parse_client_type(text: &str) -> Result<ClientType, &'static str> {
    ClientType::from_stored(text).ok_or("expected service, agent, web or native")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace()).map(Arguments::command)
    }

    #[test]
    fn the_declarations_are_consistent() {
        <Arguments as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default() {
        assert_eq!(parse("auth-service").ok(), Some(Command::Serve));
        assert_eq!(parse("auth-service serve").ok(), Some(Command::Serve));
    }

    #[test]
    fn every_documented_command_is_understood() {
        for line in [
            "migrate up",
            "migrate status",
            "config check",
            "config print",
            "keys list",
            "keys rotate --tenant acme",
            "keys import key.pem --tenant acme",
            "admin create-key",
            "admin create-key --name ci --scope admin:read --scope admin:keys --tenant acme",
            "admin create-key --expires 90d --scopes admin:users,admin:clients",
            "admin list-keys --tenant acme",
            "admin revoke-key 01890a5d-ac96-774b-bcce-b302099a8057",
            "tenant create acme --name Acme",
            "tenant list --status suspended",
            "tenant suspend acme --reason unpaid",
            "tenant activate acme",
            "tenant delete acme",
            "tenant restore acme",
            "audit verify",
            "audit verify --tenant acme --checkpoints kept.jsonl",
            "user create --email a@b.example --name Ada --role admin --password-stdin",
            "user unlock a@b.example",
            "client create --name x --type agent --scope a --role agent",
            "client create --name x --type web --redirect-uri https://a.example/cb",
            "client create --name x --type web --first-party --auth-method private_key_jwt --jwks k",
            "doctor",
        ] {
            let parsed = parse(&format!("auth-service {line}"));
            assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
        }
    }

    #[test]
    fn a_new_admin_key_may_do_everything_unless_told() {
        let wanted = AdminCommand::CreateKey {
            name: "cli".to_owned(),
            scopes: vec!["admin:*".to_owned()],
            expires: None,
            tenant: None,
        };
        let parsed = parse("auth-service admin create-key").ok();
        assert_eq!(parsed, Some(Command::Admin(wanted)));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "srve",
            "migrate",
            "migrate down",
            "keys import",
            "admin create-key --expires soon",
            "admin create-key --expires 0s",
            "admin revoke-key",
            "admin revoke-key qf_ak_x",
            "user create --email nonsense --name x",
            "user create --email a@b.example",
            "client create --name x --type robot",
        ] {
            let parsed = parse(&format!("auth-service {line}"));
            assert!(parsed.is_err_and(|error| error.exit_code() == 2), "{line}");
        }
    }
}
