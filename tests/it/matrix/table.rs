//! The route table as the matrix reads it: from its own source, so that a new line is in the matrix the
//! moment it is written.

use reqwest::Method;
use serde_json::Value;

use crate::client::{Answer, Client};
use crate::house::House;

const SOURCE: &str = include_str!("../../../src/http/routes.rs");

/// A line of the route table.
#[derive(Debug, Clone)]
pub struct Line {
    pub method: Method,
    pub path: String,
    /// Whether it is for a tenant.
    pub is_act: bool,
    pub door: String,
    pub caller: String,
    pub body: String,
}

/// What stands for the names in braces.
#[derive(Debug, Clone)]
pub struct Names {
    pub id: String,
    pub client: String,
}

/// Reads the table.
pub fn lines() -> Vec<Line> {
    let is_line = |line: &&str| line.ends_with("Network") || line.ends_with("Nothing");
    let written: Vec<&str> = SOURCE.lines().map(str::trim).filter(is_line).collect();
    let read: Vec<Line> = written.iter().filter_map(|line| parse(line)).collect();
    assert_eq!(read.len(), written.len(), "a line is not understood");
    assert!(read.len() > 150, "the table was not found");
    read
}

fn parse(line: &str) -> Option<Line> {
    let [
        method,
        path,
        kind,
        _endpoint,
        door,
        caller,
        body,
        _work,
        _limit,
    ] = line.split_whitespace().collect::<Vec<_>>()[..]
    else {
        return None;
    };
    Some(Line {
        method: method.parse().ok()?,
        path: path.trim_matches('"').to_owned(),
        is_act: kind == "Act",
        door: door.to_owned(),
        caller: caller.to_owned(),
        body: body.to_owned(),
    })
}

// === impl Line ===

impl Line {
    /// Says whether a credential is asked for.
    pub fn asks_who(&self) -> bool {
        ["Person", "Signing", "Delegate", "Admin"].contains(&self.caller.as_str())
    }

    /// Names the part of the admin door that it belongs to.
    pub fn area(&self) -> &str {
        self.path.split('/').nth(2).unwrap_or_default()
    }

    /// Its door, as a stranger to a tenant sees it.
    pub fn door_of(&self, house: &House, slug: &str) -> Client {
        let door = match self.door.as_str() {
            "Admin" => house.stranger(),
            _ => house.public().with("sec-fetch-site", "same-origin"),
        };
        door.with("x-tenant-id", slug)
    }

    /// Its path, with names in the place of braces.
    pub fn path_of(&self, names: &Names) -> String {
        let path = self.path.replace("{id}", &names.id);
        let path = path.replace("{session_id}", &names.client);
        let path = path.replace("{identity}", &names.client);
        path.replace("{client_id}", &names.client)
    }

    /// Asks for it with a body of the kind that it reads.
    pub async fn ask(&self, door: &Client, names: &Names, body: &Value) -> Answer {
        let mut path = self.path_of(names);
        if self.method == Method::DELETE && path.ends_with("/consents") {
            path = format!("{path}?client_id={}", names.client);
        }
        let (media, bytes) = match self.body.as_str() {
            "Form" => ("application/x-www-form-urlencoded", Vec::new()),
            "Json" | "JsonOrForm" => ("application/json", body.to_string().into_bytes()),
            _ => {
                return door
                    .send(self.method.clone(), &path, |request| request)
                    .await;
            }
        };
        door.raw(self.method.clone(), &path, media, bytes).await
    }
}
