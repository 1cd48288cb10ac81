//! Holds our definition against Envoy's own files, so that no name, number or type drifts.
//!
//! Ours may leave out what we do not use; what it has must be there, and be the same.

use protox::prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ServiceDescriptor,
};

use crate::sources;

#[test]
fn what_we_define_is_as_envoy_defines_it() {
    let ours = DescriptorPool::decode(ratekeeper_proto::FILE_DESCRIPTOR_SET).unwrap();
    let envoys = sources::compile_envoys().descriptor_pool();
    let mut compared = 0;
    for file in ours.files().filter(|file| file.package_name().starts_with("envoy.")) {
        let theirs = envoys.get_file_by_name(file.name()).unwrap();
        assert_eq!(file.package_name(), theirs.package_name());
        assert_eq!(file.syntax(), theirs.syntax());
        compared += 1;
    }
    assert_eq!(compared, sources::OURS.len());
    for message in ours.all_messages().filter(|message| message.package_name().starts_with("envoy.")) {
        compare_messages(&message, &envoys.get_message_by_name(message.full_name()).unwrap());
    }
    for enumeration in ours.all_enums().filter(|each| each.package_name().starts_with("envoy.")) {
        compare_enums(&enumeration, &envoys.get_enum_by_name(enumeration.full_name()).unwrap());
    }
    for service in ours.services() {
        compare_services(&service, &envoys.get_service_by_name(service.full_name()).unwrap());
    }
}

/// Of what we left out, all is known. A new field of Envoy's appears here when envoy-types is raised.
#[test]
fn only_quotas_are_left_out() {
    let ours = DescriptorPool::decode(ratekeeper_proto::FILE_DESCRIPTOR_SET).unwrap();
    let envoys = sources::compile_envoys().descriptor_pool();
    let mut left_out = Vec::new();
    for message in ours.all_messages() {
        let theirs = envoys.get_message_by_name(message.full_name()).unwrap();
        let unknown = theirs.fields().filter(|field| message.get_field(field.number()).is_none());
        left_out.extend(unknown.map(|field| field.full_name().to_owned()));
    }
    left_out.sort_unstable();
    let response = "envoy.service.ratelimit.v3.RateLimitResponse";
    assert_eq!(left_out, [format!("{response}.DescriptorStatus.quota"), format!("{response}.quota")]);
}

fn compare_messages(ours: &MessageDescriptor, theirs: &MessageDescriptor) {
    for field in ours.fields() {
        let other = theirs.get_field(field.number()).unwrap_or_else(|| panic!("{}", field.full_name()));
        assert_eq!(shape(&field), shape(&other));
    }
}

/// Everything of a field that shows on the wire, in JSON or in reflection.
fn shape(field: &FieldDescriptor) -> impl PartialEq + std::fmt::Debug {
    let oneof = field.containing_oneof().map(|oneof| oneof.full_name().to_owned());
    let names = (field.full_name().to_owned(), field.json_name().to_owned());
    let flags = (field.supports_presence(), field.is_packed());
    (names, field.number(), kind_name(&field.kind()), field.cardinality(), flags, oneof)
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(enumeration) => enumeration.full_name().to_owned(),
        scalar => format!("{scalar:?}"),
    }
}

/// Enums are taken whole: a value that Envoy knows and we do not would be answered wrongly.
fn compare_enums(ours: &EnumDescriptor, theirs: &EnumDescriptor) {
    let values = |each: &EnumDescriptor| -> Vec<(String, i32)> {
        each.values().map(|value| (value.name().to_owned(), value.number())).collect()
    };
    assert_eq!(values(ours), values(theirs), "{}", ours.full_name());
}

fn compare_services(ours: &ServiceDescriptor, theirs: &ServiceDescriptor) {
    let methods = |each: &ServiceDescriptor| -> Vec<_> {
        let signature = |method: protox::prost_reflect::MethodDescriptor| {
            let (input, output) = (method.input(), method.output());
            let streams = (method.is_client_streaming(), method.is_server_streaming());
            (method.name().to_owned(), input.full_name().to_owned(), output.full_name().to_owned(), streams)
        };
        each.methods().map(signature).collect()
    };
    assert_eq!(methods(ours), methods(theirs), "{}", ours.full_name());
}
