//! Certificates of a test's own: an authority, and whom it vouches for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};
use tempfile::TempDir;

static AUTHORITIES: AtomicUsize = AtomicUsize::new(0);

/// Signs certificates. Its own is in its folder, beside those of servers.
pub(crate) struct Authority {
    folder: TempDir,
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM form.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two of one name would be taken for each other, with a wrong signature.
        let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
        params.distinguished_name.push(DnType::CommonName, format!("authority {number} of a test"));
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = TempDir::with_prefix("authority-").unwrap();
        fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let authority = Self { folder, certificate, issuer: Issuer::new(params, key) };
        authority.issue(&["127.0.0.1", "localhost"]).write(&authority.path("server"));
        authority.issue(&["a.client"]).write(&authority.path("client"));
        authority
    }

    /// Its own certificate as PEM text.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Vouches for these names: addresses, URIs with `://`, and hosts.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_until(names, 2400)
    }

    /// The same up to the first day of a year.
    pub(crate) fn issue_until(&self, names: &[&str], year: i32) -> Issued {
        let (uris, hosts): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains("://"));
        let hosts: Vec<String> = hosts.into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        let uris = uris.into_iter().map(|uri| SanType::URI(Ia5String::try_from(uri).unwrap()));
        params.subject_alt_names.extend(uris);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        params.distinguished_name.push(DnType::CommonName, "somebody in a test");
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { certificate, key: key.serialize_pem() }
    }

    /// A file `ca.pem`, or a folder `server` or `client` with `cert.pem` and `key.pem`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

impl Issued {
    /// Writes `cert.pem` and `key.pem` into a folder, which is made.
    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("cert.pem"), &self.certificate).unwrap();
        fs::write(folder.join("key.pem"), &self.key).unwrap();
    }
}

/// A folder of files that are swapped all at once, as Kubernetes does it with a secret.
pub(crate) struct Mount {
    folder: TempDir,
    versions: usize,
}

impl Mount {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut mount = Self { folder: TempDir::with_prefix("mount-").unwrap(), versions: 0 };
        mount.swap(files);
        for (name, _) in files {
            symlink(Path::new("..data").join(name), mount.folder.path().join(name)).unwrap();
        }
        mount
    }

    /// Puts these files in the place of those before.
    pub(crate) fn swap(&mut self, files: &[(&str, &str)]) {
        self.versions += 1;
        let version = format!("..version-{}", self.versions);
        let path = self.folder.path().join(&version);
        fs::create_dir(&path).unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        let link = self.folder.path().join("..data.new");
        symlink(&version, &link).unwrap();
        fs::rename(link, self.folder.path().join("..data")).unwrap();
    }

    /// Where a file is.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}
