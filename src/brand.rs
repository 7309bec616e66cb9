//! How a tenant looks, on pages and in letters: its name, its picture, its colour.

use domain::tenant::Tenant;
use url::Url;

/// What is shown of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// What people know it by.
    pub name: String,
    /// Its picture: an `https` address.
    pub logo: Option<String>,
    colour: Option<[u8; 3]>,
}

// === impl Brand ===

impl Brand {
    /// Takes a tenant's choices; one that is not acceptable is left out.
    #[must_use]
    pub fn of(tenant: &Tenant) -> Self {
        let branding = &tenant.config.branding;
        Self {
            name: tenant.name.clone(),
            logo: branding.logo_uri.clone().filter(|uri| is_https(uri)),
            colour: branding.colour.as_deref().and_then(parse_colour),
        }
    }

    /// Looks like nobody's in particular.
    #[must_use]
    pub fn ours() -> Self {
        Self {
            name: "QuantFlow Studio".to_owned(),
            logo: None,
            colour: None,
        }
    }

    /// Gives its colour, and black or white on it, whichever reads better (WCAG 2.2 §1.4.3).
    #[must_use]
    pub fn colours(&self) -> Option<(String, &'static str)> {
        let [red, green, blue] = self.colour?;
        let on = if luminance([red, green, blue]) > 0.179 {
            "#000000"
        } else {
            "#ffffff"
        };
        Some((format!("#{red:02x}{green:02x}{blue:02x}"), on))
    }

    /// Gives the rule that colours the buttons of its pages.
    #[must_use]
    pub fn style(&self) -> String {
        self.colours().map_or_else(String::new, |(colour, on)| {
            format!(":root{{--brand:{colour};--on-brand:{on}}}")
        })
    }
}

fn is_https(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme() == "https")
}

/// Reads `#rrggbb`.
fn parse_colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#')?;
    let is_plain = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_plain)?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}

/// Gives the relative luminance (WCAG 2.2, "relative luminance").
fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.0722f64.mul_add(blue, 0.2126f64.mul_add(red, 0.7152 * green))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(colour: &str) -> String {
        let brand = Brand {
            name: String::new(),
            logo: None,
            colour: parse_colour(colour),
        };
        brand.style()
    }

    #[test]
    fn wcag_1_4_3_the_text_on_a_colour_can_be_read() {
        assert!(style("#ffee00").ends_with("--on-brand:#000000}"));
        assert!(style("#102030").ends_with("--on-brand:#ffffff}"));
    }

    #[test]
    fn only_a_colour_gets_into_the_style() {
        for text in [
            "red", "#12345", "#+12345", "#1234567", "#12345g", "}body{x", "#é234",
        ] {
            assert_eq!(style(text), "", "{text}");
        }
        assert!(!is_https("javascript:alert(1)") && !is_https("http://x.example/a.png"));
    }
}
