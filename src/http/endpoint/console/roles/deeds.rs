//! /console/roles/…: making and deleting roles and policies, giving and taking roles.

use domain::email::EmailAddress;
use domain::id::UserId;
use domain::rejection::{Refusal, Rejection};

use super::{AREA, HERE};
use crate::flow::admin::rbac::{self, CreatePolicy, CreateRole, GrantRole};
use crate::flow::admin::users;
use crate::http::endpoint::console::{Deed, Done, Later, Question, Seat, deeds};
use crate::http::page::sheet::Input;

static CREATE: Deed = Deed {
    area: AREA,
    ask: which_role,
    act: make_role,
};
static DELETE: Deed = Deed {
    area: AREA,
    ask: whether_to_delete,
    act: remove_role,
};
static CREATE_POLICY: Deed = Deed {
    area: AREA,
    ask: which_policy,
    act: make_policy,
};
static DELETE_POLICY: Deed = Deed {
    area: AREA,
    ask: whether_to_take_back,
    act: remove_policy,
};
static GRANT: Deed = Deed {
    area: AREA,
    ask: whom_to_give,
    act: give,
};
static REVOKE: Deed = Deed {
    area: AREA,
    ask: whom_to_take,
    act: take,
};

deeds![
    ask_create create CREATE,
    ask_delete delete DELETE,
    ask_create_policy create_policy CREATE_POLICY,
    ask_delete_policy delete_policy DELETE_POLICY,
    ask_grant grant GRANT,
    ask_revoke revoke REVOKE,
];

fn here(word: &'static str) -> Done {
    Done::Go(HERE.to_owned(), word)
}

fn which_role(_: &Seat) -> Later<'_, Question> {
    Box::pin(async {
        Ok(Question {
            heading: "Make a role".to_owned(),
            text: String::new(),
            inputs: vec![
                Input::line("name", "Name").hint("1 to 64 of a-z, 0-9, _, : and -."),
                Input::line("description", "What it is for").or_nothing(),
                Input::line("inherits", "Inherits")
                    .or_nothing()
                    .hint("Names of roles, with spaces between them."),
            ],
            button: "Make the role",
            is_danger: false,
        })
    })
}

fn make_role(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let message = CreateRole {
            name: seat.given("name").unwrap_or_default(),
            description: seat.given("description").unwrap_or_default(),
            inherits: seat.given_list("inherits"),
        };
        rbac::create_role(seat.flows(), seat.act(), message).await?;
        Ok(here("role"))
    })
}

fn whether_to_delete(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let name: String = seat.call.id()?;
        let role = rbac::get_role(seat.flows(), seat.act(), &name)?;
        Ok(Question {
            heading: format!("Delete the role {}?", role.name),
            text: "Its policies go with it. Whoever carries it has a name without a meaning then."
                .to_owned(),
            inputs: Vec::new(),
            button: "Delete the role",
            is_danger: true,
        })
    })
}

fn remove_role(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        rbac::delete_role(seat.flows(), seat.act(), seat.call.id()?, None).await?;
        Ok(here("role_deleted"))
    })
}

fn which_policy(_: &Seat) -> Later<'_, Question> {
    Box::pin(async {
        Ok(Question {
            heading: "Make a policy".to_owned(),
            text:
                "An object or an action may end with *. The admin door asks for read or write on \
                   admin: and the area, such as admin:users."
                    .to_owned(),
            inputs: vec![
                Input::line("subject", "Who").hint("A role, or user: or client: and an id."),
                Input::line("object", "On what"),
                Input::line("action", "To do what"),
            ],
            button: "Allow it",
            is_danger: false,
        })
    })
}

fn make_policy(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let message = CreatePolicy {
            subject: seat.given("subject").unwrap_or_default(),
            object: seat.given("object").unwrap_or_default(),
            action: seat.given("action").unwrap_or_default(),
        };
        rbac::create_policy(seat.flows(), seat.act(), message).await?;
        Ok(here("policy"))
    })
}

fn whether_to_take_back(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let rules = rbac::rules(seat.flows(), seat.act());
        let id = seat.call.id()?;
        let policy = rules.policies().iter().find(|policy| policy.id == id);
        let policy = policy.ok_or_else(crate::http::endpoint::not_found)?;
        Ok(Question {
            heading: "Take the policy back?".to_owned(),
            text: format!(
                "{} is not allowed {} on {} any more, within a second.",
                policy.subject,
                policy.action.as_str(),
                policy.object.as_str(),
            ),
            inputs: Vec::new(),
            button: "Take it back",
            is_danger: true,
        })
    })
}

fn remove_policy(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        rbac::delete_policy(seat.flows(), seat.act(), seat.call.id()?).await?;
        Ok(here("policy_deleted"))
    })
}

fn whose() -> Vec<Input> {
    vec![
        Input::line("user", "Whose").hint("An e-mail address, or an account's id."),
        Input::line("role", "Which role"),
    ]
}

fn whom_to_give(_: &Seat) -> Later<'_, Question> {
    Box::pin(async {
        Ok(Question {
            heading: "Give somebody a role".to_owned(),
            text: "It counts everywhere within a second.".to_owned(),
            inputs: whose(),
            button: "Give the role",
            is_danger: false,
        })
    })
}

fn whom_to_take(_: &Seat) -> Later<'_, Question> {
    Box::pin(async {
        Ok(Question {
            heading: "Take a role from somebody".to_owned(),
            text: "It is gone everywhere within a second.".to_owned(),
            inputs: whose(),
            button: "Take the role",
            is_danger: true,
        })
    })
}

fn give(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let message = grant_of(seat).await?;
        rbac::grant(seat.flows(), seat.act(), message).await?;
        Ok(here("granted"))
    })
}

fn take(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let message = grant_of(seat).await?;
        rbac::revoke(seat.flows(), seat.act(), message).await?;
        Ok(here("revoked"))
    })
}

/// Reads whose role it is: people know addresses, and lists give ids.
async fn grant_of(seat: &Seat) -> Result<GrantRole, Rejection> {
    let whose = seat.given("user").unwrap_or_default();
    let nobody = || Refusal::field("user", "is nobody's address or id");
    let user = match (whose.parse::<UserId>(), EmailAddress::parse(&whose)) {
        (Ok(id), _) => id,
        (_, Ok(address)) => match users::find(seat.flows(), seat.act(), address).await {
            Ok(user) => user.id,
            Err(Rejection::Refused(_)) => return Err(nobody().into()),
            Err(failed) => return Err(failed),
        },
        _ => return Err(nobody().into()),
    };
    Ok(GrantRole {
        user,
        role: seat.given("role").unwrap_or_default(),
    })
}
