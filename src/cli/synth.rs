//! `skimmer synth`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use skimlog::amounts;
use skimlog_runtime::machine;
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_synth::{FeedForms, SynthOptions};

use super::Common;
use super::usage::UsageError;
use super::values::{threads, whole};

/// Generate synthetic parts in the exact raw format, with a planted engagement model.
///
/// Writes DIR/train/part-00000…, DIR/validation/part-00000, DIR/test/part-00000 (without reactions),
/// DIR/test_labels.tsv, and DIR/truth.json: the reactions' rates, and the AP and RCE of the planted model itself.
/// The same options give the same bytes.
///
/// `--as feed` writes the same impressions as the log of a feed, in the order of time: DIR/posts.parquet (post_id,
/// author_id, text, lang, created_at, kind, media, hashtags, links, domains), DIR/users.parquet (user_id, followers,
/// following, verified, created_at), DIR/impressions.parquet (post_id, viewer_id, shown_at, viewer_follows_author,
/// liked_at, replied_at, reposted_at, quoted_at), and their join as DIR/feed.parquet or DIR/feed.ndjson, with the names
/// post_text, author_followers, viewer_id and so on; DIR/test.parquet or DIR/test.ndjson without reactions;
/// DIR/tokenizer.json, which makes WordPiece tokens of the text. Times are milliseconds of UTC.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer synth --out recsys_data
  skimmer synth --out recsys_data --parts 4 --rows 1000000
  skimmer synth --as feed --out feed --joined parquet,ndjson")]
pub(super) struct Synth {
    /// Where to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What to write.
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Parts)]
    form: Form,
    /// Forms of a feed's joined tables.
    #[arg(long, value_name = "A,B", value_enum, value_delimiter = ',', default_value = "parquet")]
    joined: Vec<Joined>,
    /// Training parts.
    #[arg(long, value_name = "N", default_value_t = 2,
        value_parser = whole::<u32>(1..=99_999), allow_negative_numbers = true)]
    parts: u32,
    /// Training records, over all parts.
    #[arg(long, value_name = "N", default_value_t = 200_000,
        value_parser = whole::<u64>(1..=1 << 40), allow_negative_numbers = true)]
    rows: u64,
    /// Write only this training part, by its number from 0, the same as among all of them.
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0..=99_998), allow_negative_numbers = true)]
    only_part: Option<u32>,
    /// Validation records [default: a tenth of the training records].
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0..=1 << 40), allow_negative_numbers = true)]
    valid_rows: Option<u64>,
    /// Test records [default: a twentieth of the training records].
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0..=1 << 40), allow_negative_numbers = true)]
    test_rows: Option<u64>,
    /// Users who read [default: grows with the records].
    #[arg(long, value_name = "N", value_parser = whole::<u32>(16..=1 << 31), allow_negative_numbers = true)]
    users: Option<u32>,
    /// Users who write [default: grows with the records].
    #[arg(long, value_name = "N", value_parser = whole::<u32>(8..=1 << 31), allow_negative_numbers = true)]
    authors: Option<u32>,
    /// Token ids, 0 to this number minus one.
    #[arg(long, value_name = "N", default_value_t = 119_547,
        value_parser = whole::<u32>(512..=1_000_000), allow_negative_numbers = true)]
    vocabulary: u32,
    /// Another seed gives other records.
    #[arg(long, value_name = "N", default_value_t = 0,
        value_parser = whole::<u64>(0..=u64::MAX), allow_negative_numbers = true)]
    seed: u64,
    /// Worker threads [default: as many as cores].
    #[arg(long, value_name = "N", value_parser = threads(), allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Raw parts.
    Parts,
    /// Posts, users and impressions of a feed.
    Feed,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Joined {
    /// Apache Parquet.
    Parquet,
    /// A JSON object a line.
    Ndjson,
}

impl Synth {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let options = SynthOptions {
            out: self.out.clone(),
            parts: self.parts,
            rows: self.rows,
            only_part: self.only_part,
            valid_rows: self.valid_rows.unwrap_or(self.rows / 10),
            test_rows: self.test_rows.unwrap_or(self.rows / 20),
            users: self.users,
            authors: self.authors,
            vocabulary: self.vocabulary,
            seed: self.seed,
            threads: self.threads.unwrap_or_else(machine::threads).get(),
        };
        match self.form {
            Form::Parts => self.parts(&options, common),
            Form::Feed => self.feed(&options, common),
        }
    }

    fn parts(&self, options: &SynthOptions, common: &Common) -> anyhow::Result<()> {
        // The one part's share, rounded: exact numbers come with the summary.
        let training = options.only_part.map_or(options.rows, |_| options.rows / u64::from(options.parts.max(1)));
        let total = training + options.valid_rows + options.test_rows;
        let summary = shown(common, total, Unit::Records, |progress| skimlog_synth::generate(options, progress))?;
        common.summarize(&summary, || {
            format!("wrote {} to {}", amounts::counted(summary.records, "record", "records"), self.out.display())
        })
    }

    fn feed(&self, options: &SynthOptions, common: &Common) -> anyhow::Result<()> {
        if options.only_part.is_some() {
            let what = "--only-part is about raw parts, and a feed has none: leave it out with --as feed";
            return Err(UsageError(what.into()).into());
        }
        let has = |form| self.joined.contains(&form);
        let forms = FeedForms { parquet: has(Joined::Parquet), ndjson: has(Joined::Ndjson) };
        // An impression is drawn and written.
        let total = 2 * (options.rows + options.valid_rows + options.test_rows);
        let generate = |progress: &(dyn Fn(u64) + Sync)| skimlog_synth::generate_feed(options, forms, progress);
        let summary = shown(common, total, Unit::Items, generate)?;
        common.summarize(&summary, || {
            format!(
                "wrote {}, {} and {} to {}",
                amounts::counted(summary.impressions + summary.test, "impression", "impressions"),
                amounts::counted(summary.posts, "post", "posts"),
                amounts::counted(summary.users, "user", "users"),
                self.out.display()
            )
        })
    }
}

/// Generates something with progress on the terminal.
fn shown<T, E>(
    common: &Common,
    total: u64,
    unit: Unit,
    generate: impl FnOnce(&(dyn Fn(u64) + Sync)) -> Result<T, E>,
) -> Result<T, E> {
    let terminal = common.terminal();
    terminal.begin("synth", Some(total), unit);
    let written = std::sync::atomic::AtomicU64::new(0);
    let outcome = generate(&|records| {
        let before = written.fetch_max(records, std::sync::atomic::Ordering::Relaxed);
        terminal.advance(records.saturating_sub(before));
    })?;
    terminal.end();
    Ok(outcome)
}
