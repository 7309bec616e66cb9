//! /console on the admin door, as a browser without JavaScript meets it: signing in goes by our own
//! authorization code flow through the public door.

use serde_json::json;

use crate::admin::rbac::give;
use crate::auth::mfa::Owner;
use crate::browser::{Browser, Page};
use crate::case::Case;
use crate::client::Person;
use crate::house::House;

mod api_keys;
mod audit;
mod deeds;
mod entrance;
mod forgery;
mod identities;
mod keys;
mod reach;
mod sessions;
mod tenants;
mod twice;

pub fn all() -> Vec<Case> {
    [
        api_keys::cases(),
        audit::cases(),
        deeds::cases(),
        entrance::cases(),
        forgery::cases(),
        identities::cases(),
        keys::cases(),
        reach::cases(),
        sessions::cases(),
        tenants::cases(),
        twice::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Where browsers find the admin door, where its port is the system's to choose.
const ADMIN: &str = "http://localhost:0";
/// Where they find the public one.
const PUBLIC: &str = "http://localhost:4000";

/// An operator's browser, at both doors.
pub struct Office {
    pub owner: Owner,
    pub public: Browser,
    pub admin: Browser,
    /// What stands before the paths of the tenant.
    base: String,
}

impl Office {
    /// Makes an operator with an app, who is not signed in yet.
    pub async fn closed(house: &House, name: &str, role: &str) -> Self {
        let owner = Owner::enroll(house, name).await;
        give(house, &owner.person, role).await;
        Self::of(house, owner)
    }

    /// Makes an operator of a tenant with an app, who is not signed in yet.
    pub async fn within(house: &House, slug: &str, name: &str) -> Self {
        let door = house.public().with("x-tenant-id", slug);
        let owner = Owner::bind(house, Person::register(&door, name).await).await;
        let admin = house.admin().with("x-tenant-id", slug);
        let path = format!("/admin/users?search={name}");
        let found = admin.get(&path).await.expect(200).json();
        let grant = json!({ "user": found["users"][0]["id"], "role": "admin" });
        admin.post("/admin/rbac/grants", grant).await.expect(200);
        let base = format!("/t/{slug}");
        Self {
            base,
            ..Self::of(house, owner)
        }
    }

    /// The browser of somebody.
    pub fn of(house: &House, owner: Owner) -> Self {
        Self {
            owner,
            public: Browser::new(&house.public()),
            admin: Browser::new(&house.stranger()),
            base: String::new(),
        }
    }

    /// Makes an operator and signs them in.
    pub async fn open(house: &House) -> Self {
        let mut office = Self::closed(house, "root", "admin").await;
        let page = office.enter("/console").await;
        page.expect(200);
        office
    }

    /// Opens a page, signing in on the way; gives what the browser shows at last.
    pub async fn enter(&mut self, path: &str) -> Page {
        let place = self.leave_for(path).await;
        let sent = self.prove(&place).await;
        self.arrive(&sent).await
    }

    /// Opens a page and gives the address of the public door that the browser is sent to.
    pub async fn leave_for(&mut self, path: &str) -> String {
        let page = self.admin.open(path).await;
        page.expect(303);
        let sent = format!("{}/console/sign-in?", self.base);
        assert!(page.location().starts_with(&sent), "{}", page.location());
        let page = self.admin.open(page.location()).await;
        page.expect(303);
        let place = page
            .location()
            .strip_prefix(PUBLIC)
            .expect("our own issuer");
        assert!(place.contains("acr_values=") && place.contains("code_challenge_method=S256"));
        place.to_owned()
    }

    /// Signs in at the public door as far as that is asked; gives where the browser is sent then.
    pub async fn prove(&mut self, place: &str) -> String {
        let page = self.public.open(place).await;
        let mut page = self.public.follow(page).await;
        if page.location().is_empty() && page.form().0.ends_with("/sign-in") {
            let person = &self.owner.person;
            let filled = [("email", &*person.email), ("password", &*person.password)];
            let next = self.public.submit(&page, &filled).await;
            page = self.public.follow(next).await;
        }
        if page.location().is_empty() && page.form().0.ends_with("/second-factor") {
            let code = self.owner.app.next_code();
            let next = self.public.submit(&page, &[("code", &code)]).await;
            page = self.public.follow(next).await;
        }
        page.expect(303);
        let sent = page.location().strip_prefix(ADMIN).expect("the console");
        sent.to_owned()
    }

    /// Brings the browser back to the console.
    pub async fn arrive(&mut self, sent: &str) -> Page {
        let page = self.admin.open(sent).await;
        self.admin.follow(page).await
    }

    /// The token that forms of whoever is signed in carry.
    pub async fn token(&mut self) -> String {
        let path = format!("{}/console/sign-out", self.base);
        let page = self.admin.open(&path).await;
        let (_, hidden) = page.form();
        let token = hidden.into_iter().find(|(name, _)| name == "csrf");
        token.expect("a token").1
    }

    /// Fills in the form of a page, which is then sent on to a page that says what was done.
    pub async fn fill(&mut self, page: &Page, filled: &[(&str, &str)]) -> Page {
        page.expect(200);
        let page = self.admin.submit(page, filled).await;
        page.expect(303);
        assert!(page.location().contains("done="), "{}", page.location());
        let page = self.admin.follow(page).await;
        page.expect(200);
        assert!(page.answer.text.contains("role=\"status\""));
        page
    }
}

/// Whether a browser is sent to sign in.
pub fn is_sent_to_sign_in(page: &Page) -> bool {
    page.answer.status.as_u16() == 303 && page.location().contains("/console/sign-in?back=")
}

/// Locks an account, as an operator does by the API.
pub async fn lock(house: &House, owner: &Owner) {
    let id = house.user_id(&owner.person).await;
    let path = format!("/admin/users/{id}/lock");
    let why = json!({ "reason": "left" });
    house.admin().post(&path, why).await.expect(200);
}

/// A parameter of an address that a browser is sent to.
pub fn parameter(place: &str, name: &str) -> Option<String> {
    let query = place.split('?').nth(1).unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// The secret that a page shows, this once.
pub fn secret_of(text: &str) -> String {
    let secret = text.split("<code id=\"secret\">").nth(1);
    let secret = secret.and_then(|rest| rest.split('<').next());
    secret.expect("a secret").to_owned()
}

/// Where a list goes on.
pub fn next_of(page: &Page) -> String {
    let links = page.answer.text.split("<a href=\"");
    let next = links.filter(|link| link.contains(">Next page<")).last();
    let next = next.and_then(|rest| rest.split('"').next());
    next.expect("a next page").replace("&#38;", "&")
}
