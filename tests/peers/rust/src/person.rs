//! A person with a browser that has no JavaScript: follows redirects, keeps cookies, fills in forms.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::json;

use crate::service::Service;

const PASSWORD: &str = "a quiet garden in the rain";

/// A person with an account, and their browser.
pub struct Person {
    /// Who they are to the service.
    pub id: String,
    /// Their address.
    pub email: String,
    cookies: BTreeMap<String, String>,
    http: Client,
}

/// A form of a page: where it goes, and the fields that nobody fills in.
struct Form {
    action: Url,
    fields: Vec<(String, String)>,
}

impl Person {
    /// Registers.
    ///
    /// # Panics
    /// When that is refused.
    #[must_use]
    pub fn register(service: &Service, name: &str) -> Self {
        let email = format!("{name}@example.org");
        let account = json!({ "email": email, "password": PASSWORD, "name": name });
        let made = service.post("/auth/register", &account);
        let http = Client::builder().redirect(Policy::none());
        Self {
            id: made["id"].as_str().expect("an id").to_owned(),
            email,
            cookies: BTreeMap::new(),
            http: http.build().expect("a client"),
        }
    }

    /// Signs in and allows; gives the address that the browser was sent back to.
    ///
    /// # Panics
    /// When it comes to a page that is none of those.
    pub fn authorize(&mut self, address: Url, place: &str) -> Url {
        self.walk(address, place, &[("decision", "allow")])
            .unwrap_or_else(|page| panic!("{page}"))
    }

    /// Confirms that they sign out; gives the address that the browser was sent back to.
    ///
    /// # Panics
    /// When it comes to a page that is none of those.
    pub fn sign_out(&mut self, address: Url, place: &str) -> Url {
        self.walk(address, place, &[("decision", "logout")])
            .unwrap_or_else(|page| panic!("{page}"))
    }

    /// Types the code of a device and allows it; gives the page that says so.
    ///
    /// # Panics
    /// When it is sent away.
    pub fn allow_device(&mut self, address: Url, user_code: &str) -> String {
        let filling = [("user_code", user_code), ("decision", "allow")];
        self.walk(address, "none:", &filling).expect_err("a page")
    }

    /// Fills in what comes with the sign-in or with `filling`, until sent to `place`, or until there is no
    /// form any more; then it gives the page.
    fn walk(&mut self, address: Url, place: &str, filling: &[(&str, &str)]) -> Result<Url, String> {
        let (mut address, mut form) = (address, None);
        for _ in 0..20 {
            let (next, text) = self.ask(&address, form.take());
            match (next, Form::read(&text, &address)) {
                (Some(next), _) if next.as_str().starts_with(place) => return Ok(next),
                (Some(next), _) => address = next,
                (None, None) => return Err(text),
                (None, Some(found)) => {
                    address = found.action.clone();
                    let known = [("email", &*self.email), ("password", PASSWORD)];
                    let own = if address.path() == "/sign-in" {
                        &known
                    } else {
                        filling
                    };
                    let own = own
                        .iter()
                        .map(|(name, value)| (name.to_string(), value.to_string()));
                    form = Some(found.fields.into_iter().chain(own).collect());
                }
            }
        }
        panic!("it goes round in circles");
    }

    fn ask(
        &mut self,
        address: &Url,
        form: Option<BTreeMap<String, String>>,
    ) -> (Option<Url>, String) {
        let request = match form {
            None => self.http.get(address.clone()),
            Some(fields) => self
                .http
                .post(address.clone())
                .header(ORIGIN, address.origin().ascii_serialization())
                .header("sec-fetch-site", "same-origin")
                .form(&fields),
        };
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookie = pairs.collect::<Vec<_>>().join("; ");
        let answer = request.header(COOKIE, cookie).send().expect("an answer");
        for line in answer.headers().get_all(SET_COOKIE) {
            let line = line.to_str().expect("a text");
            let pair = line.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = answer
            .headers()
            .get(LOCATION)
            .map(|to| to.to_str().expect("a text"));
        let location = location.map(|to| address.join(to).expect("an address"));
        (location, answer.text().expect("a page"))
    }
}

impl Form {
    /// Reads the one form of a page.
    fn read(page: &str, address: &Url) -> Option<Self> {
        let (_, form) = page.split_once("<form")?;
        let (form, _) = form.split_once("</form>")?;
        let action = attribute(form.split('>').next()?, "action")?;
        let inputs = form
            .split("<input")
            .skip(1)
            .filter_map(|rest| rest.split('>').next());
        let hidden = inputs.filter(|tag| attribute(tag, "type").as_deref() == Some("hidden"));
        let fields =
            hidden.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)));
        Some(Self {
            action: address.join(&action).ok()?,
            fields: fields.collect(),
        })
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(decode(value))
}

fn decode(value: &str) -> String {
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    plain
        .iter()
        .fold(value.to_owned(), |text, (entity, plain)| {
            text.replace(entity, plain)
        })
}
