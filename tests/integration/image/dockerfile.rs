//! What the Dockerfile says agrees with what is built and served.

use std::collections::BTreeMap;
use std::path::Path;

use ratekeeper::config::settings::{Address, Settings};

/// One instruction: its name, and what stands behind it on one line.
struct Instruction {
    name: String,
    rest: String,
}

/// The instructions of `deploy/Dockerfile`.
pub(super) struct Dockerfile(Vec<Instruction>);

impl Dockerfile {
    pub(super) fn read() -> Self {
        let text = file("deploy/Dockerfile");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
        let instruction = |line: &str| {
            let (name, rest) = line.split_once(' ')?;
            Some(Instruction {
                name: name.to_owned(),
                rest: rest.split_whitespace().collect::<Vec<_>>().join(" "),
            })
        };
        Self(joined.lines().filter_map(instruction).collect())
    }

    /// Those of this name in the last stage.
    fn last_stage(&self, name: &str) -> Vec<&str> {
        let stage = self.0.iter().rposition(|instruction| instruction.name == "FROM").unwrap();
        let named = self.0[stage..].iter().filter(|instruction| instruction.name == name);
        named.map(|instruction| instruction.rest.as_str()).collect()
    }

    /// The only one of this name in the last stage.
    pub(super) fn the(&self, name: &str) -> &str {
        let [only] = self.last_stage(name)[..] else { panic!("{name} is not there once") };
        only
    }

    /// The words of an instruction in the form that needs no shell.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let rest = self.the(name);
        let list = rest
            .find('[')
            .map(|start| &rest[start..])
            .unwrap_or_else(|| panic!("{name} needs a shell: {rest}"));
        serde_json::from_str(list).unwrap()
    }

    /// The default of a build argument, wherever it stands first.
    fn argument(&self, name: &str) -> &str {
        let arguments = self.0.iter().filter(|instruction| instruction.name == "ARG");
        let mut defaults = arguments.filter_map(|argument| argument.rest.split_once('='));
        defaults.find(|(argument, _)| *argument == name).unwrap_or_else(|| panic!("no ARG {name}=…")).1
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let rest = self.the("LABEL");
        let pairs = rest.split("\" ").map(|pair| pair.trim_end_matches('"').split_once("=\"").unwrap());
        let name = |label: &str| label.strip_prefix("org.opencontainers.image.").unwrap().to_owned();
        pairs.map(|(label, value)| (name(label), value.to_owned())).collect()
    }
}

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The value of a line `name = "value"`.
fn value(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} = \""))).unwrap();
    line.split('"').next().unwrap().to_owned()
}

#[test]
fn its_ports_are_those_that_others_may_reach() {
    let listen = Settings::default().listen;
    let port = |address: &Address| match address {
        Address::Tcp { host, port } if host == "0.0.0.0" => Some(port.to_string()),
        _ => None,
    };
    let all = [&listen.grpc, &listen.http, &listen.metrics, &listen.admin];
    let reachable: Vec<_> = all.into_iter().filter_map(port).collect();
    assert_eq!(Dockerfile::read().the("EXPOSE"), reachable.join(" "));
}

#[test]
fn it_is_from_scratch_for_the_user_that_the_layout_makes() {
    let file = Dockerfile::read();
    assert_eq!(file.the("FROM"), "scratch");
    assert_eq!(file.the("USER"), "65532:65532");
    assert_eq!(file.words("ENTRYPOINT"), ["/usr/bin/ratekeeper"]);
    assert_eq!(file.words("HEALTHCHECK"), ["/usr/bin/ratekeeper", "health"]);
    assert_eq!(file.words("CMD")[0], "serve");
    assert!(file.last_stage("RUN").is_empty(), "nothing can be run in it");
}

#[test]
fn its_labels_are_true() {
    let (dockerfile, manifest) = (Dockerfile::read(), file("Cargo.toml"));
    let labels = dockerfile.labels();
    let names: Vec<_> = labels.keys().map(String::as_str).collect();
    assert_eq!(names, ["created", "description", "licenses", "revision", "source", "title", "version"]);
    assert_eq!(labels["title"], value(&manifest, "name"));
    assert_eq!(labels["description"], value(&manifest, "description"));
    assert_eq!(labels["licenses"], value(&manifest, "license"));
    for name in ["created", "revision", "source", "version"] {
        assert_eq!(labels[name], format!("${{{}}}", name.to_uppercase()), "given when it is built");
    }
    assert_eq!(dockerfile.argument("VERSION"), env!("CARGO_PKG_VERSION"));
}

#[test]
fn it_is_compiled_as_this_checkout_is() {
    let dockerfile = Dockerfile::read();
    assert_eq!(dockerfile.argument("RUST_VERSION"), value(&file("rust-toolchain.toml"), "channel"));
    let base = dockerfile.argument("BUILD_IMAGE");
    assert_eq!(base, "rust:${RUST_VERSION}-bookworm", "the libraries of the image are those of its Debian");
}

/// `COPY` keeps the times of the checkout, and what another one left in the kept `target` may be younger.
#[test]
fn what_was_compiled_from_another_checkout_is_older_than_this_ones_sources() {
    let dockerfile = Dockerfile::read();
    let runs = dockerfile.0.iter().filter(|instruction| instruction.name == "RUN");
    let build = runs.map(|run| &run.rest).find(|rest| rest.contains("cargo build")).unwrap();
    let before = build.split_once("cargo build").unwrap().0;
    let fresh = before.split(" && ").find_map(|command| Some(&command[command.find("find ")?..]));
    let folder = tempfile::TempDir::new().unwrap();
    let (source, binary) = (folder.path().join("src/main.rs"), folder.path().join("target/main"));
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    for (path, age) in [(&source, old), (&binary, old + std::time::Duration::from_secs(60))] {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().set_modified(age).unwrap();
    }
    let command = fresh.expect("nothing is done about the times of sources");
    let status = std::process::Command::new("bash").args(["-c", command]).current_dir(&folder).status();
    assert!(status.unwrap().success(), "{command}");
    let written = |path: &Path| std::fs::metadata(path).unwrap().modified().unwrap();
    assert!(written(&source) > written(&binary), "cargo would take the binary for fresh");
    assert!(written(&binary) < old + std::time::Duration::from_secs(90), "and this for new");
}

#[test]
fn the_linter_is_content() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let linter = folder.join(".venv/bin/hadolint");
    let output = std::process::Command::new(&linter).arg("deploy/Dockerfile").current_dir(folder).output();
    let output = output
        .unwrap_or_else(|error| panic!("{}: {error}; scripts/test-setup installs it", linter.display()));
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
}
