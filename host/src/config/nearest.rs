//! "Did you mean": the known name that a mistyped one comes nearest to.

/// Slips of the pen after which a name can still be guessed.
const MOST_SLIPS: usize = 3;

/// What to add to an error about `name`: nothing where no known name is near.
pub(crate) fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|known| (distance(known, name), known))
        .filter(|(slips, _)| *slips <= MOST_SLIPS)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, nearest)| format!(" (did you mean {nearest:?}?)"))
        .unwrap_or_default()
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, to) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let here = (diagonal + usize::from(from != *to)).min(above + 1).min(left + 1);
            diagonal = above;
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            left = here;
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_guessed_and_no_name_that_is_far() {
        let known = || ["memory", "deadline", "fit"].into_iter();
        assert_eq!(hint("memroy", known()), " (did you mean \"memory\"?)");
        assert_eq!(hint("fat", known()), " (did you mean \"fit\"?)");
        assert_eq!(hint("presets", known()), "");
    }
}
