//! Finds libsprint. The first place that is set or found wins:
//!
//! 1. `<TARGET>_SPRINT_LIB_DIR`, then `SPRINT_LIB_DIR` (the header likewise in
//!    `SPRINT_INCLUDE_DIR`),
//! 2. pkg-config,
//! 3. `build/` of the repository, when this crate stands in it,
//!
//! else the build ends with every place that was tried. With `SPRINT_STATIC` (or
//! `<TARGET>_SPRINT_STATIC`) set, and not to 0, the archive is linked instead of the shared library.
//! Build scripts of direct dependents see what was found as `DEP_SPRINT_LIBDIR`,
//! `DEP_SPRINT_INCLUDE` and `DEP_SPRINT_VERSION`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

const MIN_VERSION: &str = "1.0";

/// A library that was found.
struct Found {
    /// Directories for the linker; the first one holds the library.
    lib_dirs: Vec<PathBuf>,
    include_dir: Option<PathBuf>,
    version: Option<String>,
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DOCS_RS");
    if env::var_os("DOCS_RS").is_some() {
        return; // documentation is not linked
    }

    let mut tried = Vec::new();
    let found = from_env(&mut tried)
        .or_else(|| from_pkg_config(&mut tried))
        .or_else(|| from_repository(&mut tried))
        .unwrap_or_else(|| fail(&tried));

    for dir in &found.lib_dirs {
        println!("cargo:rustc-link-search=native={}", dir.display());
    }
    if linked_statically() {
        println!("cargo:rustc-link-lib=static=sprint");
        println!("cargo:rustc-link-lib=pthread");
    } else {
        println!("cargo:rustc-link-lib=dylib=sprint");
    }
    if let Some(dir) = found.lib_dirs.first() {
        println!("cargo:libdir={}", dir.display());
        if env::var_os("CARGO_CFG_UNIX").is_some() && !linked_statically() {
            // For the tests of this package only: link arguments do not reach dependents.
            println!("cargo:rustc-link-arg=-Wl,-rpath,{}", dir.display());
        }
    }
    if let Some(dir) = &found.include_dir {
        println!("cargo:include={}", dir.display());
    }
    if let Some(version) = &found.version {
        println!("cargo:version={}", version);
    }
}

/// Reads `<TARGET>_NAME`, else `NAME`; cargo runs this script again when either changes.
fn target_env(name: &str) -> Option<PathBuf> {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let specific = format!("{}_{}", target.to_uppercase().replace('-', "_"), name);
    for key in [specific.as_str(), name] {
        println!("cargo:rerun-if-env-changed={}", key);
        if let Some(value) = env::var_os(key) {
            return Some(value.into());
        }
    }
    None
}

fn linked_statically() -> bool {
    target_env("SPRINT_STATIC").map_or(false, |value| value != Path::new("0"))
}

/// A directory that is named but holds no library ends the build: to fall back to another
/// library than the one asked for would be worse.
fn from_env(tried: &mut Vec<String>) -> Option<Found> {
    let include_dir = target_env("SPRINT_INCLUDE_DIR");
    let lib_dir = match target_env("SPRINT_LIB_DIR") {
        Some(dir) => dir,
        None => {
            tried.push("SPRINT_LIB_DIR (and <TARGET>_SPRINT_LIB_DIR): not set".into());
            return None;
        }
    };
    if !holds_library(&lib_dir) {
        tried.push(format!(
            "SPRINT_LIB_DIR: no {} in {}",
            library_name(),
            lib_dir.display()
        ));
        fail(tried);
    }
    let version = include_dir.as_deref().and_then(header_version);
    Some(Found {
        lib_dirs: vec![lib_dir],
        include_dir,
        version,
    })
}

/// pkg-config answers for the machine it runs on, so a cross build asks it only when a
/// sysroot, or a pkg-config of the target, is named.
fn from_pkg_config(tried: &mut Vec<String>) -> Option<Found> {
    for key in ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"] {
        println!("cargo:rerun-if-env-changed={}", key);
    }
    let named = target_env("PKG_CONFIG");
    let sysroot = target_env("PKG_CONFIG_SYSROOT_DIR");
    if env::var("HOST") != env::var("TARGET") && named.is_none() && sysroot.is_none() {
        tried.push("pkg-config: not asked in a cross build without PKG_CONFIG_SYSROOT_DIR".into());
        return None;
    }
    let program = named.unwrap_or_else(|| "pkg-config".into());
    let ask = |arg: &str| -> Result<String, String> {
        let out = Command::new(&program)
            .args([arg, &format!("sprint >= {}", MIN_VERSION)])
            .output()
            .map_err(|e| format!("{}: {}", program.display(), e))?;
        if !out.status.success() {
            let text = String::from_utf8_lossy(&out.stderr);
            return Err(format!(
                "{}: {}",
                program.display(),
                text.trim().replace('\n', " ")
            ));
        }
        Ok(String::from_utf8_lossy(&out.stdout).trim().to_string())
    };
    match ask("--libs-only-L") {
        Ok(flags) => {
            // Empty when the library stands where the linker looks anyway.
            let lib_dirs = flags
                .split_whitespace()
                .filter_map(|f| f.strip_prefix("-L"));
            Some(Found {
                lib_dirs: lib_dirs.map(PathBuf::from).collect(),
                include_dir: ask("--variable=includedir").ok().map(PathBuf::from),
                version: ask("--modversion").ok(),
            })
        }
        Err(why) => {
            tried.push(why);
            None
        }
    }
}

fn from_repository(tried: &mut Vec<String>) -> Option<Found> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = here.ancestors().nth(3)?;
    let (lib_dir, include_dir) = (root.join("build"), root.join("include"));
    if !include_dir.join("sprint.h").is_file() {
        tried.push("build/ of the repository: this crate is not in it".into());
        return None;
    }
    if !holds_library(&lib_dir) {
        tried.push(format!(
            "repository: no {} in {}",
            library_name(),
            lib_dir.display()
        ));
        return None;
    }
    let version = header_version(&include_dir);
    Some(Found {
        lib_dirs: vec![lib_dir],
        include_dir: Some(include_dir),
        version,
    })
}

/// The file that a linker for the target looks for.
fn library_name() -> &'static str {
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok(os) if linked_statically() && os != "windows" => "libsprint.a",
        Ok("windows") => "sprint.lib or libsprint.dll.a",
        Ok("macos") => "libsprint.dylib",
        _ => "libsprint.so",
    }
}

fn holds_library(dir: &Path) -> bool {
    library_name()
        .split(" or ")
        .any(|name| dir.join(name).is_file())
}

/// Puts the version together from the macros of `sprint.h`.
fn header_version(include_dir: &Path) -> Option<String> {
    let header = include_dir.join("sprint.h");
    println!("cargo:rerun-if-changed={}", header.display());
    let text = fs::read_to_string(header).ok()?;
    let part = |name: &str| {
        text.lines()
            .find_map(|line| {
                line.strip_prefix("#define SPRINT_VERSION_")?
                    .strip_prefix(name)
            })
            .map(|value| value.trim().to_string())
    };
    Some(format!(
        "{}.{}.{}",
        part("MAJOR ")?,
        part("MINOR ")?,
        part("PATCH ")?
    ))
}

fn fail(tried: &[String]) -> ! {
    eprintln!("error: libsprint was not found. Tried, in this order:");
    for place in tried {
        eprintln!("  - {}", place);
    }
    eprintln!(
        "Install libsprint with its pkg-config file, or set SPRINT_LIB_DIR to the directory of \
         {} (and SPRINT_INCLUDE_DIR to that of sprint.h).\n\
         SPRINT_STATIC=1 links libsprint.a, SPRINT_STATIC=0 or none the shared library.\n\
         In a cross build set <TARGET>_SPRINT_LIB_DIR, such as \
         AARCH64_UNKNOWN_LINUX_GNU_SPRINT_LIB_DIR, or PKG_CONFIG_SYSROOT_DIR.",
        library_name()
    );
    process::exit(1);
}
