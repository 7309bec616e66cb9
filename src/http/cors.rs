//! CORS: which web pages may call us from a browser. Off unless an operator lists origins.

use http::HeaderValue;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::{CorsSettings, Origins};

/// Makes the layer; `None` when nobody is listed.
pub(super) fn layer(settings: &CorsSettings) -> Option<CorsLayer> {
    let origins = match &settings.origins {
        Origins::Any => AllowOrigin::any(),
        Origins::Listed(origins) => {
            let values: Vec<HeaderValue> = origins
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect();
            if values.is_empty() {
                return None;
            }
            AllowOrigin::list(values)
        }
    };
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(settings.methods.clone())
        .allow_headers(settings.headers.clone())
        .expose_headers(settings.exposed.clone())
        .allow_credentials(settings.credentials)
        .max_age(settings.max_age);
    Some(layer)
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
        assert!(layer(&settings(Origins::Listed(Vec::new()))).is_none());
        assert!(layer(&settings(Origins::Any)).is_some());
    }
}
