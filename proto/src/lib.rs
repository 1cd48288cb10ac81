//! The wire contract between Envoy and ratekeeper: messages, service, client, and their descriptors.
//!
//! Owns our own `.proto` files (`protos/`) and the code that is generated from them and committed (`src/gen/`),
//! so that a build needs no protobuf compiler. `make proto` generates it again, and a test compares. Knows
//! nothing of rules, counters or how a request is answered.

/// The modules as the packages of Envoy's API are nested, because generated code refers to its siblings so.
#[expect(clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated code")]
#[expect(unused_qualifications, reason = "generated code spells out every path")]
#[expect(missing_docs, reason = "modules that are nothing but a package's path")]
pub mod envoy {
    pub mod config {
        pub mod core {
            pub mod v3 {
                include!("gen/envoy.config.core.v3.rs");
            }
        }
    }
    pub mod extensions {
        pub mod common {
            pub mod ratelimit {
                pub mod v3 {
                    include!("gen/envoy.extensions.common.ratelimit.v3.rs");
                }
            }
        }
    }
    pub mod service {
        pub mod ratelimit {
            pub mod v3 {
                include!("gen/envoy.service.ratelimit.v3.rs");
            }
        }
    }
    pub mod r#type {
        pub mod v3 {
            include!("gen/envoy.r#type.v3.rs");
        }
    }
}

pub use envoy::config::core::v3::HeaderValue;
pub use envoy::extensions::common::ratelimit::v3::{RateLimitDescriptor, rate_limit_descriptor};
pub use envoy::service::ratelimit::v3::{
    RateLimitRequest, RateLimitResponse, rate_limit_response, rate_limit_service_client,
    rate_limit_service_server,
};
pub use envoy::r#type::v3::RateLimitUnit;
/// Google's own messages (`Duration`, `Struct`, `Value`), in the version that ours are made of.
pub use prost_types;

/// The encoded `google.protobuf.FileDescriptorSet` of our `.proto` files and all that they import, for server
/// reflection and JSON. Entries' keys and values are strings here, as callers know them, though the Rust types
/// hold bytes.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptors.bin");
