//! Claims about pushed requests, codes and consents; those about redeeming are in `sessions`.

use std::time::Duration;

use domain::authorization::Consent;
use domain::event::EventKind;
use domain::id::{SessionId, UserId};
use domain::scope::ScopeSet;
use domain::session::{EndReason, Session};
use domain::time::UnixMillis;
use domain::user::{User, UserPatch, UserStatus};
use futures_util::future::join_all;
use serde_json::Value;

use crate::contract::fixture::{Entropy, World, at, bytes, much_later};
use crate::port::Ports;
use crate::port::authorizations::{CodeIssue, NewCode, PushedRequest};
use crate::port::sessions::{EndTarget, Ending};

super::claims!("authorizations":
    a_pushed_request_is_its_clients_until_it_expires,
    a_completion_spends_its_pushed_request,
    one_of_fifty_concurrent_completions_of_a_request_succeeds,
    a_request_that_expired_meanwhile_is_spent_all_the_same,
    a_code_needs_a_live_session_and_an_active_user,
    a_consent_grows_by_what_is_allowed,
    consents_are_listed_by_client_and_go_with_their_person,
    a_browser_session_is_loaded_while_it_lives,
    a_session_knows_its_clients_and_their_sectors,
    requests_and_codes_go_an_hour_after_their_end,
);

/// One signed-in user.
struct Story {
    world: World,
    user: User,
    session: Session,
}

impl Story {
    async fn begin(ports: Ports) -> Self {
        let world = World::new(ports).await;
        let user = world.register("ada@example.org").await;
        let (session, _) = world.sign_in(user.id).await;
        Self {
            world,
            user,
            session,
        }
    }

    async fn push(&self) -> PushedRequest {
        let pushed = self.world.pushed(at(0));
        let stored = self.world.ports.authorizations.push_request(pushed.clone());
        stored.await.unwrap();
        pushed
    }

    async fn pushed(&self, request: &PushedRequest, now: UnixMillis) -> Option<Value> {
        let (tenant, client) = (request.tenant, request.client.clone());
        let authorizations = &self.world.ports.authorizations;
        let loaded = authorizations.load_pushed(tenant, request.signature, client, now);
        loaded.await.unwrap()
    }

    /// Makes the completion of a pushed request.
    fn completion(&self, pushed: &PushedRequest, now: UnixMillis) -> NewCode {
        NewCode {
            spend_pushed: Some(pushed.signature),
            ..self.world.code(&self.session, now)
        }
    }

    async fn issue(&self, code: NewCode) -> CodeIssue {
        self.world
            .ports
            .authorizations
            .issue_code(code)
            .await
            .unwrap()
    }

    async fn consent(&self) -> Option<Consent> {
        let client = self.world.code(&self.session, at(0)).grant.client;
        let authorizations = &self.world.ports.authorizations;
        let loaded = authorizations.load_consent(self.world.tenant, self.user.id, client);
        loaded.await.unwrap()
    }

    async fn consents(&self) -> Vec<Consent> {
        let authorizations = &self.world.ports.authorizations;
        let listed = authorizations.list_consents(self.world.tenant, self.user.id);
        listed.await.unwrap()
    }

    async fn granted(&self) -> usize {
        self.world
            .count_events(EventKind::AuthorizationGranted)
            .await
    }

    async fn end_session(&self) {
        let ending = Ending {
            tenant: self.world.tenant,
            target: EndTarget::Session(self.user.id, self.session.id),
            reason: EndReason::Logout,
            now: at(60),
            remember_until: much_later(),
            entry: self.world.entry(EventKind::SessionEnded),
        };
        let ended = self.world.ports.sessions.end_sessions(ending).await;
        assert_eq!(ended, Ok(vec![self.session.id]));
    }

    async fn suspend(&self) {
        let patch = UserPatch {
            status: Some(UserStatus::Suspended),
            ..UserPatch::default()
        };
        let entry = self.world.entry(EventKind::UserUpdated);
        let users = &self.world.ports.users;
        let written = users.update_user(self.user.id, patch, much_later(), entry);
        written.await.unwrap();
    }
}

async fn a_pushed_request_is_its_clients_until_it_expires(ports: Ports) {
    let story = Story::begin(ports).await;
    let request = story.push().await;
    let parameters = Some(request.parameters.clone());
    assert_eq!(story.pushed(&request, at(0)).await, parameters);
    let last = request.expires_at - Duration::from_millis(1);
    assert_eq!(
        story.pushed(&request, last).await,
        parameters,
        "looking spends nothing"
    );
    assert_eq!(story.pushed(&request, request.expires_at).await, None);
    let stolen = |client: &str| PushedRequest {
        client: client.to_owned(),
        ..request.clone()
    };
    let unknown = PushedRequest {
        signature: bytes(),
        ..request.clone()
    };
    let foreign = PushedRequest {
        tenant: story.world.beside().await.tenant,
        ..request.clone()
    };
    for other in [stolen("client_thief"), stolen("\0"), unknown, foreign] {
        assert_eq!(story.pushed(&other, at(0)).await, None);
    }
}

async fn a_completion_spends_its_pushed_request(ports: Ports) {
    let story = Story::begin(ports).await;
    let request = story.push().await;
    let mut foreign = story.completion(&request, at(1));
    "client_thief".clone_into(&mut foreign.grant.client);
    assert_eq!(story.issue(foreign).await, CodeIssue::AlreadySpent);
    assert_eq!(story.consents().await, [], "nothing is written");
    assert_eq!(story.granted().await, 0);
    let completion = story.completion(&request, at(1));
    assert_eq!(story.issue(completion).await, CodeIssue::Issued);
    assert_eq!(story.pushed(&request, at(2)).await, None);
    let again = story.completion(&request, at(2));
    assert_eq!(story.issue(again).await, CodeIssue::AlreadySpent);
    let last = story.world.trail().await.pop().unwrap();
    assert_eq!(last.fields["event"], "authorization.granted");
    assert_eq!(last.fields["subject"], story.user.id.to_string());
    assert_eq!(story.granted().await, 1);
}

async fn one_of_fifty_concurrent_completions_of_a_request_succeeds(ports: Ports) {
    let story = Story::begin(ports).await;
    let request = story.push().await;
    let completions = (0..50).map(|_| story.issue(story.completion(&request, at(1))));
    let answers = join_all(completions).await;
    let issued = answers.iter().filter(|a| **a == CodeIssue::Issued);
    assert_eq!(issued.count(), 1);
    let spent = answers.iter().filter(|a| **a == CodeIssue::AlreadySpent);
    assert_eq!(spent.count(), 49);
    assert_eq!(story.granted().await, 1);
}

async fn a_request_that_expired_meanwhile_is_spent_all_the_same(ports: Ports) {
    let story = Story::begin(ports).await;
    let request = story.push().await;
    let slow = story.completion(&request, request.expires_at);
    assert_eq!(story.issue(slow.clone()).await, CodeIssue::Issued);
    let again = NewCode {
        signature: bytes(),
        ..slow
    };
    assert_eq!(story.issue(again).await, CodeIssue::AlreadySpent);
}

async fn a_code_needs_a_live_session_and_an_active_user(ports: Ports) {
    let story = Story::begin(ports).await;
    let request = story.push().await;
    let code = || story.completion(&request, at(1));
    let (mut expired, mut unknown, mut foreign, mut stranger) = (code(), code(), code(), code());
    expired.created_at = story.session.expires_at;
    unknown.grant.session = SessionId::generate(at(0), &Entropy);
    let other = story.world.beside().await.tenant;
    foreign.tenant = other;
    foreign.entry.origin.tenant = other;
    stranger.grant.user = UserId::generate(at(0), &Entropy);
    for refused in [expired, unknown, foreign, stranger] {
        assert_eq!(story.issue(refused).await, CodeIssue::SessionEnded);
    }
    story.suspend().await;
    assert_eq!(story.issue(code()).await, CodeIssue::SessionEnded);
    assert_eq!(story.granted().await, 0);
    assert_eq!(story.consents().await, []);
    assert!(story.pushed(&request, at(2)).await.is_some(), "not spent");
}

async fn a_consent_grows_by_what_is_allowed(ports: Ports) {
    let story = Story::begin(ports).await;
    assert_eq!(story.consent().await, None);
    let mut forgettable = story.world.code(&story.session, at(1));
    let first = forgettable.remember.take().unwrap();
    assert_eq!(story.issue(forgettable).await, CodeIssue::Issued);
    assert_eq!(story.consent().await, None, "not to be remembered");

    let code = story.world.code(&story.session, at(1));
    assert_eq!(story.issue(code).await, CodeIssue::Issued);
    assert_eq!(story.consent().await, Some(first.clone()));
    let mut more = story.world.code(&story.session, at(9));
    let allowed = more.remember.as_mut().unwrap();
    allowed.scope = ScopeSet::parse("email phone").unwrap();
    allowed.resources.insert(0, "https://b.example".to_owned());
    let mut expected = first;
    expected.grow(allowed);
    assert_eq!(story.issue(more.clone()).await, CodeIssue::Issued);
    assert_eq!(story.consent().await, Some(expected.clone()));
    more.signature = bytes();
    assert_eq!(story.issue(more).await, CodeIssue::Issued);
    assert_eq!(story.consent().await, Some(expected), "nothing twice");
}

async fn consents_are_listed_by_client_and_go_with_their_person(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    for client in ["client_b", "client_a"] {
        let mut code = story.world.code(&story.session, at(1));
        client.clone_into(&mut code.grant.client);
        assert_eq!(story.issue(code).await, CodeIssue::Issued);
    }
    let clients: Vec<_> = story
        .consents()
        .await
        .into_iter()
        .map(|c| c.client)
        .collect();
    assert_eq!(clients, ["client_a", "client_b"]);
    let other = story.world.beside().await.tenant;
    let foreign = ports.authorizations.list_consents(other, story.user.id);
    assert_eq!(foreign.await, Ok(vec![]));
    let entry = story.world.entry(EventKind::UserDeleted);
    let deleted = ports
        .users
        .delete_user(story.user.id, None, much_later(), entry);
    assert!(deleted.await.unwrap().is_some());
    assert_eq!(story.consents().await, []);
}

async fn a_browser_session_is_loaded_while_it_lives(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let load = |tenant, session, now| {
        ports
            .authorizations
            .load_browser_session(tenant, session, now)
    };
    let (tenant, session) = (story.world.tenant, story.session.id);
    let whole = Some((story.session.clone(), story.user.clone()));
    assert_eq!(load(tenant, session, at(1)).await, Ok(whole));
    let end = story.session.expires_at;
    assert_eq!(load(tenant, session, end).await, Ok(None));
    let other = story.world.beside().await.tenant;
    assert_eq!(load(other, session, at(1)).await, Ok(None));
    let unknown = SessionId::generate(at(0), &Entropy);
    assert_eq!(load(tenant, unknown, at(1)).await, Ok(None));
    story.end_session().await;
    assert_eq!(load(tenant, session, at(1)).await, Ok(None));

    let (second, _) = story.world.sign_in(story.user.id).await;
    assert!(load(tenant, second.id, at(1)).await.unwrap().is_some());
    story.suspend().await;
    assert_eq!(load(tenant, second.id, at(1)).await, Ok(None));
}

async fn a_session_knows_its_clients_and_their_sectors(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let (tenant, session) = (story.world.tenant, story.session.id);
    let load = |tenant| ports.authorizations.load_session_clients(tenant, session);
    let own = (domain::client::FIRST_PARTY.to_owned(), None);
    assert_eq!(load(tenant).await, Ok(vec![own.clone()]));
    let mut code = story.world.code(&story.session, at(1));
    code.grant.details.sector = Some("app.example.org".to_owned());
    let redemption = story.world.redemption(&code, &story.session, at(2));
    let client = code.grant.client.clone();
    ports.authorizations.issue_code(code).await.unwrap();
    ports.sessions.redeem_code(redemption).await.unwrap();
    let theirs = (client, Some("app.example.org".to_owned()));
    assert_eq!(load(tenant).await, Ok(vec![theirs, own]));
    let other = story.world.beside().await.tenant;
    assert_eq!(load(other).await, Ok(Vec::new()));
}

async fn requests_and_codes_go_an_hour_after_their_end(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let request = story.push().await;
    let code = story.world.code(&story.session, at(0));
    let ends = [request.expires_at, code.expires_at];
    assert_eq!(story.issue(code).await, CodeIssue::Issued);
    let hour = Duration::from_hours(1);
    let early = ends.into_iter().min().unwrap() + hour - Duration::from_secs(1);
    let early = ports.janitor.purge(early, 100).await.unwrap();
    assert_eq!((early.pushed_requests, early.codes), (0, 0));
    let late = ends.into_iter().max().unwrap() + hour + Duration::from_secs(1);
    let late = ports.janitor.purge(late, 100).await.unwrap();
    assert_eq!((late.pushed_requests, late.codes), (1, 1));
    let slow = story.completion(&request, at(7_200));
    assert_eq!(story.issue(slow).await, CodeIssue::AlreadySpent);
}
