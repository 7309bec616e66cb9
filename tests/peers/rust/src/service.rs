//! The service as a process on an empty data directory and free ports, and its admin door.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use reqwest::blocking::Client;
use serde_json::Value;

/// The service, while it runs.
pub struct Service {
    /// Its own name.
    pub issuer: String,
    door: String,
    key: String,
    http: Client,
    process: Child,
    data: PathBuf,
}

impl Service {
    /// Starts it, and reads the API key that a first start prints.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let [public, admin, grpc] = [(); 3].map(|()| free_port());
        let issuer = format!("http://localhost:{public}");
        let data = std::env::temp_dir().join(format!("peers-{public}"));
        fs::create_dir(&data).expect("a data directory");
        let binary = std::env::var("AUTH_SERVICE").expect("AUTH_SERVICE names the service");
        let mut process = Command::new(binary)
            .arg("serve")
            .current_dir(&data)
            .env_clear()
            .env("DATA_DIR", &data)
            .env("PUBLIC_HOST", "127.0.0.1")
            .env("PUBLIC_PORT", public.to_string())
            .env("ADMIN_PORT", admin.to_string())
            .env("GRPC_PORT", grpc.to_string())
            .env("OIDC_ISSUER_URL", &issuer)
            .envs([
                ("ARGON2_MEMORY", "64"),
                ("ARGON2_TIME", "1"),
                ("LOG_LEVEL", "warn"),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let key = read_key(process.stdout.take().expect("its output"));
        Self {
            issuer,
            door: format!("http://127.0.0.1:{admin}"),
            key,
            http: Client::new(),
            process,
            data,
        }
    }

    /// Registers a client, and gives its id and its secret.
    ///
    /// # Panics
    /// When it is not accepted.
    #[must_use]
    pub fn add_client(&self, registration: &Value) -> (String, Option<String>) {
        let request = self.http.post(format!("{}/admin/clients", self.door));
        let answer = request.header("x-api-key", &self.key).json(registration);
        let made: Value = answer.send().expect("an answer").json().expect("JSON");
        let text = |name: &str| made[name].as_str().map(str::to_owned);
        let id = text("client_id").unwrap_or_else(|| panic!("{made}"));
        (id, text("client_secret"))
    }

    /// Asks the public door with a JSON body.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.issuer)).json(body);
        request.send().expect("an answer").json().expect("JSON")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn read_key(output: ChildStdout) -> String {
    let mut output = BufReader::new(output);
    let mut line = String::new();
    while output.read_line(&mut line).expect("its output") > 0 {
        if let Some(at) = line.find("qf_ak_") {
            let rest = &line[at..];
            let is_key = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            let end = rest.find(|c| !is_key(c)).unwrap_or(rest.len());
            let key = rest[..end].to_owned();
            // Nobody may let it wait for a reader.
            thread::spawn(move || output.read_to_end(&mut Vec::new()));
            return key;
        }
        line.clear();
    }
    panic!("the service ended");
}
