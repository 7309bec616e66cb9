//! Claims about what a sign-in relies on, and with what it was made.

use domain::event::EventKind;
use domain::factor::{Factor, Proved};
use domain::id::UserId;
use domain::session::{Family, Session};
use domain::user::{UserPatch, UserStatus};

use super::{end, live};
use crate::contract::fixture::{World, at, much_later};
use crate::port::Ports;
use crate::port::sessions::{EndTarget, Rotation, StepUp};

crate::contract::claims!("sessions":
    one_more_factor_makes_a_sign_in_another_under_its_name,
    what_has_ended_takes_no_more_factors,
    whoever_may_not_sign_in_adds_no_factor,
    only_a_device_that_was_not_seen_before_is_written_about,
);

fn up(world: &World, session: &Session) -> StepUp {
    let proof = |factor, seconds| Proved {
        factor,
        at: at(seconds),
    };
    StepUp {
        tenant: world.tenant,
        user: session.user,
        session: session.id,
        auth_time: at(20),
        amr: vec!["pwd".to_owned(), "otp".to_owned(), "mfa".to_owned()],
        acr: "aal2".to_owned(),
        proofs: vec![proof(Factor::Password, 0), proof(Factor::Totp, 20)],
        entry: world.entry_at(EventKind::SessionSteppedUp, at(20)),
    }
}

async fn step_up(world: &World, step: StepUp) -> bool {
    let stepped = world.ports.sessions.step_up_session(step);
    stepped.await.unwrap()
}

async fn rotated(world: &World, family: &Family) -> Rotation {
    let turn = world.turn(family, 1, at(30));
    world.ports.sessions.rotate_refresh(turn).await.unwrap()
}

async fn one_more_factor_makes_a_sign_in_another_under_its_name(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let (session, family) = world.sign_in(user).await;
    let step = up(&world, &session);
    assert!(step_up(&world, step.clone()).await);
    let Rotation::Granted(granted) = rotated(&world, &family).await else {
        unreachable!("the family goes on")
    };
    let expected = Session {
        auth_time: step.auth_time,
        amr: step.amr,
        acr: step.acr,
        proofs: step.proofs,
        last_active_at: at(30),
        ..session
    };
    assert_eq!(granted.session, expected);
    assert_eq!(live(&world, user).await, [expected.id]);
    let trail = world.trail().await;
    let told = trail
        .iter()
        .any(|row| row.fields["event"] == "session.stepped_up");
    assert!(told);
}

async fn what_has_ended_takes_no_more_factors(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let other = world.register("eve@example.org").await.id;
    let (session, _) = world.sign_in(user).await;
    let stolen = StepUp {
        user: other,
        ..up(&world, &session)
    };
    assert!(!step_up(&world, stolen).await, "another's");
    end(&world, EndTarget::Session(user, session.id)).await;
    let before = world.trail().await.len();
    assert!(!step_up(&world, up(&world, &session)).await);
    assert_eq!(world.trail().await.len(), before, "nothing is written");
}

async fn whoever_may_not_sign_in_adds_no_factor(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let (session, _) = world.sign_in(user).await;
    let patch = UserPatch {
        status: Some(UserStatus::Locked),
        ..UserPatch::default()
    };
    let entry = world.entry(EventKind::UserLocked).about(&user);
    let users = &world.ports.users;
    users
        .update_user(user, patch, much_later(), entry)
        .await
        .unwrap();
    assert!(!step_up(&world, up(&world, &session)).await);
}

async fn only_a_device_that_was_not_seen_before_is_written_about(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let other = world.register("eve@example.org").await.id;
    let letters = async |user: UserId, program: &str| {
        let before = world.waiting_mails().await;
        let mut new = world.sign_in_at(user, at(5));
        new.session.user_agent = Some(program.to_owned());
        new.new_device_notice = Some(world.mail(at(5)));
        assert!(
            world
                .ports
                .sessions
                .begin_session(new)
                .await
                .unwrap()
                .is_some()
        );
        world.waiting_mails().await - before
    };
    assert_eq!(letters(user, "Fox/1 (X11)").await, 0, "the very first");
    assert_eq!(letters(user, "Fox/2 (X11)").await, 0, "a newer version");
    assert_eq!(letters(user, "Fox/2 (Phone)").await, 1);
    assert_eq!(letters(user, "Fox/3 (Phone)").await, 0);
    assert_eq!(letters(other, "Fox/3 (Phone)").await, 0, "another's first");
}
