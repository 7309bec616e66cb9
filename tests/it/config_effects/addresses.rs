//! Where the doors listen: `PUBLIC_HOST`, `ADMIN_HOST`, `GRPC_HOST`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpStream;

use crate::backend::Backend;
use crate::house::House;
use crate::scenes;

scenes![
    each_door_listens_at_its_own_address_and_at_no_other,
    the_admin_and_grpc_doors_are_for_this_machine_unless_told_otherwise,
    operators_come_back_to_where_the_admin_door_is_said_to_be,
];

/// Other addresses of this machine's own.
const ELSEWHERE: [(&str, IpAddr); 3] = [
    ("PUBLIC_HOST", IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))),
    ("ADMIN_HOST", IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3))),
    ("GRPC_HOST", IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4))),
];

async fn each_door_listens_at_its_own_address_and_at_no_other() {
    let hosts = ELSEWHERE.map(|(name, host)| (name, host.to_string()));
    let settings = hosts.each_ref().map(|(name, host)| (*name, host.as_str()));
    let house = House::with(Backend::Sqlite, &settings).await;
    house.public().get("/health").await.expect(200);
    house.admin().get("/admin/keys").await.expect(200);
    for ((name, host), door) in ELSEWHERE.into_iter().zip(doors(&house)) {
        assert_eq!(door.ip(), host, "{name}");
        assert!(TcpStream::connect(door).await.is_ok(), "{name}={host}");
        let usual = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), door.port());
        assert!(TcpStream::connect(usual).await.is_err(), "{name}: {usual}");
    }
    house.stop().await;
}

async fn the_admin_and_grpc_doors_are_for_this_machine_unless_told_otherwise() {
    let house = House::with(Backend::Sqlite, &[("PUBLIC_HOST", "")]).await;
    let [public, admin, grpc] = doors(&house).map(|door| door.ip());
    assert_eq!(public, IpAddr::from(Ipv4Addr::UNSPECIFIED));
    assert_eq!([admin, grpc], [IpAddr::from(Ipv4Addr::LOCALHOST); 2]);
    house.stop().await;
}

async fn operators_come_back_to_where_the_admin_door_is_said_to_be() {
    for (said, url) in [
        ("", "http%3A%2F%2Flocalhost%3A0"),
        (
            "https://admin.example.org",
            "https%3A%2F%2Fadmin.example.org",
        ),
    ] {
        let house = House::with(Backend::Sqlite, &[("ADMIN_URL", said)]).await;
        let sent = house.stranger().get("/console/sign-in").await.expect(303);
        let back = format!("redirect_uri={url}%2Fconsole%2Fcallback&");
        let place = sent.header("location");
        assert!(place.contains(&back), "{place}");
        let path = place.trim_start_matches("http://localhost:4000");
        house.public().get(path).await.expect(303);
        house.stop().await;
    }
}

fn doors(house: &House) -> [SocketAddr; 3] {
    [
        house.public_address(),
        house.admin_address(),
        house.grpc_address(),
    ]
}
