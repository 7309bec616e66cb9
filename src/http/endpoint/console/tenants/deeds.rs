//! /console/tenants/…: making, suspending, opening, deleting and restoring tenants.

use domain::rejection::Rejection;

use super::{AREA, load, place_of, require_default};
use crate::flow::admin::tenants::{self, Choices, CreateTenant, Turn, TurnTenant};
use crate::http::endpoint::console::{Deed, Done, Later, Question, Seat, deeds};
use crate::http::page::sheet::Input;

static CREATE: Deed = Deed {
    area: AREA,
    ask: what_to_make,
    act: make,
};
static SUSPEND: Deed = Deed {
    area: AREA,
    ask: why_to_suspend,
    act: close,
};
static ACTIVATE: Deed = Deed {
    area: AREA,
    ask: whether_to_open,
    act: open,
};
static DELETE: Deed = Deed {
    area: AREA,
    ask: whether_to_delete,
    act: remove,
};
static RESTORE: Deed = Deed {
    area: AREA,
    ask: whether_to_restore,
    act: have_back,
};

deeds![
    ask_create create CREATE,
    ask_suspend suspend SUSPEND,
    ask_activate activate ACTIVATE,
    ask_delete delete DELETE,
    ask_restore restore RESTORE,
];

fn what_to_make(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        require_default(seat)?;
        Ok(Question {
            heading: "Make a tenant".to_owned(),
            text: "It is open at once, and nobody is in it. What it chooses can be said by the admin API."
                .to_owned(),
            inputs: vec![
                Input::line("slug", "Slug")
                    .hint("Its name in hosts and paths, for good: a to z, 0 to 9 and -."),
                Input::line("name", "Name").hint("What people know it by."),
            ],
            button: "Make the tenant",
            is_danger: false,
        })
    })
}

fn make(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let message = CreateTenant {
            slug: seat.given("slug").unwrap_or_default(),
            name: seat.given("name").unwrap_or_default(),
            choices: Choices::default(),
        };
        let made = tenants::create(seat.flows(), seat.act(), message).await?;
        Ok(Done::Go(place_of(&made), "created"))
    })
}

fn why_to_suspend(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let tenant = load(seat)?;
        Ok(Question {
            heading: format!("Suspend {}?", tenant.name),
            text: "Every request for it is refused within a second, running tokens included. Nothing is lost; it \
                   can be opened again."
                .to_owned(),
            inputs: vec![Input::line("reason", "Why").hint("For the audit trail.")],
            button: "Suspend the tenant",
            is_danger: true,
        })
    })
}

fn close(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let reason = seat.given("reason").unwrap_or_default();
        turn(seat, Turn::Suspended, Some(reason), "tenant_suspended").await
    })
}

fn whether_to_open(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let tenant = load(seat)?;
        Ok(Question {
            heading: format!("Open {} again?", tenant.name),
            text: "Everything in it works again, as it was.".to_owned(),
            inputs: Vec::new(),
            button: "Open the tenant",
            is_danger: false,
        })
    })
}

fn open(seat: &Seat) -> Later<'_, Done> {
    Box::pin(turn(seat, Turn::Active, None, "tenant_activated"))
}

async fn turn(
    seat: &Seat,
    to: Turn,
    reason: Option<String>,
    word: &'static str,
) -> Result<Done, Rejection> {
    let message = TurnTenant {
        tenant: seat.call.id()?,
        to,
        reason,
    };
    let tenant = tenants::turn(seat.flows(), seat.act(), message).await?;
    Ok(Done::Go(place_of(&tenant), word))
}

fn whether_to_delete(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let tenant = load(seat)?;
        let grace = seat.flows().settings.tenants.deletion_grace;
        let text = format!(
            "From now on it is no tenant to anybody, and nothing in it works. On {} it is erased with its \
             accounts, clients, keys and audit trail; until then it can be restored here.",
            seat.when(seat.act().now + grace).words(),
        );
        Ok(Question {
            heading: format!("Delete {}?", tenant.name),
            text,
            inputs: Vec::new(),
            button: "Delete the tenant",
            is_danger: true,
        })
    })
}

fn remove(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let name: String = seat.call.id()?;
        let deleted = tenants::delete(seat.flows(), seat.act(), &name, None).await?;
        Ok(Done::Go(place_of(&deleted), "tenant_deleted"))
    })
}

fn whether_to_restore(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let tenant = load(seat)?;
        Ok(Question {
            heading: format!("Restore {}?", tenant.name),
            text: "It comes back suspended, so that you look at it before it is open.".to_owned(),
            inputs: Vec::new(),
            button: "Restore the tenant",
            is_danger: false,
        })
    })
}

fn have_back(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let name: String = seat.call.id()?;
        let restored = tenants::restore(seat.flows(), seat.act(), &name).await?;
        Ok(Done::Go(place_of(&restored), "tenant_restored"))
    })
}
