//! Claims about the rotation of refresh tokens (CONTRACT §4, RFC 9700 §4.14).

use std::time::Duration;

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::{FamilyId, TenantId};
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use domain::user::{User, UserPatch};
use futures_util::future::join_all;

use crate::contract::fixture::{ALL_CHANGES, Entropy, IDLE, World, at, much_later};
use crate::port::Ports;
use crate::port::sessions::{Granted, Rotation, Turn};

crate::contract::claims!("sessions":
    the_current_token_advances_its_family,
    a_repeat_inside_the_window_writes_nothing,
    outside_the_window_the_successor_is_issued_again_once,
    an_older_token_ends_the_family_and_its_session,
    a_family_ended_by_reuse_stays_reused,
    a_family_ends_when_it_idles,
    a_family_ends_however_much_it_is_used,
    an_older_token_is_reuse_even_after_the_end,
    a_number_never_issued_is_refused,
    a_family_is_unknown_to_another_tenant_or_client,
    one_of_two_hundred_concurrent_presentations_advances,
    one_of_fifty_concurrent_reissues_is_granted,
    the_user_is_read_again_at_every_rotation,
    families_rotate_side_by_side,
    fapi_2_0_5_3_2_1_a_family_that_does_not_rotate_keeps_its_token,
);

/// One signed-in user.
struct Story {
    world: World,
    user: User,
    session: Session,
    family: Family,
}

impl Story {
    async fn begin(ports: Ports) -> Self {
        let world = World::new(ports).await;
        let user = world.register("ada@example.org").await;
        let (session, family) = world.sign_in(user.id).await;
        Self {
            world,
            user,
            session,
            family,
        }
    }

    async fn present(&self, generation: u32, now: UnixMillis) -> Rotation {
        let turn = self.world.turn(&self.family, generation, now);
        let sessions = &self.world.ports.sessions;
        sessions.rotate_refresh(turn).await.unwrap()
    }

    async fn grant(&self, generation: u32, now: UnixMillis) -> Granted {
        match self.present(generation, now).await {
            Rotation::Granted(granted) => *granted,
            other => unreachable!("{other:?}"),
        }
    }

    /// Presents a token for a client whose tokens do not rotate.
    async fn stay(&self, generation: u32, now: UnixMillis) -> Rotation {
        let turn = Turn {
            rotates: false,
            ..self.world.turn(&self.family, generation, now)
        };
        let sessions = &self.world.ports.sessions;
        sessions.rotate_refresh(turn).await.unwrap()
    }

    async fn refreshed(&self) -> usize {
        self.world.count_events(EventKind::TokenRefreshed).await
    }

    async fn assert_session_ended(&self) {
        let sessions = &self.world.ports.sessions;
        let live = sessions.list_sessions(self.world.tenant, self.user.id, at(1));
        assert!(live.await.unwrap().is_empty());
        let ended = [ChangeKind::SessionEnded(self.session.id)];
        assert_eq!(self.world.changes().await, ended);
    }
}

async fn the_current_token_advances_its_family(ports: Ports) {
    let story = Story::begin(ports).await;
    let granted = story.grant(1, at(10)).await;
    let expected = Granted {
        family: Family {
            generation: 2,
            rotated_at: at(10),
            idle_expires_at: at(10) + IDLE,
            ..story.family.clone()
        },
        session: Session {
            last_active_at: at(10),
            ..story.session.clone()
        },
        user: story.user.clone(),
        advanced: true,
    };
    assert_eq!(granted, expected);
    assert_eq!(story.grant(2, at(20)).await.family.generation, 3);
    let last = story.world.trail().await.pop().unwrap();
    assert_eq!(last.at, at(20));
    assert_eq!(last.fields["event"], "token.refreshed");
    assert_eq!(last.fields["subject"], story.user.id.to_string());
    assert_eq!(last.fields["client_id"], story.family.client);
    assert_eq!(last.fields["session_id"], story.session.id.to_string());
    assert_eq!(story.refreshed().await, 2);
    assert!(story.world.changes().await.is_empty());
}

async fn a_repeat_inside_the_window_writes_nothing(ports: Ports) {
    let story = Story::begin(ports).await;
    let first = story.grant(1, at(10)).await;
    for now in [at(10), at(25), at(40)] {
        let again = story.grant(1, now).await;
        assert!(!again.advanced);
        assert_eq!(again.family, first.family, "the same successor");
        assert_eq!(again.session, first.session);
    }
    assert_eq!(story.refreshed().await, 1);
    assert!(story.grant(2, at(41)).await.advanced);
}

async fn outside_the_window_the_successor_is_issued_again_once(ports: Ports) {
    let story = Story::begin(ports).await;
    story.grant(1, at(10)).await;
    let again = story.grant(1, at(41)).await;
    assert_eq!((again.family.generation, again.advanced), (2, false));
    assert!(again.family.reissued);
    let last = story.world.trail().await.pop().unwrap();
    assert_eq!(last.fields["event"], "token.refreshed");
    assert_eq!(last.fields["detail"]["reissued"], true);
    assert_eq!(story.refreshed().await, 2);

    let advanced = story.grant(2, at(42)).await;
    assert!(!advanced.family.reissued, "advancing begins anew");
    assert!(story.grant(2, at(100)).await.family.reissued);
    let reuse = story.present(2, at(101)).await;
    assert_eq!(reuse, Rotation::Reused(story.session.id));
    story.assert_session_ended().await;
}

async fn an_older_token_ends_the_family_and_its_session(ports: Ports) {
    let story = Story::begin(ports).await;
    story.grant(1, at(1)).await;
    story.grant(2, at(2)).await;
    let reuse = story.present(1, at(3)).await;
    assert_eq!(reuse, Rotation::Reused(story.session.id));
    story.assert_session_ended().await;
    let last = story.world.trail().await.pop().unwrap();
    assert_eq!(last.fields["event"], "token.reuse_detected");
    assert_eq!(last.fields["subject"], story.user.id.to_string());
    assert_eq!(last.fields["session_id"], story.session.id.to_string());
    let feed = &story.world.ports.changes;
    let loaded = feed.load_changes(ALL_CHANGES).await.unwrap();
    let ended = ChangeKind::SessionEnded(story.session.id);
    let mut told = loaded.changes.iter();
    let told = told.find(|change| change.what == ended).unwrap();
    assert_eq!(told.expires_at, much_later());
}

async fn a_family_ended_by_reuse_stays_reused(ports: Ports) {
    let story = Story::begin(ports).await;
    story.grant(1, at(1)).await;
    story.grant(2, at(2)).await;
    story.present(1, at(3)).await;
    for generation in [1, 2, 3] {
        let answer = story.present(generation, at(4)).await;
        assert_eq!(answer, Rotation::Reused(story.session.id));
    }
    story.assert_session_ended().await;
    let detected = story.world.count_events(EventKind::TokenReuseDetected);
    assert_eq!(detected.await, 1, "it is told once");
}

async fn a_family_ends_when_it_idles(ports: Ports) {
    let story = Story::begin(ports).await;
    let end = story.family.idle_expires_at;
    assert_eq!(story.present(1, end).await, Rotation::Ended);
    let granted = story.grant(1, end - Duration::from_millis(1)).await;
    let end = granted.family.idle_expires_at;
    assert_eq!(story.present(2, end).await, Rotation::Ended);
    assert_eq!(story.present(1, end).await, Rotation::Ended);
    assert_eq!(story.refreshed().await, 1);
}

async fn a_family_ends_however_much_it_is_used(ports: Ports) {
    let story = Story::begin(ports).await;
    let step = IDLE.saturating_sub(Duration::from_millis(1));
    let (mut now, mut generation) = (at(0) + step, 1);
    while now < story.family.expires_at {
        generation = story.grant(generation, now).await.family.generation;
        now = now + step;
    }
    assert_eq!(generation, 5);
    let answer = story.present(generation, story.family.expires_at).await;
    assert_eq!(answer, Rotation::Ended);
}

async fn an_older_token_is_reuse_even_after_the_end(ports: Ports) {
    let story = Story::begin(ports).await;
    story.grant(1, at(1)).await;
    story.grant(2, at(2)).await;
    let answer = story.present(1, story.family.expires_at).await;
    assert_eq!(answer, Rotation::Reused(story.session.id));
}

async fn a_number_never_issued_is_refused(ports: Ports) {
    let story = Story::begin(ports).await;
    for generation in [2, u32::MAX] {
        let answer = story.present(generation, at(1)).await;
        assert_eq!(answer, Rotation::Unknown);
    }
    assert_eq!(story.refreshed().await, 0);
    assert!(story.grant(1, at(1)).await.advanced, "nothing was harmed");
}

async fn a_family_is_unknown_to_another_tenant_or_client(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let other: TenantId = story.world.beside().await.tenant;
    let turn = || story.world.turn(&story.family, 1, at(1));
    let (mut tenant, mut client, mut family) = (turn(), turn(), turn());
    tenant.tenant = other;
    tenant.origin.tenant = other;
    "client_thief".clone_into(&mut client.client);
    family.family = FamilyId::generate(at(0), &Entropy);
    for turn in [tenant, client, family] {
        let answer = ports.sessions.rotate_refresh(turn).await.unwrap();
        assert_eq!(answer, Rotation::Unknown);
    }
    assert!(story.grant(1, at(1)).await.advanced, "nothing was harmed");
    story.grant(2, at(2)).await;
    let mut older = turn();
    "client_thief".clone_into(&mut older.client);
    let answer = ports.sessions.rotate_refresh(older).await.unwrap();
    assert_eq!(answer, Rotation::Unknown, "a stranger ends nobody's family");
    assert!(story.grant(3, at(3)).await.advanced);
}

async fn one_of_two_hundred_concurrent_presentations_advances(ports: Ports) {
    let story = Story::begin(ports).await;
    let answers = join_all((0..200).map(|_| story.grant(1, at(5)))).await;
    let advanced = answers.iter().filter(|granted| granted.advanced);
    assert_eq!(advanced.count(), 1);
    for granted in &answers {
        assert_eq!(granted.family.generation, 2);
        assert_eq!(granted.family.rotated_at, at(5));
    }
    assert_eq!(story.refreshed().await, 1);
    assert_eq!(story.grant(2, at(6)).await.family.generation, 3);
}

async fn one_of_fifty_concurrent_reissues_is_granted(ports: Ports) {
    let story = Story::begin(ports).await;
    story.grant(1, at(1)).await;
    let answers = join_all((0..50).map(|_| story.present(1, at(100)))).await;
    let granted = answers.iter().filter(|a| matches!(a, Rotation::Granted(_)));
    assert_eq!(granted.count(), 1);
    let reused = Rotation::Reused(story.session.id);
    assert_eq!(answers.iter().filter(|a| **a == reused).count(), 49);
    story.assert_session_ended().await;
    let detected = story.world.count_events(EventKind::TokenReuseDetected);
    assert_eq!(detected.await, 1);
}

async fn the_user_is_read_again_at_every_rotation(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let patch = UserPatch {
        roles: Some(vec!["auditor".to_owned()]),
        name: Some("Countess".to_owned()),
        ..UserPatch::default()
    };
    let entry = story.world.entry(EventKind::UserUpdated);
    let written = ports
        .users
        .update_user(story.user.id, patch, much_later(), entry);
    written.await.unwrap();
    for (generation, now) in [(1, at(1)), (1, at(2)), (2, at(3))] {
        let granted = story.grant(generation, now).await;
        assert_eq!(granted.user.roles, ["auditor"]);
        assert_eq!(granted.user.name, "Countess");
        assert_eq!(granted.family.scope, story.family.scope);
    }
}

async fn families_rotate_side_by_side(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let signed = join_all((0..64).map(|_| world.sign_in(user))).await;
    for generation in 1..=3 {
        let now = at(generation.into());
        let turns = signed.iter().map(|(_, family)| {
            let turn = world.turn(family, generation, now);
            ports.sessions.rotate_refresh(turn)
        });
        for (answer, (session, family)) in join_all(turns).await.into_iter().zip(&signed) {
            let Rotation::Granted(granted) = answer.unwrap() else {
                unreachable!("each family advances")
            };
            assert!(granted.advanced);
            assert_eq!(granted.family.generation, generation + 1);
            assert_eq!(
                (granted.family.id, granted.session.id),
                (family.id, session.id)
            );
        }
    }
}

async fn fapi_2_0_5_3_2_1_a_family_that_does_not_rotate_keeps_its_token(ports: Ports) {
    let story = Story::begin(ports).await;
    for now in [at(10), at(11), at(100)] {
        let Rotation::Granted(granted) = story.stay(1, now).await else {
            unreachable!("it is good again");
        };
        let expected = Family {
            generation: 1,
            idle_expires_at: now + IDLE,
            reissued: true,
            ..story.family.clone()
        };
        assert_eq!(granted.family, expected);
        assert_eq!(granted.session.last_active_at, now);
        assert!(granted.advanced);
    }
    assert_eq!(story.refreshed().await, 3);
    assert_eq!(story.stay(2, at(101)).await, Rotation::Unknown);
    // Where it rotated before, what was superseded is not brought back by the use of its successor.
    assert_eq!(story.grant(1, at(110)).await.family.generation, 2);
    assert!(matches!(story.stay(2, at(120)).await, Rotation::Granted(_)));
    let reuse = story.stay(1, at(141)).await;
    assert_eq!(reuse, Rotation::Reused(story.session.id));
    story.assert_session_ended().await;
}
