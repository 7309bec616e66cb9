//! Which clients are one sector: the document behind `sector_identifier_uri` (OpenID Connect Core §8.1).

use std::sync::{Arc, Mutex};

use domain::tenant::{RegistrationPolicy, TenantConfig};
use serde_json::{Value, json};

use super::{ELSEWHERE, grant, subject};
use crate::cases;
use crate::house::House;
use crate::oauth::chosen::choose;
use crate::oauth::world::{CALLBACK, Registered, SCOPE, World};
use crate::sink::Sink;

cases![
    openid_connect_core_8_1_the_sectors_document_lists_every_redirect_uri,
    openid_connect_registration_5_a_client_that_registers_itself_is_held_to_its_sector,
];

/// What a sector publishes: a status and a body.
type Published = Arc<Mutex<(u16, String)>>;

fn sector(listed: &Value) -> (Sink, Published) {
    let published: Published = Arc::new(Mutex::new((200, listed.to_string())));
    let shown = Arc::clone(&published);
    let sink = Sink::http(move |_| shown.lock().expect("what is published").clone());
    (sink, published)
}

async fn openid_connect_core_8_1_the_sectors_document_lists_every_redirect_uri(house: House) {
    let (sink, published) = sector(&json!([ELSEWHERE, CALLBACK]));
    let house = house
        .beside(&[("EGRESS_ALLOW", &sink.address.to_string())])
        .await;
    let admin = house.admin();
    let document = format!("{}/sector.json", sink.url());
    let said = |uris: &[&str]| {
        json!({
            "name": "App", "client_type": "web", "redirect_uris": uris,
            "scopes": SCOPE.split(' ').collect::<Vec<_>>(),
            "subject_type": "pairwise", "sector_identifier_uri": document,
        })
    };
    let made = admin.post("/admin/clients", said(&[CALLBACK, ELSEWHERE]));
    let made = made.await.expect(201);
    assert_eq!(sink.kept()[0].line, "GET /sector.json");
    let path = format!("/admin/clients/{}", made.field("client_id"));
    // Where two hosts are one sector, one subject is told to both.
    let world = World::new(house.clone()).await;
    let client = Registered {
        id: made.field("client_id"),
        secret: Some(made.field("client_secret")),
    };
    let here = grant(&world, &mut world.browser(), &client, CALLBACK).await;
    let there = grant(&world, &mut world.browser(), &client, ELSEWHERE).await;
    assert_eq!(subject(&here), subject(&there));
    // Another redirect URI, or another document, has to be listed too.
    let more = json!({ "redirect_uris": [CALLBACK, "https://evil.example/cb"] });
    let refused = admin.patch(&path, more).await;
    let refused = refused.expect_code(422, "VALIDATION_ERROR");
    assert!(refused.text.contains("sector_identifier_uri"));
    let asked = sink.kept().len();
    admin
        .patch(&path, json!({ "name": "Another name" }))
        .await
        .expect(200);
    assert_eq!(
        sink.kept().len(),
        asked,
        "what stands is not asked for again"
    );
    for (status, text) in [
        (200, format!("[\"{CALLBACK}\"]")),
        (200, "{}".to_owned()),
        (200, "no JSON".to_owned()),
        (302, String::new()),
        (500, format!("[\"{CALLBACK}\",\"{ELSEWHERE}\"]")),
        (200, " ".repeat(70_000)),
    ] {
        *published.lock().expect("what is published") = (status, text);
        let refused = admin.post("/admin/clients", said(&[CALLBACK, ELSEWHERE]));
        refused.await.expect_code(422, "VALIDATION_ERROR");
    }
    // CONTRACT §6: nothing private is asked, whoever names it.
    let private = json!({ "sector_identifier_uri": format!("https://127.0.0.1:{}/", sink.address.port() - 1) });
    let asked = sink.kept().len();
    admin.patch(&path, private).await.expect(422);
    assert_eq!(sink.kept().len(), asked);
}

async fn openid_connect_registration_5_a_client_that_registers_itself_is_held_to_its_sector(
    house: House,
) {
    let (sink, published) = sector(&json!([CALLBACK]));
    let house = house
        .beside(&[("EGRESS_ALLOW", &sink.address.to_string())])
        .await;
    let config = TenantConfig {
        registration: RegistrationPolicy::Open,
        ..TenantConfig::default()
    };
    choose(&house, config).await;
    let public = house.public();
    let said = json!({
        "client_name": "App", "redirect_uris": [CALLBACK], "subject_type": "pairwise",
        "sector_identifier_uri": format!("{}/sector.json", sink.url()),
    });
    let made = public
        .post("/oauth/register", said.clone())
        .await
        .expect(201);
    assert_eq!(made.field("subject_type"), "pairwise");
    let held = public.bearer(&made.field("registration_access_token"));
    let path = format!("/oauth/register/{}", made.field("client_id"));
    let mut update = said.clone();
    update["client_id"] = json!(made.field("client_id"));
    update["redirect_uris"] = json!([CALLBACK, ELSEWHERE]);
    let refused = held.put(&path, update.clone()).await;
    refused.expect_oauth(400, "invalid_client_metadata");
    *published.lock().expect("what is published") = (200, json!([CALLBACK, ELSEWHERE]).to_string());
    held.put(&path, update).await.expect(200);
    // Without a document, several hosts are no sector.
    let mut alone = said;
    alone["redirect_uris"] = json!([CALLBACK, ELSEWHERE]);
    alone["sector_identifier_uri"] = json!(null);
    let refused = public.post("/oauth/register", alone).await;
    refused.expect_oauth(400, "invalid_client_metadata");
}
