//! Other people's servers, as far as a test needs them: an HTTP service that keeps what it is asked,
//! and a mail server that takes one mail after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, Stream};

/// One request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `POST /path`.
    pub line: String,
    /// The header lines, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

/// A server; it is gone when dropped.
pub struct Sink {
    pub address: SocketAddr,
    kept: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
}

// === impl Sink ===

impl Sink {
    /// Answers each HTTP request with a status and a body.
    pub fn http(answer: impl Fn(&Asked) -> (u16, String) + Send + 'static) -> Self {
        Self::start(move |stream, keep| answer_one(stream, &answer, keep))
    }

    /// The same over TLS.
    pub fn https(
        config: ServerConfig,
        answer: impl Fn(&Asked) -> (u16, String) + Send + 'static,
    ) -> Self {
        let config = Arc::new(config);
        Self::start(move |stream, keep| {
            let mut connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            answer_one(&mut Stream::new(&mut connection, stream), &answer, keep)
        })
    }

    /// Takes every mail.
    pub fn smtp() -> Self {
        Self::start(|stream, keep| read_mail(stream).map(keep))
    }

    fn start(
        serve: impl Fn(&mut TcpStream, &dyn Fn(Asked)) -> Option<()> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (kept, is_over) = (
            Arc::<Mutex<Vec<Asked>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (keeping, over) = (Arc::clone(&kept), Arc::clone(&is_over));
        let keep = move |asked| keeping.lock().expect("what came").push(asked);
        let run = move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                // Whoever hangs up is not answered.
                let _ = serve(&mut stream, &keep);
            }
        };
        thread::Builder::new()
            .name("sink".to_owned())
            .spawn(run)
            .expect("a thread");
        Self {
            address,
            kept,
            is_over,
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far.
    pub fn kept(&self) -> Vec<Asked> {
        self.kept.lock().expect("what came").clone()
    }

    /// Waits for a request that fits.
    pub async fn wait_for(&self, fits: impl Fn(&Asked) -> bool) -> Asked {
        for _ in 0..1_000 {
            if let Some(asked) = self.kept().into_iter().find(|asked| fits(asked)) {
                return asked;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing fitting came: {:?}", self.kept());
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

// === impl Asked ===

impl Asked {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Says whether a text is somewhere in the body, whatever its format is.
    pub fn mentions(&self, text: &str) -> bool {
        self.body
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    }
}

fn answer_one(
    stream: &mut (impl Read + Write),
    answer: &impl Fn(&Asked) -> (u16, String),
    keep: &dyn Fn(Asked),
) -> Option<()> {
    let asked = read_request(stream)?;
    let (status, body) = answer(&asked);
    // Whoever was answered may count what came.
    keep(asked);
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).ok()
}

fn read_request(stream: &mut impl Read) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut next = String::new();
        reader.read_line(&mut next).ok()?;
        let next = next.to_ascii_lowercase();
        if next.trim().is_empty() {
            break;
        }
        if let Some(value) = next.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&next);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.rsplit_once(" HTTP/")?.0.to_owned();
    Some(Asked { line, head, body })
}

/// Speaks just enough SMTP for one mail (RFC 5321).
fn read_mail(stream: &mut TcpStream) -> Option<Asked> {
    let mut writer = stream.try_clone().ok()?;
    writer.write_all(b"220 sink\r\n").ok()?;
    let (mut envelope, mut body, mut is_body) = (String::new(), String::new(), false);
    for line in BufReader::new(stream).lines() {
        let line = line.ok()?;
        if is_body && line != "." {
            body.push_str(&line);
            body.push('\n');
            continue;
        }
        let answer = if line == "DATA" {
            "354 go on\r\n"
        } else {
            "250 fine\r\n"
        };
        is_body = line == "DATA";
        writer.write_all(answer.as_bytes()).ok()?;
        if line == "." {
            break;
        }
        envelope.push_str(&line);
        envelope.push('\n');
    }
    Some(Asked {
        line: "MAIL".to_owned(),
        head: envelope,
        body: body.into_bytes(),
    })
}
