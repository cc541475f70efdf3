//! The part of the table that is about who brands and streamers are, and what operators did.

use super::archive::ArchiveBody;
use super::patch::Patch;
use super::table::{Section, at, get, patch, post};
use super::wire::PageBody;
use super::{audit, brand, streamer};
use gametriggers_actors::domain::scope::Scope::{
    Admin, CampaignsRead, CampaignsWrite, StreamerRead, StreamerWrite,
};

pub(super) fn brands() -> Section {
    let about = "Who advertises: what a brand says of itself, and whether an operator found it to be so.";
    Section::new("Brands", about, vec![
        at("/brands", vec![
            get(brand::list, "List brands").needs(&[CampaignsRead]).query::<brand::BrandsQuery>()
                .gives::<PageBody<brand::BrandLine>>()
                .about("For operators. A brand that asks gets itself."),
        ]),
        at("/brands/{id}", vec![
            get(brand::show, "Show a brand").needs(&[CampaignsRead]).versioned().gives::<brand::BrandView>(),
            patch(brand::change, "Change a brand").needs(&[CampaignsWrite]).versioned()
                .takes::<Patch<brand::BrandPatch>>().gives::<brand::BrandView>()
                .about("A merge patch (RFC 7396). A brand that is verified is `pending` again when its \
                        company changes."),
        ]),
        at("/brands/{id}/verification", vec![
            post(brand::ask, "Ask to be verified").needs(&[CampaignsWrite]).gives::<brand::BrandView>()
                .about("Needs the company's legal name, country and registration number.")
                .fails(&["invalid"]),
        ]),
        at("/brands/{id}/audit", vec![
            get(audit::of_brand, "List what operators did to a brand").needs(&[CampaignsRead])
                .query::<audit::OwnAuditQuery>().gives::<PageBody<audit::OwnActionView>>(),
        ]),
        at("/brands/{id}/archive", vec![
            post(brand::archive, "Archive a brand").needs(&[Admin]).takes::<ArchiveBody>()
                .gives::<brand::BrandView>()
                .about("None of its keys and users works any more within a second. Everything else stays.")
                .fails(&["campaigns-active"]),
        ]),
        at("/brands/{id}/restore", vec![
            post(brand::restore, "Bring an archived brand back").needs(&[Admin]).takes::<ArchiveBody>()
                .gives::<brand::BrandView>(),
        ]),
        at("/admin/brands/{id}/verification", vec![
            post(brand::decide, "Decide whether a brand is verified").needs(&[Admin]).versioned()
                .takes::<brand::DecisionBody>().gives::<brand::BrandView>().fails(&["not-requested"]),
        ]),
    ])
}

pub(super) fn streamers() -> Section {
    let about = "Who streams: what a streamer says of themselves, and what an operator verified of it.";
    Section::new("Profiles of streamers", about, vec![
        at("/streamers", vec![
            get(streamer::list, "List streamers").needs(&[StreamerRead, CampaignsRead])
                .query::<streamer::StreamersQuery>().gives::<PageBody<streamer::StreamerLine>>()
                .about("For operators. A streamer who asks gets themselves; a brand gets who takes part in \
                        one of its campaigns and who is listed, with the first six fields only."),
        ]),
        at("/streamers/{id}", vec![
            get(streamer::show, "Show a streamer").needs(&[StreamerRead, CampaignsRead]).versioned()
                .gives::<streamer::StreamerAnswer>()
                .about("A brand sees little, and only of whom its list has."),
            patch(streamer::change, "Change a streamer").needs(&[StreamerWrite]).versioned()
                .takes::<Patch<streamer::StreamerPatch>>().gives::<streamer::StreamerView>()
                .about("A merge patch (RFC 7396). What targeting looks at does not follow from it: that is \
                        an operator's word."),
        ]),
        at("/admin/streamers/{id}/platforms/{platform}/verification", vec![
            post(streamer::decide, "Decide whether a channel is verified").needs(&[Admin]).versioned()
                .takes::<streamer::ChannelDecisionBody>().gives::<streamer::StreamerView>()
                .about("Targeting goes by the largest channel that is verified, within a second."),
        ]),
        at("/admin/streamers/{id}/archive", vec![
            post(streamer::archive, "Archive a streamer").needs(&[Admin]).takes::<ArchiveBody>()
                .gives::<streamer::StreamerView>()
                .about("None of their keys and users works any more within a second. Everything else stays."),
        ]),
        at("/admin/streamers/{id}/restore", vec![
            post(streamer::restore, "Bring an archived streamer back").needs(&[Admin]).takes::<ArchiveBody>()
                .gives::<streamer::StreamerView>(),
        ]),
    ])
}

pub(super) fn audit_log() -> Section {
    let about = "What operators did, in a chain of hashes that `gametriggers ledger verify` computes again.";
    Section::new("Audit", about, vec![
        at("/admin/audit", vec![
            get(audit::list, "List what operators did").needs(&[Admin]).query::<audit::AuditQuery>()
                .gives::<PageBody<audit::ActionView>>()
                .about("Newest first, each with its hash and the block that it is sealed in."),
        ]),
    ])
}
