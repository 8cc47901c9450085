//! Patterns of the response cache: any text is a pattern or refused, matching equals a reading by
//! recursion, and what is escaped matches itself alone.

use gimmal_cache::Pattern;

/// Runs the target: a pattern and a name, with a zero byte between them.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (pattern, name) = text.split_once('\0').unwrap_or((text, ""));
    if let Ok(pattern) = Pattern::new(pattern) {
        std::hint::black_box(pattern.matches(name, name));
    }
    if pattern.len() <= 24 && name.len() <= 24 && !pattern.contains(['[', '\\', ':']) {
        let whole = Pattern::new(&format!("*:{pattern}")).expect("nothing special is in it");
        let (parts, letters) = (to_letters(pattern), to_letters(name));
        assert_eq!(
            whole.matches("", name),
            matches(&parts, &letters),
            "{pattern:?} {name:?}"
        );
    }
    let escaped: String = name.chars().flat_map(|it| ['\\', it]).collect();
    if let Ok(pattern) = Pattern::new(&format!("{escaped}:*")) {
        assert!(pattern.matches(name, ""));
        assert!(!pattern.matches(&format!("{name}x"), ""));
    }
}

fn to_letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// By the letter: a star takes nothing, or one character and remains.
fn matches(pattern: &[char], name: &[char]) -> bool {
    // A table in place of recursion, which would take for ever on many stars.
    let mut reachable = vec![false; name.len() + 1];
    reachable[0] = true;
    for part in pattern {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match part {
                '*' => reachable[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && reachable[at - 1],
                other => at > 0 && reachable[at - 1] && name[at - 1] == *other,
            };
        }
        reachable = next;
    }
    reachable[name.len()]
}
