use super::World;
use super::one;
use super::sysctl;
use crate::facts::Facts;
use crate::render::diagnostics::text;
use crate::render::diagnostics::told;

fn shown(world: &World) -> String {
    let loaded = world.load();
    text(&loaded.diagnostics, &loaded.sources, false)
}

#[test]
fn a_problem_is_shown_with_its_line_and_a_caret() {
    assert_eq!(
        shown(&sysctl("net.core.somaxconn = { at-lest = 8192 }")),
        "\
error[unknown-policy]: unknown policy word `at-lest`
 --> p.toml:2:24
  |
2 | net.core.somaxconn = { at-lest = 8192 }
  |                        ^^^^^^^
  |
  = help: did you mean `at-least`?
"
    );
}

#[test]
fn a_conflict_is_shown_at_both_places() {
    let world = World::default()
        .profile("a", "[sysctl]\nnet.core.somaxconn = 1")
        .profile("b", "[sysctl]\nnet.core.somaxconn = 2")
        .roles(&["a", "b"]);
    let resolved = world.resolve(&Facts::default(), &[]);
    assert_eq!(
        text(&resolved.diagnostics, &world.load().sources, false),
        "\
error[conflict]: net.core.somaxconn: equals disagree: a.toml:2 wants `1`, b.toml:2 wants `2`
 --> a.toml:2:22
  |
2 | net.core.somaxconn = 1
  |                      ^
  |
 ::: b.toml:2:22
  |
2 | net.core.somaxconn = 2
  |                      - the other one
  |
  = help: say override = true in one of them, or settle it in the host file or in a profile that includes both
"
    );
}

#[test]
fn places_count_characters_and_survive_every_line_end() {
    let world = one("description = \"äöü\" oops\r\n[sysctl]\r\nnet.core.somaxconn = 1.5\r\n");
    let text = shown(&world);
    assert!(text.contains("--> p.toml:1:21\n") && text.contains("--> p.toml:3:22\n"), "{text}");
    assert!(text.contains("3 | net.core.somaxconn = 1.5\n  |                      ^^^\n"), "{text}");
    assert!(!text.contains('\r'), "{text:?}");
}

#[test]
fn terminal_escapes_of_a_file_never_reach_the_terminal() {
    let world = World::default()
        .profile("p", "# \u{1b}[31m\n\"\u{1b}]0;x\u{7}\" = 1\n\"\\u001b[1m\" = 2\ninclude = [\"\\u001b[2m\"]\n[sysctl]\nnet.core.\"\\u001bx\" = 1")
        .roles(&["p"])
        .set("\u{1b}[31m=1");
    let text = shown(&world);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let world = sysctl("net.core.somaxconn = 1.5");
    let loaded = world.load();
    let colored = text(&loaded.diagnostics, &loaded.sources, true);
    assert!(colored.contains('\u{1b}'));
    let mut plain = String::new();
    let mut escape = false;
    for c in colored.chars() {
        match (escape, c) {
            (false, '\u{1b}') => escape = true,
            (true, 'm') => escape = false,
            (true, _) => {}
            (false, c) => plain.push(c),
        }
    }
    assert_eq!(plain, text(&loaded.diagnostics, &loaded.sources, false));
}

#[test]
fn machines_get_the_same_as_json() {
    let world = World::default().profile("a", "[params]\nn = 1").profile("b", "[params]\nn = 2").roles(&["a", "b"]);
    let loaded = world.load();
    assert_eq!(
        serde_json::to_value(told(&loaded.diagnostics, &loaded.sources)).unwrap(),
        serde_json::json!([{
            "severity": "error",
            "code": "conflict",
            "message": "parameter `n`: equals disagree on its default: a.toml:2 says `1`, b.toml:2 says `2`",
            "file": "a.toml",
            "line": 2,
            "column": 5,
            "help": "set it in the host file, or declare it in a profile that includes both",
            "related": [{ "file": "b.toml", "line": 2, "column": 5, "message": "the other one" }],
        }])
    );
}

#[test]
fn a_line_of_a_megabyte_is_shown_in_part() {
    let text = shown(&one(&format!("x = \"{}\"", "y".repeat(900_000))));
    assert!(text.len() < 5_000, "{}", text.len());
}
