//! House rules that neither the compiler nor clippy checks. Each failure says where, what, and how to mend it.
//!
//! `rust` turns source text into bare code (comments and literals blanked) and finds functions in it; the other modules
//! hold one family of rules each. Run it alone with `cargo test --test tidy`.

mod arrows;
mod book;
mod dependencies;
mod finding;
mod links;
mod ratchet;
mod rust;
mod text;
mod tree;

use finding::report;
use tree::Tree;

#[test]
fn crates_import_only_along_the_arrows() {
    report("arrows between crates", &arrows::check(&Tree::of_the_project()));
}

#[test]
fn every_dependency_is_declared_once_and_has_its_reason() {
    report("dependencies", &dependencies::check(&Tree::of_the_project()));
}

#[test]
fn pure_crates_stay_pure() {
    report("pure crates", &text::check_pure_crates(&Tree::of_the_project()));
}

#[test]
fn code_never_asks_which_world_it_is_in() {
    report("one loop for all worlds", &text::check_worlds(&Tree::of_the_project()));
}

#[test]
fn no_leftovers() {
    report("leftovers", &text::check_leftovers(&Tree::of_the_project()));
}

#[test]
fn every_source_file_says_what_it_is() {
    report("file headers", &text::check_headers(&Tree::of_the_project()));
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    report("absolute paths", &text::check_absolute_paths(&Tree::of_the_project()));
}

#[test]
fn functions_stay_short() {
    report("length of functions", &ratchet::check_functions(&Tree::of_the_project()));
}

#[test]
fn files_stay_short() {
    report("length of files", &ratchet::check_files(&Tree::of_the_project()));
}

#[test]
fn links_lead_somewhere() {
    report("links between documents", &links::check(&Tree::of_the_project()));
}

#[test]
fn pure_crates_share_their_bans() {
    report("clippy.toml of the pure crates", &text::check_bans(&Tree::of_the_project()));
}

#[test]
fn the_book_names_what_the_code_offers() {
    report("the user's book", &book::check(&Tree::of_the_project()));
}
