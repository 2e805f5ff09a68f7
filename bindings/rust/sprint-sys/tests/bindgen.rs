//! The extern block, the structs and the handles' types against what bindgen makes of
//! `include/sprint.h`. Debian's package `bindgen` has the program; users of the crate need neither.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// `name` of each function, struct and type, and its declaration without spaces.
type Declarations = BTreeMap<String, String>;

fn ours() -> Declarations {
    declarations(&std::fs::read_to_string(path("src/lib.rs")).unwrap())
}

/// bindgen's, with names of types as in this crate.
fn bindgens() -> Declarations {
    let made = Command::new("bindgen")
        .arg(path("../../../include/sprint.h"))
        .args(["--no-layout-tests", "--no-doc-comments", "--use-core"])
        .args(["--ctypes-prefix", "c", "--size_t-is-usize"])
        .arg("--no-recursive-allowlist")
        .args(["--allowlist-function", "sprint_.*"])
        .args(["--allowlist-type", "sprint_.*"])
        .output()
        .unwrap_or_else(|e| panic!("bindgen: {} (`make deps` installs it)", e));
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    declarations(&String::from_utf8(made.stdout).unwrap().replace("c::", ""))
}

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn declarations(text: &str) -> Declarations {
    let mut found = Declarations::new();
    for (start, end) in [("pub fn ", ";"), ("pub struct ", "}"), ("pub type ", ";")] {
        for rest in text.split(start).skip(1) {
            let declaration = &rest[..rest.find(end).expect("it ends")];
            let name_end = declaration
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .expect("more than a name");
            let tight: String = declaration.split_whitespace().collect();
            let tight = tight.replace(",)", ")");
            let name = &declaration[..name_end];
            if name != "c_char" {
                let before = found.insert(name.to_string(), format!("{}{}", start, tight));
                assert_eq!(before, None, "{} twice", name);
            }
        }
    }
    found
}

#[test]
fn declarations_equal_those_that_bindgen_makes_of_the_header() {
    let (ours, bindgens) = (ours(), bindgens());
    assert!(ours.len() > 60, "the parser sees them");
    for (name, declaration) in &ours {
        assert_eq!(Some(declaration), bindgens.get(name), "{}", name);
    }
    let missing: Vec<_> = bindgens.keys().filter(|k| !ours.contains_key(*k)).collect();
    assert_eq!(missing, Vec::<&String>::new());
}
