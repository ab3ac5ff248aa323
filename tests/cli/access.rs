//! Tokens and the audit log by the command: a server of its own, a port with a token, other users of the machine.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::support::{Done, Yard};

/// `trainyard serve` in a yard.
struct Server {
    child: Child,
    /// Where it listens.
    url: String,
}

impl Server {
    fn start(yard: &Yard) -> Self {
        let mut command = yard.command("serve --state state --config trainyard.toml --gpus 2");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("ready")).unwrap();
        // Nobody may wait to be read.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: ready.rsplit(' ').next().unwrap().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn run(yard: &Yard, args: &str, env: &[(&str, &str)]) -> Done {
    let mut command = yard.command(args);
    for name in ["TRAINYARD_SERVER", "TRAINYARD_TOKEN", "TRAINYARD_TOKEN_FILE", "TRAINYARD_CA"] {
        command.env_remove(name);
    }
    command.envs(env.iter().copied());
    Done::of(&command.output().unwrap())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

const CONFIG: &str = "run_as_root = true\n[api]\nlisten = \"127.0.0.1:0\"\n";

#[test]
fn a_token_is_made_used_listed_and_revoked() {
    let yard = Yard::new();
    yard.write("trainyard.toml", CONFIG);
    let server = Server::start(&yard);
    let create = "token create --state state --name ada --tenant research --role submitter --expires 30d";
    let made = run(&yard, create, &[]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let token = made.stdout.trim().to_owned();
    assert!(token.starts_with("ty_") && made.stdout == format!("{token}\n"), "{}", made.stdout);
    yard.write("token", &made.stdout);
    let there = [("TRAINYARD_SERVER", server.url.as_str()), ("TRAINYARD_TOKEN", token.as_str())];
    let submitted = run(&yard, "submit --wait -- sh -c true", &there);
    assert_eq!(submitted.code, 0, "{}", submitted.stderr);
    let file = run(&yard, &format!("queue --state all --server {} --token-file token -o json", server.url), &[]);
    assert!(
        file.stdout.contains("\"owner\": \"ada\"") && file.stdout.contains("\"tenant\": \"research\""),
        "{}",
        file.stdout
    );
    let again = run(&yard, create, &[]);
    assert_eq!((again.code, again.stdout.as_str()), (2, ""));
    assert!(again.stderr.contains("is `ada` already"), "{}", again.stderr);
    let list = run(&yard, "token list --state state", &[]).stdout;
    assert!(!list.contains("ty_"), "{list}");
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(&row[1..5], ["ada", "research", "submitter", "valid"]);
    assert_eq!(run(&yard, &format!("token revoke --state state {}", row[0]), &[]).code, 0);
    let refused = run(&yard, "queue", &there);
    assert_eq!((refused.code, refused.stderr.lines().next()), (1, Some("error: the token was revoked")));
    let nothing = run(&yard, "queue", &there[..1]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.stderr.contains("TRAINYARD_TOKEN"), "{}", nothing.stderr);
    // Who runs the server sees it all; a line about the token takes a moment.
    let begun = std::time::Instant::now();
    let wide = loop {
        let wide = run(&yard, "audit -o wide --since 1h", &[]).stdout;
        if wide.contains("token.revoke") {
            break wide;
        }
        assert!(begun.elapsed().as_secs() < 60, "{wide}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    for word in ["token.create", "job.submit", "revoked-token", "no-token", "127.0.0.1", "submitter"] {
        assert!(wide.contains(word), "{word}: {wide}");
    }
    let narrow = run(&yard, "audit --who ada --outcome done --limit 1", &[]).stdout;
    let head: Vec<&str> = narrow.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["TIME", "WHO", "ROLE", "FROM", "VERB", "SUBJECT", "OUTCOME"]);
    assert_eq!(narrow.lines().count(), 2, "{narrow}");
    let json: serde_json::Value = serde_json::from_str(&run(&yard, "audit -o json --limit 2", &[]).stdout).unwrap();
    assert_eq!((json["schema"].as_u64(), json["lines"].as_array().map(Vec::len)), (Some(1), Some(2)));
    let next = json["next"].as_u64().unwrap();
    let page: serde_json::Value =
        serde_json::from_str(&run(&yard, &format!("audit -o json --limit 2 --after {next}"), &[]).stdout).unwrap();
    assert_eq!(page["lines"][0]["seq"].as_u64(), Some(next - 1));
}

#[test]
fn what_is_wrong_with_access_is_named() {
    let yard = Yard::new();
    std::fs::create_dir(yard.path("state")).unwrap();
    yard.write("open.toml", "[api]\nlisten = \"0.0.0.0:0\"\n");
    yard.write("half.toml", "[api]\nlisten = \"0.0.0.0:0\"\ncert = \"cert.pem\"\nkey = \"key.pem\"\n");
    yard.write("user.toml", "[[users]]\nname = \"no-such-user\"\ntenant = \"a\"\nrole = \"viewer\"\n");
    yard.write("typo.toml", "[api]\nlistn = \"127.0.0.1:0\"\n");
    yard.write("empty", "\n");
    let mut shown = String::new();
    for args in [
        "token create --state nowhere --name a --tenant b --role viewer",
        "token create --state state --name a --tenant b/../c --role viewer",
        "token create --state state --name a --tenant b --role king",
        "token revoke --state state x",
        "token list --state state",
        "queue --server http://10.0.0.1:7070",
        "queue --server https://somewhere",
        "queue --token-file missing",
        "queue --token-file empty",
        "serve --state s --gpus 1 --config open.toml",
        "serve --state s --gpus 1 --config half.toml",
        "serve --state s --gpus 1 --config user.toml",
        "serve --state s --gpus 1 --config typo.toml",
    ] {
        // Its log has the time of day.
        let done = run(&yard, args, &[("TRAINYARD_LOG", "off")]);
        let folder = yard.path("").canonicalize().unwrap();
        let text = done.shown().replace(folder.to_str().unwrap(), "/yard");
        shown.extend(["$ trainyard ", args, "\n", &text, "\n"]);
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn other_users_of_the_machine_get_in_where_the_configuration_says_so() {
    if !is_root() || Command::new("id").arg("nobody").output().is_ok_and(|id| !id.status.success()) {
        return;
    }
    let yard = Yard::new();
    // The command and the way to the socket are open to others.
    std::fs::set_permissions(yard.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = yard.path("trainyard");
    std::fs::copy(env!("CARGO_BIN_EXE_trainyard"), &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let id = |flag: &str| -> u32 {
        let id = Command::new("id").args([flag, "nobody"]).output().unwrap();
        String::from_utf8(id.stdout).unwrap().trim().parse().unwrap()
    };
    let (uid, gid) = (id("-u"), id("-g"));
    let socket = format!("unix:{}", yard.path("state/trainyard.sock").display());
    let nobody = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(args).env_clear().env("TRAINYARD_SERVER", &socket).uid(uid).gid(gid).current_dir("/");
        Done::of(&command.output().unwrap())
    };
    yard.write("trainyard.toml", CONFIG);
    let server = Server::start(&yard);
    let refused = nobody(&["queue"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("Permission denied"), "{}", refused.stderr);
    drop(server);
    yard.write(
        "trainyard.toml",
        format!("[[users]]\nname = \"nobody\"\ntenant = \"a\"\nrole = \"submitter\"\n{CONFIG}")
            .replace("run_as_root = true\n", ""),
    );
    let _server = Server::start(&yard);
    // Within the job the command finds its server by itself, as the same user.
    let script = format!("id -u; {} queue -o json", program.display());
    let submitted = nobody(&["submit", "--wait", "--", "sh", "-c", &script]);
    assert_eq!(submitted.code, 0, "{}", submitted.stderr);
    let log = nobody(&["logs", "0"]).stdout;
    assert!(log.starts_with(&format!("{uid}\n")) && log.contains("\"tenant\": \"a\""), "{log}");
    let foreign = nobody(&["submit", "--tenant", "b", "--", "true"]);
    assert!(foreign.code == 1 && foreign.stderr.contains("may not submit for tenant `b`"), "{}", foreign.stderr);
    let drain = nobody(&["drain", "vm", "--reason", "x"]);
    assert!(drain.code == 1 && drain.stderr.contains("a submitter may not"), "{}", drain.stderr);
}
