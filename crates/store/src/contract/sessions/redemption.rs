//! Claims about redeeming authorization codes (RFC 6749 §4.1.2, §10.5; RFC 9700 §2.1.1).

use std::sync::Arc;
use std::time::Duration;

use domain::authorization::GrantDetails;
use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::session::{EndReason, Family, Session};
use domain::time::UnixMillis;
use domain::user::{User, UserPatch, UserStatus};
use futures_util::future::{join, join_all};

use crate::contract::fixture::{World, at, bytes, much_later};
use crate::port::Ports;
use crate::port::authorizations::{CodeIssue, NewCode};
use crate::port::sessions::{
    EndTarget, Ending, Redeemed, RedeemedGrant, Redemption, Replay, Rotation,
};

crate::contract::claims!("sessions":
    a_code_gives_a_family_that_rotates,
    a_key_proved_with_the_code_binds_the_family,
    a_certificate_shown_with_the_code_binds_the_family,
    one_of_fifty_concurrent_redemptions_is_granted,
    a_replay_takes_back_what_the_code_gave,
    a_replay_after_the_codes_end_is_still_one,
    a_replay_is_told_once,
    a_replay_that_proves_nothing_ends_nothing,
    an_unknown_expired_or_foreign_code_is_refused,
    a_code_is_worth_nothing_after_its_session,
    a_code_is_worth_nothing_to_a_suspended_person,
    no_family_outlives_a_session_that_ended_meanwhile,
);

/// A code of one signed-in user.
struct Story {
    world: World,
    user: User,
    session: Session,
    code: NewCode,
}

impl Story {
    async fn begin(ports: Ports) -> Self {
        let world = World::new(ports).await;
        let user = world.register("ada@example.org").await;
        let (session, _) = world.sign_in(user.id).await;
        let code = world.code(&session, at(0));
        let story = Self {
            world,
            user,
            session,
            code,
        };
        story.issue(&story.code).await;
        story
    }

    async fn issue(&self, code: &NewCode) {
        let authorizations = &self.world.ports.authorizations;
        let issued = authorizations.issue_code(code.clone()).await;
        assert_eq!(issued, Ok(CodeIssue::Issued));
    }

    fn order(&self, now: UnixMillis) -> Redemption {
        self.world.redemption(&self.code, &self.session, now)
    }

    async fn redeem(&self, order: Redemption) -> Redeemed {
        self.world.ports.sessions.redeem_code(order).await.unwrap()
    }

    async fn grant(&self, order: Redemption) -> RedeemedGrant {
        match self.redeem(order).await {
            Redeemed::Granted(granted) => *granted,
            other => unreachable!("{other:?}"),
        }
    }

    async fn present(&self, family: &Family, now: UnixMillis) -> Rotation {
        let turn = self.world.turn(family, 1, now);
        self.world
            .ports
            .sessions
            .rotate_refresh(turn)
            .await
            .unwrap()
    }

    async fn end_session(&self) {
        let ending = Ending {
            tenant: self.world.tenant,
            target: EndTarget::Session(self.user.id, self.session.id),
            reason: EndReason::Logout,
            now: at(5),
            remember_until: much_later(),
            entry: self.world.entry(EventKind::SessionEnded),
        };
        let ended = self.world.ports.sessions.end_sessions(ending).await;
        assert_eq!(ended, Ok(vec![self.session.id]));
    }

    /// Counts codes that were redeemed and codes that were replayed.
    async fn told(&self) -> (usize, usize) {
        (
            self.world.count_events(EventKind::TokenIssued).await,
            self.world.count_events(EventKind::CodeReplayed).await,
        )
    }

    async fn assert_untouched(&self) {
        assert_eq!(self.told().await, (0, 0));
        assert_eq!(self.world.changes().await, []);
        self.grant(self.order(at(1))).await;
    }
}

async fn a_code_gives_a_family_that_rotates(ports: Ports) {
    let story = Story::begin(ports).await;
    let order = story.order(at(10));
    let family = order.family.clone();
    let granted = story.grant(order).await;
    let expected = RedeemedGrant {
        grant: story.code.grant.clone(),
        session: Session {
            last_active_at: at(10),
            ..story.session.clone()
        },
        user: story.user.clone(),
        family: Family {
            client: story.code.grant.client.clone(),
            scope: story.code.grant.scope.clone(),
            details: story.code.grant.details.clone(),
            ..family
        },
    };
    assert_eq!(granted, expected);
    let last = story.world.trail().await.pop().unwrap();
    assert_eq!(last.fields["event"], "token.issued");
    assert_eq!(last.fields["subject"], story.user.id.to_string());
    assert_eq!(last.fields["client_id"], granted.family.client);
    assert_eq!(last.fields["session_id"], story.session.id.to_string());
    let Rotation::Granted(rotated) = story.present(&granted.family, at(20)).await else {
        unreachable!("the family goes on")
    };
    assert_eq!(rotated.family.details, granted.family.details);
    assert_eq!(rotated.family.scope, granted.family.scope);
    assert_eq!(rotated.session.id, story.session.id);
    assert_eq!(story.world.changes().await, []);
}

async fn a_key_proved_with_the_code_binds_the_family(ports: Ports) {
    let story = Story::begin(ports).await;
    let mut order = story.order(at(1));
    order.family.details.dpop_jkt = Some("thumbprint".to_owned());
    let expected = GrantDetails {
        dpop_jkt: Some("thumbprint".to_owned()),
        ..story.code.grant.details.clone()
    };
    let granted = story.grant(order).await;
    assert_eq!(granted.family.details, expected);
    let present = |jkt: Option<&str>| {
        let mut turn = story.world.turn(&granted.family, 1, at(2));
        turn.jkt = jkt.map(str::to_owned);
        story.world.ports.sessions.rotate_refresh(turn)
    };
    for other in [None, Some("another"), Some("")] {
        let refused = present(other).await;
        assert_eq!(refused, Ok(Rotation::Unknown), "{other:?}");
    }
    let Ok(Rotation::Granted(rotated)) = present(Some("thumbprint")).await else {
        unreachable!("the family goes on")
    };
    assert_eq!(rotated.family.details, expected);
}

async fn a_certificate_shown_with_the_code_binds_the_family(ports: Ports) {
    let story = Story::begin(ports).await;
    let mut order = story.order(at(1));
    order.family.details.certificate = Some("thumbprint".to_owned());
    let granted = story.grant(order).await;
    let bound = granted.family.details.certificate.as_deref();
    assert_eq!(bound, Some("thumbprint"));
    let present = |generation, certificate: Option<&str>| {
        let mut turn = story.world.turn(&granted.family, generation, at(2));
        turn.certificate = certificate.map(str::to_owned);
        // A key that is proved beside it makes up for nothing.
        turn.jkt = Some("thumbprint".to_owned());
        story.world.ports.sessions.rotate_refresh(turn)
    };
    for other in [None, Some("another"), Some("")] {
        let refused = present(1, other).await;
        assert_eq!(refused, Ok(Rotation::Unknown), "{other:?}");
    }
    for generation in [1, 2] {
        let rotated = present(generation, Some("thumbprint")).await;
        assert!(matches!(rotated, Ok(Rotation::Granted(_))));
    }
    // Whoever lacks it ends nobody's family with an old token.
    assert_eq!(present(1, None).await, Ok(Rotation::Unknown));
    let last = present(3, Some("thumbprint")).await;
    assert!(matches!(last, Ok(Rotation::Granted(_))));
}

async fn one_of_fifty_concurrent_redemptions_is_granted(ports: Ports) {
    let story = Story::begin(ports).await;
    let answers = join_all((0..50).map(|_| story.redeem(story.order(at(1))))).await;
    let is_granted = |answer: &&Redeemed| matches!(answer, Redeemed::Granted(_));
    assert_eq!(answers.iter().filter(is_granted).count(), 1);
    let is_replay = |answer: &&Redeemed| matches!(answer, Redeemed::Replayed(_));
    assert_eq!(answers.iter().filter(is_replay).count(), 49);
    let nothing = Redeemed::Replayed(Replay::default());
    let took = answers.iter().filter(is_replay).filter(|a| **a != nothing);
    assert_eq!(took.count(), 1, "it is taken back once");
    assert_eq!(story.told().await, (1, 1));
}

async fn a_replay_takes_back_what_the_code_gave(ports: Ports) {
    let story = Story::begin(ports).await;
    let order = story.order(at(1));
    let (jti, expires_at) = (order.access_jti.clone(), order.access_expires_at);
    let granted = story.grant(order).await;
    let replay = Replay {
        ended: vec![story.session.id],
        access: Some((jti.clone(), expires_at)),
    };
    let again = story.redeem(story.order(at(2))).await;
    assert_eq!(again, Redeemed::Replayed(replay));
    let reused = Rotation::Reused(story.session.id);
    assert_eq!(story.present(&granted.family, at(3)).await, reused);
    let changes = story.world.changes().await;
    assert_eq!(changes.len(), 2);
    assert!(changes.contains(&ChangeKind::SessionEnded(story.session.id)));
    assert!(changes.contains(&ChangeKind::AccessRevoked(jti)));
    let last = story.world.trail().await.pop().unwrap();
    assert_eq!(last.fields["event"], "code.replay_detected");
    assert_eq!(last.fields["subject"], story.user.id.to_string());
    assert_eq!(last.fields["session_id"], story.session.id.to_string());
    assert_eq!(last.fields["success"], false);
}

async fn a_replay_after_the_codes_end_is_still_one(ports: Ports) {
    let story = Story::begin(ports).await;
    story.grant(story.order(at(1))).await;
    let late = story.redeem(story.order(story.code.expires_at)).await;
    assert!(matches!(late, Redeemed::Replayed(replay) if !replay.ended.is_empty()));
}

async fn a_replay_is_told_once(ports: Ports) {
    let story = Story::begin(ports).await;
    story.grant(story.order(at(1))).await;
    story.redeem(story.order(at(2))).await;
    let third = story.redeem(story.order(at(3))).await;
    assert_eq!(third, Redeemed::Replayed(Replay::default()));
    assert_eq!(story.told().await, (1, 1));
    assert_eq!(story.world.changes().await.len(), 2);
}

async fn a_replay_that_proves_nothing_ends_nothing(ports: Ports) {
    let story = Story::begin(ports).await;
    let granted = story.grant(story.order(at(1))).await;
    let (mut guess, mut foreign) = (story.order(at(2)), story.order(at(2)));
    guess.judge = Arc::new(|_| false);
    "client_thief".clone_into(&mut foreign.client);
    for order in [guess, foreign] {
        assert_eq!(story.redeem(order).await, Redeemed::Refused);
    }
    assert_eq!(story.told().await, (1, 0));
    let next = story.present(&granted.family, at(3)).await;
    assert!(matches!(next, Rotation::Granted(_)));
}

async fn an_unknown_expired_or_foreign_code_is_refused(ports: Ports) {
    let story = Story::begin(ports).await;
    let other = story.world.beside().await.tenant;
    let order = || story.order(at(1));
    let (mut unknown, mut expired, mut guess) = (order(), order(), order());
    unknown.signature = bytes();
    expired.now = story.code.expires_at;
    guess.judge = Arc::new(|_| false);
    let (mut client, mut hostile, mut tenant) = (order(), order(), order());
    "client_thief".clone_into(&mut client.client);
    "\0".clone_into(&mut hostile.client);
    tenant.tenant = other;
    tenant.origin.tenant = other;
    for order in [unknown, expired, guess, client, hostile, tenant] {
        assert_eq!(story.redeem(order).await, Redeemed::Refused);
    }
    story.assert_untouched().await;
}

async fn a_code_is_worth_nothing_after_its_session(ports: Ports) {
    let story = Story::begin(ports).await;
    let mut lasting = story.world.code(&story.session, at(0));
    lasting.expires_at = much_later();
    story.issue(&lasting).await;
    let late = story.session.expires_at;
    let late = story.world.redemption(&lasting, &story.session, late);
    assert_eq!(story.redeem(late).await, Redeemed::Refused);
    story.end_session().await;
    assert_eq!(story.redeem(story.order(at(6))).await, Redeemed::Refused);
    assert_eq!(story.told().await, (0, 0));
}

async fn a_code_is_worth_nothing_to_a_suspended_person(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let patch = UserPatch {
        status: Some(UserStatus::Suspended),
        ..UserPatch::default()
    };
    let entry = story.world.entry(EventKind::UserUpdated);
    let written = ports
        .users
        .update_user(story.user.id, patch, much_later(), entry);
    written.await.unwrap();
    assert_eq!(story.redeem(story.order(at(1))).await, Redeemed::Refused);
    assert_eq!(story.told().await, (0, 0));
}

/// An ending may not see a family that begins while it runs; the family is dead all the same.
async fn no_family_outlives_a_session_that_ended_meanwhile(ports: Ports) {
    let story = Story::begin(ports).await;
    let codes: Vec<_> = (0..30)
        .map(|_| story.world.code(&story.session, at(0)))
        .collect();
    for code in &codes {
        story.issue(code).await;
    }
    let orders = codes.iter().map(|code| {
        let order = story.world.redemption(code, &story.session, at(4));
        story.redeem(order)
    });
    let (answers, ()) = join(join_all(orders), story.end_session()).await;
    for answer in answers {
        if let Redeemed::Granted(granted) = answer {
            let now = at(6) + Duration::from_secs(1);
            assert_eq!(story.present(&granted.family, now).await, Rotation::Ended);
        }
    }
}
