//! The scanner on text that was made to fool it.

use super::{Function, bare, functions, places_of, test_modules, without_tests};

fn found(text: &str) -> Vec<(String, usize, usize)> {
    functions(&bare(text)).into_iter().map(|Function { name, line, lines }| (name, line, lines)).collect()
}

fn one(name: &str, line: usize, lines: usize) -> Vec<(String, usize, usize)> {
    vec![(name.to_owned(), line, lines)]
}

#[test]
fn a_plain_function_counts_from_fn_to_its_brace() {
    assert_eq!(found("\npub fn f() {\n    1;\n}\n"), one("f", 2, 3));
    assert_eq!(found("fn f() {}"), one("f", 1, 1));
    assert_eq!(found("fn f(\n    a: u8,\n) -> u8\nwhere\n    u8: Copy,\n{\n    a\n}"), one("f", 1, 8));
}

#[test]
fn braces_in_strings_do_not_count() {
    assert_eq!(found("fn f() {\n    g(\"}\");\n    g(\"\\\"}\");\n    g(\"\\\\\");\n}"), one("f", 1, 5));
    assert_eq!(found("fn f() {\n    g(b\"}{{\");\n    g(c\"}\");\n}"), one("f", 1, 4));
    assert_eq!(found("fn f() {\n    g(\"a\n}\nb\");\n}"), one("f", 1, 5));
}

#[test]
fn braces_in_raw_strings_do_not_count() {
    assert_eq!(found("fn f() {\n    g(r\"}\\\");\n}"), one("f", 1, 3));
    assert_eq!(found("fn f() {\n    g(r#\"}\"}\"#);\n    g(br##\"\"#}\"##);\n}"), one("f", 1, 4));
    assert_eq!(found("fn f() {\n    let r#fn = 1;\n    let car = \"}\";\n}"), one("f", 1, 4));
}

#[test]
fn braces_in_characters_do_not_count() {
    assert_eq!(found("fn f() {\n    g('}', '{', b'}');\n}"), one("f", 1, 3));
    assert_eq!(found("fn f() {\n    g('\\'', '}', '\"', '}', '\\u{7d}', '\\\\');\n}"), one("f", 1, 3));
}

#[test]
fn lifetimes_and_labels_are_no_characters() {
    assert_eq!(found("fn f<'a>(x: &'a str, y: &'a str) {\n    'outer: loop { break 'outer; }\n}"), one("f", 1, 3));
    assert_eq!(found("fn f(x: &'static str) -> Box<dyn G + '_> {\n    g('}')\n}"), one("f", 1, 3));
}

#[test]
fn braces_in_comments_do_not_count() {
    assert_eq!(found("fn f() {\n    // }\n    /* } /* } */ } */\n    /*/ } */\n    g();\n}"), one("f", 1, 6));
    assert_eq!(found("// fn no() {}\n/* fn no() {} */\n/// fn no() {}\nfn f() {}"), one("f", 4, 1));
    assert_eq!(found("fn f() {\n    g(\"// no comment\"); }\nfn g() {}"), [("f".into(), 1, 2), ("g".into(), 3, 1)]);
}

#[test]
fn nested_functions_and_closures_count_for_themselves_and_for_the_outer_one() {
    let text = "fn outer() {\n    fn inner() {\n        1;\n    }\n    let c = |x| {\n        x\n    };\n}";
    assert_eq!(found(text), [("outer".into(), 1, 8), ("inner".into(), 2, 3)]);
}

#[test]
fn what_has_no_body_is_no_function() {
    assert_eq!(found("trait T {\n    fn f(&self) -> [u8; 3];\n    fn g(&self) {}\n}"), one("g", 3, 1));
    assert_eq!(found("type F = fn(u8) -> u8;\nstruct S { f: fn() }\nlet fnord = x.fn_name;"), []);
}

#[test]
fn constants_in_types_are_no_bodies() {
    assert_eq!(found("fn f() -> A<{ N + 1 }> {\n    1\n}"), one("f", 1, 3));
    assert_eq!(
        found("fn f<T>(x: A<T, { 1 }>, y: [u8; { 2 }])\nwhere\n    T: Fn(u8) -> B<u8>,\n{\n    1\n}"),
        one("f", 1, 6)
    );
    assert_eq!(found("fn r#type() {\n}"), one("r#type", 1, 2));
}

#[test]
fn tests_are_cut_out_and_lines_stay() {
    let text = "use a;\n#[cfg(test)]\nmod tests {\n    use HashMap;\n}\nfn f() {}\n#[cfg(test)]\nuse HashSet;\n";
    let cut = without_tests(&bare(text));
    assert!(!cut.contains("Hash"), "{cut}");
    assert_eq!(cut.lines().count(), text.lines().count());
    assert_eq!(cut.lines().nth(5), Some("fn f() {}"));
}

#[test]
fn test_files_are_known_by_their_declaration() {
    assert_eq!(test_modules("#[cfg(test)]\nmod naive;\n#[cfg(test)]\nmod tests {\n}\nmod real;"), ["naive", "tests"]);
}

#[test]
fn words_stand_alone() {
    let places: Vec<_> = places_of("Instant InstantX MyInstant std::time::Instant", "Instant").collect();
    assert_eq!(places, [0, 38]);
    assert_eq!(places_of("xfs::read fs::read", "fs::").count(), 1);
}
