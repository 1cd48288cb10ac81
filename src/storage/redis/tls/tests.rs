//! Settings and files of TLS; handshakes with real servers are in the integration tests.
