//! Everything that can be asked of the HTTP doors, in one table.
//!
//! `tenant`: an `Act` is for a tenant and is a flow's; what is `Open` needs none. `caller`: `Anyone`,
//! a `Browser` that a page of ours sent, a `Person` with an access token, one who is `Signing` in or is
//! such a person, a `Delegate` who acts for one or is one, an `Admin` with the role or an API key. `body`: what is read.
//! `work`: `Detached` changes state and is done to its end whether or not the client stays; `Once` makes
//! something, and heeds an `Idempotency-Key`.
//! `limited by`: the client's `Network`, or by `Nothing`, so that probes are always answered.
//!
//! Errors of hosted pages are pages; below `/oauth` they are in the words of RFC 6749, elsewhere in
//! those of CONTRACT §5. A `GET`
//! answers `HEAD` too. `api/openapi-public.json` and `api/openapi-admin.json` describe the same
//! routes; a test compares them.

use std::collections::BTreeSet;

use http::Method;

use super::body::Accepted;
use super::endpoint::{self, admin, auth, console, oauth, open, page};

mod described;
mod dialects;
mod route;

pub(super) use dialects::dialect_of;
pub(crate) use route::PUBLIC_BODY;
pub(super) use route::{Behind, Caller, LimitedBy, Route, Work};

macro_rules! routes {
    ($($method:ident $path:literal $kind:ident $($endpoint:ident)::+ $door:ident $caller:ident
       $body:ident $work:ident $limited:ident)+) => {
        /// The table.
        pub(super) static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            endpoint: endpoint::Endpoint::$kind($($endpoint)::+),
            door: Behind::$door,
            caller: Caller::$caller,
            body: Accepted::$body,
            work: Work::$work,
            limited_by: LimitedBy::$limited,
        }),+];
    };
}

routes! {
// method path                             tenant endpoint                     door   caller body       work     limited by
   POST   "/auth/register"                    Act  auth::register::answer         Public Anyone Json       Detached Network
   POST   "/auth/login"                       Act  auth::login::answer            Public Anyone Json       Detached Network
   POST   "/auth/token"                       Act  auth::token::answer            Public Anyone JsonOrForm Detached Network
   POST   "/auth/token/refresh"               Act  auth::token::refresh           Public Anyone JsonOrForm Detached Network
   POST   "/auth/token/revoke"                Act  auth::revoke::answer           Public Anyone JsonOrForm Detached Network
   POST   "/auth/revoke"                      Act  auth::revoke::answer           Public Anyone JsonOrForm Detached Network
   POST   "/auth/password/reset"              Act  auth::password::reset          Public Anyone Json       Detached Network
   POST   "/auth/password/reset/confirm"      Act  auth::password::confirm        Public Anyone Json       Detached Network
   POST   "/auth/verify-email"                Act  auth::verify_email::answer     Public Anyone Json       Detached Network
   POST   "/auth/verify-email/resend"         Act  auth::verify_email::resend     Public Anyone Json       Detached Network
   GET    "/auth/me"                          Act  auth::me::show                 Public Person None       Attached Network
   PATCH  "/auth/me"                          Act  auth::me::update               Public Person Json       Detached Network
   DELETE "/auth/me"                          Act  auth::me::delete               Public Person None       Detached Network
   POST   "/auth/me/restore"                  Act  auth::me::restore              Public Anyone Json       Detached Network
   PUT    "/auth/me/password"                 Act  auth::password::change         Public Person Json       Detached Network
   POST   "/auth/logout"                      Act  auth::logout::this             Public Person None       Detached Network
   POST   "/auth/logout/all"                  Act  auth::logout::all              Public Person None       Detached Network
   GET    "/auth/sessions"                    Act  auth::sessions::list           Public Person None       Attached Network
   DELETE "/auth/sessions"                    Act  auth::sessions::end_others     Public Person None       Detached Network
   DELETE "/auth/sessions/{id}"               Act  auth::sessions::end            Public Person None       Detached Network
   POST   "/auth/mfa/verify"                  Act  auth::mfa::go_on               Public Anyone Json       Detached Network
   POST   "/auth/mfa/setup"                   Act  auth::mfa::set_up              Public Signing Json      Detached Network
   POST   "/auth/mfa/confirm"                 Act  auth::mfa::confirm             Public Signing Json      Detached Network
   POST   "/auth/mfa/disable"                 Act  auth::mfa::disable             Public Person Json       Detached Network
   POST   "/auth/mfa/backup-codes"            Act  auth::mfa::make_codes          Public Person Json       Detached Network
   POST   "/auth/mfa/recovery"                Act  auth::recovery::send            Public Anyone Json       Detached Network
   POST   "/auth/mfa/recovery/confirm"        Act  auth::recovery::confirm         Public Anyone Json       Detached Network
   GET    "/auth/mfa/status"                  Act  auth::mfa::show                Public Person None       Attached Network
   POST   "/auth/webauthn/register/begin"     Act  auth::webauthn::begin_binding  Public Signing Json      Detached Network
   POST   "/auth/webauthn/register/finish"    Act  auth::webauthn::finish_binding Public Signing Json      Detached Network
   POST   "/auth/webauthn/login/begin"        Act  auth::webauthn::begin_sign_in  Public Anyone Json       Detached Network
   POST   "/auth/webauthn/login/finish"       Act  auth::webauthn::finish_sign_in Public Anyone Json       Detached Network
   GET    "/auth/webauthn/credentials"        Act  auth::webauthn::list           Public Person None       Attached Network
   GET    "/auth/webauthn/credentials/{id}"   Act  auth::webauthn::show           Public Person None       Attached Network
   PATCH  "/auth/webauthn/credentials/{id}"   Act  auth::webauthn::rename         Public Person Json       Detached Network
   DELETE "/auth/webauthn/credentials/{id}"   Act  auth::webauthn::remove         Public Person None       Detached Network
   GET    "/auth/me/activity"                 Act  auth::activity::list           Public Person None       Attached Network
   GET    "/auth/me/export"                   Act  auth::me::take_along           Public Person None       Attached Network
   GET    "/auth/me/consents"                 Act  auth::consents::list           Public Person None       Attached Network
   DELETE "/auth/me/consents"                 Act  auth::consents::take_back      Public Person None       Detached Network
   DELETE "/auth/me/consents/{client_id}"     Act  auth::consents::take_back      Public Person None       Detached Network

   GET    "/oauth/authorize"                  Act  page::authorize::answer        Public Anyone None       Attached Network
   POST   "/oauth/authorize"                  Act  page::authorize::answer        Public Anyone Form       Detached Network
   POST   "/oauth/par"                        Act  oauth::par::answer             Public Anyone Form       Detached Network
   POST   "/oauth/device_authorization"       Act  oauth::device_authorization::answer Public Anyone Form  Detached Network
   POST   "/oauth/token"                      Act  oauth::token::answer           Public Anyone Form       Detached Network
   POST   "/oauth/introspect"                 Act  oauth::introspect::answer      Public Anyone Form       Detached Network
   POST   "/oauth/revoke"                     Act  oauth::revoke::answer          Public Anyone Form       Detached Network
   POST   "/oauth/register"                   Act  oauth::register::create        Public Anyone Json       Detached Network
   GET    "/oauth/register/{id}"              Act  oauth::register::show          Public Anyone None       Attached Network
   PUT    "/oauth/register/{id}"              Act  oauth::register::replace       Public Anyone Json       Detached Network
   DELETE "/oauth/register/{id}"              Act  oauth::register::delete        Public Anyone None       Detached Network
   GET    "/userinfo"                         Act  oauth::userinfo::answer        Public Delegate None       Attached Network
   POST   "/userinfo"                         Act  oauth::userinfo::answer        Public Delegate Form       Detached Network
   GET    "/oauth/logout"                     Act  page::sign_out::show           Public Anyone None       Attached Network
   POST   "/oauth/logout"                     Act  page::sign_out::submit         Public Anyone Form       Detached Network
   GET    "/.well-known/jwks.json"            Act  oauth::jwks::answer            Public Anyone None       Attached Network
   GET    "/.well-known/openid-configuration" Act  oauth::discovery::provider     Public Anyone None       Attached Network
   GET    "/.well-known/oauth-authorization-server" Act oauth::discovery::provider Public Anyone None      Attached Network
   GET    "/.well-known/oauth-protected-resource"   Act oauth::discovery::resource Public Anyone None      Attached Network
   GET    "/.well-known/change-password"      Act  page::password::elsewhere      Public Anyone None       Attached Network

   GET    "/oauth/resume"                     Act  page::authorize::resume        Public Browser None      Attached Network
   GET    "/sign-in"                          Act  page::sign_in::show            Public Browser None      Attached Network
   POST   "/sign-in"                          Act  page::sign_in::submit          Public Browser Form      Detached Network
   GET    "/register"                         Act  page::register::show           Public Browser None      Attached Network
   POST   "/register"                         Act  page::register::submit         Public Browser Form      Detached Network
   GET    "/second-factor"                    Act  page::second_factor::show      Public Browser None      Attached Network
   POST   "/second-factor"                    Act  page::second_factor::submit    Public Browser Form      Detached Network
   GET    "/recover-factor"                   Act  page::recovery::show            Public Browser None      Attached Network
   POST   "/recover-factor"                   Act  page::recovery::submit          Public Browser Form      Detached Network
   GET    "/bind-factor"                      Act  page::bind::choose             Public Browser None      Attached Network
   POST   "/bind-factor"                      Act  page::bind::begin              Public Browser Form      Detached Network
   GET    "/bind-app"                         Act  page::bind::show_app           Public Browser None      Attached Network
   POST   "/bind-app"                         Act  page::bind::confirm_app        Public Browser Form      Detached Network
   GET    "/bind-passkey"                     Act  page::passkey::show_form       Public Browser None      Attached Network
   POST   "/bind-passkey"                     Act  page::passkey::submit          Public Browser Form      Detached Network
   GET    "/consent"                          Act  page::consent::show            Public Browser None      Attached Network
   POST   "/consent"                          Act  page::consent::submit          Public Browser Form      Detached Network
   GET    "/device"                           Act  page::device::show             Public Browser None      Attached Network
   POST   "/device"                           Act  page::device::submit           Public Browser Form      Detached Network
   GET    "/forgotten-password"               Act  page::password::ask            Public Browser None      Attached Network
   POST   "/forgotten-password"               Act  page::password::send           Public Browser Form      Detached Network
   GET    "/reset-password"                   Act  page::password::choose         Public Browser None      Attached Network
   POST   "/reset-password"                   Act  page::password::save           Public Browser Form      Detached Network
   GET    "/verify-email"                     Act  page::verify_email::show       Public Browser None      Attached Network
   POST   "/verify-email"                     Act  page::verify_email::submit     Public Browser Form      Detached Network

   GET    "/account"                           Act  page::account::show                          Public Browser None      Attached Network
   POST   "/account"                           Act  page::account::save                          Public Browser Form      Detached Network
   GET    "/account/password"                  Act  page::account::show_password                 Public Browser None      Attached Network
   POST   "/account/password"                  Act  page::account::save_password                 Public Browser Form      Detached Network
   GET    "/account/factors"                   Act  page::account::factors::list                 Public Browser None      Attached Network
   GET    "/account/factors/app/remove"        Act  page::account::factors::ask_remove_app       Public Browser None      Attached Network
   POST   "/account/factors/app/remove"        Act  page::account::factors::remove_app           Public Browser Form      Detached Network
   GET    "/account/factors/codes"             Act  page::account::factors::ask_codes            Public Browser None      Attached Network
   POST   "/account/factors/codes"             Act  page::account::factors::make_codes           Public Browser Form      Detached Network
   GET    "/account/factors/passkeys/{id}/rename" Act  page::account::factors::show_rename          Public Browser None      Attached Network
   POST   "/account/factors/passkeys/{id}/rename" Act  page::account::factors::rename               Public Browser Form      Detached Network
   GET    "/account/factors/passkeys/{id}/remove" Act  page::account::factors::ask_remove_passkey   Public Browser None      Attached Network
   POST   "/account/factors/passkeys/{id}/remove" Act  page::account::factors::remove_passkey       Public Browser Form      Detached Network
   GET    "/account/sessions"                  Act  page::account::sessions::list                Public Browser None      Attached Network
   GET    "/account/sessions/{id}/end"         Act  page::account::sessions::ask_end             Public Browser None      Attached Network
   POST   "/account/sessions/{id}/end"         Act  page::account::sessions::end                 Public Browser Form      Detached Network
   GET    "/account/sessions/end-others"       Act  page::account::sessions::ask_end_others      Public Browser None      Attached Network
   POST   "/account/sessions/end-others"       Act  page::account::sessions::end_others          Public Browser Form      Detached Network
   GET    "/account/applications"              Act  page::account::applications::list            Public Browser None      Attached Network
   GET    "/account/applications/take-back"    Act  page::account::applications::ask_take_back   Public Browser None      Attached Network
   POST   "/account/applications/take-back"    Act  page::account::applications::take_back       Public Browser Form      Detached Network
   GET    "/account/activity"                  Act  page::account::activity::list                Public Browser None      Attached Network
   GET    "/account/data"                      Act  page::account::data::show                    Public Browser None      Attached Network
   GET    "/account/data/export"               Act  page::account::data::take_along              Public Browser None      Attached Network
   GET    "/account/data/delete"               Act  page::account::data::ask_delete              Public Browser None      Attached Network
   POST   "/account/data/delete"               Act  page::account::data::delete                  Public Browser Form      Detached Network
   GET    "/account/restore"                   Act  page::restore::show                          Public Browser None      Attached Network
   POST   "/account/restore"                   Act  page::restore::submit                        Public Browser Form      Detached Network

   GET    "/admin/users"                      Act  admin::users::list             Admin  Admin  None       Attached Network
   POST   "/admin/users"                      Act  admin::users::create           Admin  Admin  Json       Once     Network
   GET    "/admin/users/{id}"                 Act  admin::users::show             Admin  Admin  None       Attached Network
   PATCH  "/admin/users/{id}"                 Act  admin::users::update           Admin  Admin  Json       Detached Network
   DELETE "/admin/users/{id}"                 Act  admin::users::delete           Admin  Admin  None       Detached Network
   POST   "/admin/users/{id}/lock"            Act  admin::users::lock             Admin  Admin  Json       Detached Network
   POST   "/admin/users/{id}/unlock"          Act  admin::users::unlock           Admin  Admin  None       Detached Network
   POST   "/admin/users/bulk/lock"            Act  admin::users::bulk::lock       Admin  Admin  Json       Detached Network
   POST   "/admin/users/bulk/unlock"          Act  admin::users::bulk::unlock     Admin  Admin  Json       Detached Network
   POST   "/admin/users/bulk/suspend"         Act  admin::users::bulk::suspend    Admin  Admin  Json       Detached Network
   POST   "/admin/users/bulk/assign-role"     Act  admin::users::bulk::assign_role Admin Admin  Json       Detached Network
   GET    "/admin/users/{id}/activity"        Act  admin::users::about::activity  Admin  Admin  None       Attached Network
   GET    "/admin/users/{id}/sessions"        Act  admin::users::about::list_sessions Admin Admin None     Attached Network
   DELETE "/admin/users/{id}/sessions"        Act  admin::users::about::end_sessions Admin Admin None      Detached Network
   DELETE "/admin/users/{id}/sessions/{session_id}" Act admin::users::about::end_session Admin Admin None  Detached Network
   GET    "/admin/users/{id}/export"          Act  admin::users::about::export    Admin  Admin  None       Attached Network
   POST   "/admin/users/{id}/erase"           Act  admin::users::about::erase     Admin  Admin  Json       Detached Network
   GET    "/admin/users/{id}/consents"        Act  admin::consents::list          Admin  Admin  None       Attached Network
   DELETE "/admin/users/{id}/consents"        Act  admin::consents::take_back     Admin  Admin  None       Detached Network
   DELETE "/admin/users/{id}/consents/{client_id}" Act admin::consents::take_back Admin  Admin  None       Detached Network
   GET    "/admin/users/{id}/identities"      Act  admin::users::identities::list Admin Admin None       Attached Network
   POST   "/admin/users/{id}/identities"      Act  admin::users::identities::link Admin Admin Json       Once     Network
   DELETE "/admin/users/{id}/identities/{identity}" Act admin::users::identities::unlink Admin Admin None  Detached Network
   GET    "/admin/users/{id}/mfa"             Act  admin::factors::show           Admin  Admin  None       Attached Network
   DELETE "/admin/users/{id}/mfa"             Act  admin::factors::remove         Admin  Admin  None       Detached Network
   GET    "/admin/clients"                    Act  admin::clients::list           Admin  Admin  None       Attached Network
   POST   "/admin/clients"                    Act  admin::clients::create         Admin  Admin  Json       Once     Network
   GET    "/admin/clients/{id}"               Act  admin::clients::show           Admin  Admin  None       Attached Network
   PATCH  "/admin/clients/{id}"               Act  admin::clients::update         Admin  Admin  Json       Detached Network
   DELETE "/admin/clients/{id}"               Act  admin::clients::delete         Admin  Admin  None       Detached Network
   POST   "/admin/clients/{id}/rotate-secret" Act  admin::clients::rotate_secret  Admin  Admin  None       Once     Network
   GET    "/admin/oauth/auth/requests/login"  Act  admin::login_ui::show_login    Admin  Admin  None       Attached Network
   PUT    "/admin/oauth/auth/requests/login/accept"   Act admin::login_ui::accept_login   Admin Admin Json   Detached Network
   PUT    "/admin/oauth/auth/requests/login/reject"   Act admin::login_ui::reject_login   Admin Admin Json   Detached Network
   GET    "/admin/oauth/auth/requests/consent" Act admin::login_ui::show_consent  Admin  Admin  None       Attached Network
   PUT    "/admin/oauth/auth/requests/consent/accept" Act admin::login_ui::accept_consent Admin Admin Json   Detached Network
   PUT    "/admin/oauth/auth/requests/consent/reject" Act admin::login_ui::reject_consent Admin Admin Json   Detached Network
   GET    "/admin/tenants"                    Act  admin::tenants::list           Admin  Admin  None       Attached Network
   POST   "/admin/tenants"                    Act  admin::tenants::create         Admin  Admin  Json       Once     Network
   GET    "/admin/tenants/{id}"               Act  admin::tenants::show           Admin  Admin  None       Attached Network
   PATCH  "/admin/tenants/{id}"               Act  admin::tenants::update         Admin  Admin  Json       Detached Network
   DELETE "/admin/tenants/{id}"               Act  admin::tenants::delete         Admin  Admin  None       Detached Network
   POST   "/admin/tenants/{id}/suspend"       Act  admin::tenants::suspend        Admin  Admin  Json       Detached Network
   POST   "/admin/tenants/{id}/activate"      Act  admin::tenants::activate       Admin  Admin  None       Detached Network
   POST   "/admin/tenants/{id}/restore"       Act  admin::tenants::restore        Admin  Admin  None       Detached Network
   GET    "/admin/password-policies"          Act  admin::password_policies::show    Admin Admin None      Attached Network
   PUT    "/admin/password-policies"          Act  admin::password_policies::replace Admin Admin Json      Detached Network
   GET    "/admin/rbac/roles"                 Act  admin::rbac::list_roles        Admin  Admin  None       Attached Network
   POST   "/admin/rbac/roles"                 Act  admin::rbac::create_role       Admin  Admin  Json       Once     Network
   GET    "/admin/rbac/roles/{id}"            Act  admin::rbac::show_role         Admin  Admin  None       Attached Network
   PATCH  "/admin/rbac/roles/{id}"            Act  admin::rbac::update_role       Admin  Admin  Json       Detached Network
   DELETE "/admin/rbac/roles/{id}"            Act  admin::rbac::delete_role       Admin  Admin  None       Detached Network
   GET    "/admin/rbac/policies"              Act  admin::rbac::list_policies     Admin  Admin  None       Attached Network
   POST   "/admin/rbac/policies"              Act  admin::rbac::create_policy     Admin  Admin  Json       Once     Network
   DELETE "/admin/rbac/policies/{id}"         Act  admin::rbac::delete_policy     Admin  Admin  None       Detached Network
   POST   "/admin/rbac/grants"                Act  admin::rbac::grant             Admin  Admin  Json       Detached Network
   POST   "/admin/rbac/grants/revoke"         Act  admin::rbac::revoke            Admin  Admin  Json       Detached Network
   GET    "/admin/rbac/check"                 Act  admin::rbac::check             Admin  Admin  None       Attached Network
   GET    "/admin/audit"                      Act  admin::audit::list             Admin  Admin  None       Attached Network
   GET    "/admin/audit/export"               Act  admin::audit::export           Admin  Admin  None       Attached Network
   GET    "/admin/audit/checkpoints"          Act  admin::audit::checkpoints      Admin  Admin  None       Attached Network
   GET    "/admin/audit/{id}"                 Act  admin::audit::show             Admin  Admin  None       Attached Network
   GET    "/admin/dashboard/overview"         Act  admin::dashboard::overview     Admin  Admin  None       Attached Network
   GET    "/admin/dashboard/security"         Act  admin::dashboard::security     Admin  Admin  None       Attached Network
   GET    "/admin/actors"                     Act  admin::actors::answer          Admin  Admin  None       Attached Network
   POST   "/admin/tokens/introspect"          Act  admin::tokens::introspect      Admin  Admin  Json       Attached Network
   POST   "/admin/tokens/revoke"              Act  admin::tokens::revoke          Admin  Admin  Json       Detached Network
   GET    "/admin/keys"                       Act  admin::keys::list              Admin  Admin  None       Attached Network
   GET    "/admin/apikeys"                    Act  admin::api_keys::list          Admin  Admin  None       Attached Network
   POST   "/admin/apikeys"                    Act  admin::api_keys::create        Admin  Admin  Json       Once     Network
   GET    "/admin/apikeys/{id}"               Act  admin::api_keys::show          Admin  Admin  None       Attached Network
   PATCH  "/admin/apikeys/{id}"               Act  admin::api_keys::update        Admin  Admin  Json       Detached Network
   DELETE "/admin/apikeys/{id}"               Act  admin::api_keys::delete        Admin  Admin  None       Detached Network
   POST   "/admin/apikeys/{id}/rotate"        Act  admin::api_keys::rotate        Admin  Admin  None       Once     Network
   POST   "/admin/keys/{id}/revoke"           Act  admin::keys::revoke            Admin  Admin  None       Detached Network
   POST   "/admin/keys/rotate"                Act  admin::keys::rotate            Admin  Admin  None       Detached Network

   GET    "/console"                                   Act  console::overview::show                        Admin  Browser None       Attached Network
   GET    "/console/sign-in"                           Act  console::door::sign_in                         Admin  Browser None       Attached Network
   GET    "/console/callback"                          Act  console::door::callback                        Admin  Browser None       Detached Network
   GET    "/console/sign-out"                          Act  console::door::ask_sign_out                    Admin  Browser None       Attached Network
   POST   "/console/sign-out"                          Act  console::door::sign_out                        Admin  Browser Form       Detached Network
   GET    "/console/signed-out"                        Act  console::door::signed_out                      Admin  Browser None       Attached Network
   GET    "/console/users"                             Act  console::users::list                           Admin  Browser None       Attached Network
   GET    "/console/users/new"                         Act  console::users::deeds::ask_create              Admin  Browser None       Attached Network
   POST   "/console/users/new"                         Act  console::users::deeds::create                  Admin  Browser Form       Detached Network
   GET    "/console/users/{id}"                        Act  console::users::show                           Admin  Browser None       Attached Network
   GET    "/console/users/{id}/edit"                   Act  console::users::deeds::ask_edit                Admin  Browser None       Attached Network
   POST   "/console/users/{id}/edit"                   Act  console::users::deeds::edit                    Admin  Browser Form       Detached Network
   GET    "/console/users/{id}/lock"                   Act  console::users::deeds::ask_lock                Admin  Browser None       Attached Network
   POST   "/console/users/{id}/lock"                   Act  console::users::deeds::lock                    Admin  Browser Form       Detached Network
   GET    "/console/users/{id}/unlock"                 Act  console::users::deeds::ask_unlock              Admin  Browser None       Attached Network
   POST   "/console/users/{id}/unlock"                 Act  console::users::deeds::unlock                  Admin  Browser Form       Detached Network
   GET    "/console/users/{id}/reset-mfa"              Act  console::users::deeds::ask_reset_mfa           Admin  Browser None       Attached Network
   POST   "/console/users/{id}/reset-mfa"              Act  console::users::deeds::reset_mfa               Admin  Browser Form       Detached Network
   GET    "/console/users/{id}/delete"                 Act  console::users::deeds::ask_delete              Admin  Browser None       Attached Network
   POST   "/console/users/{id}/delete"                 Act  console::users::deeds::delete                  Admin  Browser Form       Detached Network
   GET    "/console/users/{id}/sessions/end"           Act  console::users::sessions::ask_end_all          Admin  Browser None       Attached Network
   POST   "/console/users/{id}/sessions/end"           Act  console::users::sessions::end_all              Admin  Browser Form       Detached Network
   GET    "/console/users/{id}/sessions/{session_id}/end" Act  console::users::sessions::ask_end              Admin  Browser None       Attached Network
   POST   "/console/users/{id}/sessions/{session_id}/end" Act  console::users::sessions::end                  Admin  Browser Form       Detached Network
   GET    "/console/users/{id}/identities/{identity}/unlink" Act  console::users::identities::ask_unlink         Admin  Browser None       Attached Network
   POST   "/console/users/{id}/identities/{identity}/unlink" Act  console::users::identities::unlink             Admin  Browser Form       Detached Network
   GET    "/console/clients"                           Act  console::clients::list                         Admin  Browser None       Attached Network
   GET    "/console/clients/new"                       Act  console::clients::ask_create                   Admin  Browser None       Attached Network
   POST   "/console/clients/new"                       Act  console::clients::create                       Admin  Browser Form       Detached Network
   GET    "/console/clients/{id}"                      Act  console::clients::show                         Admin  Browser None       Attached Network
   GET    "/console/clients/{id}/rotate-secret"        Act  console::clients::ask_rotate_secret            Admin  Browser None       Attached Network
   POST   "/console/clients/{id}/rotate-secret"        Act  console::clients::rotate_secret                Admin  Browser Form       Detached Network
   GET    "/console/clients/{id}/disable"              Act  console::clients::ask_disable                  Admin  Browser None       Attached Network
   POST   "/console/clients/{id}/disable"              Act  console::clients::disable                      Admin  Browser Form       Detached Network
   GET    "/console/clients/{id}/delete"               Act  console::clients::ask_delete                   Admin  Browser None       Attached Network
   POST   "/console/clients/{id}/delete"               Act  console::clients::delete                       Admin  Browser Form       Detached Network
   GET    "/console/apikeys"                           Act  console::api_keys::list                        Admin  Browser None       Attached Network
   GET    "/console/apikeys/new"                       Act  console::api_keys::deeds::ask_create           Admin  Browser None       Attached Network
   POST   "/console/apikeys/new"                       Act  console::api_keys::deeds::create               Admin  Browser Form       Detached Network
   GET    "/console/apikeys/{id}"                      Act  console::api_keys::show                        Admin  Browser None       Attached Network
   GET    "/console/apikeys/{id}/edit"                 Act  console::api_keys::deeds::ask_edit             Admin  Browser None       Attached Network
   POST   "/console/apikeys/{id}/edit"                 Act  console::api_keys::deeds::edit                 Admin  Browser Form       Detached Network
   GET    "/console/apikeys/{id}/rotate"               Act  console::api_keys::deeds::ask_rotate           Admin  Browser None       Attached Network
   POST   "/console/apikeys/{id}/rotate"               Act  console::api_keys::deeds::rotate               Admin  Browser Form       Detached Network
   GET    "/console/apikeys/{id}/revoke"               Act  console::api_keys::deeds::ask_revoke           Admin  Browser None       Attached Network
   POST   "/console/apikeys/{id}/revoke"               Act  console::api_keys::deeds::revoke               Admin  Browser Form       Detached Network
   GET    "/console/roles"                             Act  console::roles::list                           Admin  Browser None       Attached Network
   GET    "/console/roles/explain"                     Act  console::roles::explain                        Admin  Browser None       Attached Network
   GET    "/console/roles/new"                         Act  console::roles::deeds::ask_create              Admin  Browser None       Attached Network
   POST   "/console/roles/new"                         Act  console::roles::deeds::create                  Admin  Browser Form       Detached Network
   GET    "/console/roles/grant"                       Act  console::roles::deeds::ask_grant               Admin  Browser None       Attached Network
   POST   "/console/roles/grant"                       Act  console::roles::deeds::grant                   Admin  Browser Form       Detached Network
   GET    "/console/roles/revoke"                      Act  console::roles::deeds::ask_revoke              Admin  Browser None       Attached Network
   POST   "/console/roles/revoke"                      Act  console::roles::deeds::revoke                  Admin  Browser Form       Detached Network
   GET    "/console/roles/policies/new"                Act  console::roles::deeds::ask_create_policy       Admin  Browser None       Attached Network
   POST   "/console/roles/policies/new"                Act  console::roles::deeds::create_policy           Admin  Browser Form       Detached Network
   GET    "/console/roles/policies/{id}/delete"        Act  console::roles::deeds::ask_delete_policy       Admin  Browser None       Attached Network
   POST   "/console/roles/policies/{id}/delete"        Act  console::roles::deeds::delete_policy           Admin  Browser Form       Detached Network
   GET    "/console/roles/{id}/delete"                 Act  console::roles::deeds::ask_delete              Admin  Browser None       Attached Network
   POST   "/console/roles/{id}/delete"                 Act  console::roles::deeds::delete                  Admin  Browser Form       Detached Network
   GET    "/console/tenants"                           Act  console::tenants::list                         Admin  Browser None       Attached Network
   GET    "/console/tenants/new"                       Act  console::tenants::deeds::ask_create            Admin  Browser None       Attached Network
   POST   "/console/tenants/new"                       Act  console::tenants::deeds::create                Admin  Browser Form       Detached Network
   GET    "/console/tenants/{id}"                      Act  console::tenants::show                         Admin  Browser None       Attached Network
   GET    "/console/tenants/{id}/suspend"              Act  console::tenants::deeds::ask_suspend           Admin  Browser None       Attached Network
   POST   "/console/tenants/{id}/suspend"              Act  console::tenants::deeds::suspend               Admin  Browser Form       Detached Network
   GET    "/console/tenants/{id}/activate"             Act  console::tenants::deeds::ask_activate          Admin  Browser None       Attached Network
   POST   "/console/tenants/{id}/activate"             Act  console::tenants::deeds::activate              Admin  Browser Form       Detached Network
   GET    "/console/tenants/{id}/delete"               Act  console::tenants::deeds::ask_delete            Admin  Browser None       Attached Network
   POST   "/console/tenants/{id}/delete"               Act  console::tenants::deeds::delete                Admin  Browser Form       Detached Network
   GET    "/console/tenants/{id}/restore"              Act  console::tenants::deeds::ask_restore           Admin  Browser None       Attached Network
   POST   "/console/tenants/{id}/restore"              Act  console::tenants::deeds::restore               Admin  Browser Form       Detached Network
   GET    "/console/audit"                             Act  console::audit::list                           Admin  Browser None       Attached Network
   GET    "/console/audit/export"                      Act  console::audit::export                         Admin  Browser None       Attached Network
   GET    "/console/audit/checkpoints"                 Act  console::audit::checkpoints                    Admin  Browser None       Attached Network
   GET    "/console/audit/{id}"                        Act  console::audit::entry::show                    Admin  Browser None       Attached Network
   GET    "/console/keys"                              Act  console::keys::list                            Admin  Browser None       Attached Network
   GET    "/console/keys/rotate"                       Act  console::keys::ask_rotate                      Admin  Browser None       Attached Network
   POST   "/console/keys/rotate"                       Act  console::keys::rotate                          Admin  Browser Form       Detached Network
   GET    "/console/keys/{id}/revoke"                  Act  console::keys::ask_revoke                      Admin  Browser None       Attached Network
   POST   "/console/keys/{id}/revoke"                  Act  console::keys::revoke                          Admin  Browser Form       Detached Network
   GET    "/console/tree"                              Act  console::tree::show                            Admin  Browser None       Attached Network

   GET    "/health"                           Open open::health::alive            Both   Anyone None       Attached Nothing
   GET    "/liveness"                         Open open::health::alive            Both   Anyone None       Attached Nothing
   GET    "/ready"                            Open open::health::ready            Both   Anyone None       Attached Nothing
   GET    "/readiness"                        Open open::health::ready            Both   Anyone None       Attached Nothing
   GET    "/metrics"                          Open open::metrics::answer          Admin  Anyone None       Attached Nothing
   GET    "/admin/metrics/prometheus"         Open open::metrics::answer          Admin  Anyone None       Attached Nothing
   GET    "/openapi.json"                     Open open::document::json           Both   Anyone None       Attached Network
   GET    "/docs"                             Open open::document::page           Both   Anyone None       Attached Network
}

/// Gives the path of every route, each once.
pub fn paths() -> impl Iterator<Item = &'static str> {
    let paths: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).collect();
    paths.into_iter()
}

/// Gives the method and the path of every route that changes something.
pub fn changing() -> impl Iterator<Item = (&'static str, &'static str)> {
    let changing = ROUTES.iter().filter(|route| route.method != Method::GET);
    changing.map(|route| (route.method.as_str(), route.path))
}

/// Names every route that its OpenAPI document does not describe, and everything that is described
/// and no route.
#[must_use]
pub fn undocumented() -> Vec<String> {
    described::differences()
}

#[cfg(test)]
mod tests;
