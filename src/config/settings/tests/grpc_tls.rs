//! What is refused of TLS on the gRPC server.

use super::{accept, check};
use crate::config::settings::{AllowedName, ClientCertificate};

#[track_caller]
fn contradicts(tls: &str, name: &str, message: &str, help: &str) {
    let yaml = format!("grpc: {{tls: {{{tls}}}}}\n");
    check(&yaml, &[], &[], &format!("error: {message}\n --> grpc.tls.{name}\n  = help: {help}"));
}

#[test]
fn what_goes_together() {
    let yaml = "grpc: {tls: {certificate: /c, key: /k, client_ca: /ca, client_certificate: optional, allowed_names: [a.example]}}";
    let tls = accept(yaml, &[], &[]).grpc.tls;
    assert_eq!([&tls.certificate, &tls.key, &tls.client_ca].map(|path| path.is_some()), [true; 3]);
    assert_eq!(tls.client_certificate, ClientCertificate::Optional);
    assert_eq!(tls.allowed_names, [AllowedName::Dns("a.example".into())]);
    let tls = accept("grpc: {tls: {certificate: /c, key: /k}}", &[], &[]).grpc.tls;
    assert_eq!((tls.client_ca, tls.client_certificate), (None, ClientCertificate::Required));
}

#[test]
fn all_of_it_may_come_by_variables() {
    let variables = [
        ("RATEKEEPER_GRPC__TLS__CERTIFICATE", "/c"),
        ("RATEKEEPER_GRPC__TLS__KEY", "/k"),
        ("RATEKEEPER_GRPC__TLS__CLIENT_CA", "/ca"),
        ("RATEKEEPER_GRPC__TLS__ALLOWED_NAMES", "spiffe://cluster.local/ns/a/*, b.example"),
    ];
    let tls = accept("", &variables, &[]).grpc.tls;
    let names: Vec<_> = tls.allowed_names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["spiffe://cluster.local/ns/a/*", "b.example"]);
    let tls = accept("grpc: {tls: {certificate: '', key: ''}}", &[], &[]).grpc.tls;
    assert_eq!(tls.certificate, None);
}

#[test]
fn settings_that_contradict_each_other() {
    let one = "a certificate and its key go together, and this one is missing";
    contradicts("key: /k", "certificate", one, "write both `certificate` and `key`, or neither");
    contradicts("certificate: /c", "key", one, "write both `certificate` and `key`, or neither");
    contradicts(
        "certificate: /c, key: /k, allowed_names: [a.example]",
        "allowed_names",
        "there are names of clients, but no CA to verify their certificates by",
        "write `client_ca`, the certificate of the CA that vouches for these clients",
    );
    contradicts(
        "certificate: /c, key: /k, client_certificate: optional",
        "client_certificate",
        "clients may have a certificate, but there is no CA to verify it by",
        "write `client_ca`, or leave `client_certificate` out: without a CA nobody is asked",
    );
    contradicts(
        "client_ca: /ca",
        "client_ca",
        "clients are to show certificates, but there is no TLS",
        "write `certificate` and `key`, too: clients show theirs only by TLS",
    );
}

#[test]
fn names_and_kinds() {
    check(
        "grpc: {tls: {cert: a, client_certificate: yes, allowed_names: [a.example, '*.b']}}\n",
        &[],
        &[],
        "
error: unknown field `cert`
 --> s.yaml:1:14
  |
1 | grpc: {tls: {cert: a, client_certificate: yes, allowed_names: [a.example, '*.b']}}
  |              ^^^^
  = field: grpc.tls.cert
  = help: known here: certificate, key, client_ca, client_certificate, allowed_names

error: `client_certificate` cannot be `yes`
 --> s.yaml:1:43
  |
1 | grpc: {tls: {cert: a, client_certificate: yes, allowed_names: [a.example, '*.b']}}
  |                                           ^^^
  = field: grpc.tls.client_certificate
  = help: it can be: required, optional

error: `*.b` has a wildcard
 --> s.yaml:1:75
  |
1 | grpc: {tls: {cert: a, client_certificate: yes, allowed_names: [a.example, '*.b']}}
  |                                                                           ^^^^^
  = field: grpc.tls.allowed_names[1]
  = help: name each client, or write `spiffe://…/*` for all SPIFFE ids below one
",
    );
}
