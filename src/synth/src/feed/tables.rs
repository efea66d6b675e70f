//! The tables of a feed: their columns, and the files they become.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use skimlog_formats::record::{Media, TweetType};
use skimlog_formats::{PerReaction, Reaction};

use super::columns::{Column, Columns, Values};
use super::language::code;
use super::names;
use super::text::Texts;
use crate::files::attempt;
use crate::options::SynthError;
use crate::people::Profile;
use crate::tweet::Tweet;
use crate::world::World;

/// Rows of a row group.
const GROUP: usize = 1 << 17;

fn column(name: String, values: Values) -> Column {
    Column { name, values }
}

fn texts(name: String, values: impl IntoIterator<Item = String>) -> Column {
    column(name, Values::Text(values.into_iter().collect()))
}

/// Columns of posts, with `prefix` before each name but that of the post's id.
pub(crate) fn posts(world: &World, text: &Texts, prefix: &str, posts: &[(Tweet, String)]) -> Vec<Column> {
    let tweets = || posts.iter().map(|(tweet, _)| tweet);
    let name = |name: &str| format!("{prefix}{name}");
    let hashtags: Vec<Vec<String>> =
        tweets().map(|tweet| tweet.hashtags.as_slice().iter().map(|&id| names::hashtag(id)).collect()).collect();
    let domains: Vec<Vec<String>> =
        tweets().map(|tweet| tweet.domains.as_slice().iter().map(|&id| names::domain(id)).collect()).collect();
    let of_domains = |(tweet, domains): (&Tweet, &Vec<String>)| -> Vec<String> {
        domains.iter().zip(tweet.links.as_slice()).map(|(domain, &id)| names::link(domain, id)).collect()
    };
    let links: Vec<Vec<String>> = tweets().zip(&domains).map(of_domains).collect();
    let written = tweets().zip(hashtags.iter().zip(&links));
    let written = written.map(|(tweet, (hashtags, links))| text.text(world, tweet, hashtags, links));
    let media = tweets().map(|tweet| tweet.media.map(|(media, count)| vec![media_name(media).to_owned(); count]));
    let lists = |lists: Vec<Vec<String>>| Values::Lists(lists.into_iter().map(Some).collect());
    vec![
        texts("post_id".into(), posts.iter().map(|(tweet, author)| names::post(author, tweet.id))),
        texts(name("text"), written),
        texts(name("lang"), tweets().map(|tweet| code(tweet.language).to_owned())),
        column(name("created_at"), Values::Times(tweets().map(created).collect())),
        texts(name("kind"), tweets().map(|tweet| kind_name(tweet.kind).to_owned())),
        column(name("media"), Values::Lists(media.collect())),
        column(name("hashtags"), lists(hashtags)),
        column(name("links"), lists(links)),
        column(name("domains"), lists(domains)),
    ]
}

/// Columns of users, with `prefix` before each name; the id's is `{who}_id`.
pub(crate) fn users(who: &str, prefix: &str, users: &[Profile]) -> Vec<Column> {
    let name = |name: &str| format!("{prefix}{name}");
    let whole = |of: fn(&Profile) -> u32| Values::Whole(users.iter().map(|user| of(user).into()).collect());
    let created = users.iter().map(|user| i64::from(user.created) * 1_000);
    vec![
        texts(format!("{who}_id"), users.iter().map(|user| names::account(user.id))),
        column(name("followers"), whole(|user| user.followers)),
        column(name("following"), whole(|user| user.following)),
        column(name("verified"), Values::Flags(users.iter().map(|user| user.verified).collect())),
        column(name("created_at"), Values::Times(created.collect())),
    ]
}

/// When posts were shown, and whether there is a follow.
pub(crate) fn showings(shown: Vec<i64>, follows: Vec<bool>) -> Vec<Column> {
    vec![
        column("shown_at".into(), Values::Times(shown)),
        column("viewer_follows_author".into(), Values::Flags(follows)),
    ]
}

/// When each reaction happened, from unix seconds, 0 for none.
pub(crate) fn reactions(times: &[PerReaction<u32>]) -> Vec<Column> {
    let named = [
        ("liked_at", Reaction::Like),
        ("replied_at", Reaction::Reply),
        ("reposted_at", Reaction::Retweet),
        ("quoted_at", Reaction::Quote),
    ];
    let of = |reaction: Reaction| {
        times.iter().map(move |times| (times[reaction] != 0).then_some(i64::from(times[reaction]) * 1_000)).collect()
    };
    named.map(|(name, reaction)| column(name.into(), Values::OptionalTimes(of(reaction)))).into()
}

/// When a post was made, in milliseconds: a time within the second that the record has.
pub(crate) fn created(tweet: &Tweet) -> i64 {
    i64::from(tweet.time) * 1_000 + i64::from(u16::from_be_bytes([tweet.id.0[14], tweet.id.0[15]]) % 1_000)
}

fn kind_name(kind: TweetType) -> &'static str {
    match kind {
        TweetType::TopLevel => "post",
        TweetType::Retweet => "repost",
        TweetType::Quote => "quote",
        TweetType::Reply => "reply",
    }
}

fn media_name(media: Media) -> &'static str {
    match media {
        Media::Photo => "image",
        Media::Video => "video",
        Media::Gif => "gif",
    }
}

/// A Parquet file being written.
pub(crate) struct ParquetFile {
    path: PathBuf,
    writer: Option<ArrowWriter<File>>,
}

impl ParquetFile {
    /// A file that is made with the first rows.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, writer: None }
    }

    /// Appends rows.
    pub(crate) fn write(&mut self, columns: &Columns) -> Result<(), SynthError> {
        let path = self.path.clone();
        let refused = |source: ParquetError| SynthError::Parquet { path, source };
        let batch = match columns.batch() {
            Ok(batch) => batch,
            Err(error) => return Err(refused(error.into())),
        };
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(create(&self.path, batch.schema())?),
        };
        writer.write(&batch).map_err(refused)
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<(), SynthError> {
        let Self { path, writer } = self;
        let outcome = writer.map_or(Ok(()), |writer| writer.close().map(|_| ()));
        outcome.map_err(|source| SynthError::Parquet { path, source })
    }
}

fn create(path: &Path, schema: SchemaRef) -> Result<ArrowWriter<File>, SynthError> {
    let file = attempt("create", path, File::create(path))?;
    let properties = ZstdLevel::try_new(3).map(|level| {
        WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP))
            .set_created_by(concat!("skimmer ", env!("CARGO_PKG_VERSION")).to_owned())
            .build()
    });
    let writer = properties.and_then(|properties| ArrowWriter::try_new(file, schema, Some(properties)));
    writer.map_err(|source| SynthError::Parquet { path: path.to_owned(), source })
}
