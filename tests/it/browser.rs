//! A person's browser without JavaScript: keeps cookies, follows redirects of ours, fills in forms.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use reqwest::Method;

use crate::client::{Answer, Client, Person};

/// One browser of one person.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

/// What a browser shows.
#[derive(Debug)]
pub struct Page {
    pub answer: Answer,
    /// Where it was asked for.
    pub path: String,
}

// === impl Browser ===

impl Browser {
    pub fn new(client: &Client) -> Self {
        Self {
            client: client.with("sec-fetch-site", "same-origin"),
            cookies: BTreeMap::new(),
        }
    }

    /// Opens an address of ours, without following where it leads.
    pub async fn open(&mut self, path: &str) -> Page {
        let answer = self.client().get(path).await;
        self.arrive(path, answer)
    }

    /// Sends the form of a page.
    pub async fn submit(&mut self, page: &Page, filled: &[(&str, &str)]) -> Page {
        let (action, hidden) = page.form();
        let fields = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<(&str, &str)> = fields.chain(filled.iter().copied()).collect();
        self.post(&action, &fields).await
    }

    /// Posts a form as it is.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let media = "application/x-www-form-urlencoded";
        let client = self.client();
        let answer = client.raw(Method::POST, path, media, body.into_bytes());
        let answer = answer.await;
        self.arrive(path, answer)
    }

    /// Follows redirects of ours until there is a page or a place elsewhere.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..10 {
            let place = page.location().to_owned();
            if !place.starts_with('/') {
                return page;
            }
            page = self.open(&place).await;
        }
        panic!("it goes round in circles");
    }

    /// Opens an address and signs in on the page that it leads to; gives what comes then.
    pub async fn sign_in(&mut self, path: &str, person: &Person) -> Page {
        let page = self.open(path).await;
        let page = self.follow(page).await;
        page.expect(200);
        let filled = [
            ("email", person.email.as_str()),
            ("password", person.password.as_str()),
        ];
        let page = self.submit(&page, &filled).await;
        page.expect(303);
        self.follow(page).await
    }

    /// Opens an address, signs in, allows; gives where the browser is sent then.
    pub async fn authorize(&mut self, path: &str, person: &Person) -> String {
        let page = self.sign_in(path, person).await;
        page.expect(200);
        let page = self.submit(&page, &[("decision", "allow")]).await;
        page.expect(303);
        page.location().to_owned()
    }

    /// Opens an address, signs in and allows where that is asked; gives where the browser is sent then.
    pub async fn obtain(&mut self, path: &str, person: &Person) -> String {
        let page = self.open(path).await;
        let mut page = self.follow(page).await;
        if page.location().is_empty() && page.form().0.ends_with("/sign-in") {
            page = self.sign_in(path, person).await;
        }
        if page.location().is_empty() {
            page = self.submit(&page, &[("decision", "allow")]).await;
        }
        page.expect(303);
        page.location().to_owned()
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// The same browser, when the service is reached elsewhere.
    pub fn at(&self, client: &Client) -> Self {
        Self {
            cookies: self.cookies.clone(),
            ..Self::new(client)
        }
    }

    /// The same browser on a page of another site.
    pub fn elsewhere(&self) -> Self {
        Self {
            client: self.client.with("sec-fetch-site", "cross-site"),
            cookies: self.cookies.clone(),
        }
    }

    fn client(&self) -> Client {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<String> = pairs.collect();
        if cookies.is_empty() {
            return self.client.clone();
        }
        self.client.with("cookie", cookies.join("; "))
    }

    fn arrive(&mut self, path: &str, answer: Answer) -> Page {
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().expect("text");
            let pair = line.split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            answer,
            path: path.to_owned(),
        }
    }
}

// === impl Page ===

impl Page {
    #[track_caller]
    pub fn expect(&self, status: u16) {
        let shown = format!("{}: {}", self.path, self.answer.text);
        assert_eq!(self.answer.status.as_u16(), status, "{shown}");
    }

    /// Checks that it is an error page with this word.
    #[track_caller]
    pub fn expect_error(&self, status: u16, word: &str) {
        self.expect(status);
        let code = format!("<code id=\"error-code\">{word}</code>");
        assert!(self.answer.text.contains(&code), "{}", self.answer.text);
        assert!(self.location().is_empty(), "it must not lead anywhere");
    }

    /// Checks where its form goes, which is then submitted.
    #[track_caller]
    pub fn posts_to(&self, path: &str) -> &Self {
        assert_eq!(self.form().0, path);
        self
    }

    /// Where it leads, if anywhere.
    pub fn location(&self) -> &str {
        self.answer.header("location")
    }

    /// Where its form goes, and what it carries.
    #[track_caller]
    pub fn form(&self) -> (String, Vec<(String, String)>) {
        let text = &self.answer.text;
        let start = text
            .find("<form")
            .unwrap_or_else(|| panic!("no form: {text}"));
        let form = &text[start..];
        let form = &form[..form.find("</form>").expect("an end")];
        let hidden = form.split("<input type=\"hidden\"").skip(1).map(|input| {
            let tag = &input[..input.find('>').expect("an end")];
            (attribute(tag, "name"), attribute(tag, "value"))
        });
        let action = attribute(&form[..form.find('>').expect("an end")], "action");
        (action, hidden.collect())
    }
}

#[track_caller]
fn attribute(tag: &str, name: &str) -> String {
    let start = tag.find(&format!(" {name}=\"")).expect(name) + name.len() + 3;
    let rest = &tag[start..];
    let value = &rest[..rest.find('"').expect("an end")];
    let entities = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ];
    entities
        .iter()
        .fold(value.to_owned(), |text, (entity, plain)| {
            text.replace(entity, plain)
        })
}
