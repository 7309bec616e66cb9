//! A form of the console that is sent twice.

use super::{Office, secret_of};
use crate::cases;
use crate::house::House;

cases![a_form_that_is_sent_twice_does_it_once];

async fn a_form_that_is_sent_twice_does_it_once(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/clients/new").await;
    let filled = |name: &'static str| {
        [
            ("name", name),
            ("client_type", "service"),
            ("grant_types", "client_credentials"),
            ("scopes", "read"),
        ]
    };
    let (mut twin, robot) = (office.admin.clone(), filled("Robot"));
    let (first, again) = tokio::join!(
        office.admin.submit(&page, &robot),
        twin.submit(&page, &robot),
    );
    first.expect(200);
    assert_eq!(first.answer.text, again.answer.text, "the same secret");
    assert_eq!(
        again.answer.header("content-security-policy"),
        first.answer.header("content-security-policy")
    );
    let number = async || {
        let list = house.admin().get("/admin/clients").await.expect(200).json();
        list["clients"].as_array().expect("a list").len()
    };
    assert_eq!(number().await, 1);
    // What is wrong is mended in the same form, and that is another.
    let other = office.admin.submit(&page, &filled("Other")).await;
    other.expect(200);
    assert_ne!(first.answer.text, other.answer.text);
    assert_eq!(number().await, 2);

    // Another operator is answered nothing of it.
    let mut second = Office::closed(&house, "second", "admin").await;
    second.enter("/console").await.expect(200);
    let (_, hidden) = page.form();
    let once = hidden.into_iter().find(|(name, _)| name == "once");
    let (token, once) = (second.token().await, once.expect("a text").1);
    let mut fields = vec![("csrf", &*token), ("once", &*once)];
    fields.extend(robot);
    let own = second.admin.post("/console/clients/new", &fields).await;
    own.expect(200);
    assert_ne!(secret_of(&first.answer.text), secret_of(&own.answer.text));
    assert_eq!(number().await, 3);
}
