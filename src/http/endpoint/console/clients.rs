//! /console/clients: the applications, services and agents that ask for tokens. Flows: [`clients`].

use domain::client::{Client, ClientType};
use domain::rejection::Rejection;
use http::StatusCode;

use super::{Deed, Done, Later, Question, Seat, Shown, deeds, look};
use crate::flow::admin::clients::{self, CreateClient, MetadataPatch, PatchClient};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Input, Part, Table};
use crate::http::render::Reply;

const AREA: &str = "clients";
const HERE: &str = "/console/clients";
/// What the list is called, as JSON has it, so that cursors are the same.
const PLURAL: &str = "clients";

static CREATE: Deed = Deed {
    area: AREA,
    ask: what_to_register,
    act: register,
};
static ROTATE: Deed = Deed {
    area: AREA,
    ask: whether_to_rotate,
    act: renew,
};
static DISABLE: Deed = Deed {
    area: AREA,
    ask: whether_to_turn,
    act: turn,
};
static DELETE: Deed = Deed {
    area: AREA,
    ask: whether_to_delete,
    act: remove,
};

deeds![
    ask_create create CREATE,
    ask_rotate_secret rotate_secret ROTATE,
    ask_disable disable DISABLE,
    ask_delete delete DELETE,
];

/// Lists clients.
pub(in crate::http) fn list(call: Call) -> Answer {
    look(call, AREA, list_page)
}

/// Shows a client.
pub(in crate::http) fn show(call: Call) -> Answer {
    look(call, AREA, one_page)
}

fn list_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let list = seat.call.list(PLURAL);
        let cursor = seat.given("cursor");
        let page = list.page_after(cursor.as_deref())?;
        let found = clients::list(seat.flows(), seat.act(), page).await?;
        let next = list.next_of(&found);
        let rows = found.items.iter().map(|client| row(seat, client)).collect();
        let mut acts = vec![(format!("{HERE}/new"), "Register a client".to_owned())];
        if let Some(cursor) = next {
            acts.insert(
                0,
                (format!("{HERE}?cursor={cursor}"), "Next page".to_owned()),
            );
        }
        let parts = vec![
            Part::Note(format!("{} registered.", found.total)),
            Part::Table(Table {
                caption: "Clients",
                heads: vec!["Name", "Id", "Type", "State", "Made"],
                rows,
                empty: "No client is registered.",
            }),
            Part::Acts(acts),
        ];
        let shown = Shown {
            heading: "Clients",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

fn row(seat: &Seat, client: &Client) -> Vec<Cell> {
    vec![
        Cell::link(format!("{HERE}/{}", client.id), &client.name),
        Cell::code(&client.id),
        Cell::text(client.client_type.as_str()),
        state_cell(client),
        Cell::When(seat.when(client.created_at)),
    ]
}

fn state_cell(client: &Client) -> Cell {
    if client.disabled {
        return Cell::Bad("closed".to_owned());
    }
    Cell::Mark("open".to_owned())
}

/// Loads the client that the path names.
async fn load(seat: &Seat) -> Result<Client, Rejection> {
    let id: String = seat.call.id()?;
    clients::get(seat.flows(), seat.act(), &id).await
}

fn one_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let client = load(seat).await?;
        let here = format!("{HERE}/{}", client.id);
        let go = |to: &str, label: &str| (format!("{here}/{to}"), label.to_owned());
        let mut acts = Vec::new();
        if !client.secrets.is_empty() {
            acts.push(go("rotate-secret", "Give it a new secret"));
        }
        acts.push(go(
            "disable",
            if client.disabled {
                "Open again"
            } else {
                "Close"
            },
        ));
        acts.push(go("delete", "Delete"));
        let parts = vec![Part::Facts(facts(seat, &client)), Part::Acts(acts)];
        let shown = Shown {
            heading: &client.name,
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

fn facts(seat: &Seat, client: &Client) -> Vec<(&'static str, Cell)> {
    let metadata = &client.metadata;
    let words = |list: &[String]| match list {
        [] => Cell::text("none"),
        list => Cell::text(list.join(" ")),
    };
    let yes = |is_so: bool| Cell::text(if is_so { "yes" } else { "no" });
    let live = client.secrets.iter();
    let live = live.filter(|one| one.expires_at.is_none_or(|end| seat.act().now < end));
    vec![
        ("Id", Cell::code(&client.id)),
        ("Type", Cell::text(client.client_type.as_str())),
        ("State", state_cell(client)),
        (
            "Authenticates by",
            Cell::code(&metadata.token_endpoint_auth_method),
        ),
        ("Live secrets", Cell::text(live.count())),
        ("Grants", words(&metadata.grant_types)),
        ("Scopes", words(&metadata.scopes)),
        ("Redirect URIs", words(&metadata.redirect_uris)),
        ("Audiences", words(&metadata.audiences)),
        ("Roles", words(&metadata.roles)),
        (
            "Is ours: people are not asked",
            yes(metadata.is_first_party),
        ),
        ("Described itself", yes(metadata.is_self_registered)),
        ("Made", Cell::When(seat.when(client.created_at))),
        ("Last changed", Cell::When(seat.when(client.updated_at))),
    ]
}

const TYPES: [(&str, &str); 4] = [
    ("web", "A web application in front of people"),
    ("native", "An application on people's own devices"),
    ("service", "A service that acts for itself"),
    ("agent", "An AI agent"),
];

const METHODS: [(&str, &str); 4] = [
    ("", "As its type has it"),
    ("client_secret_basic", "A secret, by HTTP Basic"),
    ("client_secret_post", "A secret, in the body"),
    ("none", "Not at all (PKCE)"),
];

fn what_to_register(_: &Seat) -> Later<'_, Question> {
    Box::pin(async {
        Ok(Question {
            heading: "Register a client".to_owned(),
            text:
                "What is left empty follows its type. Everything else can be said by the admin API."
                    .to_owned(),
            inputs: vec![
                Input::line("name", "Name"),
                Input::choice("client_type", "Type", &TYPES),
                Input::choice("token_endpoint_auth_method", "Authenticates by", &METHODS),
                Input::lines("redirect_uris", "Redirect URIs").hint("One a line."),
                Input::lines("grant_types", "Grants").hint("One a line."),
                Input::line("scopes", "Scopes")
                    .or_nothing()
                    .hint("With spaces between them."),
            ],
            button: "Register the client",
            is_danger: false,
        })
    })
}

fn register(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let kind = seat.given("client_type").unwrap_or_default();
        let list = |name: &str| Some(seat.given_list(name)).filter(|list| !list.is_empty());
        let message = CreateClient {
            name: seat.given("name").unwrap_or_default(),
            client_type: ClientType::from_stored(&kind).unwrap_or(ClientType::Web),
            metadata: MetadataPatch {
                redirect_uris: list("redirect_uris"),
                grant_types: list("grant_types"),
                scopes: list("scopes"),
                token_endpoint_auth_method: seat.given("token_endpoint_auth_method"),
                ..MetadataPatch::default()
            },
        };
        let (client, secret) = clients::create(seat.flows(), seat.act(), message).await?;
        let place = format!("{HERE}/{}", client.id);
        Ok(match secret {
            Some(secret) => once(&client, secret.expose().to_owned()),
            None => Done::Go(place, "created"),
        })
    })
}

/// Shows a secret this once.
fn once(client: &Client, secret: String) -> Done {
    let place = format!("{HERE}/{}", client.id);
    let parts = vec![
        Part::Facts(vec![("Client id", Cell::code(&client.id))]),
        Part::Secret("Client secret", secret),
        Part::Note("It is shown this once. Keep it where only the client finds it.".to_owned()),
        Part::Acts(vec![(place, "I have kept it".to_owned())]),
    ];
    Done::Once(client.name.clone(), parts)
}

fn whether_to_rotate(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let client = load(seat).await?;
        Ok(Question {
            heading: format!("Give {} a new secret?", client.name),
            text: "The one it has works for another day, older ones do not. The new one is shown once."
                .to_owned(),
            inputs: Vec::new(),
            button: "Make a new secret",
            is_danger: false,
        })
    })
}

fn renew(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let id = seat.call.id()?;
        let (client, secret) = clients::rotate_secret(seat.flows(), seat.act(), id).await?;
        Ok(once(&client, secret.expose().to_owned()))
    })
}

fn whether_to_turn(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let client = load(seat).await?;
        let (verb, text, button) = if client.disabled {
            ("Open", "It may ask for tokens again.", "Open the client")
        } else {
            let text =
                "It gets no tokens, and those that it has are refused everywhere within a second.";
            ("Close", text, "Close the client")
        };
        Ok(Question {
            heading: format!("{verb} {}?", client.name),
            text: text.to_owned(),
            // What is meant, should somebody else have turned it meanwhile.
            inputs: vec![Input::hidden("disabled", (!client.disabled).to_string())],
            button,
            is_danger: !client.disabled,
        })
    })
}

fn turn(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let message = PatchClient {
            client: seat.call.id()?,
            disabled: seat.given("disabled").map(|word| word == "true"),
            ..PatchClient::default()
        };
        let client = clients::patch(seat.flows(), seat.act(), message).await?;
        Ok(Done::Go(format!("{HERE}/{}", client.id), "saved"))
    })
}

fn whether_to_delete(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let client = load(seat).await?;
        Ok(Question {
            heading: format!("Delete {}?", client.name),
            text: "Its tokens are refused everywhere within a second. That cannot be taken back."
                .to_owned(),
            inputs: Vec::new(),
            button: "Delete the client",
            is_danger: true,
        })
    })
}

fn remove(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        clients::delete(seat.flows(), seat.act(), seat.call.id()?, None).await?;
        Ok(Done::Go(HERE.to_owned(), "deleted"))
    })
}
