use crate::k8s_attributes::image::{Image, canonical};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn references_are_taken_apart_as_the_distribution_does() {
    let with_digest = format!("r.io/a/b:1.0@{DIGEST}");
    let only_digest = format!("b@{DIGEST}");
    for (text, name, tag, digest) in [
        ("nginx", "nginx", None, None),
        ("nginx:1.25", "nginx", Some("1.25"), None),
        ("localhost:5000/nginx", "localhost:5000/nginx", None, None),
        ("registry.example.com:5000/shop/web:v1_2.3-rc", "registry.example.com:5000/shop/web", Some("v1_2.3-rc"), None),
        ("[2001:db8::1]:5000/a__b/c.d:x", "[2001:db8::1]:5000/a__b/c.d", Some("x"), None),
        (&with_digest, "r.io/a/b", Some("1.0"), Some(DIGEST)),
        (&only_digest, "b", None, Some(DIGEST)),
    ] {
        assert_eq!(Image::parse(text), Some(Image { name, tag, digest }), "{text}");
    }
    let long = "a".repeat(256);
    for text in ["", "Upper/Case", "a//b", "a:", ":tag", "a@sha256:abc", "-a", "a b", &long] {
        assert_eq!(Image::parse(text), None, "{text}");
    }
}

#[test]
fn a_version_is_tag_and_digest_or_the_one_there_is() {
    let version = |text: &str| Image::parse(text).unwrap().version();
    assert_eq!(version("a:1"), Some("1".into()));
    assert_eq!(version(&format!("a@{DIGEST}")), Some(DIGEST.into()));
    assert_eq!(version(&format!("a:1@{DIGEST}")), Some(format!("1@{DIGEST}")));
    assert_eq!(version("a"), None);
}

#[test]
fn image_ids_become_full_references_and_bare_digests_none() {
    assert_eq!(canonical(&format!("nginx@{DIGEST}")), Some(format!("docker.io/library/nginx@{DIGEST}")));
    assert_eq!(canonical(&format!("me/app@{DIGEST}")), Some(format!("docker.io/me/app@{DIGEST}")));
    assert_eq!(canonical(&format!("index.docker.io/me/app@{DIGEST}")), Some(format!("docker.io/me/app@{DIGEST}")));
    assert_eq!(canonical(&format!("quay.io/me/app@{DIGEST}")), Some(format!("quay.io/me/app@{DIGEST}")));
    assert_eq!(canonical(&format!("localhost/app@{DIGEST}")), Some(format!("localhost/app@{DIGEST}")));
    for none in ["", "nginx", "nginx:1", DIGEST, "docker-pullable://nginx@sha256:0123", &DIGEST[7..]] {
        assert_eq!(canonical(none), None, "{none}");
    }
    let shouted = format!("nginx@sha256:{}", DIGEST[7..].to_uppercase());
    assert_eq!(canonical(&shouted), None);
}
