//! The part of the table of the API that is about campaigns.

use crate::web::campaign_body::CampaignBody;
use crate::web::campaign_view::{ChangedView, DraftView, OpenView, RecordView};
use crate::web::creative_body::CreativeBody;
use crate::web::table::{Resource, Section, at, get, patch, post, put};
use crate::web::wire::PageBody;
use crate::web::{campaign, campaign_plays, metrics, why, why_view};
use gametriggers_actors::domain::scope::Scope::{Admin, CampaignsRead, CampaignsWrite};
use gametriggers_protocol::campaign::Live;

/// Campaigns, from the draft to the archive.
pub(in crate::web) fn section() -> Section {
    let about = "What brands buy, and how it goes: draft, review where operators look first, active, paused, \
                 completed, archived. A draft holds no money; its launch sets the budget aside. Every change \
                 raises the version, which is the ETag.";
    let all = [campaigns(), steps(), creatives(), numbers()];
    Section::new("Campaigns", about, all.into_iter().flatten().collect())
}

/// Campaigns as a whole.
fn campaigns() -> Vec<Resource> {
    vec![
        at("/campaigns", vec![
            get(campaign::list::list, "List campaigns").needs(&[CampaignsRead])
                .query::<campaign::list::ListQuery>()
                .gives_either::<PageBody<RecordView>, PageBody<OpenView>>()
                .about("A brand's own, or all of them for an operator; a streamer is shown those that they \
                        may apply for, in fewer words. Pages neither skip nor repeat what keeps its place \
                        meanwhile: `after` belongs to the sort that it came with."),
            post(campaign::create, "Create a campaign, or a draft").needs(&[CampaignsWrite])
                .keyed_with_money().versioned().takes::<CampaignBody>()
                .makes_either::<ChangedView, DraftView>().or_accepts::<DraftView>()
                .about("It runs at once, and its budget is set aside from the brand's wallet in the same \
                        step, which needs an Idempotency-Key. With `draft` it holds no money, and what is \
                        there of it is checked. Where campaigns are reviewed that of a brand waits for an \
                        operator: 202.")
                .fails(&["not-found"]),
        ]),
        at("/campaigns/{id}", vec![
            get(campaign::show, "Show a campaign").needs(&[CampaignsRead]).versioned()
                .gives_either::<RecordView, OpenView>()
                .about("A streamer is shown one that they may apply for, in fewer words."),
            put(campaign::draft::replace, "Replace a draft").needs(&[CampaignsWrite]).versioned()
                .takes::<CampaignBody>().gives::<DraftView>()
                .about("What is left out is open again.")
                .fails(&["campaign-launched", "campaign-in-review", "campaign-archived"]),
            patch(campaign::change::change, "Change, pause or end a campaign").needs(&[CampaignsWrite])
                .keyed_with_money().versioned()
                .takes::<campaign::change::ChangeBody>().gives_either::<ChangedView, DraftView>()
                .about("A draft can be changed in everything; of a campaign that is launched name, status, \
                        end, pacing, caps, targeting, rotation, requirements, and its budget, which only \
                        grows.")
                .fails(&["campaign-ended", "campaign-in-review", "campaign-archived", "budget-shrinks"]),
        ]),
    ]
}

/// From one state to the next.
fn steps() -> Vec<Resource> {
    vec![
        at("/campaigns/{id}/submit", vec![
            post(campaign::launch::submit, "Submit a draft").needs(&[CampaignsWrite]).keyed().versioned()
                .gives::<ChangedView>().or_accepts::<DraftView>()
                .about("It has to be whole. It runs at once, with its budget set aside; or it waits for an \
                        operator where campaigns are reviewed: 202.")
                .fails(&["invalid", "campaign-launched", "campaign-archived"]),
        ]),
        at("/campaigns/{id}/withdraw-submission", vec![
            post(campaign::launch::withdraw, "Take a submission back").needs(&[CampaignsWrite]).versioned()
                .gives::<DraftView>().fails(&["campaign-not-in-review"]),
        ]),
        at("/campaigns/{id}/archive", vec![
            post(campaign::archive, "Archive a draft or a completed campaign").needs(&[CampaignsWrite])
                .versioned().gives::<RecordView>()
                .about("Lists leave it out unless they are asked for it. Nothing is deleted, no money moves.")
                .fails(&["campaign-not-over"]),
        ]),
        at("/admin/campaigns/{id}/approve", vec![
            post(campaign::launch::approve, "Approve a campaign in review").needs(&[Admin])
                .keyed().versioned().may_take::<campaign::launch::ApprovalBody>().gives::<ChangedView>()
                .about("It runs, with its budget set aside. When the wallet is short it stays in review.")
                .fails(&["campaign-not-in-review", "campaign-launched", "campaign-archived"]),
        ]),
        at("/admin/campaigns/{id}/reject", vec![
            post(campaign::launch::reject, "Send a campaign in review back to its brand").needs(&[Admin])
                .versioned().takes::<campaign::launch::RejectionBody>().gives::<DraftView>()
                .fails(&["campaign-not-in-review"]),
        ]),
    ]
}

/// What they show.
fn creatives() -> Vec<Resource> {
    vec![
        at("/campaigns/{id}/creatives", vec![
            post(campaign::creative::add, "Add a creative to a campaign that is launched")
                .needs(&[CampaignsWrite]).versioned().takes::<CreativeBody>().makes::<CreativeBody>()
                .about("With If-Match only to that version of the campaign. Where campaigns are reviewed \
                        that of a brand waits for an operator.")
                .fails(&["campaign-ended", "campaign-not-launched", "too-many-creatives", "changed"]),
        ]),
        at("/campaigns/{id}/creatives/{creative_id}", vec![
            patch(campaign::creative::change, "Pause, resume or archive a creative, or change its weight")
                .needs(&[CampaignsWrite]).versioned().takes::<campaign::creative::CreativeChangeBody>()
                .gives::<CreativeBody>()
                .about("The version is that of the campaign, which keeps one active creative at least.")
                .fails(&["campaign-ended", "campaign-not-launched", "last-creative", "creative-in-review",
                         "creative-archived"]),
        ]),
    ]
}

/// How it goes.
fn numbers() -> Vec<Resource> {
    vec![
        at("/campaigns/{id}/live", vec![
            get(campaign::live, "Show the live numbers").needs(&[CampaignsRead]).gives::<Live>()
                .fails(&["campaign-not-launched"])
                .about("At most two seconds behind what is on screen."),
        ]),
        at("/campaigns/{id}/plays", vec![
            get(campaign_plays::list, "List plays").needs(&[CampaignsRead])
                .query::<campaign_plays::CampaignPlaysQuery>()
                .gives::<PageBody<campaign_plays::CampaignPlayView>>()
                .about("Newest first. A page may be short, or empty, and still have a `next`: only so many \
                        plays are looked at for one."),
        ]),
        at("/campaigns/{id}/metrics", vec![
            get(metrics::series, "Show the series").needs(&[CampaignsRead]).query::<metrics::SeriesQuery>()
                .gives::<metrics::SeriesView>().fails(&["campaign-not-launched"]),
        ]),
        at("/campaigns/{id}/why", vec![
            get(why::of_campaign, "Ask why it plays or does not").needs(&[CampaignsRead])
                .query::<why::WhyQuery>()
                .gives::<why_view::OfCampaign>().fails(&["campaign-not-launched"])
                .about("With `streamer` every check of one stream; without, how often a reason lost a slot."),
        ]),
    ]
}
