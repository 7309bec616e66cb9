//! A world whose tenant signs people in on pages of its own, and what the interface there does.

use serde_json::{Value, json};
use url::Url;

use crate::browser::Browser;
use crate::client::{Answer, Client};
use crate::house::House;
use crate::oauth::world::{SCOPE, World};

pub const LOGIN: &str = "https://login.example/start?theme=dark";
pub const CONSENT: &str = "https://login.example/allow";

/// A world whose tenant signs people in elsewhere.
pub struct Story {
    pub world: World,
    pub user: String,
}

// === impl Story ===

impl Story {
    pub async fn new(house: House) -> Self {
        let config = json!({ "login_ui_url": LOGIN, "consent_ui_url": CONSENT });
        Self::with(house, config).await
    }

    pub async fn with(house: House, config: Value) -> Self {
        let world = World::new(house).await;
        let user = world.house.user_id(&world.person).await;
        let body = json!({ "config": config });
        let patched = world.admin().patch("/admin/tenants/default", body).await;
        patched.expect(200);
        Self { world, user }
    }

    pub fn admin(&self) -> Client {
        self.world.admin()
    }

    /// Accepts a login for the person.
    pub async fn accept_login(&self, challenge: &str, own: Value) -> Answer {
        let mut body = json!({ "subject": self.user, "remember": true });
        let own = own.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(own);
        let path = format!("/admin/oauth/auth/requests/login/accept?login_challenge={challenge}");
        self.admin().put(&path, body).await
    }

    pub async fn accept_consent(&self, challenge: &str, body: Value) -> Answer {
        let base = "/admin/oauth/auth/requests/consent/accept";
        let path = format!("{base}?consent_challenge={challenge}");
        self.admin().put(&path, body).await
    }

    /// Opens an address and gives the login challenge that it leads to.
    pub async fn begin(&self, browser: &mut Browser, address: &str) -> String {
        challenge_of(browser.open(address).await.location(), LOGIN)
    }

    /// Signs in by the interface; gives where the browser is sent then.
    pub async fn sign_in(&self, browser: &mut Browser, address: &str, own: Value) -> String {
        let challenge = self.begin(browser, address).await;
        let accepted = self.accept_login(&challenge, own).await.expect(200);
        let page = browser.open(&back(&accepted)).await;
        page.expect(303);
        page.location().to_owned()
    }

    /// Goes all the way; gives the answer that the client is sent.
    pub async fn authorize(&self, browser: &mut Browser, own: Value) -> String {
        let place = self.sign_in(browser, &self.world.ask_web(), own).await;
        let challenge = challenge_of(&place, CONSENT);
        let all = SCOPE.split(' ').collect::<Vec<_>>();
        let body = json!({ "grant_scope": all, "remember": true });
        let accepted = self.accept_consent(&challenge, body).await.expect(200);
        let page = browser.open(&back(&accepted)).await;
        page.expect(303);
        page.location().to_owned()
    }

    pub async fn shown_login(&self, challenge: &str) -> Answer {
        let path = format!("/admin/oauth/auth/requests/login?login_challenge={challenge}");
        self.admin().get(&path).await
    }

    pub async fn shown_consent(&self, challenge: &str) -> Answer {
        let path = format!("/admin/oauth/auth/requests/consent?consent_challenge={challenge}");
        self.admin().get(&path).await
    }
}

impl World {
    fn admin(&self) -> Client {
        self.house.admin()
    }
}

/// The challenge that a browser is sent to an interface with.
#[track_caller]
pub fn challenge_of(place: &str, ui: &str) -> String {
    let (base, _) = ui.split_once('?').unwrap_or((ui, ""));
    assert!(place.starts_with(base), "it is sent to {place:?}");
    let url = Url::parse(place).expect("an address");
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(name, _)| name.ends_with("_challenge"));
    found.expect("a challenge").1.into_owned()
}

/// The path of ours that an interface is to send the browser to.
#[track_caller]
pub fn back(accepted: &Answer) -> String {
    let place = accepted.field("redirect_to");
    let url = Url::parse(&place).expect("an address");
    assert_eq!(url.path(), "/oauth/resume");
    format!("{}?{}", url.path(), url.query().expect("a verifier"))
}
