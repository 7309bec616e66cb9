//! Claims about devices that wait for a person (RFC 8628 §3.4, §3.5).

use std::time::Duration;

use domain::event::EventKind;
use domain::session::Session;
use domain::time::UnixMillis;
use domain::user::User;
use futures_util::future::{join, join_all};

use crate::contract::fixture::{World, at, bytes, much_later};
use crate::port::Ports;
use crate::port::authorizations::{CodeIssue, NewCode};
use crate::port::devices::{Denial, NewDevice, Poll, Polled, WaitingDevice};
use crate::port::sessions::{EndTarget, Ending, Redeemable, Redeemed, Redemption};

super::claims!("devices":
    a_device_is_found_by_its_user_code_until_it_is_decided,
    a_user_code_names_one_device_in_each_tenant,
    a_device_that_asks_too_often_is_slowed_down,
    one_of_fifty_concurrent_decisions_counts,
    a_device_is_allowed_within_a_live_session_only,
    a_denied_or_expired_device_gets_nothing,
    another_client_or_tenant_knows_no_device,
    an_allowed_device_is_redeemed_once_and_asking_again_takes_nothing_back,
    fifty_concurrent_redemptions_of_a_device_leave_the_winner_alone,
    devices_go_an_hour_after_their_end,
);

/// One signed-in user, and a device.
struct Story {
    world: World,
    user: User,
    session: Session,
    device: NewDevice,
}

impl Story {
    async fn begin(ports: Ports) -> Self {
        let world = World::new(ports).await;
        let user = world.register("ada@example.org").await;
        let (session, _) = world.sign_in(user.id).await;
        let device = world.device(at(0));
        let begun = world.ports.devices.begin_device(device.clone()).await;
        assert_eq!(begun, Ok(true));
        Self {
            world,
            user,
            session,
            device,
        }
    }

    async fn find(&self, now: UnixMillis) -> Option<WaitingDevice> {
        let (tenant, code) = (self.device.tenant, self.device.user_code);
        let found = self.world.ports.devices.find_device(tenant, code, now);
        found.await.unwrap()
    }

    fn question(&self, now: UnixMillis) -> Poll {
        Poll {
            tenant: self.device.tenant,
            signature: self.device.signature,
            client: self.device.client.clone(),
            now,
        }
    }

    async fn ask(&self, poll: Poll) -> Polled {
        self.world.ports.devices.poll_device(poll).await.unwrap()
    }

    async fn poll(&self, now: UnixMillis) -> Polled {
        self.ask(self.question(now)).await
    }

    /// Makes the code that allows the device.
    fn code(&self, now: UnixMillis) -> NewCode {
        let mut code = NewCode {
            signature: self.device.signature,
            expires_at: self.device.expires_at,
            remember: None,
            ..self.world.code(&self.session, now)
        };
        code.grant.client.clone_from(&self.device.client);
        code
    }

    async fn allow(&self, code: NewCode) -> CodeIssue {
        self.world.ports.devices.allow_device(code).await.unwrap()
    }

    async fn deny(&self, now: UnixMillis) -> bool {
        let denial = Denial {
            tenant: self.device.tenant,
            signature: self.device.signature,
            now,
            entry: self.world.entry(EventKind::AuthorizationDenied),
        };
        self.world.ports.devices.deny_device(denial).await.unwrap()
    }

    fn order(&self, now: UnixMillis) -> Redemption {
        let order = self.world.redemption(&self.code(at(1)), &self.session, now);
        Redemption {
            kind: Redeemable::DeviceCode,
            ..order
        }
    }

    async fn redeem(&self, now: UnixMillis) -> Redeemed {
        let redeemed = self.world.ports.sessions.redeem_code(self.order(now));
        redeemed.await.unwrap()
    }

    async fn events(&self, kind: EventKind) -> usize {
        self.world.count_events(kind).await
    }
}

async fn a_device_is_found_by_its_user_code_until_it_is_decided(ports: Ports) {
    let story = Story::begin(ports).await;
    let device = &story.device;
    let waiting = WaitingDevice {
        signature: device.signature,
        client: device.client.clone(),
        scope: device.scope.clone(),
        resources: device.resources.clone(),
        expires_at: device.expires_at,
    };
    assert_eq!(story.find(at(1)).await, Some(waiting));
    assert_eq!(story.find(device.expires_at).await, None);
    let other = story.world.beside().await.tenant;
    let devices = &story.world.ports.devices;
    let foreign = devices.find_device(other, device.user_code, at(1)).await;
    assert_eq!(foreign, Ok(None));
    assert_eq!(story.allow(story.code(at(2))).await, CodeIssue::Issued);
    assert_eq!(story.find(at(3)).await, None);
}

async fn a_user_code_names_one_device_in_each_tenant(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let again = NewDevice {
        signature: bytes(),
        ..story.device.clone()
    };
    assert_eq!(ports.devices.begin_device(again.clone()).await, Ok(false));
    let beside = NewDevice {
        tenant: story.world.beside().await.tenant,
        ..again
    };
    assert_eq!(ports.devices.begin_device(beside).await, Ok(true));
}

async fn a_device_that_asks_too_often_is_slowed_down(ports: Ports) {
    let story = Story::begin(ports).await;
    for (second, expected) in [
        (0, Polled::Waiting),
        (4, Polled::TooSoon),
        (13, Polled::TooSoon),
        (28, Polled::Waiting),
        (42, Polled::TooSoon),
        (62, Polled::Waiting),
    ] {
        assert_eq!(story.poll(at(second)).await, expected, "at {second}");
    }
    for _ in 0..20 {
        story.poll(at(63)).await;
    }
    assert_eq!(
        story.poll(at(63 + 60)).await,
        Polled::Waiting,
        "the longest"
    );
}

async fn one_of_fifty_concurrent_decisions_counts(ports: Ports) {
    let story = Story::begin(ports).await;
    let yes = join_all((0..25).map(|_| story.allow(story.code(at(1)))));
    let no = join_all((0..25).map(|_| story.deny(at(1))));
    let (yes, no) = join(yes, no).await;
    let allowed = yes.iter().filter(|a| **a == CodeIssue::Issued).count();
    let denied = no.iter().filter(|denied| **denied).count();
    assert_eq!(allowed + denied, 1);
    let late = yes.iter().filter(|a| **a == CodeIssue::AlreadySpent);
    assert_eq!(late.count(), 25 - allowed);
    assert_eq!(story.events(EventKind::AuthorizationGranted).await, allowed);
    assert_eq!(story.events(EventKind::AuthorizationDenied).await, denied);
    let expected = [Polled::Denied, Polled::Allowed];
    assert_eq!(story.poll(at(2)).await, expected[allowed]);
}

async fn a_device_is_allowed_within_a_live_session_only(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let ending = Ending {
        tenant: story.world.tenant,
        target: EndTarget::Session(story.user.id, story.session.id),
        reason: domain::session::EndReason::Logout,
        now: at(1),
        remember_until: much_later(),
        entry: story.world.entry(EventKind::SessionEnded),
    };
    assert!(ports.sessions.end_sessions(ending).await.is_ok());
    let allowed = story.allow(story.code(at(2))).await;
    assert_eq!(allowed, CodeIssue::SessionEnded);
    assert_eq!(
        story.poll(at(2)).await,
        Polled::Waiting,
        "nothing is written"
    );
    assert_eq!(story.events(EventKind::AuthorizationGranted).await, 0);
}

async fn a_denied_or_expired_device_gets_nothing(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let end = story.device.expires_at;
    assert_eq!(story.allow(story.code(end)).await, CodeIssue::AlreadySpent);
    assert!(!story.deny(end).await);
    assert_eq!(story.poll(end).await, Polled::Expired);
    assert!(story.deny(at(1)).await);
    assert!(!story.deny(at(1)).await, "once");
    assert_eq!(
        story.allow(story.code(at(2))).await,
        CodeIssue::AlreadySpent
    );
    assert_eq!(story.poll(at(2)).await, Polled::Denied);
    assert_eq!(story.redeem(at(2)).await, Redeemed::Refused);
}

async fn another_client_or_tenant_knows_no_device(ports: Ports) {
    let story = Story::begin(ports).await;
    for client in ["client_thief", "\0"] {
        let stolen = Poll {
            client: client.to_owned(),
            ..story.question(at(1))
        };
        assert_eq!(story.ask(stolen).await, Polled::Unknown);
    }
    let foreign = Poll {
        tenant: story.world.beside().await.tenant,
        ..story.question(at(1))
    };
    assert_eq!(story.ask(foreign).await, Polled::Unknown);
    let mut confused = story.code(at(1));
    "client_thief".clone_into(&mut confused.grant.client);
    assert_eq!(story.allow(confused).await, CodeIssue::AlreadySpent);
    assert_eq!(story.poll(at(1)).await, Polled::Waiting);
}

async fn an_allowed_device_is_redeemed_once_and_asking_again_takes_nothing_back(ports: Ports) {
    let story = Story::begin(ports).await;
    assert_eq!(
        story.redeem(at(1)).await,
        Redeemed::Refused,
        "not allowed yet"
    );
    assert_eq!(story.allow(story.code(at(1))).await, CodeIssue::Issued);
    assert_eq!(story.poll(at(2)).await, Polled::Allowed);
    let Redeemed::Granted(granted) = story.redeem(at(2)).await else {
        unreachable!("it is allowed")
    };
    assert_eq!(granted.family.session, story.session.id);
    assert_eq!(story.redeem(at(3)).await, Redeemed::Refused);
    assert_eq!(story.events(EventKind::CodeReplayed).await, 0);
    let turn = story.world.turn(&granted.family, 1, at(4));
    let rotated = story.world.ports.sessions.rotate_refresh(turn).await;
    assert!(matches!(
        rotated,
        Ok(crate::port::sessions::Rotation::Granted(_))
    ));
    let issued = story.world.trail().await;
    let issued = issued
        .iter()
        .find(|row| row.fields["event"] == "token.issued");
    assert_eq!(issued.unwrap().fields["detail"]["grant"], "device_code");
}

async fn fifty_concurrent_redemptions_of_a_device_leave_the_winner_alone(ports: Ports) {
    let story = Story::begin(ports).await;
    assert_eq!(story.allow(story.code(at(1))).await, CodeIssue::Issued);
    let answers = join_all((0..50).map(|_| story.redeem(at(2)))).await;
    let granted = answers.iter().filter_map(|answer| match answer {
        Redeemed::Granted(granted) => Some(granted),
        _ => None,
    });
    let granted: Vec<_> = granted.collect();
    assert_eq!(granted.len(), 1);
    let refused = answers.iter().filter(|a| **a == Redeemed::Refused);
    assert_eq!(refused.count(), 49);
    assert_eq!(story.events(EventKind::TokenIssued).await, 1);
    assert_eq!(story.events(EventKind::SessionEnded).await, 0);
}

async fn devices_go_an_hour_after_their_end(ports: Ports) {
    let story = Story::begin(ports.clone()).await;
    let gone = story.device.expires_at + Duration::from_hours(1);
    let early = ports.janitor.purge(gone - Duration::from_secs(1), 100);
    assert_eq!(early.await.unwrap().devices, 0);
    assert_eq!(
        story.poll(gone).await,
        Polled::Expired,
        "it is told so long"
    );
    let late = ports
        .janitor
        .purge(gone + Duration::from_secs(1), 100)
        .await;
    assert_eq!(late.unwrap().devices, 1);
    assert_eq!(story.poll(gone).await, Polled::Unknown);
}
