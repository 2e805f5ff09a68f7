//! Lets the tests of this package find the library that they were linked with. Link arguments do
//! not reach dependents: a program that wants the same does the same.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(sprint_pages)");
    let unix = std::env::var_os("CARGO_CFG_UNIX").is_some();
    if let (true, Ok(dir)) = (unix, std::env::var("DEP_SPRINT_LIBDIR")) {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", dir);
    }
}
