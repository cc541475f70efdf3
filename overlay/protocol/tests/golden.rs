//! The golden frames: one JSON file a message, read here and by the browser tests.
//!
//! Every file has to parse into its type and come back as the same JSON, every variant has to have a
//! file, and what a client says is refused when it has a type that this version does not know. So it is
//! with a field of a dashboard or a campaign's client; an overlay may be newer than its server, and what
//! its server does not know is ignored.

use gametriggers_protocol::campaign::{FromCampaign, ToCampaign};
use gametriggers_protocol::close::CloseCode;
use gametriggers_protocol::dashboard::{Command, FromDashboard, ToDashboard};
use gametriggers_protocol::overlay::{
    AckResult, Active, Content, Corner, FailReason, FromOverlay, HostKind, Motion, PLUGIN_VERSION_CHARS_MAX,
    Placement, SkipReason, ToOverlay,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The names of an enum's variants. The match has no wildcard: a new variant does not compile until it
/// is named here, and once it is named, the tests ask for its file.
macro_rules! named {
    ($all:ident, $name:ident, $type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        const $all: &[&str] = &[$($word),+];

        fn $name(value: &$type) -> &'static str {
            match value {
                $($type::$variant { .. } => $word,)+
            }
        }
    };
}

named!(FROM_OVERLAY, from_overlay, FromOverlay {
    Hello => "hello", Status => "status", Heartbeat => "heartbeat",
    Prepared => "prepared", Started => "started",
    Progress => "progress", Ended => "ended", Skipped => "skipped", Failed => "failed", Claim => "claim",
});
named!(TO_OVERLAY, to_overlay, ToOverlay {
    Welcome => "welcome", Heartbeat => "heartbeat", Role => "role",
    Settings => "settings", Prepare => "prepare",
    Play => "play", Stop => "stop", Ack => "ack", Reload => "reload", Drain => "drain",
});
named!(FROM_DASHBOARD, from_dashboard, FromDashboard {
    Hello => "hello", Heartbeat => "heartbeat", Auth => "auth", Command => "command",
});
named!(TO_DASHBOARD, to_dashboard, ToDashboard {
    Welcome => "welcome", Authorized => "authorized", Heartbeat => "heartbeat", State => "state",
    Result => "result", Tested => "tested", Drain => "drain",
});
named!(FROM_CAMPAIGN, from_campaign, FromCampaign {
    Hello => "hello", Heartbeat => "heartbeat", Auth => "auth",
});
named!(TO_CAMPAIGN, to_campaign, ToCampaign {
    Welcome => "welcome", Authorized => "authorized", Heartbeat => "heartbeat", Live => "live",
    Drain => "drain",
});
named!(CONTENT, content, Content { Image => "image", Video => "video", Text => "text", Qr => "qr" });
named!(COMMAND, command, Command {
    Pause => "pause", Resume => "resume", Skip => "skip",
    PlayNext => "play_next", Snooze => "snooze", Test => "test",
});
named!(ACTIVE, active, Active {
    Inactive => "inactive", Unknown => "unknown", Inferred => "inferred", Active => "active",
});
named!(HOST_KIND, host_kind, HostKind { Obs => "obs", ObsLike => "obs_like", Generic => "generic" });
named!(SKIP_REASON, skip_reason, SkipReason {
    Expired => "expired", Hidden => "hidden", Inactive => "inactive", Stopped => "stopped", Busy => "busy",
    Disconnected => "disconnected",
});
named!(FAIL_REASON, fail_reason, FailReason {
    Load => "load", Decode => "decode", Unsupported => "unsupported", LabelHidden => "label_hidden",
    NotPainted => "not_painted",
});
named!(MOTION, motion, Motion { Full => "full", Reduced => "reduced", None => "none" });
named!(PLACEMENT, placement, Placement {
    LowerThird => "lower_third", Corner => "corner", Ticker => "ticker",
});
named!(CORNER, corner, Corner {
    TopLeft => "top_left", TopRight => "top_right",
    BottomLeft => "bottom_left", BottomRight => "bottom_right",
});
named!(ACK_RESULT, ack_result, AckResult {
    Settled => "settled", Duplicate => "duplicate", Rejected => "rejected",
});

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &PathBuf) -> Value {
    let text = std::fs::read_to_string(path).expect("the golden file can be read");
    serde_json::from_str(&text).expect("the golden file is JSON")
}

/// The frames of one socket and direction, by file name.
fn frames(socket: &str, direction: &str) -> BTreeMap<String, Value> {
    let folder = std::fs::read_dir(root().join(socket)).expect("the folder of the socket exists");
    folder
        .map(|entry| entry.expect("the folder can be listed").path())
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), read(&path)))
        .filter(|(name, _)| name.starts_with(direction))
        .collect()
}

/// Reads every frame, checks that it comes back unchanged and that its file is named after it, and that
/// every variant was met.
fn check<T: DeserializeOwned + Serialize>(
    socket: &str,
    direction: &str,
    all: &[&str],
    name: fn(&T) -> &'static str,
) {
    let mut seen = BTreeSet::new();
    for (file, frame) in frames(socket, direction) {
        let message: T = serde_json::from_value(frame.clone())
            .unwrap_or_else(|error| panic!("{socket}/{file}.json is not a message: {error}"));
        assert_eq!(
            serde_json::to_value(&message).expect("it serialises"),
            frame,
            "{socket}/{file}.json changes"
        );
        let word = name(&message);
        assert!(file.starts_with(&format!("{direction}_{word}")), "{socket}/{file}.json holds {word}");
        assert_eq!(frame.get("type"), Some(&json!(word)), "{socket}/{file}.json");
        seen.insert(word);
    }
    assert_eq!(seen, all.iter().copied().collect(), "{socket}/{direction}: a variant has no golden frame");
}

/// No unknown type; and at any depth no unknown field, or any, which is as if it were not there.
fn check_strict<T: DeserializeOwned + Serialize>(socket: &str, fields: bool) {
    for (file, frame) in frames(socket, "from") {
        for strange in with_a_strange_field(&frame) {
            let read = serde_json::from_value::<T>(strange.clone()).ok();
            let read = read.map(|message| serde_json::to_value(message).expect("it serialises"));
            let wanted = (!fields).then(|| frame.clone());
            assert_eq!(read, wanted, "{socket}/{file}.json with {strange}");
        }
        let Value::Object(mut strange) = frame else {
            panic!("{socket}/{file}.json is not an object");
        };
        strange.insert("type".into(), json!("no_such_message"));
        assert!(
            serde_json::from_value::<T>(strange.into()).is_err(),
            "{socket}/{file}.json accepts an unknown type"
        );
    }
}

/// The frame with a field more, once for each object in it.
fn with_a_strange_field(value: &Value) -> Vec<Value> {
    let Value::Object(fields) = value else {
        return Vec::new();
    };
    let mut own = fields.clone();
    own.insert("no_such_field".into(), json!(1));
    let mut all = vec![Value::Object(own)];
    for (name, inner) in fields {
        for strange in with_a_strange_field(inner) {
            let mut outer = fields.clone();
            outer.insert(name.clone(), strange);
            all.push(Value::Object(outer));
        }
    }
    all
}

/// The words of an enum in `words.json`, each read and written.
fn check_words<T: DeserializeOwned + Serialize>(list: &str, all: &[&str], name: fn(&T) -> &'static str) {
    let words = read(&root().join("words.json"));
    assert_eq!(words.get(list), Some(&json!(all)), "words.json: {list}");
    for word in all {
        let value: T =
            serde_json::from_value(json!(word)).unwrap_or_else(|error| panic!("{list}: {word}: {error}"));
        assert_eq!(name(&value), *word);
        assert_eq!(serde_json::to_value(&value).expect("it serialises"), json!(word));
    }
}

#[test]
fn overlay_frames_are_the_messages() {
    check::<FromOverlay>("overlay", "from", FROM_OVERLAY, from_overlay);
    check::<ToOverlay>("overlay", "to", TO_OVERLAY, to_overlay);
}

#[test]
fn dashboard_frames_are_the_messages() {
    check::<FromDashboard>("dashboard", "from", FROM_DASHBOARD, from_dashboard);
    check::<ToDashboard>("dashboard", "to", TO_DASHBOARD, to_dashboard);
}

#[test]
fn campaign_frames_are_the_messages() {
    check::<FromCampaign>("campaign", "from", FROM_CAMPAIGN, from_campaign);
    check::<ToCampaign>("campaign", "to", TO_CAMPAIGN, to_campaign);
}

#[test]
fn clients_may_not_say_what_is_not_in_the_protocol() {
    check_strict::<FromOverlay>("overlay", false);
    check_strict::<FromDashboard>("dashboard", true);
    check_strict::<FromCampaign>("campaign", true);
}

#[test]
fn every_content_and_command_has_a_frame() {
    let contents: BTreeSet<_> = frames("overlay", "to_prepare")
        .into_values()
        .map(|frame| serde_json::from_value(frame["creative"]["content"].clone()).expect("a content"))
        .map(|value: Content| content(&value))
        .collect();
    assert_eq!(contents, CONTENT.iter().copied().collect());
    let commands: BTreeSet<_> = frames("dashboard", "from_command")
        .into_values()
        .map(|frame| serde_json::from_value(frame["command"].clone()).expect("a command"))
        .map(|value: Command| command(&value))
        .collect();
    assert_eq!(commands, COMMAND.iter().copied().collect());
}

#[test]
fn words_are_the_enums() {
    check_words::<Active>("active", ACTIVE, active);
    check_words::<HostKind>("host_kind", HOST_KIND, host_kind);
    check_words::<SkipReason>("skip_reason", SKIP_REASON, skip_reason);
    check_words::<FailReason>("fail_reason", FAIL_REASON, fail_reason);
    check_words::<Motion>("motion", MOTION, motion);
    check_words::<Placement>("placement", PLACEMENT, placement);
    check_words::<Corner>("corner", CORNER, corner);
    check_words::<AckResult>("ack_result", ACK_RESULT, ack_result);
}

#[test]
fn the_page_and_the_server_keep_as_much_of_a_plugin_version() {
    let words = read(&root().join("words.json"));
    assert_eq!(words.get("plugin_version_chars_max"), Some(&json!(PLUGIN_VERSION_CHARS_MAX)));
}

#[test]
fn close_codes_are_the_words() {
    let codes: BTreeMap<_, _> = CloseCode::ALL.iter().map(|code| (code.reason(), code.code())).collect();
    assert_eq!(read(&root().join("words.json")).get("close"), Some(&json!(codes)));
    assert!(CloseCode::ALL.iter().all(|code| code.reconnect() == (3000..3500).contains(&code.code())));
}
