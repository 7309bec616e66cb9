//! What certificates are called, and which are taken for one another.

use domain::client::ClientMetadata;
use rcgen::{CertificateParams, DistinguishedName as Names, DnType, DnValue, KeyPair, SanType};

use super::*;

/// Makes a certificate of this subject, its parts in the order of the certificate.
fn called(parts: &[(DnType, &str)], alternative: Vec<SanType>) -> ClientCertificate {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.distinguished_name = Names::new();
    for (kind, value) in parts {
        let value = DnValue::Utf8String((*value).to_owned());
        params.distinguished_name.push(kind.clone(), value);
    }
    params.subject_alt_names = alternative;
    let made = params.self_signed(&KeyPair::generate().expect("a key"));
    ClientCertificate::new(made.expect("a certificate").der().to_vec(), Vec::new())
}

fn robot() -> ClientCertificate {
    let parts = [
        (DnType::CountryName, "DE"),
        (DnType::OrganizationName, "Garden, Tools + Co"),
        (DnType::CommonName, "Röbot #1"),
        (DnType::from_oid(&[2, 5, 4, 97]), "PSDDE-BAFIN-125314"),
    ];
    called(&parts, Vec::new())
}

fn by_name(text: &str) -> Result<Subject, BadSubject> {
    Subject::of(&ClientMetadata {
        tls_client_auth_subject_dn: Some(text.to_owned()),
        ..ClientMetadata::default()
    })
}

#[test]
fn rfc_8705_2_1_2_a_subject_is_compared_as_rfc_4514_writes_it() {
    for same in [
        r"organizationIdentifier=PSDDE-BAFIN-125314,CN=Röbot #1,O=Garden\, Tools \+ Co,C=DE",
        r"2.5.4.97=#0c1250534444452d424146494e2d313235333134,cn=Röbot #1,o=Garden\, Tools \+ Co,c=DE",
        r"ORGANIZATIONIDENTIFIER=PSDDE-BAFIN-125314, CN=R\C3\B6bot \#1, O=Garden\2C Tools \2B Co, C=DE",
    ] {
        assert!(robot().is_called(&by_name(same).expect(same)), "{same}");
    }
}

#[test]
fn rfc_8705_2_1_2_another_subject_is_another() {
    let id = "organizationIdentifier=PSDDE-BAFIN-125314";
    for other in [
        // In the certificate's order, with a part less, more, other or twice.
        format!(r"C=DE,O=Garden\, Tools \+ Co,CN=Röbot #1,{id}"),
        r"CN=Röbot #1,O=Garden\, Tools \+ Co,C=DE".to_owned(),
        format!(r"{id},CN=Röbot #1,O=Garden\, Tools \+ Co,C=DE,DC=org"),
        format!(r"{id},CN=Röbot #2,O=Garden\, Tools \+ Co,C=DE"),
        format!(r"{id},CN=RÖBOT #1,O=Garden\, Tools \+ Co,C=DE"),
        format!(r"{id},CN=Röbot #1,O=Garden\, Tools \+ Co+C=DE"),
        format!(r"{id},CN=Röbot #1,OU=Garden\, Tools \+ Co,C=DE"),
        "CN=Röbot #1".to_owned(),
    ] {
        let subject = by_name(&other).expect(&other);
        assert!(!robot().is_called(&subject), "{other}");
    }
}

#[test]
fn rfc_4514_3_what_is_no_name_is_refused() {
    let long = format!("CN={}", "a".repeat(1024));
    for odd in [
        "",
        " ",
        "robot",
        "CN",
        "CN=",
        "=robot",
        "CN=robot,",
        ",CN=robot",
        "CN=robot,,C=DE",
        "CN= robot",
        "CN=robot ",
        "CN =robot",
        "CN=ro\"bot",
        "CN=ro;bot",
        "CN=ro<bot>",
        "CN=robot+",
        r"CN=robot\",
        r"CN=robot\x1",
        r"CN=\FF",
        "CN=#",
        "CN=#0",
        "CN=#zz",
        "X=robot",
        "2.5.4.3=robot",
        "2..3=#0c0161",
        &long,
    ] {
        let refused = by_name(odd);
        let expected = BadSubject::Malformed("tls_client_auth_subject_dn");
        assert_eq!(refused, Err(expected), "{odd}");
    }
}

#[test]
fn rfc_8705_2_1_2_each_kind_of_alternative_name_is_found() {
    let text = |text: &str| text.try_into().expect("ASCII");
    let names = || {
        vec![
            SanType::DnsName(text("Robot.example")),
            SanType::URI(text("https://robot.example/")),
            SanType::IpAddress("2001:db8::1".parse().expect("an address")),
            SanType::Rfc822Name(text("robot@example.org")),
        ]
    };
    let shown = called(&[(DnType::CommonName, "other.example")], names());
    let is = |said: ClientMetadata| {
        let subject = Subject::of(&said).expect("a subject");
        shown.is_called(&subject)
    };
    let none = ClientMetadata::default;
    let said = |text: &str| Some(text.to_owned());
    for (dns, found) in [
        ("robot.example", true),
        ("example", false),
        // A common name is no alternative name.
        ("other.example", false),
    ] {
        let tls_client_auth_san_dns = said(dns);
        let asked = ClientMetadata {
            tls_client_auth_san_dns,
            ..none()
        };
        assert_eq!(is(asked), found, "{dns}");
    }
    for (uri, found) in [
        ("https://robot.example/", true),
        ("https://robot.example", false),
        ("https://ROBOT.example/", false),
    ] {
        let tls_client_auth_san_uri = said(uri);
        let asked = ClientMetadata {
            tls_client_auth_san_uri,
            ..none()
        };
        assert_eq!(is(asked), found, "{uri}");
    }
    for (ip, found) in [
        ("2001:db8:0:0::1", true),
        ("2001:db8::2", false),
        ("1.2.3.4", false),
    ] {
        let tls_client_auth_san_ip = said(ip);
        let asked = ClientMetadata {
            tls_client_auth_san_ip,
            ..none()
        };
        assert_eq!(is(asked), found, "{ip}");
    }
    for (email, found) in [("robot@example.org", true), ("Robot@example.org", false)] {
        let tls_client_auth_san_email = said(email);
        let asked = ClientMetadata {
            tls_client_auth_san_email,
            ..none()
        };
        assert_eq!(is(asked), found, "{email}");
    }
}

#[test]
fn rfc_8705_2_1_2_exactly_one_name_is_registered() {
    let nothing = Subject::of(&ClientMetadata::default());
    assert_eq!(nothing, Err(BadSubject::Missing));
    let two = ClientMetadata {
        tls_client_auth_subject_dn: Some("CN=robot".to_owned()),
        tls_client_auth_san_ip: Some("192.0.2.1".to_owned()),
        ..ClientMetadata::default()
    };
    let refused = Subject::of(&two);
    assert_eq!(refused, Err(BadSubject::Several("tls_client_auth_san_ip")));
    for dns in ["*.example", "robot example", ""] {
        let odd = ClientMetadata {
            tls_client_auth_san_dns: Some(dns.to_owned()),
            ..ClientMetadata::default()
        };
        let expected = BadSubject::Malformed("tls_client_auth_san_dns");
        assert_eq!(Subject::of(&odd), Err(expected), "{dns}");
    }
}

#[test]
fn rfc_8705_3_1_a_thumbprint_is_of_the_whole_certificate() {
    let one = ClientCertificate::new(b"abc".to_vec(), Vec::new());
    // FIPS 180-2 Appendix B.1.
    let expected = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
    assert_eq!(one.thumbprint(), expected);
}

#[test]
fn what_is_not_read_to_its_last_byte_has_no_subject_and_no_key() {
    let shown = robot();
    assert!(shown.key().is_some());
    let subject = by_name("CN=robot").expect("a subject");
    for odd in [
        [shown.own(), b"x"].concat(),
        shown.own().iter().copied().skip(1).collect(),
        b"abc".to_vec(),
        Vec::new(),
    ] {
        let odd = ClientCertificate::new(odd, Vec::new());
        assert!(odd.key().is_none() && !odd.is_called(&subject));
    }
    let many = ClientCertificate::new(Vec::new(), vec![Vec::new(); 100]);
    assert_eq!(many.above().len(), MAX_ABOVE);
}
