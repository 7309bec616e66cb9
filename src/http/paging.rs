//! Pages of lists (CONTRACT §9): `page`, `per_page` and `cursor` in, `{"<plural>":[…],"total",
//! "page","per_page","next_cursor"}` out.
//!
//! A cursor is the id after which the next page begins, signed over tenant and list. It is no
//! secret, but nobody can make one: a forged cursor reaches no query.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::TenantId;
use domain::page::{MAX_PER_PAGE, Page, PageRequest, PageStart};
use domain::rejection::{Code, Refusal};
use protocol::system_secrets::{Label, SIGNATURE_BYTES, SystemSecrets};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::fields::Fields;
use super::form;

/// How many entries a page holds when nobody says.
const USUAL_PER_PAGE: u32 = 20;
const ID_BYTES: usize = 16;

/// One list of one tenant.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    /// What signs its cursors.
    pub(super) secrets: &'a SystemSecrets,
    /// Whose list.
    pub(super) tenant: TenantId,
    /// What its entries are called in JSON; also what tells its cursors from another list's.
    pub(super) plural: &'static str,
    /// What else its cursors belong to: what it is narrowed by, whose it is.
    pub(super) bound: &'a str,
}

/// Reads a query strictly: an unknown parameter is refused, as an unknown field is, and so is an empty
/// one: a program that has nothing to ask for would otherwise be answered with everything.
///
/// # Errors
/// 400 for what cannot be read, 422 for a parameter without a value.
pub(super) fn read_query(query: Option<&str>) -> Result<Fields, Refusal> {
    let (filled, empty) = form::parse_whole(query.unwrap_or_default().as_bytes())?;
    if empty.is_empty() {
        return Ok(Fields::of_form(filled, true));
    }
    let refusal = Refusal::new(Code::Validation, "a parameter has no value");
    let refuse = |refusal: Refusal, name| refusal.and_field(name, "must not be empty");
    Err(empty.into_iter().fold(refusal, refuse))
}

// === impl List ===

impl<'a> List<'a> {
    /// Ties its cursors to what it is narrowed by: a cursor of another question is none of this one's.
    pub(super) const fn bound_to(self, bound: &'a str) -> Self {
        Self { bound, ..self }
    }
    /// Takes the page that is wanted.
    ///
    /// # Errors
    /// 400 for a cursor that is not ours, 422 for a number out of bounds or a page and a cursor at
    /// once.
    pub(super) fn take_page(self, fields: &mut Fields) -> Result<PageRequest, Refusal> {
        let number = fields.optional_number("page");
        let per_page = fields.optional_number("per_page").unwrap_or(USUAL_PER_PAGE);
        let cursor = fields.optional_text("cursor");
        if !(1..=MAX_PER_PAGE).contains(&per_page) {
            fields.refuse("per_page", "must be 1 to 100");
        }
        if number == Some(0) {
            fields.refuse("page", "is counted from 1");
        }
        if number.is_some() && cursor.is_some() {
            fields.refuse("cursor", "goes without `page`");
        }
        let start = match cursor {
            Some(cursor) => PageStart::After(self.open_cursor(&cursor)?),
            None => PageStart::Number(number.unwrap_or(1)),
        };
        Ok(PageRequest { start, per_page })
    }

    /// Gives the page after this cursor, or the first one.
    ///
    /// # Errors
    /// 400 for a cursor that is not ours.
    pub(super) fn page_after(self, cursor: Option<&str>) -> Result<PageRequest, Refusal> {
        let start = match cursor {
            Some(cursor) => PageStart::After(self.open_cursor(cursor)?),
            None => PageStart::Number(1),
        };
        Ok(PageRequest {
            start,
            per_page: USUAL_PER_PAGE,
        })
    }

    /// Gives the cursor of the page that follows, if one does.
    pub(super) fn next_of<T>(self, page: &Page<T>) -> Option<String> {
        page.next.map(|id| self.seal_cursor(id))
    }

    /// Renders a page.
    pub(super) fn render<T>(
        self,
        asked: PageRequest,
        page: Page<T>,
        render: impl Fn(T) -> Value,
    ) -> Value {
        let next = self.next_of(&page);
        let items: Vec<Value> = page.items.into_iter().map(render).collect();
        let number = match asked.start {
            PageStart::Number(number) => json!(number),
            PageStart::After(_) => Value::Null,
        };
        let mut body = Map::new();
        body.insert(self.plural.to_owned(), items.into());
        body.insert("total".to_owned(), page.total.into());
        body.insert("page".to_owned(), number);
        body.insert("per_page".to_owned(), asked.per_page.into());
        body.insert("next_cursor".to_owned(), next.into());
        body.into()
    }

    fn seal_cursor(self, id: Uuid) -> String {
        let signature = self.secrets.sign(Label::Cursor, &self.message(id));
        URL_SAFE_NO_PAD.encode([id.as_bytes().as_slice(), &signature].concat())
    }

    fn open_cursor(self, cursor: &str) -> Result<Uuid, Refusal> {
        let open = || {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let (id, signature) = bytes.split_first_chunk::<ID_BYTES>()?;
            let id = Uuid::from_bytes(*id);
            let is_ours = signature.len() == SIGNATURE_BYTES
                && self
                    .secrets
                    .is_signed(Label::Cursor, &self.message(id), signature);
            is_ours.then_some(id)
        };
        let hint = "the cursor is not one that this list gave";
        open().ok_or_else(|| {
            Refusal::new(Code::BadRequest, hint).and_field("cursor", "is not one we gave")
        })
    }

    fn message(self, id: Uuid) -> Vec<u8> {
        let tenant = self.tenant.as_uuid();
        let list = [self.plural.as_bytes(), self.bound.as_bytes()].concat();
        [tenant.as_bytes().as_slice(), id.as_bytes(), &list].concat()
    }
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::secret::SecretBytes;
    use domain::time::UnixMillis;

    use super::*;

    struct House {
        secrets: SystemSecrets,
        tenant: TenantId,
    }

    impl House {
        fn new() -> Self {
            let secrets = SystemSecrets::new(&[SecretBytes::new(vec![7; 32])]);
            Self {
                secrets: secrets.expect("a secret"),
                tenant: TenantId::generate(UnixMillis::default(), &Counting::default()),
            }
        }

        fn list(&self, plural: &'static str) -> List<'_> {
            List {
                secrets: &self.secrets,
                tenant: self.tenant,
                plural,
                bound: "",
            }
        }
    }

    fn take(list: List<'_>, query: &str) -> Result<PageRequest, Code> {
        let mut fields = read_query(Some(query)).map_err(|refusal| refusal.code)?;
        let page = list
            .take_page(&mut fields)
            .map_err(|refusal| refusal.code)?;
        fields.finish(page).map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_cursor_leads_on_and_belongs_to_one_list_of_one_tenant() {
        let (house, id) = (House::new(), Uuid::from_bytes([9; 16]));
        let cursor = house.list("users").seal_cursor(id);
        let query = format!("cursor={cursor}&per_page=3");
        let expected = PageRequest {
            start: PageStart::After(id),
            per_page: 3,
        };
        assert_eq!(take(house.list("users"), &query), Ok(expected));
        assert_eq!(take(house.list("clients"), &query), Err(Code::BadRequest));
        let narrowed = house.list("users").bound_to("status=locked");
        assert_eq!(take(narrowed, &query), Err(Code::BadRequest));
        let mut elsewhere = House::new();
        elsewhere.tenant = TenantId::from_uuid(id);
        assert_eq!(take(elsewhere.list("users"), &query), Err(Code::BadRequest));
    }

    #[test]
    fn a_parameter_without_a_value_is_refused_by_name() {
        let refused = read_query(Some("status=&page=1&sort")).err();
        let refused = refused.expect("refused");
        assert_eq!(refused.code, Code::Validation);
        let names: Vec<_> = refused.fields.iter().map(|one| &*one.field).collect();
        assert_eq!(names, ["status", "sort"]);
    }

    #[test]
    fn a_forged_or_cut_cursor_is_400() {
        let house = House::new();
        let cursor = house.list("users").seal_cursor(Uuid::from_bytes([9; 16]));
        for length in 1..cursor.len() {
            let query = format!("cursor={}", &cursor[..length]);
            assert_eq!(
                take(house.list("users"), &query),
                Err(Code::BadRequest),
                "{length}"
            );
        }
        let forged = URL_SAFE_NO_PAD.encode([0; 48]);
        let query = format!("cursor={forged}");
        assert_eq!(take(house.list("users"), &query), Err(Code::BadRequest));
    }

    #[test]
    fn numbers_out_of_bounds_and_typos_are_refused() {
        let house = House::new();
        for (query, code) in [
            ("per_page=0", Code::Validation),
            ("per_page=101", Code::Validation),
            ("page=0", Code::Validation),
            ("page=x", Code::BadRequest),
            ("per_pgae=3", Code::Validation),
            ("page=1&page=2", Code::BadRequest),
        ] {
            assert_eq!(take(house.list("users"), query), Err(code), "{query}");
        }
        let first = PageRequest {
            start: PageStart::Number(1),
            per_page: USUAL_PER_PAGE,
        };
        assert_eq!(take(house.list("users"), ""), Ok(first));
    }

    #[test]
    fn a_page_is_rendered_in_the_contracts_form() {
        let house = House::new();
        let asked = PageRequest {
            start: PageStart::Number(2),
            per_page: 1,
        };
        let page = Page {
            items: vec![5],
            total: 2,
            next: None,
        };
        let body = house
            .list("users")
            .render(asked, page, |n| json!({ "n": n }));
        let expected = json!({
            "users": [{ "n": 5 }], "total": 2, "page": 2, "per_page": 1, "next_cursor": null,
        });
        assert_eq!(body, expected);
    }
}
