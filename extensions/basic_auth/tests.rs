use pipeline::component::BuildContext;
use pipeline::{Telemetry, extension};

#[test]
fn user_and_password_go_as_one_word() {
    let mut decoder = config::Decoder::default();
    let text = "client_auth: {username: Aladdin, password: open sesame}";
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    assert_eq!(decoder.finish().to_string(), "");
    let cx = BuildContext::new("basic_auth".parse().unwrap(), Telemetry::new("test"));
    let built: std::sync::Arc<dyn extension::Extension> = config.build(cx).unwrap();
    // RFC 7617's own example.
    let header = built.credentials().unwrap().header().unwrap();
    assert_eq!(header, ("authorization".into(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".into()));
}
