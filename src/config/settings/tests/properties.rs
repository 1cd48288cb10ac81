//! Whatever is written, there are settings or faults.

use proptest::prelude::*;

use super::super::{Given, Override, load, names};
use crate::config::source::SourceFile;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_of_any_setting(
        path in proptest::sample::select(names::paths()),
        // Control characters apart: JSON writes some of them plainly, and YAML files cannot have them.
        value in "\\PC{0,12}|[0-9]{0,25}(ms|s|m|h|d|KiB|MiB)?|[\\[{\"']\\PC{0,8}[\\]}\"']",
    ) {
        let yaml = SourceFile::new("s.yaml", format!("{}: {value}", path.replace('.', ": {")));
        let variable = format!("RATEKEEPER_{}", path.to_uppercase().replace('.', "__"));
        let is_shown = !path.ends_with(".password");
        let flag = Override { flag: "--flag".into(), path, value: Given::One(value.clone()) };
        for result in [load(Some(&yaml), [], &[]), load(None, [(variable, value)], &[]), load(None, [], &[flag])] {
            match result {
                Ok(settings) => {
                    let printed = serde_json::to_string(&settings).map_err(|error| TestCaseError::fail(error.to_string()))?;
                    let again = load(Some(&SourceFile::new("p.yaml", printed)), [], &[]);
                    prop_assert!(!is_shown || again == Ok(settings), "{:?}", again);
                }
                Err(faults) => prop_assert!(faults.to_string().starts_with("error: ")),
            }
        }
    }
}
