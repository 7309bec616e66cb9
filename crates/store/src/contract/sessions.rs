//! Claims about sessions; those about refresh rotation are in [`rotation`].

use std::time::Duration;

use domain::attempt::{AttemptKey, AttemptVerdict};
use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::{FamilyId, SessionId, UserId};
use domain::session::EndReason;
use futures_util::future::{join, join_all};

use crate::contract::Case;
use crate::contract::fixture::{ALL_CHANGES, Entropy, World, at, much_later};
use crate::port::Ports;
use crate::port::changes::{ChangesAsked, Interest};
use crate::port::sessions::{EndTarget, EndedSessions, Ending, MAX_SESSIONS, NewSession, Rotation};

mod proofs;
mod redemption;
mod rotation;
mod withdrawal;

pub(super) fn cases() -> Vec<Case> {
    [
        own(),
        proofs::cases(),
        rotation::cases(),
        redemption::cases(),
        withdrawal::cases(),
    ]
    .concat()
}

super::claims!("sessions" in own:
    a_session_is_listed_as_it_was_stored,
    a_success_clears_the_failures,
    a_user_who_is_not_there_begins_no_session,
    a_password_that_was_replaced_begins_no_session,
    live_sessions_are_listed_last_used_first,
    a_session_that_cannot_be_used_is_not_listed,
    a_sign_in_too_many_ends_the_session_not_used_for_longest,
    a_refused_sign_in_displaces_nothing,
    sign_ins_at_the_brim_at_once_all_succeed,
    ending_a_family_ends_its_session,
    ending_a_session_needs_its_user_and_tenant,
    ending_a_user_spares_the_session_kept,
    ending_twice_ends_once,
    a_revoked_access_token_is_announced_until_it_expires,
    a_live_family_is_read_for_its_own_client_alone,
);

async fn end(world: &World, target: EndTarget) -> EndedSessions {
    let ending = Ending {
        tenant: world.tenant,
        target,
        reason: EndReason::Logout,
        now: at(60),
        remember_until: much_later(),
        entry: world.entry_at(EventKind::SessionEnded, at(60)),
    };
    world.ports.sessions.end_sessions(ending).await.unwrap()
}

async fn live(world: &World, user: UserId) -> Vec<SessionId> {
    let listed = world
        .ports
        .sessions
        .list_sessions(world.tenant, user, at(60));
    let mut ids: Vec<_> = listed.await.unwrap().iter().map(|s| s.id).collect();
    ids.sort_unstable();
    ids
}

async fn a_session_is_listed_as_it_was_stored(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (session, _) = world.sign_in(user).await;
    let listed = ports
        .sessions
        .list_sessions(world.tenant, user, at(1))
        .await;
    assert_eq!(listed.unwrap(), [session]);

    let other = world.beside().await.tenant;
    let listed = ports.sessions.list_sessions(other, user, at(1)).await;
    assert!(listed.unwrap().is_empty());
    let mut bare = world.sign_in_at(user, at(2));
    bare.session.address = None;
    bare.session.user_agent = None;
    bare.session.amr = vec![];
    let expected = bare.session.clone();
    assert!(ports.sessions.begin_session(bare).await.unwrap().is_some());
    let listed = ports
        .sessions
        .list_sessions(world.tenant, user, at(3))
        .await;
    assert_eq!(listed.unwrap().first(), Some(&expected));
}

async fn a_success_clears_the_failures(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (key, spared) = (AttemptKey([1; 32]), AttemptKey([2; 32]));
    for key in [key, spared, key] {
        let claim = world.attempt(key, at(0));
        ports.attempts.claim_attempt(claim).await.unwrap();
    }
    let mut new = world.sign_in_at(user, at(1));
    new.clear_attempts = Some(key.into());
    assert!(ports.sessions.begin_session(new).await.unwrap().is_some());
    for (key, failures) in [(key, 1), (spared, 2)] {
        let next = ports.attempts.claim_attempt(world.attempt(key, at(1)));
        assert_eq!(next.await.unwrap(), AttemptVerdict::Granted { failures });
    }
}

async fn a_user_who_is_not_there_begins_no_session(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let stranger = UserId::generate(at(0), &Entropy);
    let key = AttemptKey([1; 32]);
    let claim = world.attempt(key, at(0));
    ports.attempts.claim_attempt(claim).await.unwrap();
    let mut new = world.sign_in_at(stranger, at(0));
    new.clear_attempts = Some(key.into());
    let family = new.family.clone();
    assert_eq!(ports.sessions.begin_session(new).await.unwrap(), None);
    let turn = ports.sessions.rotate_refresh(world.turn(&family, 1, at(1)));
    assert_eq!(turn.await.unwrap(), Rotation::Unknown);
    let next = ports.attempts.claim_attempt(world.attempt(key, at(0)));
    let next = next.await.unwrap();
    assert_eq!(
        next,
        AttemptVerdict::Granted { failures: 2 },
        "nothing was written"
    );
    assert_eq!(world.count_events(EventKind::LoginSucceeded).await, 0);
}

async fn a_password_that_was_replaced_begins_no_session(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let mut new = world.sign_in_at(user, at(1));
    new.password_set_at = Some(at(0) - Duration::from_millis(1));
    assert_eq!(
        ports.sessions.begin_session(new.clone()).await.unwrap(),
        None
    );
    assert_eq!(world.count_events(EventKind::LoginSucceeded).await, 0);
    new.password_set_at = Some(at(0));
    assert!(ports.sessions.begin_session(new).await.unwrap().is_some());
}

async fn live_sessions_are_listed_last_used_first(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (first, first_family) = world.sign_in(user).await;
    let (second, _) = world.sign_in(user).await;
    let (ended, _) = world.sign_in(user).await;
    end(&world, EndTarget::Session(user, ended.id)).await;
    let turn = world.turn(&first_family, 1, at(30));
    ports.sessions.rotate_refresh(turn).await.unwrap();

    let listed = ports
        .sessions
        .list_sessions(world.tenant, user, at(31))
        .await;
    let listed = listed.unwrap();
    let ids: Vec<_> = listed.iter().map(|session| session.id).collect();
    assert_eq!(ids, [first.id, second.id]);
    assert_eq!(listed[0].last_active_at, at(30));
    let late = ports
        .sessions
        .list_sessions(world.tenant, user, first.expires_at);
    assert!(
        late.await.unwrap().is_empty(),
        "an expired session is not live"
    );
}

async fn a_session_that_cannot_be_used_is_not_listed(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let mut new = world.sign_in_at(user, at(0));
    new.family.idle_expires_at = at(10);
    let idle = new.session.id;
    assert!(ports.sessions.begin_session(new).await.unwrap().is_some());
    let (used, _) = world.sign_in(user).await;
    for (now, expected) in [(at(9), vec![idle, used.id]), (at(10), vec![used.id])] {
        let listed = ports.sessions.list_sessions(world.tenant, user, now).await;
        let mut ids: Vec<_> = listed.unwrap().iter().map(|s| s.id).collect();
        ids.sort_by_key(|id| *id != idle);
        assert_eq!(ids, expected);
    }
}

/// Signs a user in as often as one may, a second after the other.
async fn sign_in_to_the_brim(world: &World, user: UserId) -> Vec<NewSession> {
    let mut all = Vec::new();
    for second in 0..MAX_SESSIONS {
        let new = world.sign_in_at(user, at(second.into()));
        let begun = world.ports.sessions.begin_session(new.clone()).await;
        assert_eq!(begun.unwrap(), Some(vec![]));
        all.push(new);
    }
    all
}

async fn a_sign_in_too_many_ends_the_session_not_used_for_longest(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let bystander = world.register("bob@example.org").await.id;
    world.sign_in(bystander).await;
    let all = sign_in_to_the_brim(&world, user).await;
    let used = world.turn(&all[0].family, 1, at(200));
    ports.sessions.rotate_refresh(used).await.unwrap();

    let new = world.sign_in_at(user, at(300));
    let begun = ports.sessions.begin_session(new).await.unwrap();
    let (oldest, oldest_family) = (all[1].session.id, &all[1].family);
    assert_eq!(begun, Some(vec![oldest]));
    assert_eq!(world.changes().await, [ChangeKind::SessionEnded(oldest)]);
    assert_eq!(world.count_events(EventKind::SessionEnded).await, 1);
    let listed = ports
        .sessions
        .list_sessions(world.tenant, user, at(301))
        .await;
    assert_eq!(u32::try_from(listed.unwrap().len()), Ok(MAX_SESSIONS));
    let turn = ports
        .sessions
        .rotate_refresh(world.turn(oldest_family, 1, at(301)));
    assert_eq!(turn.await.unwrap(), Rotation::Ended);
    assert_eq!(live(&world, bystander).await.len(), 1);
}

async fn a_refused_sign_in_displaces_nothing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    sign_in_to_the_brim(&world, user).await;
    let mut new = world.sign_in_at(user, at(300));
    new.password_set_at = Some(at(0) - Duration::from_millis(1));
    assert_eq!(ports.sessions.begin_session(new).await.unwrap(), None);
    assert!(world.changes().await.is_empty());
    let listed = live(&world, user).await;
    assert_eq!(u32::try_from(listed.len()), Ok(MAX_SESSIONS));
}

async fn sign_ins_at_the_brim_at_once_all_succeed(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let all = sign_in_to_the_brim(&world, user).await;
    let rotations = all.iter().take(20).map(|old| {
        let turn = world.turn(&old.family, 1, at(200));
        async { ports.sessions.rotate_refresh(turn).await.map(|_| ()) }
    });
    let begins = (0..20).map(|_| {
        let new = world.sign_in_at(user, at(200));
        async {
            ports
                .sessions
                .begin_session(new)
                .await
                .map(|begun| assert!(begun.is_some()))
        }
    });
    let (rotated, begun) = join(join_all(rotations), join_all(begins)).await;
    assert!(rotated.iter().chain(&begun).all(Result::is_ok));
    let last = world.sign_in_at(user, at(300));
    assert!(ports.sessions.begin_session(last).await.unwrap().is_some());
    assert_eq!(
        end(&world, EndTarget::User(user, None)).await.len(),
        all.len()
    );
}

async fn ending_a_family_ends_its_session(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (session, family) = world.sign_in(user).await;
    let (spared, _) = world.sign_in(user).await;
    let other = world.beside().await;
    assert!(end(&other, EndTarget::Family(family.id)).await.is_empty());
    let unknown = FamilyId::generate(at(0), &Entropy);
    assert!(end(&world, EndTarget::Family(unknown)).await.is_empty());

    assert_eq!(
        end(&world, EndTarget::Family(family.id)).await,
        [session.id]
    );
    assert_eq!(live(&world, user).await, [spared.id]);
    let turn = ports
        .sessions
        .rotate_refresh(world.turn(&family, 1, at(61)));
    assert_eq!(turn.await.unwrap(), Rotation::Ended);
    let ended = [ChangeKind::SessionEnded(session.id)];
    assert_eq!(world.changes().await, ended);
    assert!(other.changes().await.is_empty());
}

async fn ending_a_session_needs_its_user_and_tenant(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let stranger = world.register("eve@example.org").await.id;
    let (session, _) = world.sign_in(user).await;
    let (spared, _) = world.sign_in(user).await;
    let target = EndTarget::Session(stranger, session.id);
    assert!(end(&world, target).await.is_empty());
    let other = world.beside().await;
    let target = EndTarget::Session(user, session.id);
    assert!(end(&other, target).await.is_empty());
    assert_eq!(live(&world, user).await.len(), 2);

    assert_eq!(end(&world, target).await, [session.id]);
    assert_eq!(live(&world, user).await, [spared.id]);
}

async fn ending_a_user_spares_the_session_kept(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let bystander = world.register("bob@example.org").await.id;
    world.sign_in(bystander).await;
    let (kept, _) = world.sign_in(user).await;
    let (one, _) = world.sign_in(user).await;
    let (two, _) = world.sign_in(user).await;

    let mut ended = end(&world, EndTarget::User(user, Some(kept.id))).await;
    let mut expected = [one.id, two.id];
    ended.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ended, expected);
    assert_eq!(live(&world, user).await, [kept.id]);
    assert_eq!(end(&world, EndTarget::User(user, None)).await, [kept.id]);
    assert!(live(&world, user).await.is_empty());
    assert_eq!(live(&world, bystander).await.len(), 1);
    assert_eq!(world.changes().await.len(), 3);
}

async fn ending_twice_ends_once(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let (session, family) = world.sign_in(user).await;
    for target in [
        EndTarget::Session(user, session.id),
        EndTarget::Session(user, session.id),
        EndTarget::Family(family.id),
        EndTarget::User(user, None),
    ] {
        end(&world, target).await;
    }
    let ended = [ChangeKind::SessionEnded(session.id)];
    assert_eq!(world.changes().await, ended);
    assert_eq!(world.count_events(EventKind::SessionEnded).await, 1);
}

async fn a_revoked_access_token_is_announced_until_it_expires(ports: Ports) {
    let world = World::new(ports.clone()).await;
    for _ in 0..2 {
        let entry = world.entry(EventKind::TokenRevoked);
        let revoked =
            ports
                .sessions
                .revoke_access(world.tenant, "jti-1".to_owned(), at(900), entry);
        revoked.await.unwrap();
    }
    let asked = ChangesAsked {
        interest: Interest::Revocations,
        ..ALL_CHANGES
    };
    let loaded = ports.changes.load_changes(asked).await.unwrap();
    assert_eq!(loaded.changes.len(), 1, "however often it is revoked");
    let told = loaded.changes.first().unwrap();
    assert_eq!(told.what, ChangeKind::AccessRevoked("jti-1".to_owned()));
    assert_eq!((told.tenant, told.expires_at), (world.tenant, at(900)));
    assert_eq!(world.count_events(EventKind::TokenRevoked).await, 2);
}

async fn a_live_family_is_read_for_its_own_client_alone(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (session, family) = world.sign_in(user).await;
    let other = world.beside().await.tenant;
    let read = |tenant, client: &str| {
        ports
            .sessions
            .load_family(tenant, family.id, client.to_owned())
    };
    let found = read(world.tenant, &family.client).await.unwrap().unwrap();
    assert_eq!((&found.family, &found.session), (&family, &session));
    assert_eq!((found.user.id, found.advanced), (user, false));
    for (tenant, client) in [(world.tenant, "another"), (other, family.client.as_str())] {
        assert!(read(tenant, client).await.unwrap().is_none(), "{client}");
    }
    let turn = ports.sessions.rotate_refresh(world.turn(&family, 1, at(1)));
    assert!(matches!(turn.await.unwrap(), Rotation::Granted(_)));
    let found = read(world.tenant, &family.client).await.unwrap().unwrap();
    assert_eq!(found.family.generation, 2, "it reads what stands");
    end(&world, EndTarget::Family(family.id)).await;
    assert!(read(world.tenant, &family.client).await.unwrap().is_none());
}
