//! A first mapping for a log, guessed from its columns and rows.

use skimlog_import::guess::guess_log;
use skimlog_import::mapping::{LogField, Mapping};

/// Guesses for a log of this name and text: the mapping as YAML, and as `field=column` for each field that has one.
fn guessed(name: &str, text: &str) -> (String, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let yaml = guess_log(&path, None).unwrap();
    for field in LogField::ALL {
        let key = field.name().rsplit('.').next().unwrap();
        assert!(yaml.contains(&format!("{key}:")), "{} is not in\n{yaml}", field.name());
    }
    let mapping = Mapping::parse(&yaml, &folder.path().join("mapping.yaml"));
    let columns = mapping.map(|mapping| {
        mapping.columns().map(|(field, column)| format!("{}={column}", field.name())).collect::<Vec<_>>().join(" ")
    });
    (yaml, columns.ok())
}

#[track_caller]
fn check(name: &str, text: &str, expected: &str, lines: &[&str]) {
    let (yaml, columns) = guessed(name, text);
    assert_eq!(columns.as_deref(), Some(expected), "{yaml}");
    for line in lines {
        assert!(yaml.lines().any(|found| found.trim().starts_with(line)), "`{line}` is not in\n{yaml}");
    }
}

#[test]
fn a_flat_feed() {
    let header = "post_id,post_text,post_lang,post_created_at,post_kind,post_media,post_hashtags,post_links,\
        post_domains,author_id,author_followers,author_following,author_verified,author_created_at,viewer_id,\
        viewer_followers,viewer_following,viewer_verified,viewer_created_at,viewer_follows_author,shown_at,liked_at,\
        replied_at,reposted_at,quoted_at";
    let row = "at://a/1,Hello,en,2024-05-17T08:30:00Z,original,photo|pictures,a|b,https://x.org/1,x.org,did:plc:a,5,6,\
        true,2020-05-17T08:30:00Z,did:plc:b,1,2,false,2021-05-17T08:30:00Z,true,1715934600999,1715934601999,,,";
    let expected = "tweet=post_id text=post_text hashtags=post_hashtags media=post_media links=post_links \
        domains=post_domains type=post_kind language=post_lang time=post_created_at author.id=author_id \
        author.followers=author_followers author.following=author_following author.verified=author_verified \
        author.created=author_created_at reader.id=viewer_id reader.followers=viewer_followers \
        reader.following=viewer_following reader.verified=viewer_verified reader.created=viewer_created_at \
        follows=viewer_follows_author reactions.like=liked_at reactions.reply=replied_at \
        reactions.retweet=reposted_at reactions.quote=quoted_at shown=shown_at";
    let lines = [
        "type: {column: post_kind, words: {\"original\": null}}",
        "media: {column: post_media, split: \"|\", words: {\"photo\": Photo, \"pictures\": Photo}}",
        "hashtags: {column: post_hashtags, split: \"|\"}",
        "text: {column: post_text, tokenizer: tokenizer.json}",
        "shown: {column: shown_at, unit: ms}",
        "like: {column: liked_at, unit: ms}",
        "time: post_created_at",
    ];
    check("feed.csv", &format!("{header}\n{row}\n"), expected, &lines);
}

#[test]
fn bluesky() {
    let line = r#"{"uri": "at://did:plc:a/app.bsky.feed.post/3k", "cid": "bafy", "author": {"did": "did:plc:a",
        "handle": "a.bsky.social", "followersCount": 5, "followsCount": 7, "createdAt": "2023-05-17T08:30:00.000Z"},
        "record": {"text": "Hello", "createdAt": "2024-05-17T08:30:00.000Z", "langs": ["en"]}, "likeCount": 3,
        "repostCount": 1, "viewerDid": "did:plc:b", "liked": true, "reposted": false}"#;
    let expected = "tweet=uri text=record.text time=record.createdAt author.id=author.did \
        author.followers=author.followersCount author.following=author.followsCount author.created=author.createdAt \
        reader.id=viewerDid reactions.like=liked reactions.retweet=reposted";
    check("feed.ndjson", &line.replace('\n', ""), expected, &["time: record.createdAt"]);
}

#[test]
fn mastodon() {
    let line = r#"{"id": "112", "created_at": "2024-05-17T08:30:00.000Z", "in_reply_to_id": null, "language": "de",
        "content": "<p>Hallo</p>", "replies_count": 1, "reblogs_count": 2, "favourites_count": 3,
        "account": {"id": "9", "acct": "a", "followers_count": 5, "following_count": 6,
        "created_at": "2020-05-17T00:00:00.000Z"}, "media_attachments": [{"type": "gifv"}, {"type": "audio"}],
        "tags": [{"name": "x"}], "viewer": {"id": "7"}, "favourited": true, "reblogged": false, "bookmarked": false}"#;
    let expected = "tweet=id text=content hashtags=tags.name media=media_attachments.type language=language \
        time=created_at author.id=account.id author.followers=account.followers_count \
        author.following=account.following_count author.created=account.created_at reader.id=viewer.id \
        reactions.like=favourited reactions.retweet=reblogged reactions.quote=bookmarked";
    let media = "media: {column: media_attachments.type, words: {\"gifv\": GIF, \"audio\": null}}";
    check("home.ndjson", &line.replace('\n', ""), expected, &[media]);
}

#[test]
fn a_forum_with_local_times() {
    let text = "thread_id\tpost_id\tposter_id\tuser_id\ttitle\tbody\tposted_at\tviewed_at\tupvoted\tcommented\n\
        1\t2\t3\t4\tHi\tHello you\t2024-05-17 08:30:00\t2024-05-17 09:30:00\t1\t0\n";
    let expected = "tweet=post_id text=body time=posted_at author.id=poster_id reader.id=user_id \
        reactions.like=upvoted reactions.reply=commented shown=viewed_at";
    let lines = ["time: {column: posted_at, zone: UTC}", "# ^ local times: put their zone in place of UTC"];
    check("forum.tsv", text, expected, &lines);
}

#[test]
fn an_application() {
    let line = |unit: &str| {
        format!(
            r#"{{"item_id": 5, "seller_id": 6, "customer_id": 7, "published": 1715934600{unit}, "event_time":
        1715934700{unit}, "clicked": 1, "shared": 0, "price": 9.5}}"#
        )
    };
    let expected = "tweet=item_id time=published author.id=seller_id reader.id=customer_id reactions.like=clicked \
        reactions.retweet=shared shown=event_time";
    for (unit, name) in [("", None), ("123", Some("ms")), ("123456", Some("us")), ("123456789", Some("ns"))] {
        let time = name.map_or("time: published ".into(), |name| format!("time: {{column: published, unit: {name}}}"));
        check("events.jsonl", &line(unit).replace('\n', ""), expected, &[&time, "like: clicked "]);
    }
}

#[test]
fn what_is_required_and_not_found_is_said() {
    let (yaml, columns) = guessed("log.csv", "x,created_at,user_id\n1,2024-05-17,5\n");
    assert!(columns.is_none());
    assert!(yaml.contains("# Not found, and required: tweet, author.id. Fill them in."), "{yaml}");
    assert!(yaml.lines().any(|line| line.starts_with("# tweet: ") && line.contains(" # required: ")), "{yaml}");
    assert!(yaml.contains("# Columns that no field was found for: x"), "{yaml}");
    let (yaml, columns) = guessed("odd.csv", "\"post id\",\"created at\",\"author: id\",\"reader #id\"\n1,5,a,r\n");
    assert!(yaml.contains("tweet: \"post id\""), "{yaml}");
    assert!(columns.is_some_and(|columns| columns.contains("tweet=post id time=created at")), "{yaml}");
}
