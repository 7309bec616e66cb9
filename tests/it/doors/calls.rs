//! `auth.v1.AuthService`, called as any gRPC client calls it (CONTRACT §10).

use auth_service::grpc::wire::{CheckPermissionResponse, GetUserRequest, ValidateTokenResponse};
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::asker::Asker;
use crate::admin::areas::key_in;
use crate::backend::Backend;
use crate::client::{Person, plain};
use crate::house::House;
use crate::scenes;

scenes![
    who_shows_no_credential_is_told_so_before_anything_else,
    a_service_validates_a_token_until_it_is_revoked,
    a_token_is_valid_for_its_audience_alone,
    a_person_asks_about_themselves_alone,
    a_client_asks_about_its_own_tokens,
    a_scope_opens_its_own_call_and_no_other,
    a_role_lets_a_client_ask,
    another_tenants_things_are_not_there,
    a_permission_is_explained,
    who_waits_no_longer_is_told_that_it_is_late,
    a_message_that_is_too_long_is_refused,
    the_network_has_one_bucket_at_every_door,
    what_is_no_call_is_no_call,
];

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> Code {
    answer.expect_err("refused").code()
}

async fn open() -> House {
    House::open(Backend::Sqlite).await
}

async fn who_shows_no_credential_is_told_so_before_anything_else() {
    let house = open().await;
    for metadata in [
        &[][..],
        &[("authorization", "Basic YTpi")],
        &[("authorization", "Bearer qf_at_x")],
        &[("x-api-key", "qf_ak_x")],
    ] {
        let asker = Asker::new(&house, metadata).await;
        assert_eq!(refused(asker.validate("x").await), Code::Unauthenticated);
        assert_eq!(refused(asker.introspect("x").await), Code::Unauthenticated);
        assert_eq!(refused(asker.user("x").await), Code::Unauthenticated);
        let status = asker.check(["", "", ""]).await.expect_err("refused");
        assert_eq!(status.code(), Code::Unauthenticated);
        let details = status.get_error_details();
        let word = details.error_info().map(|info| info.reason.clone());
        assert_eq!(word.as_deref(), Some("UNAUTHORIZED"));
    }
    let both = [("authorization", "Bearer x"), ("x-api-key", "y")];
    let asker = Asker::new(&house, &both).await;
    assert_eq!(refused(asker.user("").await), Code::InvalidArgument);
    house.stop().await;
}

async fn a_service_validates_a_token_until_it_is_revoked() {
    let house = open().await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let service = Asker::key(&house, "tokens:introspect").await;
    let valid = service.validate(&tokens.access).await.expect("an answer");
    let claims = valid.claims.expect("claims");
    assert!(valid.valid);
    assert_eq!(claims.sub, house.user_id(&person).await);
    assert_eq!(claims.client_type, "user");
    assert_eq!(claims.token_type, "Bearer");
    assert_eq!(service.introspect(&tokens.access).await.ok(), Some(true));
    // Of a refresh token nobody is told but its client.
    assert_eq!(service.introspect(&tokens.refresh).await.ok(), Some(false));
    assert!(
        !service
            .validate(&tokens.refresh)
            .await
            .expect("an answer")
            .valid
    );
    assert!(!service.validate("nonsense").await.expect("an answer").valid);

    let logout = person.public.bearer(&tokens.access);
    logout.post("/auth/logout", json!({})).await;
    let ended = service.validate(&tokens.access).await.expect("an answer");
    assert_eq!(ended, ValidateTokenResponse::default());
    assert_eq!(service.introspect(&tokens.access).await.ok(), Some(false));
    house.stop().await;
}

async fn a_token_is_valid_for_its_audience_alone() {
    let house = open().await;
    let access = Person::register(&house.public(), "ada")
        .await
        .login()
        .await
        .access;
    let service = Asker::key(&house, "tokens:introspect").await;
    let told = service.validate(&access).await.expect("an answer");
    let own = told.claims.expect("claims").aud.concat();
    for (audience, valid) in [(own.as_str(), true), ("https://api.example.org", false)] {
        let told = service.validate_for(&access, audience).await;
        assert_eq!(told.expect("an answer").valid, valid, "{audience}");
    }
    house.stop().await;
}

async fn a_person_asks_about_themselves_alone() {
    let house = open().await;
    let ada = Person::register(&house.public(), "ada").await;
    let bob = Person::register(&house.public(), "bob").await;
    let (own, other) = (ada.login().await.access, bob.login().await.access);
    let (id, other_id) = (house.user_id(&ada).await, house.user_id(&bob).await);
    let asker = Asker::bearer(&house, &own).await;
    assert!(asker.validate(&own).await.expect("an answer").valid);
    assert_eq!(asker.user("").await.expect("an account").email, ada.email);
    assert_eq!(asker.user(&id).await.expect("an account").id, id);
    let nothing = asker.check(["", "invoices", "read"]).await;
    assert!(!nothing.expect("an answer").allowed);
    let nobody = "019ac0de-0000-7000-8000-000000000002";
    for id in [other_id.as_str(), nobody, "nonsense"] {
        assert_eq!(
            refused(asker.user(id).await),
            Code::PermissionDenied,
            "{id}"
        );
    }
    for token in [other.as_str(), "nonsense"] {
        assert_eq!(refused(asker.validate(token).await), Code::PermissionDenied);
        assert_eq!(
            refused(asker.introspect(token).await),
            Code::PermissionDenied
        );
    }
    let theirs = format!("user:{other_id}");
    for subject in [theirs.as_str(), "admin", "user:nobody"] {
        let asked = asker.check([subject, "invoices", "read"]).await;
        assert_eq!(refused(asked), Code::PermissionDenied, "{subject}");
    }
    house.stop().await;
}

async fn a_client_asks_about_its_own_tokens() {
    let house = open().await;
    let (id, secret) = house.add_client(&["reports"]).await;
    let first = house.client_token(&id, &secret).await.field("access_token");
    let second = house.client_token(&id, &secret).await.field("access_token");
    let (other, other_secret) = house.add_client(&["reports"]).await;
    let foreign = house.client_token(&other, &other_secret).await;
    let foreign = foreign.field("access_token");
    let asker = Asker::bearer(&house, &first).await;
    assert_eq!(asker.introspect(&second).await.ok(), Some(true));
    assert_eq!(
        refused(asker.introspect(&foreign).await),
        Code::PermissionDenied
    );
    assert_eq!(refused(asker.user("").await), Code::InvalidArgument);
    let own = format!("client:{id}");
    assert!(asker.check([&own, "invoices", "read"]).await.is_ok());
    let patch = json!({ "may_introspect": true });
    let path = format!("/admin/clients/{id}");
    house.admin().patch(&path, patch).await.expect(200);
    assert_eq!(asker.introspect(&foreign).await.ok(), Some(true));
    house.stop().await;
}

async fn a_scope_opens_its_own_call_and_no_other() {
    let house = open().await;
    let person = Person::register(&house.public(), "ada").await;
    let (id, access) = (house.user_id(&person).await, person.login().await.access);
    for (scope, expected) in [
        ("tokens:introspect", [true, false, false]),
        ("admin:tokens:read", [true, false, false]),
        ("users:read", [false, true, false]),
        ("admin:users", [false, true, false]),
        ("permissions:check", [false, false, true]),
        ("admin:rbac:read", [false, false, true]),
        ("admin:*", [true, true, true]),
        ("reports", [false, false, false]),
    ] {
        let asker = Asker::key(&house, scope).await;
        let told = [
            asker.validate(&access).await.map(drop),
            asker.user(&id).await.map(drop),
            asker.check(["admin", "x", "y"]).await.map(drop),
        ];
        let told = told.map(|answer| match answer {
            Ok(()) => true,
            Err(status) if status.code() == Code::PermissionDenied => false,
            Err(status) => panic!("{scope}: {status}"),
        });
        assert_eq!(told, expected, "{scope}");
        // A scope of this door opens nothing of the admin door.
        if !scope.starts_with("admin:") {
            let key = key_in(&house, "default", scope).await;
            let door = house.stranger().with("x-api-key", key);
            door.get("/admin/users").await.expect(403);
        }
    }
    house.stop().await;
}

async fn a_role_lets_a_client_ask() {
    let house = open().await;
    let admin = house.admin();
    let person = Person::register(&house.public(), "ada").await;
    let user = house.user_id(&person).await;
    let (id, secret) = house.add_client(&["reports"]).await;
    let token = house.client_token(&id, &secret).await.field("access_token");
    let asker = Asker::bearer(&house, &token).await;
    assert_eq!(refused(asker.user(&user).await), Code::PermissionDenied);
    let subject = format!("client:{id}");
    let policy = json!({ "subject": subject, "object": "grpc:users", "action": "read" });
    let made = admin.post("/admin/rbac/policies", policy).await.expect(201);
    assert_eq!(
        asker.user(&user).await.expect("an account").email,
        person.email
    );
    let policy = format!("/admin/rbac/policies/{}", made.field("id"));
    admin.delete(&policy).await.expect(204);
    assert_eq!(refused(asker.user(&user).await), Code::PermissionDenied);
    house.stop().await;
}

async fn another_tenants_things_are_not_there() {
    let house = open().await;
    house.add_tenant("acme").await;
    let person = Person::register(&house.public(), "ada").await;
    let (id, access) = (house.user_id(&person).await, person.login().await.access);
    let key = key_in(&house, "acme", "admin:*").await;
    let own = [("x-api-key", key.as_str()), ("x-tenant-id", "acme")];
    let asker = Asker::new(&house, &own).await;
    assert_eq!(refused(asker.user(&id).await), Code::NotFound);
    assert!(!asker.validate(&access).await.expect("an answer").valid);
    let asked = asker.check([&format!("user:{id}"), "x", "y"]).await;
    assert!(!asked.expect("an answer").allowed);
    // A key counts in its own tenant alone.
    let elsewhere = Asker::new(&house, &[("x-api-key", &key)]).await;
    assert_eq!(refused(elsewhere.user(&id).await), Code::Unauthenticated);
    let bearer = format!("Bearer {access}");
    let moved = [("authorization", bearer.as_str()), ("x-tenant-id", "acme")];
    let moved = Asker::new(&house, &moved).await;
    assert_eq!(refused(moved.user("").await), Code::Unauthenticated);
    let lost = [("x-api-key", key.as_str()), ("x-tenant-id", "nobody")];
    let lost = Asker::new(&house, &lost).await;
    assert_eq!(refused(lost.user(&id).await), Code::NotFound);
    house.suspend_tenant("acme").await;
    assert_eq!(refused(asker.user(&id).await), Code::PermissionDenied);
    house.stop().await;
}

async fn a_permission_is_explained() {
    let house = open().await;
    let admin = house.admin();
    for role in [
        json!({ "name": "reader" }),
        json!({ "name": "clerk", "inherits": ["reader"] }),
    ] {
        admin.post("/admin/rbac/roles", role).await.expect(201);
    }
    let policy = json!({ "subject": "reader", "object": "invoices/*", "action": "read" });
    admin.post("/admin/rbac/policies", policy).await.expect(201);
    let asker = Asker::key(&house, "permissions:check").await;
    let told = asker.check(["clerk", "invoices/7", "read"]).await;
    let why = told.expect("an answer").why.expect("why");
    assert_eq!((why.subject.as_str(), why.distance), ("clerk", 1));
    assert_eq!(
        why.explanation,
        "read on invoices/* is allowed to the role clerk, which inherits it from reader"
    );
    assert_eq!(why.policy.expect("a policy").subject, "reader");
    let denied = asker.check(["clerk", "invoices/7", "write"]).await;
    assert_eq!(
        denied.expect("an answer"),
        CheckPermissionResponse::default()
    );
    let status = asker.check(["clerk", "", ""]).await.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let wrong = &details.bad_request().expect("fields").field_violations;
    let names: Vec<&str> = wrong.iter().map(|wrong| wrong.field.as_str()).collect();
    assert_eq!(names, ["object", "action"]);
    house.stop().await;
}

async fn who_waits_no_longer_is_told_that_it_is_late() {
    let house = open().await;
    let service = Asker::key(&house, "users:read").await;
    let mut client = service.client.clone();
    let mut call = async |timeout: &'static str| {
        let mut request = service.say(GetUserRequest::default());
        let timeout = timeout.parse().expect("metadata");
        request.metadata_mut().insert("grpc-timeout", timeout);
        client.get_user(request).await.map(drop)
    };
    assert_eq!(refused(call("0n").await), Code::DeadlineExceeded);
    assert_eq!(refused(call("soon").await), Code::InvalidArgument);
    // No account is named and a key is none: it got as far as that.
    let status = call("1H").await.expect_err("refused");
    let details = status.get_error_details();
    let word = details.error_info().map(|info| info.reason.clone());
    assert_eq!(word.as_deref(), Some("VALIDATION_ERROR"));
    house.stop().await;
}

async fn a_message_that_is_too_long_is_refused() {
    let house = open().await;
    let service = Asker::key(&house, "tokens:introspect").await;
    let long = "x".repeat(65 * 1024);
    let refused = service.introspect(&long).await.expect_err("refused");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let details = refused.get_error_details();
    let word = details.error_info().map(|info| info.reason.clone());
    assert_eq!(word.as_deref(), Some("PAYLOAD_TOO_LARGE"));
    assert_eq!(service.introspect("x").await.ok(), Some(false));
    house.stop().await;
}

async fn the_network_has_one_bucket_at_every_door() {
    let bucket = [("RATE_LIMIT_RPS", "1"), ("RATE_LIMIT_BURST", "3")];
    let house = House::with(Backend::Sqlite, &bucket).await;
    let asker = Asker::new(&house, &[]).await;
    let mut last = None;
    for _ in 0..8 {
        last = asker.user("").await.err();
    }
    let last = last.expect("refused");
    assert_eq!(last.code(), Code::ResourceExhausted, "{last}");
    let details = last.get_error_details();
    assert!(
        details
            .retry_info()
            .is_some_and(|info| info.retry_delay.is_some())
    );
    house.stop().await;
}

async fn what_is_no_call_is_no_call() {
    let house = open().await;
    let url = format!(
        "http://{}/auth.v1.AuthService/GetUser",
        house.grpc_address()
    );
    let http = plain().build().expect("a client");
    let two = plain().http2_prior_knowledge().build().expect("a client");
    for request in [
        http.get(&url),
        http.post(&url).header("content-type", "application/grpc"),
        two.post(&url).header("content-type", "application/json"),
    ] {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 415);
    }
    let asked = two.post(&url).header("content-type", "application/grpc");
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.headers()["grpc-status"], "16", "UNAUTHENTICATED");
    assert!(!answer.headers()["x-request-id"].is_empty());
    let metrics = house.admin().get("/metrics").await.expect(200).text;
    let counted = r#"grpc_calls_total{route="/auth.v1.AuthService/GetUser",code="16"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    house.stop().await;
}
