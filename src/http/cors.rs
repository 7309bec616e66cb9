//! CORS: which web pages may call us from a browser. Off unless an operator lists origins.
//!
//! A tenant that has a list of its own goes by that one; everything else is the service's to say. A browser
//! asks first without `X-Tenant-ID`, so a tenant that pages name by that header alone is known to their
//! preflights by host or path only.

use domain::tenant::Tenant;
use http::HeaderValue;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::{CorsSettings, Origins};

/// What browsers are told, by tenant.
pub(super) struct Cors {
    /// All but the origins.
    common: CorsLayer,
    /// For tenants without a list; absent: nobody is listed.
    service: Option<CorsLayer>,
}

// === impl Cors ===

impl Cors {
    pub(super) fn new(settings: &CorsSettings) -> Self {
        let common = CorsLayer::new()
            .allow_methods(settings.methods.clone())
            .allow_headers(settings.headers.clone())
            .expose_headers(settings.exposed.clone())
            .allow_credentials(settings.credentials)
            .max_age(settings.max_age);
        let origins = match &settings.origins {
            Origins::Any => Some(AllowOrigin::any()),
            Origins::Listed(origins) => list(origins),
        };
        let service = origins.map(|origins| common.clone().allow_origin(origins));
        Self { common, service }
    }

    /// Gives what a tenant goes by, or a request that is no tenant's; `None` when nobody is listed.
    pub(super) fn layer_of(&self, tenant: Option<&Tenant>) -> Option<CorsLayer> {
        match tenant.and_then(|tenant| tenant.config.cors_allowed_origins.as_ref()) {
            Some(own) => list(own).map(|origins| self.common.clone().allow_origin(origins)),
            None => self.service.clone(),
        }
    }
}

/// Makes a list of origins; `None` of an empty one.
fn list(origins: &[String]) -> Option<AllowOrigin> {
    let values = origins.iter().filter_map(|text| text.parse().ok());
    let values: Vec<HeaderValue> = values.collect();
    (!values.is_empty()).then(|| AllowOrigin::list(values))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings(origins: Origins) -> CorsSettings {
        CorsSettings {
            origins,
            methods: vec![http::Method::GET],
            headers: Vec::new(),
            exposed: Vec::new(),
            credentials: false,
            max_age: Duration::from_secs(1),
        }
    }

    #[test]
    fn nobody_listed_means_no_cors_at_all() {
        let speaks = |origins| Cors::new(&settings(origins)).layer_of(None).is_some();
        assert!(!speaks(Origins::Listed(Vec::new())));
        assert!(speaks(Origins::Any));
    }
}
