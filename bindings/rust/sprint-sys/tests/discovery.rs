//! Where build.rs looks for the library: the script is compiled and run in made-up surroundings.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

const HOST: &str = "x86_64-unknown-linux-gnu";

/// A directory tree of one test, with a repository that holds neither library nor header.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("repo/bindings/rust/sprint-sys")).unwrap();
        Place(root)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }

    fn file(&self, name: &str, content: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn pc_file(&self, version: &str) {
        let libdir = self.path("installed");
        let text = format!(
            "includedir={0}/include\nName: sprint\nDescription: test\nVersion: {1}\nLibs: -L{0} -lsprint\n",
            libdir, version
        );
        self.file("pc/sprint.pc", &text);
    }

    fn run(&self, variables: &[(&str, &str)]) -> Output {
        Command::new(script())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOST", HOST)
            .env("TARGET", HOST)
            .env("CARGO_CFG_TARGET_OS", "linux")
            .env("CARGO_CFG_UNIX", "")
            .env(
                "CARGO_MANIFEST_DIR",
                self.path("repo/bindings/rust/sprint-sys"),
            )
            .env("PKG_CONFIG_LIBDIR", self.path("pc"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// What the script tells cargo, without the reasons to run it again.
    fn found(&self, variables: &[(&str, &str)]) -> Vec<String> {
        let output = self.run(variables);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("cargo:rerun-if"));
        lines.map(String::from).collect()
    }

    fn error(&self, variables: &[(&str, &str)]) -> String {
        let output = self.run(variables);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

/// Compiles build.rs, once.
fn script() -> PathBuf {
    static COMPILED: Mutex<Option<PathBuf>> = Mutex::new(None);
    let compile = || {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-script");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let status = Command::new(rustc)
            .args(["--edition", "2021", "-o"])
            .arg(&program)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs"))
            .status();
        assert!(status.unwrap().success());
        program
    };
    COMPILED.lock().unwrap().get_or_insert_with(compile).clone()
}

fn linked(dir: &str) -> Vec<String> {
    vec![
        format!("cargo:rustc-link-search=native={}", dir),
        "cargo:rustc-link-lib=dylib=sprint".to_string(),
        format!("cargo:libdir={}", dir),
        format!("cargo:rustc-link-arg=-Wl,-rpath,{}", dir),
    ]
}

#[test]
fn the_targets_variable_comes_before_the_general_one() {
    let place = Place::new("variables");
    place.file("own/libsprint.so", "");
    place.file("other/libsprint.so", "");
    let (own, other) = (place.path("own"), place.path("other"));
    let general = ("SPRINT_LIB_DIR", other.as_str());
    assert_eq!(place.found(&[general]), linked(&other));
    let specific = ("X86_64_UNKNOWN_LINUX_GNU_SPRINT_LIB_DIR", own.as_str());
    assert_eq!(place.found(&[general, specific]), linked(&own));
}

#[test]
fn a_named_directory_without_the_library_is_an_error() {
    let place = Place::new("named");
    place.pc_file("1.0.0");
    let error = place.error(&[("SPRINT_LIB_DIR", "/no/such/directory")]);
    assert!(
        error.contains("no libsprint.so in /no/such/directory"),
        "{}",
        error
    );
}

#[test]
fn the_archive_is_linked_when_asked_for() {
    let place = Place::new("static");
    place.file("own/libsprint.so", "");
    let own = place.path("own");
    let (dir, asked) = (("SPRINT_LIB_DIR", own.as_str()), ("SPRINT_STATIC", "1"));
    let error = place.error(&[dir, asked]);
    assert!(error.contains("no libsprint.a in"), "{}", error);
    place.file("own/libsprint.a", "");
    let expected = [
        &format!("cargo:rustc-link-search=native={}", own),
        "cargo:rustc-link-lib=static=sprint",
        "cargo:rustc-link-lib=pthread",
        &format!("cargo:libdir={}", own),
    ];
    assert_eq!(place.found(&[dir, asked]), expected);
    assert_eq!(place.found(&[dir, ("SPRINT_STATIC", "0")]), linked(&own));
}

#[test]
fn pkg_config_comes_before_the_repository() {
    let place = Place::new("pkg-config");
    place.file("repo/include/sprint.h", "");
    place.file("repo/build/libsprint.so", "");
    place.pc_file("1.0.0");
    let installed = place.path("installed");
    let mut expected = linked(&installed);
    expected.push(format!("cargo:include={}/include", installed));
    expected.push("cargo:version=1.0.0".to_string());
    assert_eq!(place.found(&[]), expected);
}

#[test]
fn an_older_library_is_not_taken() {
    let place = Place::new("older");
    place.pc_file("0.9.0");
    let error = place.error(&[]);
    assert!(error.contains("0.9.0"), "{}", error);
}

#[test]
fn a_checkout_finds_its_own_build() {
    let place = Place::new("checkout");
    let header = "#define SPRINT_VERSION_MAJOR 1\n#define SPRINT_VERSION_MINOR 2\n\
                  #define SPRINT_VERSION_PATCH 3\n";
    place.file("repo/include/sprint.h", header);
    place.file("repo/build/libsprint.so", "");
    let mut expected = linked(&place.path("repo/build"));
    expected.push(format!("cargo:include={}", place.path("repo/include")));
    expected.push("cargo:version=1.2.3".to_string());
    assert_eq!(place.found(&[]), expected);
}

#[test]
fn the_error_names_every_place_that_was_tried() {
    let place = Place::new("nowhere");
    place.file("repo/include/sprint.h", "");
    let error = place.error(&[]);
    let build = place.path("repo/build");
    for named in [
        "SPRINT_LIB_DIR",
        "pkg-config",
        build.as_str(),
        "SPRINT_INCLUDE_DIR",
    ] {
        assert!(error.contains(named), "{} names {}", error, named);
    }
}

#[test]
fn a_cross_build_does_not_ask_the_hosts_pkg_config() {
    let place = Place::new("cross");
    place.pc_file("1.0.0");
    let target = ("TARGET", "aarch64-unknown-linux-gnu");
    let error = place.error(&[target]);
    assert!(error.contains("not asked in a cross build"), "{}", error);
    assert!(
        error.contains("AARCH64_UNKNOWN_LINUX_GNU_SPRINT_LIB_DIR"),
        "{}",
        error
    );
    let asked = place.found(&[target, ("PKG_CONFIG_SYSROOT_DIR", "/")]);
    assert!(
        asked.contains(&"cargo:version=1.0.0".to_string()),
        "{:?}",
        asked
    );
}

#[test]
fn documentation_is_built_without_the_library() {
    assert_eq!(
        Place::new("docs").found(&[("DOCS_RS", "1")]),
        Vec::<String>::new()
    );
}
