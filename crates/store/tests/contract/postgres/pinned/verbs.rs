//! A tenant that has something of everything, and the verbs that are asked for it.

use domain::api_key::{ApiKey, ApiKeyFilter};
use domain::client::{Client as OAuthClient, ClientPatch};
use domain::event::EventKind;
use domain::id::{PolicyId, UserId};
use domain::one_time::{OneTime, Purpose};
use domain::role::Role;
use domain::session::{EndReason, Family, Session};
use domain::user::{UserFilter, UserPatch};
use store::contract::fixture::identities::ELSEWHERE;
use store::contract::fixture::{World, address, at, much_later, page};
use store::port::authorizations::{NewCode, PushedRequest};
use store::port::clients::ClientWrite;
use store::port::devices::NewDevice;
use store::port::factors::RemoveAllFactors;
use store::port::roles::RoleWrite;
use store::port::sessions::{EndTarget, Ending, Redeemed, Rotation, Withdrawal};
use store::port::users::UserWrite;

use super::super::border::fill;
use super::super::server::Database;

/// What a tenant has, by every name that a verb takes.
pub(super) struct Things {
    pub(super) world: World,
    user: UserId,
    session: Session,
    family: Family,
    client: OAuthClient,
    key: ApiKey,
    role: Role,
    policy: PolicyId,
    token: OneTime,
    code: NewCode,
    pushed: PushedRequest,
    device: NewDevice,
}

/// Stores something for every verb to find.
pub(super) async fn furnish(database: &Database) -> Things {
    let world = fill(&database.store).await;
    let ports = &world.ports;
    let tenant = world.tenant;
    let found = ports
        .users
        .load_credentials(tenant, address("ada@example.org"));
    let user = found.await.unwrap().unwrap().user.id;
    let (session, family) = world.sign_in(user).await;
    let token = world.one_time(user, Purpose::VerifyEmail);
    let entry = world.entry(EventKind::EmailVerificationRequested);
    let issued = ports
        .one_time
        .issue_one_time(token.clone(), world.mail(at(0)), entry);
    issued.await.unwrap();
    let (pushed, device) = (world.pushed(at(0)), world.device(at(0)));
    let mut code = world.code(&session, at(0));
    code.spend_pushed = None;
    ports
        .authorizations
        .push_request(pushed.clone())
        .await
        .unwrap();
    ports.authorizations.issue_code(code.clone()).await.unwrap();
    assert!(ports.devices.begin_device(device.clone()).await.unwrap());
    let clients = ports
        .clients
        .list_clients(tenant, page(1, 10))
        .await
        .unwrap();
    let keys = ports
        .api_keys
        .list_api_keys(tenant, ApiKeyFilter::default(), page(1, 10));
    let keys = keys.await.unwrap();
    let (roles, policies) = ports.roles.load_rules(Some(tenant)).await.unwrap();
    Things {
        client: clients.items[0].clone(),
        key: keys.items[0].clone(),
        role: roles[0].clone(),
        policy: policies[0].id,
        user,
        session,
        family,
        token,
        code,
        pushed,
        device,
        world,
    }
}

/// Asks every verb that looks something up; says for each whether it found anything.
pub(super) async fn look(things: &Things) -> Vec<(&'static str, bool)> {
    [
        look_at_accounts(things).await,
        look_at_grants(things).await,
        look_at_the_rest(things).await,
    ]
    .concat()
}

async fn look_at_accounts(things: &Things) -> Vec<(&'static str, bool)> {
    let (ports, tenant, user) = (&things.world.ports, things.world.tenant, things.user);
    let (users, factors) = (&ports.users, &ports.factors);
    let mail = address("ada@example.org");
    let list = users
        .list_users(tenant, UserFilter::default(), page(1, 10))
        .await
        .unwrap();
    let bound = factors.load_factors(tenant, user).await.unwrap();
    let activity = ports
        .audit
        .list_activity(tenant, user, page(1, 10))
        .await
        .unwrap();
    let names = ports.identities.list_identities(tenant, user);
    let names = names.await.unwrap();
    let token = &things.token;
    let whose = ports
        .one_time
        .load_one_time(tenant, token.purpose, token.signature, at(1));
    vec![
        (
            "load_user",
            users.load_user(tenant, user).await.unwrap().is_some(),
        ),
        (
            "load_credentials",
            users
                .load_credentials(tenant, mail)
                .await
                .unwrap()
                .is_some(),
        ),
        (
            "load_password",
            users.load_password(tenant, user).await.unwrap().is_some(),
        ),
        ("list_users", list.total > 0 || !list.items.is_empty()),
        ("load_factors", bound != domain::factor::Factors::default()),
        (
            "list_activity",
            activity.total > 0 || !activity.items.is_empty(),
        ),
        ("list_identities", !names.is_empty()),
        (
            "find_identity",
            things.world.meant_by(ELSEWHERE, "x").await.is_some(),
        ),
        ("load_one_time", whose.await.unwrap().is_some()),
    ]
}

async fn look_at_grants(things: &Things) -> Vec<(&'static str, bool)> {
    let (ports, tenant) = (&things.world.ports, things.world.tenant);
    let (sessions, authorizations) = (&ports.sessions, &ports.authorizations);
    let (session, family) = (things.session.id, things.family.id);
    let own = things.family.client.clone();
    let pushed = &things.pushed;
    let parameters =
        authorizations.load_pushed(tenant, pushed.signature, pushed.client.clone(), at(1));
    let consent =
        authorizations.load_consent(tenant, things.user, things.code.grant.client.clone());
    let device = ports
        .devices
        .find_device(tenant, things.device.user_code, at(1));
    let live = sessions.load_family(tenant, family, own);
    let listed = sessions.list_sessions(tenant, things.user, at(1));
    let consents = authorizations.list_consents(tenant, things.user);
    let browser = authorizations.load_browser_session(tenant, session, at(1));
    let clients = authorizations.load_session_clients(tenant, session);
    let client = sessions.load_family_client(tenant, family);
    vec![
        ("load_family", live.await.unwrap().is_some()),
        ("load_family_client", client.await.unwrap().is_some()),
        ("list_sessions", !listed.await.unwrap().is_empty()),
        ("load_pushed", parameters.await.unwrap().is_some()),
        ("load_consent", consent.await.unwrap().is_some()),
        ("list_consents", !consents.await.unwrap().is_empty()),
        ("load_browser_session", browser.await.unwrap().is_some()),
        ("load_session_clients", !clients.await.unwrap().is_empty()),
        ("find_device", device.await.unwrap().is_some()),
    ]
}

async fn look_at_the_rest(things: &Things) -> Vec<(&'static str, bool)> {
    let (ports, tenant) = (&things.world.ports, things.world.tenant);
    let clients = ports
        .clients
        .list_clients(tenant, page(1, 10))
        .await
        .unwrap();
    let client = ports.clients.load_client(tenant, things.client.id.clone());
    let key = ports.api_keys.load_api_key(tenant, things.key.signature);
    let keys = ports
        .api_keys
        .list_api_keys(tenant, ApiKeyFilter::default(), page(1, 10));
    let keys = keys.await.unwrap();
    let found = ports.api_keys.find_api_key(tenant, things.key.id);
    let (roles, policies) = ports.roles.load_rules(Some(tenant)).await.unwrap();
    let trail = ports.audit.list_audit(tenant, page(1, 10));
    let unsealed = ports.audit.load_unsealed(tenant, 0, 10).await.unwrap();
    let itself = ports.tenants.load_tenant(tenant);
    vec![
        ("load_client", client.await.unwrap().is_some()),
        (
            "list_clients",
            clients.total > 0 || !clients.items.is_empty(),
        ),
        ("load_api_key", key.await.unwrap().is_some()),
        ("find_api_key", found.await.unwrap().is_some()),
        ("list_api_keys", keys.total > 0 || !keys.items.is_empty()),
        ("load_rules", !roles.is_empty() || !policies.is_empty()),
        (
            "load_data_keys",
            !ports
                .data_keys
                .load_data_keys(tenant)
                .await
                .unwrap()
                .is_empty(),
        ),
        ("list_audit", !trail.await.unwrap().is_empty()),
        ("load_unsealed", !unsealed.1.is_empty()),
        ("load_tenant", itself.await.unwrap().is_some()),
    ]
}

/// Asks every verb that changes what is there; none may find it.
pub(super) async fn meddle(things: &Things) {
    let (ports, world) = (&things.world.ports, &things.world);
    let (tenant, user) = (world.tenant, things.user);
    let entry = |kind| world.entry(kind);
    let patch = UserPatch {
        name: Some("Mine".to_owned()),
        ..UserPatch::default()
    };
    let written = ports
        .users
        .update_user(user, patch, much_later(), entry(EventKind::UserUpdated));
    assert_eq!(written.await.unwrap(), UserWrite::Missing);
    let deleted = ports
        .users
        .delete_user(user, None, much_later(), entry(EventKind::UserDeleted));
    assert_eq!(deleted.await.unwrap(), None);
    let removal = RemoveAllFactors {
        tenant,
        user,
        remember_until: much_later(),
        notice: None,
        entry: entry(EventKind::FactorsReset),
    };
    assert_eq!(
        ports.factors.remove_all_factors(removal).await.unwrap(),
        None
    );
    let id = things.client.id.clone();
    let disabled = ClientPatch {
        disabled: Some(true),
        ..ClientPatch::default()
    };
    let written =
        ports
            .clients
            .update_client(id.clone(), disabled, entry(EventKind::ClientUpdated));
    assert_eq!(written.await.unwrap(), ClientWrite::Missing);
    let deleted = ports
        .clients
        .delete_client(id, None, entry(EventKind::ClientDeleted));
    assert!(!deleted.await.unwrap());
    let key = things.key.id;
    let revoked =
        ports
            .api_keys
            .revoke_api_key(tenant, key, at(1), entry(EventKind::ApiKeyRevoked));
    assert!(!revoked.await.unwrap());
    let written = ports
        .roles
        .update_role(things.role.clone(), entry(EventKind::RoleUpdated));
    assert_eq!(written.await.unwrap(), RoleWrite::Stale);
    let deleted = ports
        .roles
        .delete_policy(things.policy, entry(EventKind::PolicyDeleted));
    assert!(!deleted.await.unwrap());
    let linked = world.identity(user, (ELSEWHERE, "x"));
    assert!(!world.unlink(&linked).await);
    meddle_with_grants(things).await;
}

async fn meddle_with_grants(things: &Things) {
    let (ports, world) = (&things.world.ports, &things.world);
    let (tenant, user) = (world.tenant, things.user);
    let turn = world.turn(&things.family, 1, at(1));
    let rotated = ports.sessions.rotate_refresh(turn).await;
    assert_eq!(rotated.unwrap(), Rotation::Unknown);
    let redemption = world.redemption(&things.code, &things.session, at(1));
    let redeemed = ports.sessions.redeem_code(redemption).await;
    assert!(matches!(redeemed.unwrap(), Redeemed::Refused));
    let ending = Ending {
        tenant,
        target: EndTarget::Session(user, things.session.id),
        reason: EndReason::Logout,
        now: at(1),
        remember_until: much_later(),
        entry: world.entry(EventKind::SessionEnded),
    };
    let ended = ports.sessions.end_sessions(ending).await.unwrap();
    assert!(ended.is_empty(), "{ended:?}");
    let withdrawal = Withdrawal {
        tenant,
        user,
        client: things.code.grant.client.clone(),
        now: at(1),
        remember_until: much_later(),
        entry: world.entry(EventKind::ConsentRevoked),
    };
    assert_eq!(
        ports.sessions.withdraw_consent(withdrawal).await.unwrap(),
        None
    );
}

/// Asks verbs that store something new; the database refuses the row.
pub(super) async fn intrude(things: &Things) {
    let world = &things.world;
    let newcomer = world.user(address("eve@example.org"), at(1));
    let new = store::port::users::NewUser {
        entry: world.entry(EventKind::UserRegistered),
        user: newcomer,
        password: None,
        verification: None,
    };
    assert!(world.ports.users.register_user(new).await.is_err());
    let pushed = world.pushed(at(1));
    assert!(
        world
            .ports
            .authorizations
            .push_request(pushed)
            .await
            .is_err()
    );
    let claimed = world.ports.spent.claim_id(world.tenant, [7; 32], at(60));
    assert!(claimed.await.is_err());
    let role = world.role("intruder", &[]);
    let made = world
        .ports
        .roles
        .create_role(role, world.entry(EventKind::RoleCreated));
    assert!(made.await.is_err());
}
