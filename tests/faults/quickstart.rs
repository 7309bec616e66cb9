//! The README's first minute: start the binary with nothing set, do what it prints, stop it, start it
//! again, and still be signed in.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{Site, Store, client};

/// How long a start may take.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// Runs the printed lines as a person does who pastes them one after the other.
pub async fn works_as_printed() {
    // In development, as nothing says otherwise; the ports are free ones so that no other is met.
    let site = Site::new(Store::Sqlite, &[("APP_ENV", "development")]).await;
    let (process, _) = site.start().await;
    let lines = printed_lines(&site).await;
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let answers = paste(&lines, "").await;
    assert!(answers.contains("ada@example.org"), "{answers}");
    let token = newest_token(&answers);
    process.terminate();
    let status = process.exit_status(Duration::from_secs(20)).await;
    assert_eq!(status, Some(0), "{}", site.log());

    let (_process, _) = site.start().await;
    let again = paste(&lines[2..], &token).await;
    assert_ne!(newest_token(&again), token, "{again}");
}

/// Waits for the welcome and gives the lines to try next.
async fn printed_lines(site: &Site) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let log = site.log();
        let next = log.split_once("Try next: register, sign in, refresh.");
        let lines: Vec<String> = next
            .map(|(_, rest)| rest.lines())
            .into_iter()
            .flatten()
            .filter(|line| line.contains("curl -s "))
            .map(|line| line.trim().to_owned())
            .collect();
        if lines.len() >= 3 {
            return lines;
        }
        assert!(begun.elapsed() < STARTED_WITHIN, "no welcome:\n{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Does what the lines say, where `REFRESH` is set already: by a shell, or where there is no curl by
/// asking what the lines ask. Gives everything that was answered, the newest last.
async fn paste(lines: &[String], refresh: &str) -> String {
    let curl = Command::new("curl").arg("--version").output();
    if curl.is_ok_and(|output| output.status.success()) {
        return paste_into_shell(&lines.join("\n"), refresh);
    }
    println!("curl is not here: the printed requests were made without it");
    let (mut refresh, mut answers) = (refresh.to_owned(), String::new());
    for line in lines {
        answers += &ask(line, &refresh).await;
        if line.starts_with("REFRESH=") {
            refresh = newest_token(&answers);
        }
    }
    answers
}

fn paste_into_shell(lines: &str, refresh: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", lines])
        .env("REFRESH", refresh)
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", said(&output.stderr));
    // The answer to the sign-in is shown on the side, by `tee`.
    said(&output.stderr) + &said(&output.stdout)
}

/// Asks what a printed line asks.
async fn ask(line: &str, refresh: &str) -> String {
    let mut words = line.split_whitespace();
    let url = words.find(|word| word.starts_with("http://"));
    let (_, body) = line.split_once("-d '").expect("a body");
    let (body, _) = body.rsplit_once("}'").expect("its end");
    let body = format!("{body}}}").replace("'\"$REFRESH\"'", refresh);
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let answer = client().post(url.expect("a URL")).json(&body).send().await;
    answer.expect("an answer").text().await.expect("its text")
}

/// Gives the refresh token that was answered last.
fn newest_token(answers: &str) -> String {
    let (_, rest) = answers
        .rsplit_once(r#""refresh_token":""#)
        .expect("a refresh token");
    rest.split('"').next().unwrap_or_default().to_owned()
}
