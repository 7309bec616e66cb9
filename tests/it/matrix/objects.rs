//! Things of one tenant, named in another; and things of one person, named by another.

use serde_json::{Value, json};

use super::table::{Line, Names, lines};
use super::{Shown, client_of, furnish, id_of, nothing, or_nothing, sign_in, within};
use crate::admin::areas::holder_in;
use crate::auth::webauthn::bind;
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    names_of_another_tenant_name_nothing_at_the_admin_door,
    names_of_another_persons_things_name_nothing,
];

/// Everything of a tenant that the admin door names by an id.
struct Things {
    user: String,
    client: String,
    role: String,
    policy: String,
}

async fn things(house: &House, slug: &str) -> (Person, Things) {
    let door = within(house, slug);
    let (person, _) = sign_in(house, slug, "victim").await;
    let (client, _) = client_of(house, slug).await;
    let role = json!({ "name": "clerk", "description": "theirs" });
    door.post("/admin/rbac/roles", role).await.expect(201);
    let policy = json!({ "subject": "clerk", "object": "invoices", "action": "read" });
    let policy = door.post("/admin/rbac/policies", policy).await.expect(201);
    let things = Things {
        user: id_of(house, slug, &person).await,
        client,
        role: "clerk".to_owned(),
        policy: policy.field("id"),
    };
    (person, things)
}

// === impl Things ===

impl Things {
    /// What `{id}` names in a line. A new area has to be said here, with a thing of its own.
    fn named_by(&self, line: &Line) -> Names {
        let id = match line.path.split('/').nth(2).expect("an area") {
            "users" => &self.user,
            "clients" => &self.client,
            "rbac" if line.path.contains("/roles/") => &self.role,
            "rbac" => &self.policy,
            "tenants" => return names("globex"),
            // Kept by files of their own, which name things of other tenants there.
            "apikeys" | "audit" | "webhooks" | "credentials" | "keys" => return nothing(),
            area => panic!("say what an id names in the area {area}: {line:?}"),
        };
        Names {
            id: id.clone(),
            client: self.client.clone(),
        }
    }
}

fn names(id: &str) -> Names {
    Names {
        id: id.to_owned(),
        client: "client_nobody".to_owned(),
    }
}

/// A body that a line understands, where `{}` is not.
fn body_of(line: &Line) -> Value {
    let end = line.path.rsplit('/').next().unwrap_or_default();
    or_nothing(match (line.method.as_str(), end) {
        ("POST", "lock" | "suspend") => Some(json!({ "reason": "x" })),
        ("POST", "identities") => Some(json!({ "issuer": "https://idp.example", "subject": "x" })),
        ("POST", "erase") => Some(json!({ "reason": "request" })),
        _ => None,
    })
}

/// What an operator sees of a tenant's things.
async fn state_of(door: &Client, things: &Things) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in [
        format!("/admin/users/{}", things.user),
        format!("/admin/clients/{}", things.client),
        "/admin/rbac/roles".to_owned(),
        "/admin/rbac/policies".to_owned(),
    ] {
        seen.push(door.get(&path).await.expect(200).json());
    }
    seen
}

async fn names_of_another_tenant_name_nothing_at_the_admin_door(house: House) {
    furnish(&house).await;
    let (_, theirs) = things(&house, "globex").await;
    let victim = within(&house, "globex");
    let before = state_of(&victim, &theirs).await;
    let key = Shown::key_of(&holder_in(&house, "acme", "admin:*").await);
    let lines = lines().into_iter().filter(|line| line.caller == "Admin");
    for line in lines.filter(|line| line.path.contains("{id}")) {
        let door = key.at(&line.door_of(&house, "acme"));
        let answer = line
            .ask(&door, &theirs.named_by(&line), &body_of(&line))
            .await;
        let status = answer.status.as_u16();
        let is_none = match line.area() {
            // Who has no business with tenants is told so before one is looked for.
            "tenants" => [403, 404].contains(&status),
            _ => status == 404,
        };
        assert!(is_none, "{line:?}: {status} {}", answer.text);
    }
    let acme = key.at(&house.stranger().with("x-tenant-id", "acme"));
    let grant = json!({ "user": theirs.user, "role": "user" });
    for path in ["/admin/rbac/grants", "/admin/rbac/grants/revoke"] {
        let answer = acme.post(path, grant.clone()).await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
    }
    let path = format!(
        "/admin/rbac/check?subject=user:{}&object=x&action=read",
        theirs.user
    );
    let decided = acme.get(&path).await.expect(200).json();
    assert_eq!(decided, json!({ "allowed": false, "why": null }));
    assert_eq!(state_of(&victim, &theirs).await, before);
}

async fn names_of_another_persons_things_name_nothing(house: House) {
    furnish(&house).await;
    let (_, of_ada) = sign_in(&house, "acme", "ada").await;
    let (_, of_bob) = sign_in(&house, "acme", "bob").await;
    let door = house.public().with("x-tenant-id", "acme");
    let (ada, bob) = (of_ada.at(&door), of_bob.at(&door));
    let sessions = ada.get("/auth/sessions").await.expect(200).json();
    let session = sessions["sessions"][0]["id"].as_str().expect("a sign-in");
    let (_, bound) = bind(&ada, "Laptop").await;
    let passkey = bound["credential"]["id"].as_str().expect("a passkey");
    let lines = lines().into_iter().filter(Line::asks_who);
    let lines = lines.filter(|line| line.door == "Public" && line.path.contains("id}"));
    for line in lines {
        let names = match line.path.split('/').nth(2).expect("an area") {
            "sessions" => names(session),
            "webauthn" => names(passkey),
            // Consents are named by a client: whose they are is never said.
            "me" => nothing(),
            area => panic!("say what an id names in the area {area}: {line:?}"),
        };
        let renamed = json!({ "name": "Mine" });
        let answer = line.ask(&bob, &names, &renamed).await;
        assert_eq!(answer.status.as_u16(), 404, "{line:?}: {}", answer.text);
    }
    let path = format!("/auth/webauthn/credentials/{passkey}");
    let kept = ada.get(&path).await.expect(200).json();
    assert_eq!(kept["name"], "Laptop");
    ada.get("/auth/me").await.expect(200);
}
