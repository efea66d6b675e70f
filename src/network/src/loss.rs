//! Binary cross-entropy with logits, and the probability of a logit.

use skimlog_formats::{PerReaction, Reaction};

use super::tiles::Row;

/// Mean binary cross-entropy over records and reactions; its gradient goes to `gradient`.
pub(super) fn cross_entropy(logits: &[Row], labels: &[PerReaction<f32>], gradient: &mut [Row]) -> f32 {
    let share = 1.0 / (4 * labels.len()) as f64;
    let mut loss = 0.0;
    for ((logits, labels), gradient) in logits.iter().zip(labels).zip(gradient) {
        for (column, label) in labels.in_order(Reaction::NETWORK_ORDER).into_iter().enumerate() {
            let (logit, label) = (f64::from(logits.0[column]), f64::from(label));
            loss += logit.max(0.0) - logit * label + (-logit.abs()).exp().ln_1p();
            gradient.0[column] = ((1.0 / (1.0 + (-logit).exp()) - label) * share) as f32;
        }
    }
    (loss * share) as f32
}

/// The logits of the records, by reaction.
pub(super) fn by_reaction(logits: &[Row]) -> impl Iterator<Item = PerReaction<f32>> {
    logits.iter().map(|Row([a, b, c, d, ..])| PerReaction::from_order(Reaction::NETWORK_ORDER, [*a, *b, *c, *d]))
}

/// The probability of a logit: 1 / (1 + e^−logit).
pub fn probability(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
