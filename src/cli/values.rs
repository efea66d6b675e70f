//! Values of options: numbers in a range, names from a list.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use skimlog::amounts::count;
use skimlog::stages::{self, STAGES, StageRef};
use skimlog_import::log::LogFormat;
use skimlog_network::Precision;
use skimlog_text::EngineChoice;

/// A whole number in a range; whatever else is given, the message names the range.
pub(super) fn whole<T>(range: RangeInclusive<u64>) -> impl TypedValueParser<Value = T>
where
    T: TryFrom<u64> + Clone + Send + Sync + 'static,
{
    let (least, most) = range.into_inner();
    move |text: &str| {
        let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match most {
            u64::MAX => format!("must be a whole number of at least {}", count(least)),
            _ => format!("must be a whole number from {} to {}", count(least), count(most)),
        })
    }
}

/// A number of threads. More of them than any machine has would only fail to start.
pub(super) fn threads() -> impl TypedValueParser<Value = NonZeroUsize> {
    whole::<usize>(1..=1024).try_map(NonZeroUsize::try_from)
}

/// A whole number of at least 1.
pub(super) fn positive() -> impl TypedValueParser<Value = NonZeroUsize> {
    whole::<usize>(1..=u64::MAX).try_map(NonZeroUsize::try_from)
}

/// A stage by its name.
pub(super) fn stage() -> impl TypedValueParser<Value = StageRef> {
    let names = PossibleValuesParser::new(STAGES.map(|stage| PossibleValue::new(stage.name())));
    names.map(|name| stages::named(&name).expect("only stages' names are possible"))
}

/// What runs the text model, by its name.
pub(super) fn engine() -> impl TypedValueParser<Value = EngineChoice> {
    const ENGINES: [(&str, EngineChoice, &str); 3] = [
        ("auto", EngineChoice::Auto, "ONNX Runtime where a library is found, else tract"),
        ("onnxruntime", EngineChoice::OnnxRuntime, "ONNX Runtime, or an error"),
        ("tract", EngineChoice::Tract, "tract"),
    ];
    let names = PossibleValuesParser::new(ENGINES.map(|(name, _, help)| PossibleValue::new(name).help(help)));
    names.map(|name| {
        let named = ENGINES.into_iter().find(|(one, ..)| *one == name);
        named.expect("only engines' names are possible").1
    })
}

/// The format of a log, by its name.
pub(super) fn log_format() -> impl TypedValueParser<Value = LogFormat> {
    let names = PossibleValuesParser::new(LogFormat::ALL.map(|format| PossibleValue::new(format.name())));
    names.map(|name| LogFormat::named(&name).expect("only formats' names are possible"))
}

/// A precision by its name.
pub(super) fn precision() -> impl TypedValueParser<Value = Precision> {
    named(Precision::ALL.map(|precision| {
        PossibleValue::new(precision.name()).help(match precision {
            Precision::F32 => "Exact: single precision",
            Precision::Bf16 => "Faster: bfloat16, with sums in single precision",
            Precision::Int8 => "Fastest: hidden layers in bytes",
        })
    }))
}

fn named<T>(names: impl IntoIterator<Item = PossibleValue>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name: String| name.parse::<T>())
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    fn refusal(parser: impl TypedValueParser<Value = u32>, text: &str) -> Option<String> {
        let argument = Arg::new("n").long("n").value_parser(parser).allow_negative_numbers(true);
        let outcome = Command::new("test").arg(argument).try_get_matches_from(["test", "--n", text]);
        outcome.err().map(|error| error.to_string())
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        for text in ["0", "-3", "1.5", "many", "", "99999999999999999999"] {
            let said = refusal(whole(1..=u64::MAX), text).unwrap();
            assert!(said.contains("must be a whole number of at least 1"), "{said}");
        }
        let said = refusal(whole(5..=2_000), "2001").unwrap();
        assert!(said.contains("must be a whole number from 5 to 2,000"), "{said}");
        for text in ["5", "2000"] {
            assert_eq!(refusal(whole(5..=2_000), text), None);
        }
        // What the type does not hold, the range notwithstanding.
        assert!(refusal(whole(1..=u64::MAX), "4294967296").is_some());
    }
}
