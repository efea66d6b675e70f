//! What the configuration says of training.

use super::options::Recipe;
use super::schedule::Rates;
use crate::config::{Config, RecipeName};

/// What a training's weights depend on, by the keys of the configuration.
pub(super) fn settings(recipe: &Recipe) -> [(&'static str, String); 17] {
    let Recipe {
        batch,
        days,
        validation_epochs,
        finetuning,
        weight_decay,
        reset_optimizer_each_day,
        settle_batches,
        centred,
        logarithms,
        bias_init,
        seed,
    } = recipe;
    let Rates { peak, decay, warm_up, last } = days;
    [
        ("train.batch_size", batch.to_string()),
        ("train.learning_rate", peak.to_string()),
        ("train.day_decay", decay.to_string()),
        ("train.warm_up", warm_up.to_string()),
        ("train.last_rate", last.to_string()),
        ("train.num_validation_epochs", validation_epochs.to_string()),
        ("train.finetune_learning_rate", finetuning.peak.to_string()),
        ("train.validation_decay", finetuning.decay.to_string()),
        ("train.warm_up of the finetune records", finetuning.warm_up.to_string()),
        ("train.last_rate of the finetune records", finetuning.last.to_string()),
        ("train.weight_decay", weight_decay.to_string()),
        ("train.reset_optimizer_each_day", reset_optimizer_each_day.to_string()),
        ("train.settle_batches", settle_batches.to_string()),
        ("train.centred", centred.to_string()),
        ("train.logarithms", logarithms.to_string()),
        ("train.bias_init", format!("{bias_init:?}")),
        ("train.seed", seed.to_string()),
    ]
}

/// The recipe of the configuration, with what it sets itself.
pub(super) fn recipe(config: &Config) -> Recipe {
    let set = &config.train;
    let mut recipe = match set.recipe {
        RecipeName::Original => Recipe::original(),
        RecipeName::Tuned => Recipe::tuned(),
    };
    fn put<T: Copy>(to: &mut T, value: Option<T>) {
        *to = value.unwrap_or(*to);
    }
    put(&mut recipe.batch, set.batch_size);
    put(&mut recipe.days.peak, set.learning_rate);
    put(&mut recipe.days.decay, set.day_decay);
    put(&mut recipe.finetuning.peak, set.finetune_learning_rate.or(set.learning_rate));
    put(&mut recipe.finetuning.decay, set.validation_decay);
    for rates in [&mut recipe.days, &mut recipe.finetuning] {
        put(&mut rates.warm_up, set.warm_up);
        put(&mut rates.last, set.last_rate);
    }
    put(&mut recipe.weight_decay, set.weight_decay);
    put(&mut recipe.validation_epochs, set.num_validation_epochs);
    put(&mut recipe.reset_optimizer_each_day, set.reset_optimizer_each_day);
    put(&mut recipe.settle_batches, set.settle_batches);
    put(&mut recipe.centred, set.centred);
    put(&mut recipe.logarithms, set.logarithms);
    put(&mut recipe.bias_init, set.bias_init);
    recipe.seed = set.seed.unwrap_or(config.seed);
    recipe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn what_the_configuration_says_of_training_replaces_the_recipes_own() {
        let made = |train: config::Train| recipe(&Config { seed: 3, train, ..Config::default() });
        let tuned = made(config::Train::default());
        assert_eq!(tuned, Recipe { seed: 3, ..Recipe::tuned() }, "the configuration's seed is training's too");
        let one_start = made(config::Train { seed: Some(7), ..config::Train::default() });
        assert_eq!(one_start, Recipe { seed: 7, ..Recipe::tuned() }, "but for train.seed");
        let original = config::Train { recipe: RecipeName::Original, batch_size: Some(64), ..config::Train::default() };
        assert_eq!(made(original), Recipe { seed: 3, batch: 64, ..Recipe::original() });
    }
}
