//! What scenarios ask with: a house, its crowd, and clients.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use domain::id::TenantId;
use domain::time::UnixMillis;
use protocol::opaque::{Made, RefreshToken, SessionCookie};
use serde_json::{Value, json};

use crate::ceiling::Order;
use crate::house::{House, Plan};
use crate::message::{Message, form};
use crate::seed::{self, Crowd, Template};
use crate::wire::Wire;

/// A house with a crowd in it.
pub(crate) struct Estate {
    /// The house.
    pub(crate) house: House,
    /// Who is in it.
    pub(crate) crowd: Crowd,
    /// A client that acts for itself and may introspect.
    pub(crate) robot: Registered,
    /// An application that people sign in to.
    pub(crate) application: Registered,
    /// How long the service took each time to start on the store as it was first made, and as it is now.
    pub(crate) starts: [Vec<Duration>; 2],
    /// How many bytes of it were in memory then.
    pub(crate) idle: [u64; 2],
    default: TenantId,
    auth_time: i64,
    token: RefCell<String>,
    generations: RefCell<Vec<u32>>,
    newcomers: Cell<u32>,
}

/// A client as its registration was answered.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    /// Its id.
    pub(crate) id: String,
    /// Its `Authorization`.
    pub(crate) basic: String,
}

/// The one password of everybody.
pub(crate) const PASSWORD: &str = "a quiet garden in the rain";
/// How often the service is started to see how long that takes: one start alone is any neighbour's.
const STARTS: usize = 5;
/// Where the application is sent codes.
pub(crate) const CALLBACK: &str = "https://app.example/callback";

// === impl Estate ===

impl Estate {
    /// Makes a house and fills it.
    ///
    /// # Errors
    /// A sentence that says what was refused.
    pub(crate) async fn found(plan: &Plan, crowd: Crowd) -> Result<Self, String> {
        let mut house = House::open(plan).await?;
        let template = sign_up(&house).await?;
        let robot = register(
            &house,
            json!({
                "name": "Robot", "client_type": "service", "grant_types": ["client_credentials"],
                "scopes": ["read", "write"], "may_introspect": true,
            }),
        );
        let robot = robot.await?;
        let application = register(
            &house,
            json!({
                "name": "Application", "client_type": "web", "redirect_uris": [CALLBACK],
                "scopes": ["openid", "profile", "email", "offline_access"], "is_first_party": true,
            }),
        );
        let application = application.await?;
        let first = start(&mut house).await?;
        let small = rested(&house).await;
        house.stop();
        let auth_time = seed::load(&house, crowd, &template).await?;
        let second = start(&mut house).await?;
        let large = rested(&house).await;
        let people = usize::try_from(crowd.people).unwrap_or(0);
        Ok(Self {
            house,
            crowd,
            robot,
            application,
            starts: [first, second],
            idle: [small, large],
            default: template.tenant,
            auth_time,
            token: RefCell::default(),
            generations: RefCell::new(vec![1; people]),
            newcomers: Cell::new(0),
        })
    }

    /// Gives the robot another access token.
    ///
    /// # Errors
    /// A sentence when it is refused.
    pub(crate) async fn renew(&self) -> Result<(), String> {
        let message = Message::new("POST", "/oauth/token").form();
        let message = message.with("authorization", &self.robot.basic);
        let mut request = Vec::new();
        let body = form(&[("grant_type", "client_credentials")]);
        message.write(&mut request, &[], Some(&body));
        let failed = |error: std::io::Error| format!("no token: {error}");
        let mut wire = Wire::open(&self.house.public).await.map_err(failed)?;
        let answer = wire.ask(&request).await.map_err(failed)?;
        let token = answer.member("access_token").ok_or("no token")?;
        token.clone_into(&mut self.token.borrow_mut());
        Ok(())
    }

    /// Gives the access token that the robot was given last.
    pub(crate) fn token(&self) -> String {
        self.token.borrow().clone()
    }

    /// Gives somebody's current refresh token.
    pub(crate) fn refresh_token(&self, person: u32) -> String {
        let tenant = self.crowd.tenant_of(person);
        let generations = self.generations.borrow();
        let generation = usize::try_from(person)
            .ok()
            .and_then(|place| generations.get(place));
        let token = RefreshToken {
            tenant: tenant.map_or(self.default, |tenant| {
                TenantId::from_uuid(seed::tenant_id(tenant))
            }),
            family: seed::family(person),
            generation: generation.copied().unwrap_or(1),
        };
        token.mint(&self.house.secrets).expose().to_owned()
    }

    /// Notes that somebody's refresh token was used.
    pub(crate) fn was_refreshed(&self, person: u32) {
        let place = usize::try_from(person).unwrap_or(usize::MAX);
        if let Some(generation) = self.generations.borrow_mut().get_mut(place) {
            *generation = generation.saturating_add(1);
        }
    }

    /// Gives the cookie of somebody who is signed in in the default tenant.
    pub(crate) fn cookie(&self, person: u32) -> String {
        let cookie = SessionCookie {
            tenant: self.default,
            session: seed::session(person),
            auth_time: UnixMillis::from_millis(self.auth_time),
            seen_at: UnixMillis::from_millis(self.auth_time),
            made: Made::Here,
        };
        let value = cookie.mint(&self.house.secrets);
        format!("__Host-session={}", value.expose())
    }

    /// Gives an address that nobody has registered.
    pub(crate) fn newcomer(&self) -> String {
        let number = self.newcomers.get();
        self.newcomers.set(number.wrapping_add(1));
        format!("newcomer{number}@example.org")
    }

    /// Gives what a ceiling of this estate is told.
    pub(crate) fn order(&self, ceiling: crate::ceiling::Ceiling) -> Order {
        Order {
            ceiling,
            answer: String::new(),
            seconds: 0.0,
            threads: self.house.plan.threads,
            postgres: self.house.servers.postgres.clone().unwrap_or_default(),
        }
    }
}

/// Starts the service a few times and leaves it running.
async fn start(house: &mut House) -> Result<Vec<Duration>, String> {
    let mut spans = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        house.stop();
        spans.push(house.start().await?);
    }
    Ok(spans)
}

/// Gives how much is in memory when what a start does is done.
async fn rested(house: &House) -> u64 {
    tokio::time::sleep(Duration::from_secs(1)).await;
    house.resident()
}

/// Registers somebody and signs them in; their rows become everybody's.
async fn sign_up(house: &House) -> Result<Template, String> {
    let person =
        json!({ "email": "template@example.org", "password": PASSWORD, "name": "Some Body" });
    let register = Message::new("POST", "/auth/register").json();
    post(&house.public, &register, &person).await?;
    let login = Message::new("POST", "/auth/login").json();
    let credentials = json!({ "email": "template@example.org", "password": PASSWORD });
    let answer = post(&house.public, &login, &credentials).await?;
    let token = |name: &str| {
        let token = answer.get(name).and_then(Value::as_str);
        token.ok_or_else(|| format!("a sign-in gave no {name}: {answer}"))
    };
    let refresh = RefreshToken::parse(&house.secrets, token("refresh_token")?)
        .map_err(|error| error.to_string())?;
    let claims = claims(token("access_token")?).ok_or("an access token says nothing")?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(Template {
        tenant: refresh.tenant,
        user: claim("sub").parse().map_err(|_| "no sub")?,
        session: claim("sid").parse().map_err(|_| "no sid")?,
        family: refresh.family,
    })
}

async fn register(house: &House, body: Value) -> Result<Registered, String> {
    let message = Message::new("POST", "/admin/clients").json();
    let message = message.with("x-api-key", &house.key);
    let answer = post(&house.admin, &message, &body).await?;
    let field = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let id = field("client_id").to_owned();
    let pair = BASE64_STANDARD.encode(format!("{id}:{}", field("client_secret")));
    Ok(Registered {
        id,
        basic: format!("Basic {pair}"),
    })
}

/// Posts JSON and reads the JSON that answers it.
async fn post(address: &str, message: &Message, body: &Value) -> Result<Value, String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let mut request = Vec::new();
    message.write(&mut request, &[], Some(&body.to_string()));
    let mut wire = Wire::open(address).await.map_err(failed)?;
    let answer = wire.ask(&request).await.map_err(failed)?;
    if !answer.is_success() {
        let said = String::from_utf8_lossy(answer.body);
        return Err(format!("{address} answered {}: {said}", answer.status));
    }
    serde_json::from_slice(answer.body).map_err(|error| format!("{address}: {error}"))
}

/// Reads the claims of an access token, unverified.
fn claims(token: &str) -> Option<Value> {
    let middle = token.split('.').nth(1)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(middle).ok()?;
    serde_json::from_slice(&bytes).ok()
}
