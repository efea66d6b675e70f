//! The inputs and the output that a model must have.

use std::path::Path;

use crate::TextError;

/// Checks the inputs and outputs of a model, each given by its name and whether its type and rank are right, and gives
/// the name of the output that holds the hidden states.
pub(super) fn check_signature<'a>(
    path: &Path,
    inputs: impl Iterator<Item = (&'a str, bool)>,
    outputs: impl Iterator<Item = (&'a str, bool)>,
) -> Result<String, TextError> {
    let problem = |problem: String| TextError::Signature { path: path.to_owned(), problem };
    let inputs: Vec<(&str, bool)> = inputs.collect();
    for name in ["input_ids", "attention_mask"] {
        if !inputs.iter().any(|input| input.0 == name) {
            return Err(problem(format!("it has no input {name}")));
        }
    }
    for &(name, fits) in &inputs {
        if !["input_ids", "attention_mask", "token_type_ids"].contains(&name) {
            return Err(problem(format!("it wants an input {name}")));
        }
        if !fits {
            return Err(problem(format!("its input {name} is of another type or rank")));
        }
    }
    let outputs: Vec<(&str, bool)> = outputs.collect();
    let named = outputs.iter().find(|output| output.0 == "last_hidden_state");
    let Some(&(output, fits)) = named.or(outputs.first()) else {
        return Err(problem("it has no output".to_owned()));
    };
    if !fits {
        return Err(problem(format!("its output {output} is of another type or rank")));
    }
    Ok(output.to_owned())
}
