//! The page.

use std::fmt::Write;

use indicatif::HumanCount;
use skimlog_features::sketch::TextMode;
use skimlog_formats::Reaction;
use skimlog_network::metrics::Report;

use super::chart::{Axis, Chart, Guide, Series, escape};
use super::results::Results;
use super::style::STYLE;
use crate::config::ByteSize;
use crate::stages::train::{Coverage, Point, SessionSummary};

/// The whole page.
pub(super) fn html(results: &Results) -> String {
    let sections =
        [head(results), curves(results), measures(results), quality(results), coverage(results), times(results)];
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>skimmer: training \
         report</title>\
         <link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main>\n{}</main></body></html>\n",
        sections.concat()
    )
}

/// The last measures there are.
fn last(results: &Results) -> Option<&Report> {
    let training = &results.training;
    results.hold_out.as_ref().or(training.after_finetuning.as_ref()).or(training.before_finetuning.as_ref())
}

fn head(results: &Results) -> String {
    let training = &results.training;
    let records = |sessions: &[SessionSummary]| sessions.iter().map(|session| session.records).sum::<u64>();
    let mut text = "<h1>Training report</h1>".to_owned();
    let (trained, tuned) = (records(&training.days), records(&training.finetuning));
    let _ = write!(
        text,
        "<p class=\"soft\">{} records of {} days, then {} records of fine-tuning, at {} records a second{}.</p>",
        HumanCount(trained),
        training.days.len(),
        HumanCount(tuned),
        HumanCount(training.records_per_second as u64),
        training.resumed_at.as_ref().map_or(String::new(), |position| format!(", resumed at {}", escape(position)))
    );
    if let Some(mode) = results.text {
        let seen = match mode {
            TextMode::None => "nothing",
            TextMode::Hashed => "hashed token ids",
            TextMode::DistilBert => "token vectors of a DistilBERT",
        };
        let _ = write!(text, "<p class=\"soft\">The network sees of a tweet's text: {seen} (text: {mode}).</p>");
    }
    if let Some(warm_start) = &training.warm_start {
        let sentences = warm_start.sentences(training.days.len()).join("; ");
        let _ = write!(text, "<p class=\"soft\">Warm start: {}.</p>", escape(&sentences));
    }
    if let Some(report) = last(results) {
        text += "<div class=\"tiles\">";
        for (reaction, measures) in report.overall.iter() {
            let value = decimals(measures.relative_cross_entropy, 2);
            let _ = write!(
                text,
                "<div class=\"tile\"><span class=\"soft\">{reaction}, RCE</span><b>{value}</b><span class=\"soft\">AP \
                 {}</span></div>",
                decimals(measures.average_precision, 4)
            );
        }
        let _ = write!(
            text,
            "<div class=\"tile\"><span class=\"soft\">cross entropy</span><b>{:.4}</b><span class=\"soft\">{} \
             hold-out records</span></div></div>",
            report.cross_entropy,
            HumanCount(report.records)
        );
    }
    text + "\n"
}

fn curves(results: &Results) -> String {
    let training = &results.training;
    let mut text =
        "<h2>Training</h2><p class=\"soft\">Loss over the records as they were met, each before the network \
                    learned from it. The dashed line is where fine-tuning begins.</p><div class=\"charts\">"
            .to_owned();
    // Passes one behind the other.
    let mut ends: Vec<f64> = vec![0.0];
    ends.push(ends[0] + training.days.iter().map(|day| day.records).sum::<u64>() as f64);
    for epoch in &training.finetuning {
        ends.push(ends[ends.len() - 1] + epoch.records as f64);
    }
    // The last point of a pass may be of a few records only, and then says nothing.
    let curve = &results.curve;
    let first_of = |at: usize| at == 0 || curve[at - 1].pass != curve[at].pass;
    let covered = |at: usize| curve[at].records - if first_of(at) { 0 } else { curve[at - 1].records };
    let ends_pass = |at: usize| at + 1 == curve.len() || curve[at + 1].pass != curve[at].pass;
    let says = |at: &usize| first_of(*at) || !ends_pass(*at) || 2 * covered(*at) >= covered(at - 1);
    let points: Vec<&Point> = (0..curve.len()).filter(says).map(|at| &curve[at]).collect();
    let position = |point: &Point| ends.get(point.pass as usize).copied().unwrap_or(0.0) + point.records as f64;
    let marks = || match training.finetuning.is_empty() {
        true => Vec::new(),
        false => vec![(ends[1], "fine-tuning".to_owned())],
    };
    let records = || Axis { name: "records", label: amount, from_zero: true, to: Some(ends[ends.len() - 1].max(1.0)) };
    let raw: Vec<(f64, f64)> = points.iter().map(|point| (position(point), point.loss)).collect();
    let losses = vec![series("a", "loss", smoothed(&raw), false)];
    let y = Axis { name: "loss, nats", label: |value| format!("{value:.3}"), from_zero: false, to: None };
    let guide = None;
    text += &figure("Loss", Chart { title: "Loss".into(), x: records(), y, series: losses, guide, marks: marks() });

    let rates: Vec<(f64, f64)> = points.iter().map(|point| (position(point), point.learning_rate)).collect();
    let y = Axis { name: "learning rate", label: power, from_zero: true, to: None };
    let rates = vec![series("b", "learning rate", rates, false)];
    let title = "Learning rate";
    text += &figure(title, Chart { title: title.into(), x: records(), y, series: rates, guide: None, marks: marks() });

    let sessions: Vec<&SessionSummary> = training.days.iter().chain(&training.finetuning).collect();
    let mut met = 0.0;
    let speeds = sessions.iter().filter(|session| session.seconds > 0.0).map(|session| {
        met += session.records as f64;
        (met, session.records as f64 / session.seconds)
    });
    let y = Axis { name: "records a second", label: amount, from_zero: true, to: None };
    let (title, marked) = ("Speed", sessions.len() < 60);
    let speeds = vec![series("a", "each day", speeds.collect(), marked)];
    text += &figure(title, Chart { title: title.into(), x: records(), y, series: speeds, guide: None, marks: marks() });
    text + "</div>\n"
}

/// A running mean, about 25 points wide: single batches say little.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let reach = points.len() / 50;
    let mean = |at: usize| {
        // As far to either side as both sides allow, so that the ends are not drawn inwards.
        let reach = reach.min(at).min(points.len() - 1 - at);
        let window = &points[at - reach..=at + reach];
        window.iter().map(|point| point.1).sum::<f64>() / window.len() as f64
    };
    (0..points.len()).map(|at| (points[at].0, mean(at))).collect()
}

fn measures(results: &Results) -> String {
    let Some(after) = last(results) else { return String::new() };
    let before = results.training.before_finetuning.as_ref().filter(|_| !results.training.finetuning.is_empty());
    let mut text = "<h2>Average precision and relative cross entropy</h2><p class=\"soft\">On the hold-out records. \
                    The columns on the right are means over five groups of records by how many accounts follow the \
                    author, as the challenge measured.</p>\
                    <div class=\"scroll\"><table><thead><tr><th></th><th colspan=\"2\">rate, %</th>"
        .to_owned();
    text += "<th colspan=\"2\">AP</th><th colspan=\"2\">RCE</th><th colspan=\"2\">by popularity</th></tr><tr><th></th>\
             <th>true</th><th>predicted</th><th>before</th><th>after</th><th>before</th><th>after</th>\
             <th>AP</th><th>RCE</th></tr></thead><tbody>";
    for (reaction, measures) in after.overall.iter() {
        let earlier = before.map(|report| report.overall[reaction]).unwrap_or_default();
        let means = &after.quintile_means[reaction];
        let (precision, entropy) = (measures.average_precision, measures.relative_cross_entropy);
        let _ = write!(
            text,
            "<tr><td>{reaction}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}</td><td>{}</td><td \
             class=\"{}\">{}</td><td>{}</td><td>{}</td></tr>",
            decimals(measures.rate.map(|rate| rate * 100.0), 2),
            decimals(measures.mean_prediction.map(|mean| mean * 100.0), 2),
            decimals(earlier.average_precision, 4),
            change(earlier.average_precision, precision),
            decimals(precision, 4),
            decimals(earlier.relative_cross_entropy, 2),
            change(earlier.relative_cross_entropy, entropy),
            decimals(entropy, 2),
            decimals(means.average_precision, 4),
            decimals(means.relative_cross_entropy, 2),
        );
    }
    text += "</tbody></table></div><p class=\"soft\">Before and after fine-tuning on validation records.";
    if let Some(before) = before {
        let _ = write!(text, " Cross entropy: {:.5} before, {:.5} after.", before.cross_entropy, after.cross_entropy);
    }
    text + "</p>\n"
}

/// The class of a value that is better or worse than an earlier one.
fn change(before: Option<f64>, after: Option<f64>) -> &'static str {
    match before.zip(after) {
        Some((before, after)) if after > before => "better",
        Some((before, after)) if after < before => "worse",
        _ => "",
    }
}

fn quality(results: &Results) -> String {
    let Some(after) = last(results) else { return String::new() };
    let before = results.training.before_finetuning.as_ref().filter(|_| !results.training.finetuning.is_empty());
    let reports =
        || before.map(|report| ("b", "before fine-tuning", report)).into_iter().chain([("a", "after", after)]);
    let mut text =
        "<h2>Precision and recall</h2><p class=\"soft\">The dashed line is the reaction's rate: guessing.</p>\
                    <div class=\"charts four\">"
            .to_owned();
    let share = |name| Axis { name, label: |value| format!("{value:.1}"), from_zero: true, to: Some(1.0) };
    for reaction in Reaction::ALL {
        let curve = |report: &Report| {
            report.precision_recall[reaction].iter().map(|point| (point.recall, point.precision)).collect()
        };
        let lines = reports().map(|(class, name, report)| series(class, name, curve(report), false)).collect();
        let title = format!("{reaction}: precision by recall");
        let guide = after.overall[reaction].rate.map(Guide::Level);
        let y = Axis { name: "precision", label: |value| format!("{value:.2}"), from_zero: true, to: None };
        text +=
            &figure(reaction.name(), Chart { title, x: share("recall"), y, series: lines, guide, marks: Vec::new() });
    }
    text += "</div>\n<h2>Calibration</h2><p class=\"soft\">Records in ten groups by their predicted probability: how \
             often the reaction happened in each. On the dashed line, predictions mean what they say.</p>\
             <div class=\"charts four\">";
    for reaction in Reaction::ALL {
        let curve = |report: &Report| {
            report.calibration[reaction].iter().map(|decile| (decile.mean_prediction, decile.rate)).collect()
        };
        let lines = reports().map(|(class, name, report)| series(class, name, curve(report), true)).collect();
        let title = format!("{reaction}: rate by prediction");
        let axis = |name| Axis { name, label: percent, from_zero: true, to: None };
        let (x, y, guide) = (axis("predicted"), axis("happened"), Some(Guide::Diagonal));
        text += &figure(reaction.name(), Chart { title, x, y, series: lines, guide, marks: Vec::new() });
    }
    text + "</div>\n"
}

fn coverage(results: &Results) -> String {
    let Coverage { records, names, present } = &results.training.coverage;
    if *records == 0 {
        return String::new();
    }
    let mut text =
        "<h2>Feature coverage</h2><p class=\"soft\">Share of the training records in which each of the network's 73 \
                    numbers is not zero.</p><div class=\"bars\">"
            .to_owned();
    for (name, &present) in names.iter().zip(present) {
        let share = 100.0 * present as f64 / *records as f64;
        let _ = write!(
            text,
            "<div class=\"bar\"><span>{}</span><i style=\"--to: {share:.2}%\"></i><span>{share:.1} %</span></div>",
            escape(name)
        );
    }
    text + "</div>\n"
}

fn times(results: &Results) -> String {
    let mut text = "<h2>Time and memory</h2><p class=\"soft\">Of each task's last run.</p><div \
                    class=\"scroll\"><table><thead><tr>\
                    <th>task</th><th>seconds</th><th>peak memory</th><th class=\"wide\"></th></tr></thead><tbody>"
        .to_owned();
    let longest = results.tasks.iter().map(|(_, task)| task.seconds).fold(1e-9, f64::max);
    for (name, task) in &results.tasks {
        let peak = task.peak_memory.map_or("–".into(), |bytes| ByteSize(bytes).to_string());
        let _ = write!(
            text,
            "<tr><td>{}</td><td>{:.1}</td><td>{peak}</td><td class=\"wide\"><i style=\"width: {:.1}%\"></i></td></tr>",
            escape(name),
            task.seconds,
            100.0 * task.seconds / longest
        );
    }
    let total: f64 = results.tasks.iter().map(|(_, task)| task.seconds).sum();
    let _ = write!(text, "<tr><td>all</td><td>{total:.1}</td><td></td><td class=\"wide\"></td></tr>");
    text + "</tbody></table></div>\n"
}

fn series(class: &'static str, name: &str, points: Vec<(f64, f64)>, marked: bool) -> Series {
    Series { class, name: name.to_owned(), points, marked }
}

/// A chart with its heading and, if there is more than one line, their names.
fn figure(heading: &str, chart: Chart) -> String {
    let keys = if chart.series.len() < 2 { &[] } else { chart.series.as_slice() };
    let keys: Vec<String> =
        keys.iter().map(|line| format!("<span class=\"key {}\">{}</span>", line.class, escape(&line.name))).collect();
    format!("<figure><h3>{}</h3>{}<figcaption>{}</figcaption></figure>", escape(heading), chart.svg(), keys.concat())
}

fn decimals(value: Option<f64>, decimals: usize) -> String {
    value.filter(|value| value.is_finite()).map_or("–".into(), |value| format!("{value:.decimals$}"))
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 1.0 && percent > 0.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// A small number.
fn power(value: f64) -> String {
    if value == 0.0 { "0".into() } else { format!("{value:.0e}") }
}

/// A large number, shortened.
fn amount(value: f64) -> String {
    match value {
        value if value >= 1e9 => format!("{} G", value / 1e9),
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => format!("{value}"),
    }
}
