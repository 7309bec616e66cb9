//! A sheet with every part in it, and nothing that anybody got into it.

use domain::time::UnixMillis;

use super::chart::{Chart, Series};
use super::*;

/// What nobody may get into a page.
const ODD: &str = "\"><script>alert('x')</script>";

fn parts(frame: &Frame) -> Vec<Part> {
    let odd = || ODD.to_owned();
    let when = When::new(UnixMillis::from_seconds(1_800_000_000), frame.texts);
    let series = Series {
        label: "refused",
        said: "1".to_owned(),
        values: vec![Some(1.0)],
    };
    let form = || Form {
        action: "/console/x".to_owned(),
        csrf: "t0ken".to_owned(),
        once: odd(),
        inputs: vec![
            Input::line("name", "Name").with(ODD).hint("Once."),
            Input::lines("uris", "URIs").with(ODD),
            Input::choice("kind", "Kind", &[("a", ODD), ("b", "B")]).with("b"),
            Input::hidden("id", odd()),
        ],
        button: "Go",
        is_danger: true,
    };
    vec![
        Part::Heading(odd()),
        Part::Note(odd()),
        Part::Secret("Secret", odd()),
        Part::Figures(vec![("Users", odd())]),
        Part::Facts(vec![("Name", Cell::text(ODD)), ("At", Cell::When(when))]),
        Part::Acts(vec![(odd(), odd())]),
        Part::Charts(vec![Chart::draw("T", "", (odd(), odd()), vec![series])]),
        Part::Table(Table {
            caption: "List",
            heads: vec!["One"],
            rows: vec![vec![
                Cell::code(ODD),
                Cell::link(ODD, ODD),
                Cell::Mark(odd()),
                Cell::Bad(odd()),
            ]],
            empty: "",
        }),
        Part::Tree(vec![(1, vec![Cell::text(ODD)])]),
        Part::Filter(form()),
        Part::Form(form()),
    ]
}

#[test]
fn nothing_that_is_shown_becomes_part_of_the_page() {
    let frame = Frame::sample("en");
    let around = Around {
        who: ODD.to_owned(),
        csrf: "t0ken".to_owned(),
        places: Vec::new(),
        here: "",
    };
    let parts = parts(&frame);
    let sheet = Sheet {
        frame: &frame,
        around: Some(&around),
        heading: ODD,
        lead: ODD,
        done: ODD,
        problem: ODD,
        details: &[ODD.to_owned()],
        code: ODD,
        parts: &parts,
    };
    let html = sheet.render().expect("a page");
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("style=\""), "no style but the page's");
    assert_eq!(html.matches("method=\"post\"").count(), 1);
    assert_eq!(html.matches("name=\"csrf\" value=\"t0ken\"").count(), 1);
    assert!(html.contains("<option value=\"b\" selected>"));
    assert!(!sheet.runs_script());
}

#[test]
fn an_empty_list_says_so() {
    let frame = Frame::sample("en");
    let table = Table {
        caption: "List",
        heads: vec!["One"],
        rows: Vec::new(),
        empty: "There are none.",
    };
    let sheet = Sheet {
        frame: &frame,
        around: None,
        heading: "List",
        lead: "",
        done: "",
        problem: "",
        details: &[],
        code: "",
        parts: &[Part::Table(table)],
    };
    let html = sheet.render().expect("a page");
    assert!(html.contains("There are none.") && !html.contains("<table"));
    assert!(!html.contains("Sign out"), "nobody to sign out");
}
