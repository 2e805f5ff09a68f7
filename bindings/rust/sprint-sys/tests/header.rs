//! The crate against `include/sprint.h`: constants, struct fields and the version.

use std::collections::BTreeMap;
use std::fs;
use std::mem::{align_of, size_of};
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {}", path.display(), e))
}

fn header() -> String {
    let mut text = read("../../../include/sprint.h");
    while let Some(start) = text.find("/*") {
        let end = start + text[start..].find("*/").expect("a comment ends");
        text.replace_range(start..end + 2, " ");
    }
    text
}

/// `NAME = value` of each enum, and `NAME value` of the version's macros.
fn constants_of_header() -> BTreeMap<String, i64> {
    let text = header();
    let mut constants = BTreeMap::new();
    let mut add = |name: &str, value: &str| {
        let value = value
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("{} = {}", name, value));
        assert_eq!(
            constants.insert(name.trim().to_string(), value),
            None,
            "{} twice",
            name
        );
    };
    for block in text.split("enum {").skip(1) {
        let block = &block[..block.find('}').expect("an enum ends")];
        for item in block.split(',').filter(|item| !item.trim().is_empty()) {
            let (name, value) = item.split_once('=').expect("every constant has its number");
            add(name, value);
        }
    }
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("#define SPRINT_VERSION_") {
            let (part, value) = rest.split_once(' ').expect("a macro has a value");
            add(&format!("SPRINT_VERSION_{}", part), value);
        }
    }
    constants
}

fn constants_of_crate() -> BTreeMap<String, i64> {
    let text = read("src/constants.rs");
    let declarations = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "));
    let mut constants: BTreeMap<_, _> = declarations
        .map(|declaration| {
            let (name, rest) = declaration.split_once(": ").expect("a constant has a type");
            let (_, value) = rest.split_once(" = ").expect("a constant has a value");
            (
                name.to_string(),
                value.trim_end_matches(';').parse().unwrap_or(i64::MIN),
            )
        })
        .collect();
    // Computed, compared below.
    assert_eq!(constants.remove("SPRINT_ABI"), Some(i64::MIN));
    constants
}

#[test]
fn constants_equal_those_of_the_header() {
    let constants = constants_of_crate();
    assert!(constants.len() > 60, "the parser sees them");
    assert_eq!(constants, constants_of_header());
}

#[test]
fn the_version_is_that_of_the_header_and_the_abi_follows_from_it() {
    let header = constants_of_header();
    let part = |name: &str| header[&format!("SPRINT_VERSION_{}", name)];
    let version = format!("{}.{}.{}", part("MAJOR"), part("MINOR"), part("PATCH"));
    assert_eq!(env!("CARGO_PKG_VERSION"), version);
    assert_eq!(
        i64::from(sprint_sys::SPRINT_ABI),
        (part("MAJOR") << 16) | part("MINOR")
    );
}

/// Name and type of each field, in order, in Rust's spelling.
fn fields(text: &str, start: &str) -> Vec<(String, String)> {
    let start = text.find(start).unwrap_or_else(|| panic!("no {:?}", start)) + start.len();
    let body = &text[start..start + text[start..].find('}').expect("a struct ends")];
    let field = |item: &str| {
        if let Some((name, kind)) = item.trim().strip_prefix("pub ")?.split_once(": ") {
            return Some((name.to_string(), kind.to_string()));
        }
        None
    };
    let c_field = |item: &str| {
        let (kind, name) = item.trim().split_once(' ')?;
        let kind = kind
            .strip_suffix("_t")?
            .replace("uint", "u")
            .replace("int", "i");
        Some((name.trim().to_string(), kind))
    };
    body.split([',', ';'])
        .filter(|item| !item.trim().is_empty())
        .map(|item| {
            field(item)
                .or_else(|| c_field(item))
                .unwrap_or_else(|| panic!("{:?}", item))
        })
        .collect()
}

/// Every field is a u32 or a u64 at its natural place, so equal lists are equal layouts.
fn check_layout(name: &str, size: usize, align: usize) {
    let ours = fields(&read("src/lib.rs"), &format!("pub struct {} {{", name));
    assert_eq!(
        ours,
        fields(&header(), &format!("typedef struct {} {{", name))
    );
    let width = |kind: &str| if kind == "u64" { 8 } else { 4 };
    assert_eq!(
        ours.iter().map(|(_, kind)| width(kind)).sum::<usize>(),
        size,
        "no padding"
    );
    assert_eq!(align, 8);
}

#[test]
fn structs_have_the_fields_of_the_header_in_its_order() {
    use sprint_sys::{sprint_memory_stats as Memory, sprint_pool_stats as Pool};
    check_layout("sprint_pool_stats", size_of::<Pool>(), align_of::<Pool>());
    check_layout(
        "sprint_memory_stats",
        size_of::<Memory>(),
        align_of::<Memory>(),
    );
}

#[test]
fn the_linked_library_serves_this_interface() {
    // SAFETY: takes a number only.
    let status = unsafe { sprint_sys::sprint_init(sprint_sys::SPRINT_ABI) };
    assert_eq!(status, sprint_sys::SPRINT_OK);
}
