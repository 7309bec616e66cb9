//! Random walks over everything that signs people in, resets passwords, changes factors and asks for
//! consent: any order, several people of two tenants, artefacts that are stale or another's. Never is there
//! a session, a token or a change of factors without what policy demands; and what is plainly right works.
//!
//! A walk is drawn from one number, and is walked again with it: `SEED` is the first number and `WALKS` how
//! many are walked (a few hundred unless set), on every store there is or on the one that `STORE` names.
//! [`model`] knows what is so, [`walker`] holds the service to
//! it, the others are the steps.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::factor::MfaPolicy;
use futures_util::future::join_all;

use crate::backend::{Backend, setting};
use crate::house::House;
use crate::scenes;

mod account;
mod again;
mod amiss;
mod apps;
mod ceremony;
mod choices;
mod codes;
mod dice;
mod endings;
mod factors;
mod leaving;
mod lost;
mod model;
mod oracle;
mod page_passkeys;
mod pages;
mod passkeys;
mod sign_ins;
mod walker;

use model::{User, Verdict};
use walker::{BROKEN_OFF, Place, Tally, Walk};

scenes![
    nobody_gets_in_or_changes_a_factor_without_what_policy_demands,
    codes_of_the_walks_are_those_of_rfc_6238,
    the_oracle_sees_what_nobody_was_seen_to_do,
];

/// How many walks there are unless `WALKS` says.
const WALKS: usize = 400;
/// How many steps one walk has.
const STEPS: usize = 25;
/// How many houses of the embedded store are walked in at the same time, and how many of each other.
const PLACES: usize = 6;
const PLACES_ELSEWHERE: usize = 2;

/// What must have happened, and must have been refused, in enough walks.
const BOTH: [&str; 28] = [
    "login",
    "verify by a code",
    "verify by a backup code",
    "sign in by a passkey",
    "go on by a passkey",
    "set up an app",
    "confirm an app",
    "remove an app",
    "make new backup codes",
    "bind a passkey",
    "rename a passkey",
    "remove a passkey",
    "bind a passkey on a page",
    "sign in by a passkey on a page",
    "go on by a passkey on a page",
    "reset",
    "change a password",
    "refresh",
    "use a token",
    "end a session",
    "sign in on a page",
    "go on on a page",
    "give an application a code",
    "trade a code",
    "ask for a recovery code",
    "recover",
    "delete an account",
    "restore an account",
];
/// The same, in many.
const RARE: [&str; 11] = [
    "strengthen on a page",
    "set up an app on a page",
    "confirm an app on a page",
    "remove an app on a page",
    "make new backup codes on a page",
    "change a password on a page",
    "reset on a page",
    "rename a passkey on a page",
    "remove a passkey on a page",
    "strengthen by a passkey on a page",
    "use an application's token",
];
/// What must have been tried; that it is always refused is judged where it is tried.
const TRIED: [&str; 2] = [again::BIND, again::SHOW];
/// How many are many.
const MANY: usize = 4_000;

async fn nobody_gets_in_or_changes_a_factor_without_what_policy_demands() {
    let number = |name: &str| setting(name).map(|text| text.parse::<u64>().expect(name));
    let first = number("SEED").unwrap_or(1);
    let walks = number("WALKS").map_or(WALKS, |walks| usize::try_from(walks).expect("walks"));
    let next = Arc::new(AtomicUsize::new(0));
    let tallies = Arc::new(Mutex::new(Tally::new()));
    let places = stores().into_iter().take(walks).map(|store| {
        let (next, tallies) = (Arc::clone(&next), Arc::clone(&tallies));
        async move {
            let house = House::open(store).await;
            let place = Place::new(house.clone(), store).await;
            let mut tally = Tally::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= walks {
                    break;
                }
                let seed = first + u64::try_from(number).expect("walks");
                walk(&place, &mut tally, (seed, number)).await;
            }
            house.stop().await;
            let mut all = tallies.lock().unwrap_or_else(PoisonError::into_inner);
            for (what, (passes, refusals)) in tally {
                let (had, refused) = all.entry(what).or_default();
                (*had, *refused) = (*had + passes, *refused + refusals);
            }
        }
    });
    join_all(places).await;
    let tally = tallies.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{walks} walks of {STEPS} steps from {first}: succeeded, refused");
    for (what, (passes, refusals)) in tally.iter() {
        println!("{what:<36}{passes:>9}{refusals:>9}");
    }
    let (_, broken_off) = tally.get(BROKEN_OFF).copied().unwrap_or_default();
    let allowed = u64::try_from(walks / 100).expect("walks");
    assert!(broken_off <= allowed, "{broken_off} walks were broken off");
    let rare = RARE.into_iter().filter(|_| walks >= MANY);
    if walks >= WALKS {
        for what in BOTH.into_iter().chain(rare) {
            let (passes, refusals) = tally.get(what).copied().unwrap_or_default();
            assert!(passes > 0 && refusals > 0, "{what}: {passes}, {refusals}");
        }
        for what in TRIED {
            assert!(tally.contains_key(what), "{what} was not tried");
        }
    }
}

/// The store of each house that is walked in.
fn stores() -> Vec<Backend> {
    let named = setting("STORE");
    let is_named = |store: &Backend| named.as_ref().is_none_or(|name| *name == store.to_string());
    let stores: Vec<_> = Backend::available().into_iter().filter(is_named).collect();
    assert!(!stores.is_empty(), "STORE names no store that is there");
    let houses = stores.into_iter().map(|store| {
        let is_embedded = store == Backend::Sqlite;
        vec![
            store;
            if is_embedded {
                PLACES
            } else {
                PLACES_ELSEWHERE
            }
        ]
    });
    houses.flatten().collect()
}

/// Walks once, and sees at the end that everybody gets into their own account.
async fn walk(place: &Place, tally: &mut Tally, which: (u64, usize)) {
    let mut walk = Walk::begin(place, tally, which).await;
    if walk.is_void {
        return;
    }
    for step in 1..=STEPS {
        walk.step = step;
        take(&mut walk).await;
        if walk.is_void {
            return;
        }
        walk.look_at_factors().await;
    }
    walk.dice.is_sure = true;
    walk.wait(Duration::from_mins(16));
    for user in 0..walk.model.users.len() {
        endings::get_in(&mut walk, user).await;
    }
}

/// Takes one step of any kind.
async fn take(walk: &mut Walk<'_>) {
    walk.dice.is_sure = false;
    let tab = walk.dice.below(walk.tabs.len());
    walk.dice.is_sure = walk.dice.percent(40);
    match walk.dice.below(128) {
        0..12 => sign_ins::login(walk).await,
        12..22 => sign_ins::verify(walk).await,
        22..26 => factors::set_up(walk).await,
        26..33 => factors::confirm(walk).await,
        33..37 => factors::show_to_change(walk).await,
        37..39 => passkeys::begin_binding(walk).await,
        39..44 => passkeys::bind(walk).await,
        44..46 => passkeys::remove_passkey(walk).await,
        46..48 => passkeys::begin_showing(walk).await,
        48..54 => passkeys::show_passkey(walk).await,
        54..55 => sign_ins::ask_for_link(walk).await,
        55..58 => sign_ins::reset(walk).await,
        58..60 => sign_ins::change_password(walk).await,
        60..63 => sign_ins::refresh(walk).await,
        63..65 => sign_ins::me(walk).await,
        65..67 => sign_ins::logout(walk).await,
        67..68 => sign_ins::register(walk).await,
        68..75 => {
            pages::sign_in(walk, tab).await;
            if walk.tabs[tab].progress.is_some() && walk.dice.percent(60) {
                pages::second_factor(walk, tab).await;
            }
        }
        75..80 => pages::second_factor(walk, tab).await,
        80..83 => account::bind_app(walk, tab).await,
        83..85 => account::change_factors(walk, tab).await,
        85..87 | 120..124 => page_passkeys::sign_in_by_one(walk, tab).await,
        87..88 => account::passwords(walk, tab).await,
        88..89 => account::swap(walk, tab).await,
        89..93 => apps::authorize(walk, tab).await,
        93..95 => apps::redeem(walk).await,
        95..97 => apps::userinfo(walk).await,
        97..100 => sign_ins::wait(walk).await,
        100..103 => lost::ask(walk).await,
        103..106 => lost::recover(walk).await,
        106..108 => leaving::leave(walk).await,
        108..112 => page_passkeys::bind(walk, tab).await,
        112..116 => page_passkeys::show(walk, tab).await,
        116..117 => page_passkeys::rename(walk, tab).await,
        117..118 => page_passkeys::remove(walk, tab).await,
        118..120 => passkeys::rename(walk).await,
        _ => again::show_again(walk).await,
    }
}

/// RFC 6238 Appendix B, the last six of its eight digits.
async fn codes_of_the_walks_are_those_of_rfc_6238() {
    let secret = b"12345678901234567890";
    for (at, code) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(codes::code(secret, at / codes::STEP), code);
    }
}

/// An oracle that nothing displeases shows nothing: it is told lies, and must say so.
async fn the_oracle_sees_what_nobody_was_seen_to_do() {
    assert!(!Verdict::Never.allows(true) && !Verdict::Always.allows(false));
    let house = House::open(Backend::Sqlite).await;
    let place = Place::new(house.clone(), Backend::Sqlite).await;
    let mut tally = Tally::new();
    let mut walk = Walk::begin(&place, &mut tally, (1, 0)).await;
    walk.choose_policy(0, MfaPolicy::Offer).await;
    (walk.focus, walk.dice.is_sure) = (Some(0), true);
    sign_ins::login(&mut walk).await;
    if walk.model.users[0].has_factor() {
        endings::get_in(&mut walk, 0).await;
    }
    passkeys::begin_binding(&mut walk).await;
    passkeys::bind(&mut walk).await;
    assert_eq!(walk.find_amiss().await, None);
    let spoilt: [fn(&mut User); 4] = [
        |of| of.passkeys.last_mut().expect("a passkey").is_bound = false,
        |of| of.passkeys.last_mut().expect("a passkey").name.push('x'),
        |of| of.passkeys.last_mut().expect("a passkey").id.push('x'),
        |of| of.codes.clear(),
    ];
    for spoil in spoilt {
        let last = walk.model.users[0].passkeys.last().expect("a passkey");
        let was = (last.is_bound, last.name.clone(), last.id.clone());
        let codes = walk.model.users[0].codes.clone();
        spoil(&mut walk.model.users[0]);
        assert!(walk.find_amiss().await.is_some());
        let of = &mut walk.model.users[0];
        of.codes = codes;
        let last = of.passkeys.last_mut().expect("a passkey");
        (last.is_bound, last.name, last.id) = was;
    }
    assert_eq!(walk.find_amiss().await, None);
    house.stop().await;
}
