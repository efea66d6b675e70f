//! Suggests the known key, of any section, that is most similar to an unknown one; none if no key is similar.

use super::keys::{KEYS, Key};

/// No more suggestions than this are made.
const MOST: usize = 4;

/// What to add to the message on an unknown key `name` in the section `above` (with its dot; empty at the top).
pub(super) fn suggestion(above: &str, name: &str) -> String {
    let full = format!("{above}{name}");
    // Written with dots instead of indented.
    if let Some(key) = KEYS.iter().find(|key| key.path == full) {
        let (section, name) = key.split();
        return format!("; write it as `{name}:`, indented below `{}:`", section.trim_end_matches('.'));
    }
    let locations: Vec<String> = meant(above, name).iter().map(|key| said(key, above)).collect();
    match locations.split_last() {
        None => "; `skimmer init --stdout` prints all keys there are".into(),
        Some((only, [])) => format!("; did you mean {only}?"),
        Some((last, others)) => format!("; did you mean {} or {last}?", others.join(", ")),
    }
}

/// The keys that may have been meant, the likeliest first.
fn meant(above: &str, name: &str) -> Vec<&'static Key> {
    let farthest = match name.chars().count() {
        0..3 => 0,
        3..6 => 1,
        6..10 => 2,
        _ => 3,
    };
    let wanted = plain(name);
    let near = KEYS.iter().filter_map(|key| {
        let (section, known) = key.split();
        let distance = strsim::osa_distance(&plain(known), &wanted);
        (distance <= farthest).then_some((distance, section != above, key))
    });
    let mut near: Vec<_> = near.collect();
    // A slip of the pen in the section itself is likelier than a key of the same distance, or more, elsewhere.
    let own = near.iter().filter(|&&(_, elsewhere, _)| !elsewhere).map(|&(distance, ..)| distance).min();
    near.retain(|&(distance, elsewhere, _)| !elsewhere || own.is_none_or(|own| distance < own));
    let nearest = near.iter().map(|&(distance, ..)| distance).min();
    near.retain(|&(distance, elsewhere, _)| Some(distance) == nearest || !elsewhere && Some(distance) == own);
    near.sort_by_key(|&(distance, elsewhere, key)| (distance, elsewhere, key.path.matches('.').count()));
    near.into_iter().map(|(.., key)| key).take(MOST).collect()
}

/// A name as it is compared: case and the kind of dash do not matter.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}

/// A key's location, said so that it is clear from the section `above`.
fn said(key: &Key, above: &str) -> String {
    match key.split() {
        ("", name) if !above.is_empty() => format!("`{name}` (at the top, not in `{}`)", above.trim_end_matches('.')),
        _ => format!("`{}`", key.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_keys_are_suggested_wherever_they_stand_and_no_others() {
        let cases = [
            ("", "sketch_widht", "did you mean `sketch_width`?"),
            ("", "learning_rate", "did you mean `train.learning_rate` or `distilbert.finetune.learning_rate`?"),
            ("", "hidden_size", "did you mean `train.hidden_size`?"),
            ("", "epochs", "did you mean `distilbert.finetune.epochs`?"),
            ("", "batch_size", "`train.batch_size`, `predict.batch_size` or `distilbert.finetune.batch_size`?"),
            ("", "batch_sise", "`train.batch_size`, `predict.batch_size` or `distilbert.finetune.batch_size`?"),
            ("", "trian", "did you mean `train`?"),
            ("", "finetune", "did you mean `distilbert.finetune`?"),
            ("", "Sketch-Depth", "did you mean `sketch_depth`?"),
            ("", "authors_similarity_top_n", "did you mean `authors_similarity_top_N`?"),
            ("", "max_parts", "did you mean `max_n_parts`"),
            ("train.", "learning_rat", "did you mean `train.learning_rate`?"),
            ("train.", "lerning_rate", "did you mean `train.learning_rate`?"),
            ("train.", "seeds", "did you mean `train.seed`?"),
            ("train.", "sketch_width", "did you mean `sketch_width` (at the top, not in `train`)?"),
            ("train.", "epochs", "did you mean `distilbert.finetune.epochs`?"),
            ("distilbert.finetune.", "hidden_dim", "did you mean `distilbert.from_scratch.hidden_dim`?"),
            ("", "train.hidden_size", "write it as `hidden_size:`, indented below `train:`"),
        ];
        for (above, name, expected) in cases {
            let said = suggestion(above, name);
            assert!(said.contains(expected), "{above}{name}: {said}");
        }
        for (above, name) in
            [("", "foo"), ("train.", "foo"), ("", "x"), ("", "lr"), ("", ""), ("", "optimizer"), ("", "verbose")]
        {
            let said = suggestion(above, name);
            assert!(!said.contains("did you mean"), "{above}{name}: {said}");
        }
    }
}
