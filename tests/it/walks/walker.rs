//! One walk: who takes part, what is known of it, and the judge of every step.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use domain::factor::MfaPolicy;
use domain::tenant::TenantConfig;
use domain::time::Clock as _;
use serde_json::json;

use super::dice::Dice;
use super::model::{Access, Model, Pending, Refresh, Session, User, Verdict, Way};
use super::pages::Tab;
use crate::admin::areas::holder_in;
use crate::backend::Backend;
use crate::client::{Answer, Client, Person, Tokens};
use crate::house::House;
use crate::oauth::chosen::choose_for;
use crate::oauth::world::{CALLBACK, SCOPE, claims};

/// The tenants of every house, as the API names them.
pub const TENANTS: [&str; 2] = ["default", "acme"];
pub const AAL2: &str = "urn:nist:sp:800-63b-4:aal2";

/// What walks are counted as that an answer "not available" ended.
pub const BROKEN_OFF: &str = "broken off by a busy machine";

/// How often each kind of step succeeded, and was refused.
pub type Tally = BTreeMap<&'static str, (u64, u64)>;

/// A house that walks are walked in, one after the other.
pub struct Place {
    pub house: House,
    store: Backend,
    door: Client,
    admins: Vec<Client>,
    clients: Vec<super::model::Client>,
}

/// One walk.
pub struct Walk<'a> {
    pub place: &'a Place,
    pub dice: Dice,
    pub model: Model,
    pub tabs: Vec<Tab>,
    pub step: usize,
    /// Who acts, where that is not drawn.
    pub focus: Option<usize>,
    /// Which sign-in in progress binds, where that is not drawn.
    pub binding: Option<usize>,
    pub tally: &'a mut Tally,
    /// Whether it was broken off: the machine was too busy, and what became of a step is not known.
    pub is_void: bool,
    seed: u64,
    trail: String,
    address: String,
}

// === impl Place ===

impl Place {
    pub async fn new(house: House, store: Backend) -> Self {
        house.add_tenant(TENANTS[1]).await;
        let (mut admins, mut clients) = (Vec::new(), Vec::new());
        for (tenant, slug) in TENANTS.into_iter().enumerate() {
            let admin = holder_in(&house, slug, "admin:*").await;
            for requires_two in [false, true] {
                let policy = if requires_two { "require" } else { "off" };
                let body = json!({
                    "name": "An application", "client_type": "web", "redirect_uris": [CALLBACK],
                    "scopes": SCOPE.split(' ').collect::<Vec<_>>(), "mfa": policy,
                });
                let made = admin.post("/admin/clients", body).await.expect(201);
                clients.push(super::model::Client {
                    tenant,
                    id: made.field("client_id"),
                    secret: made.json()["client_secret"].as_str().map(str::to_owned),
                    requires_two,
                });
            }
            admins.push(admin);
        }
        let door = house.public();
        Self {
            house,
            store,
            door,
            admins,
            clients,
        }
    }
}

// === impl Walk ===

impl<'a> Walk<'a> {
    /// Gathers three people, two of one tenant, and draws what their tenants demand.
    pub async fn begin(
        place: &'a Place,
        tally: &'a mut Tally,
        (seed, number): (u64, usize),
    ) -> Self {
        let mut dice = Dice::new(seed);
        let policies = [MfaPolicy::Off, MfaPolicy::Offer, MfaPolicy::Require];
        let drawn = [(); 2].map(|()| policies[dice.below(3)]);
        let mut model = Model {
            policies: drawn.to_vec(),
            ..Model::default()
        };
        model.clients = place
            .clients
            .iter()
            .map(super::model::Client::again)
            .collect();
        let address = format!(
            "10.{}.{}.{}",
            64 + number / 62_500,
            number / 250 % 250,
            number % 250
        );
        let mut walk = Self {
            place,
            dice,
            model,
            tabs: Vec::new(),
            step: 0,
            focus: None,
            binding: None,
            tally,
            is_void: false,
            seed,
            trail: String::new(),
            address,
        };
        for (tenant, policy) in drawn.into_iter().enumerate() {
            walk.choose_policy(tenant, policy).await;
        }
        for (name, tenant) in [("ada", 0), ("eve", 0), ("bob", 1)] {
            let public = walk.door(tenant);
            let person = Person::register(&public, &format!("{name}.{number}.{seed:x}")).await;
            walk.model.users.push(User::new(tenant, &person));
            if walk.dice.percent(75) {
                walk.prove_address(&person).await;
            }
        }
        for tenant in [0, 0, 1] {
            let tab = Tab::new(
                &walk
                    .place
                    .door
                    .with("x-forwarded-for", walk.address.as_str()),
                tenant,
            );
            walk.tabs.push(tab);
        }
        for user in 0..3 {
            walk.find_id(user).await;
            walk.enroll(user).await;
        }
        walk
    }

    /// Follows the link that proves the address of whoever was added last.
    async fn prove_address(&mut self, person: &Person) {
        let letter = self.place.house.letter(person, "verify_email").await;
        let body = json!({ "token": letter.expect("a letter") });
        let proved = person.public.post("/auth/verify-email", body).await;
        proved.expect(200);
        if let Some(user) = self.model.users.last_mut() {
            user.is_proven = true;
        }
    }

    async fn find_id(&mut self, user: usize) {
        let of = &self.model.users[user];
        let path = format!("/admin/users?search={}", of.email.replace('@', "%40"));
        let page = self.place.admins[of.tenant]
            .get(&path)
            .await
            .expect(200)
            .json();
        let id = page["users"][0]["id"].as_str().expect("a user").to_owned();
        self.model.users[user].id = id;
    }

    pub fn now(&self) -> i64 {
        self.place.house.clock.now().as_seconds()
    }

    pub fn here(&self, tenant: usize) -> (usize, i64) {
        (tenant, self.now())
    }

    /// The public door, of a tenant.
    pub fn door(&self, tenant: usize) -> Client {
        let door = self.place.door.with("x-tenant-id", TENANTS[tenant]);
        door.with("x-forwarded-for", self.address.as_str())
    }

    pub fn wait(&mut self, span: Duration) {
        self.place.house.clock.advance(span);
        let _ = writeln!(self.trail, "  {} waits {span:?}", self.step);
        if span >= Duration::from_mins(15) {
            self.model.users.iter_mut().for_each(User::waited);
        }
    }

    pub async fn choose_policy(&mut self, tenant: usize, mfa: MfaPolicy) {
        let config = TenantConfig {
            mfa,
            ..TenantConfig::default()
        };
        choose_for(&self.place.house, TENANTS[tenant], config).await;
        self.model.policies[tenant] = mfa;
        let _ = writeln!(
            self.trail,
            "  {} {} demands {mfa:?}",
            self.step, TENANTS[tenant]
        );
    }

    pub fn someone(&mut self) -> usize {
        let drawn = self.dice.below(self.model.users.len());
        self.focus.unwrap_or(drawn)
    }

    /// A tenant, mostly the given one.
    pub fn near(&mut self, tenant: usize) -> usize {
        if self.dice.percent(6) {
            1 - tenant
        } else {
            tenant
        }
    }

    /// Notes what is about to be done.
    pub fn note(&mut self, what: &str) {
        let _ = writeln!(self.trail, "  {} {what}", self.step);
    }

    /// Holds an answer against what policy demands.
    #[track_caller]
    pub fn judge(
        &mut self,
        what: &'static str,
        verdict: Verdict,
        (passed, answer): (bool, &Answer),
    ) {
        let status = answer.status.as_u16();
        let _ = writeln!(
            self.trail,
            "  {} {what}: {verdict:?}, got {status}",
            self.step
        );
        if status == 503 && !self.is_void {
            self.is_void = true;
            self.tally.entry(BROKEN_OFF).or_default().1 += 1;
        }
        if self.is_void {
            return;
        }
        let is_right = verdict.allows(passed);
        let shown = answer.text.split("<main").last().unwrap_or_default();
        let told = || format!("{}\n{shown}", self.story());
        assert!(
            status < 500 && is_right,
            "{what} must be {verdict:?}: {}",
            told()
        );
        let (passes, refusals) = self.tally.entry(what).or_default();
        *(if passed { passes } else { refusals }) += 1;
    }

    /// How the walk went, and how to walk it again.
    pub fn story(&self) -> String {
        let (seed, store) = (self.seed, self.place.store);
        format!(
            "again with STORE={store} SEED={seed} WALKS=1\n{}",
            self.trail
        )
    }

    #[track_caller]
    pub fn sees_to(&self, is_so: bool, what: &str) {
        assert!(is_so || self.is_void, "{what}: {}", self.story());
    }

    /// Takes note of a token pair, and asks the service whose it is.
    pub async fn enter(&mut self, user: usize, answer: &Answer, has_two: bool) -> usize {
        let (tokens, now) = (Tokens::of(answer), self.now());
        let told = claims(&tokens.access);
        self.sees_to(
            (told["acr"] == AAL2) == has_two,
            "the tokens tell how it was proved",
        );
        let of = &self.model.users[user];
        self.sees_to(told["sub"] == of.id.as_str(), "the tokens are the person's");
        self.sees_to(
            has_two || !self.model.needs_two(user),
            "nobody has a session with less than policy demands",
        );
        let me = self
            .door(of.tenant)
            .bearer(&tokens.access)
            .get("/auth/me")
            .await;
        self.sees_to(
            me.expect(200).field("email") == of.email,
            "the session is the person's",
        );
        let session = self.model.sessions.len();
        let name = told["sid"].as_str().expect("a session").to_owned();
        self.model
            .sessions
            .push(Session::new(user, name, (now, has_two)));
        self.keep(session, &tokens, (now, has_two));
        session
    }

    /// Takes note of the tokens of a session.
    pub fn keep(&mut self, session: usize, tokens: &Tokens, (proved_at, has_two): (i64, bool)) {
        let made_at = self.now();
        self.model.accesses.push(Access {
            token: tokens.access.clone(),
            session,
            made_at,
            proved_at,
            has_two,
        });
        self.model.refreshes.push(Refresh {
            token: tokens.refresh.clone(),
            session,
            is_newest: true,
        });
    }

    /// Takes note of what follows a right password: tokens, or what is owed.
    pub async fn go_on(&mut self, user: usize, answer: &Answer) {
        let told = answer.json();
        if told["mfa_required"] != true {
            self.enter(user, answer, false).await;
            return;
        }
        self.sees_to(
            self.model.needs_two(user),
            "nobody owes what policy does not demand",
        );
        let of = &self.model.users[user];
        let must_bind = told["binding_required"] == true;
        self.sees_to(must_bind != of.has_factor(), "who has a factor shows it");
        self.model.pendings.push(Pending {
            token: answer.field("mfa_token"),
            user,
            password_no: of.password_no,
            made_at: self.now(),
            is_spent: false,
        });
    }

    pub fn counted(&mut self, user: usize, way: Way, passed: bool) {
        let user = &mut self.model.users[user];
        if passed {
            user.succeeded(way);
        } else {
            user.failed(way);
        }
    }
}
