//! Claims about taking back what a person allowed a client (RFC 6749 §10.2).

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::{FamilyId, UserId};
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use domain::user::User;
use futures_util::future::join;

use crate::contract::fixture::{ALL_CHANGES, Entropy, World, at, bytes, much_later};
use crate::port::Ports;
use crate::port::authorizations::{CodeIssue, NewCode};
use crate::port::changes::{ChangesAsked, Interest};
use crate::port::sessions::{EndedFamilies, Redeemed, Rotation, Withdrawal};

crate::contract::claims!("sessions":
    a_withdrawal_ends_every_family_of_its_client_and_no_other,
    an_unredeemed_code_is_worth_nothing_after_a_withdrawal,
    a_withdrawal_of_nothing_writes_nothing,
    a_withdrawal_needs_its_person_client_and_tenant,
    a_grant_after_a_withdrawal_is_a_new_one,
    a_code_that_relied_on_a_consent_needs_it,
    no_family_outlives_a_withdrawal_at_the_same_moment,
    no_code_outlives_a_withdrawal_at_the_same_moment,
);

/// One signed-in user who allowed a client something.
struct Story {
    world: World,
    user: User,
    session: Session,
    own: Family,
}

impl Story {
    async fn begin(ports: Ports) -> Self {
        let world = World::new(ports).await;
        let user = world.register("ada@example.org").await;
        let (session, own) = world.sign_in(user.id).await;
        Self {
            world,
            user,
            session,
            own,
        }
    }

    async fn issue(&self, code: &NewCode) -> CodeIssue {
        let authorizations = &self.world.ports.authorizations;
        authorizations.issue_code(code.clone()).await.unwrap()
    }

    async fn issued(&self) -> NewCode {
        let code = self.world.code(&self.session, at(0));
        assert_eq!(self.issue(&code).await, CodeIssue::Issued);
        code
    }

    async fn redeem(&self, code: &NewCode) -> Redeemed {
        let order = self.world.redemption(code, &self.session, at(1));
        self.world.ports.sessions.redeem_code(order).await.unwrap()
    }

    async fn granted(&self) -> Family {
        match self.redeem(&self.issued().await).await {
            Redeemed::Granted(granted) => granted.family,
            other => unreachable!("{other:?}"),
        }
    }

    fn order(&self) -> Withdrawal {
        let client = self.world.code(&self.session, at(0)).grant.client;
        Withdrawal {
            tenant: self.world.tenant,
            user: self.user.id,
            client,
            now: at(60),
            remember_until: much_later(),
            entry: self.world.entry_at(EventKind::ConsentRevoked, at(60)),
        }
    }

    async fn withdraw(&self, order: Withdrawal) -> Option<EndedFamilies> {
        let sessions = &self.world.ports.sessions;
        sessions.withdraw_consent(order).await.unwrap()
    }

    async fn present(&self, family: &Family, now: UnixMillis) -> Rotation {
        let turn = self.world.turn(family, 1, now);
        let sessions = &self.world.ports.sessions;
        sessions.rotate_refresh(turn).await.unwrap()
    }

    async fn goes_on(&self, family: &Family) -> bool {
        matches!(self.present(family, at(61)).await, Rotation::Granted(_))
    }

    async fn consents(&self) -> usize {
        let authorizations = &self.world.ports.authorizations;
        let listed = authorizations.list_consents(self.world.tenant, self.user.id);
        listed.await.unwrap().len()
    }

    async fn revoked(&self) -> usize {
        self.world.count_events(EventKind::ConsentRevoked).await
    }
}

fn sorted(mut families: Vec<FamilyId>) -> Vec<FamilyId> {
    families.sort_unstable();
    families
}

async fn a_withdrawal_ends_every_family_of_its_client_and_no_other(ports: Ports) {
    let story = Story::begin(ports).await;
    let (one, two) = (story.granted().await, story.granted().await);
    let mut other = story.world.code(&story.session, at(0));
    "client_other".clone_into(&mut other.grant.client);
    assert_eq!(story.issue(&other).await, CodeIssue::Issued);
    let Redeemed::Granted(other) = story.redeem(&other).await else {
        unreachable!("another client's code")
    };
    let ended = story.withdraw(story.order()).await.map(sorted);
    assert_eq!(ended, Some(sorted(vec![one.id, two.id])));
    for family in [&one, &two] {
        assert_eq!(story.present(family, at(61)).await, Rotation::Ended);
        let client = family.client.clone();
        let sessions = &story.world.ports.sessions;
        let loaded = sessions.load_family(story.world.tenant, family.id, client);
        assert_eq!(loaded.await, Ok(None));
    }
    assert!(story.goes_on(&other.family).await && story.goes_on(&story.own).await);
    assert_eq!(story.consents().await, 1, "the other client's");
    let told = |change: &ChangeKind| match change {
        ChangeKind::GrantEnded(id) => Some(*id),
        _ => None,
    };
    let changes = story.world.changes().await;
    let told: Vec<_> = changes.iter().filter_map(told).collect();
    assert_eq!(
        (sorted(told), changes.len()),
        (sorted(vec![one.id, two.id]), 2)
    );
    let asked = ChangesAsked {
        interest: Interest::Revocations,
        ..ALL_CHANGES
    };
    let page = story.world.ports.changes.load_changes(asked).await.unwrap();
    assert_eq!(page.changes.len(), 2, "it is a revocation");
    assert_eq!(story.revoked().await, 1);
}

async fn an_unredeemed_code_is_worth_nothing_after_a_withdrawal(ports: Ports) {
    let story = Story::begin(ports).await;
    let code = story.issued().await;
    assert_eq!(story.withdraw(story.order()).await, Some(vec![]));
    assert_eq!(story.redeem(&code).await, Redeemed::Refused);
    let mut forgettable = story.world.code(&story.session, at(1));
    forgettable.remember = None;
    assert_eq!(story.issue(&forgettable).await, CodeIssue::Issued);
    let again = story.withdraw(story.order()).await;
    assert_eq!(again, Some(vec![]), "a code without a consent counts too");
    assert_eq!(story.redeem(&forgettable).await, Redeemed::Refused);
}

async fn a_withdrawal_of_nothing_writes_nothing(ports: Ports) {
    let story = Story::begin(ports).await;
    assert_eq!(story.withdraw(story.order()).await, None);
    story.granted().await;
    assert!(story.withdraw(story.order()).await.is_some());
    assert_eq!(story.withdraw(story.order()).await, None);
    assert_eq!(story.revoked().await, 1);
    assert_eq!(story.world.changes().await.len(), 1);
}

async fn a_withdrawal_needs_its_person_client_and_tenant(ports: Ports) {
    let story = Story::begin(ports).await;
    let family = story.granted().await;
    let (mut stranger, mut client, mut odd, mut foreign) =
        (story.order(), story.order(), story.order(), story.order());
    stranger.user = UserId::generate(at(0), &Entropy);
    "client_other".clone_into(&mut client.client);
    "\0".clone_into(&mut odd.client);
    foreign.tenant = story.world.beside().await.tenant;
    foreign.entry.origin.tenant = foreign.tenant;
    for order in [stranger, client, odd, foreign] {
        assert_eq!(story.withdraw(order).await, None);
    }
    assert!(story.goes_on(&family).await);
    assert_eq!((story.consents().await, story.revoked().await), (1, 0));
}

async fn a_grant_after_a_withdrawal_is_a_new_one(ports: Ports) {
    let story = Story::begin(ports).await;
    let before = story.granted().await;
    story.withdraw(story.order()).await;
    let after = story.granted().await;
    assert_ne!(before.id, after.id);
    assert!(story.goes_on(&after).await && !story.goes_on(&before).await);
    let told = ChangeKind::GrantEnded(after.id);
    assert!(!story.world.changes().await.contains(&told));
}

async fn a_code_that_relied_on_a_consent_needs_it(ports: Ports) {
    let story = Story::begin(ports).await;
    let relying = || NewCode {
        signature: bytes(),
        relies_on_consent: true,
        remember: None,
        ..story.world.code(&story.session, at(1))
    };
    assert_eq!(story.issue(&relying()).await, CodeIssue::ConsentGone);
    story.issued().await;
    assert_eq!(story.issue(&relying()).await, CodeIssue::Issued);
    let mut more = relying();
    more.grant.scope = domain::scope::ScopeSet::parse("openid phone").unwrap();
    assert_eq!(story.issue(&more).await, CodeIssue::ConsentGone);
    let mut elsewhere = relying();
    let resources = &mut elsewhere.grant.details.resources;
    resources.push("https://other.example".to_owned());
    assert_eq!(story.issue(&elsewhere).await, CodeIssue::ConsentGone);
    story.withdraw(story.order()).await;
    let request = story.world.pushed(at(0));
    let authorizations = &story.world.ports.authorizations;
    authorizations.push_request(request.clone()).await.unwrap();
    let mut late = relying();
    late.spend_pushed = Some(request.signature);
    assert_eq!(story.issue(&late).await, CodeIssue::ConsentGone);
    let left = authorizations.load_pushed(
        request.tenant,
        request.signature,
        request.client.clone(),
        at(1),
    );
    assert!(left.await.unwrap().is_some(), "nothing is spent");
}

async fn no_family_outlives_a_withdrawal_at_the_same_moment(ports: Ports) {
    let story = Story::begin(ports).await;
    for _ in 0..20 {
        let code = story.issued().await;
        let (redeemed, withdrawn) = join(story.redeem(&code), story.withdraw(story.order())).await;
        let ended = withdrawn.expect("there was a consent");
        match redeemed {
            Redeemed::Granted(granted) => {
                assert_eq!(ended, [granted.family.id]);
                assert_eq!(
                    story.present(&granted.family, at(61)).await,
                    Rotation::Ended
                );
            }
            Redeemed::Refused => assert!(ended.is_empty()),
            Redeemed::Replayed(replay) => unreachable!("{replay:?}"),
        }
    }
}

async fn no_code_outlives_a_withdrawal_at_the_same_moment(ports: Ports) {
    let story = Story::begin(ports).await;
    for _ in 0..20 {
        story.issued().await;
        let code = NewCode {
            relies_on_consent: true,
            remember: None,
            ..story.world.code(&story.session, at(0))
        };
        let (issued, withdrawn) = join(story.issue(&code), story.withdraw(story.order())).await;
        assert!(withdrawn.is_some());
        assert!(matches!(issued, CodeIssue::Issued | CodeIssue::ConsentGone));
        assert_eq!(story.redeem(&code).await, Redeemed::Refused);
    }
}
