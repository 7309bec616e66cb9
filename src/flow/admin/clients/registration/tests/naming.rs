//! How people are named to a client, and how it learns that they are gone.

use super::*;

const HERE: &str = "https://a.example/cb";

fn web(uris: &[&str], said: MetadataPatch) -> Result<ClientMetadata, Vec<String>> {
    let said = MetadataPatch {
        redirect_uris: Some(owned(uris)),
        ..said
    };
    register(ClientType::Web, said)
}

fn pairwise(sector: Option<&str>) -> MetadataPatch {
    MetadataPatch {
        subjects: SubjectsPatch {
            subject_type: Some(Some("pairwise".to_owned())),
            sector_identifier_uri: Some(sector.map(str::to_owned)),
        },
        ..MetadataPatch::default()
    }
}

#[test]
fn openid_connect_core_8_1_pairwise_subjects_need_one_sector() {
    let sector = Some("https://group.example/sector.json");
    let hosts = [HERE, "https://b.example/cb"];
    assert!(web(&[HERE], pairwise(None)).is_ok());
    assert!(web(&hosts, pairwise(sector)).is_ok());
    let refused = web(&hosts, pairwise(None));
    assert_eq!(refused, Err(vec!["subject_type".to_owned()]));
    for odd in ["http://group.example/s", "/sector", "https://g.example/#x"] {
        let refused = web(&[HERE], pairwise(Some(odd)));
        let refused = refused.expect_err(odd);
        assert!(
            refused.contains(&"sector_identifier_uri".to_owned()),
            "{odd}"
        );
    }
    let mut other = pairwise(None);
    other.subjects.subject_type = Some(Some("transient".to_owned()));
    let refused = web(&[HERE], other);
    assert_eq!(refused, Err(vec!["subject_type".to_owned()]));
}

#[test]
fn what_is_answered_at_no_redirect_uri_is_no_proof_of_a_sector() {
    for grant in [
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:openid:params:grant-type:ciba",
    ] {
        let mut said = pairwise(None);
        said.grant_types = Some(owned(&[CODE, grant]));
        let refused = web(&[HERE], said).expect_err(grant);
        assert!(refused.contains(&"subject_type".to_owned()), "{grant}");
    }
}

#[test]
fn openid_connect_front_channel_logout_2_it_is_at_a_redirect_uris_origin() {
    let opened = |uri: &str| {
        let said = MetadataPatch {
            logout: LogoutPatch {
                frontchannel_logout_uri: Some(Some(uri.to_owned())),
                ..LogoutPatch::default()
            },
            ..MetadataPatch::default()
        };
        web(&[HERE], said)
    };
    assert!(opened("https://a.example/out?x=1").is_ok());
    for odd in [
        "https://b.example/out",
        "https://a.example:8443/out",
        "http://a.example/out",
        "https://a.example/out#x",
        "javascript:alert(1)",
    ] {
        let field = vec!["frontchannel_logout_uri".to_owned()];
        assert_eq!(opened(odd), Err(field), "{odd}");
    }
}

#[test]
fn openid_connect_back_channel_logout_2_2_it_is_absolute_over_tls_and_without_fragment() {
    let posted = |uri: &str| {
        let said = MetadataPatch {
            logout: LogoutPatch {
                backchannel_logout_uri: Some(Some(uri.to_owned())),
                backchannel_logout_session_required: Some(true),
                ..LogoutPatch::default()
            },
            ..MetadataPatch::default()
        };
        web(&[HERE], said)
    };
    assert!(posted("https://b.example/out?x=1").is_ok());
    for odd in ["http://a.example/out", "https://a.example/#x", "/out"] {
        let field = vec!["backchannel_logout_uri".to_owned()];
        assert_eq!(posted(odd), Err(field), "{odd}");
    }
}
