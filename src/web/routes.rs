//! The table of the API: every operation, who may call it, what goes in and what comes out.

use super::account_body::{
    BrandBody, HolderBody, KeyView, OpenedView, OperatorBody, ProfileBody, ProfileView, StreamerBody,
};
use super::auth::body::{
    PasswordBody, RefreshBody, SignInBody, SignOutBody, ServiceRefreshBody, SignUpBody,
    TokensView, UserView, ValidView, ValidateBody,
};
use super::auth::{factor, provider, service, ticket, user};
use super::conflict_rule_body::{DryRunBody, DryRunView, RuleBody, RuleChange, RuleView};
use super::table::{Section, at, delete, get, patch, post, put};
use super::wallet_body::{
    AdjustmentBody, BudgetBody, LimitBody, MovedView, TransferBody, WalletView, WalletsView,
};
use super::webhook_body::{EndpointBody, EndpointView};
use super::wire::PageBody;
use super::{
    account, asset, auth, blocklist, campaign, conflict_rule, key_routes, overlay_key, participation,
    profile_routes, rule_override, settings, statement, streamer, violation, wallet, webhook,
    webhook_delivery, why, why_view,
};
use actix_web::http::StatusCode;
use gametriggers_actors::domain::scope::Scope::{
    Admin, AssetsWrite, CampaignsRead, CampaignsWrite, StreamerRead, StreamerWrite, WalletRead, WalletWrite,
};

/// All sections of the API, in the order in which they are read.
pub(super) fn table() -> Vec<Section> {
    vec![
        campaign::table::section(),
        participations(),
        assets(),
        wallets(),
        webhooks(),
        profile_routes::brands(),
        profile_routes::streamers(),
        streamers(),
        conflict_rules(),
        sign_in(),
        second_factor(),
        key_routes::keys(),
        accounts(),
        profile_routes::audit_log(),
        services(),
    ]
}

fn sign_in() -> Section {
    let about = "Users sign in with a password, or with an account at Twitch or Google, and get an \
                 access token of a few minutes and a refresh token that is used once.";
    Section::new("Sign-in", about, vec![
        at("/auth/sign-up", vec![
            post(auth::sign_up, "Open an account").open().takes::<SignUpBody>().makes::<TokensView>()
                .about("Makes a user and a brand, or a streamer. A streamer is shown the pages, this once.")
                .fails(&["email-taken", "too-many-attempts", "busy"]),
        ]),
        at("/auth/sign-in", vec![
            post(auth::sign_in, "Sign in").open().takes::<SignInBody>().gives::<TokensView>()
                .fails(&["wrong-credentials", "second-factor-needed", "wrong-code", "too-many-attempts",
                         "busy"]),
        ]),
        at("/auth/refresh", vec![
            post(auth::refresh, "Get new tokens").open().takes::<RefreshBody>().gives::<TokensView>()
                .about("A refresh token works once. One that was used before ends the whole session; an \
                        answer that was lost is given again within ten seconds.")
                .fails(&["session-over", "too-many-attempts"]),
        ]),
        at("/auth/validate", vec![
            post(auth::validate, "Ask about an access token").open().takes::<ValidateBody>()
                .gives::<ValidView>()
                .fails(&["invalid-token"]),
        ]),
        at("/auth/sign-out", vec![
            post(auth::sign_out, "Sign out").for_users().may_take::<SignOutBody>().gives_nothing(),
        ]),
        at("/auth/me", vec![get(auth::me, "Show who is signed in").for_users().gives::<UserView>()]),
        at("/auth/password", vec![
            post(auth::change_password, "Change the password").for_users().takes::<PasswordBody>()
                .gives::<TokensView>().about("Ends every other session of the user.")
                .fails(&["wrong-credentials", "too-many-attempts", "busy"]),
        ]),
        at("/auth/tickets", vec![
            post(ticket::issue, "Get a ticket for a socket").needs(&[StreamerRead, CampaignsRead])
                .takes::<ticket::TicketBody>().makes::<ticket::TicketView>()
                .about("Good once and for half a minute, as `token` in the `hello` of one socket, on any \
                        node. A dashboard needs streamer:read, a campaign campaigns:read.")
                .fails(&["not-found"]),
        ]),
        at("/auth/exchange", vec![
            post(provider::exchange, "Exchange the code of a provider sign-in for tokens").open()
                .takes::<provider::ExchangeBody>().gives::<TokensView>()
                .fails(&["session-over", "second-factor-needed", "wrong-code", "too-many-attempts"]),
        ]),
        at("/auth/{provider}", vec![
            get(provider::start, "Sign in with a provider").open().query::<provider::StartQuery>()
                .leads_elsewhere(StatusCode::FOUND)
                .about("Send the browser here. It comes back to `redirect` with a code in the fragment."),
        ]),
        at("/auth/{provider}/callback", vec![
            get(provider::finish, "Come back from a provider").open().query::<provider::BackQuery>()
                .leads_elsewhere(StatusCode::FOUND)
                .fails(&["wrong-state", "provider-refused", "provider-forged", "no-such-user", "no-email",
                         "wrong-credentials", "email-taken", "account-taken", "provider-failed"]),
        ]),
        at("/auth/{provider}/link", vec![
            post(provider::link, "Tie an account at a provider to the user").for_users()
                .takes::<provider::LinkBody>().gives::<provider::AwayView>(),
        ]),
    ])
}

fn second_factor() -> Section {
    let about = "One-time codes of an app (RFC 6238). Operators need them, everybody may have them.";
    Section::new("Second factor", about, vec![
        at("/auth/two-factor", vec![
            post(factor::enrol, "Get a secret").for_users().gives::<factor::EnrolledView>()
                .fails(&["second-factor-in-force"]),
        ]),
        at("/auth/two-factor/confirm", vec![
            post(factor::confirm, "Put it in force").for_users().takes::<factor::CodeBody>()
                .gives::<factor::ConfirmedView>()
                .fails(&["wrong-code", "second-factor-in-force", "no-second-factor", "too-many-attempts"]),
        ]),
        at("/auth/two-factor/recovery-codes", vec![
            post(factor::renew, "Get new recovery codes").for_users().takes::<factor::CodeBody>()
                .gives::<factor::RecoveryView>()
                .fails(&["wrong-code", "no-second-factor", "too-many-attempts"]),
        ]),
        at("/auth/two-factor/disable", vec![
            post(factor::give_up, "Give it up").for_users().takes::<factor::CodeBody>()
                .gives::<factor::GivenUpView>()
                .fails(&["wrong-code", "no-second-factor", "too-many-attempts"]),
        ]),
    ])
}

fn participations() -> Section {
    let about = "Streamers apply, brands invite, the other answers. Conflict rules are asked at each gate.";
    Section::new("Participations", about, vec![
        at("/campaigns/{id}/participations", vec![
            get(participation::of_campaign, "List those of a campaign").needs(&[CampaignsRead])
                .query::<participation::ListQuery>().gives::<PageBody<participation::ParticipationView>>(),
            post(participation::propose, "Apply, or invite").needs(&[CampaignsWrite, StreamerWrite])
                .may_take::<participation::ProposalBody>().makes::<participation::ParticipationView>().or_ok()
                .about("A streamer applies and needs no body; a brand names whom it invites. Done before, it \
                        is answered with 200 and what there is.")
                .fails(&["campaign-ended", "campaign-not-launched", "conflict-rules",
                         "participation-status"]),
        ]),
        at("/campaigns/{id}/participations/{streamer_id}", vec![
            get(participation::show, "Show one").needs(&[CampaignsRead])
                .gives::<participation::ParticipationView>(),
            patch(participation::answer, "Approve, decline, withdraw or complete")
                .needs(&[CampaignsWrite, StreamerWrite])
                .takes::<participation::AnswerBody>().gives::<participation::ParticipationView>()
                .fails(&["campaign-ended", "campaign-not-launched", "conflict-rules",
                         "participation-status"]),
        ]),
        at("/streamers/{id}/participations", vec![
            get(participation::of_streamer, "List those of a streamer").needs(&[StreamerRead])
                .query::<participation::ListQuery>().gives::<PageBody<participation::ParticipationView>>(),
        ]),
    ])
}

fn assets() -> Section {
    let about = "Pictures and videos of creatives. Pictures are drawn anew as WebP and PNG at the sizes that \
                 overlays use; videos (VP9 in WebM, H.264 in MP4) are probed. `/assets/{name}` serves \
                 them for good.";
    Section::new("Assets", about, vec![
        at("/assets", vec![
            get(asset::list, "List uploads").needs(&[AssetsWrite]).query::<asset::ListQuery>()
                .gives::<PageBody<asset::AssetView>>(),
            post(asset::add, "Upload").needs(&[AssetsWrite]).query::<asset::OfQuery>()
                .takes_bytes(&["application/octet-stream", "multipart/form-data"]).makes::<asset::AssetView>()
                .or_ok()
                .about("The bytes as they are, or the `file` of a form. The type is told by the bytes; \
                        the answer says what policies of platforms find.")
                .fails(&["asset-refused", "asset-quota", "timeout", "busy"]),
        ]),
        at("/assets/{name}", vec![
            get(asset::show, "Show an upload").needs(&[AssetsWrite]).query::<asset::OfQuery>()
                .gives::<asset::AssetView>(),
            delete(asset::archive, "Archive an upload").needs(&[AssetsWrite]).query::<asset::OfQuery>()
                .gives::<asset::AssetView>()
                .about("Creatives that use it go on; new ones can not."),
        ]),
    ])
}

fn wallets() -> Section {
    let about = "Double entry in whole micros. Operators move what comes from and goes to the outside.";
    Section::new("Money", about, vec![
        at("/brands/{id}/wallet", vec![
            get(wallet::of_brand, "Show a brand's wallets").needs(&[WalletRead]).gives::<WalletsView>(),
        ]),
        at("/brands/{id}/wallet/statement", vec![
            get(statement::of_brand, "Show a brand's statement").needs(&[WalletRead])
                .query::<statement::StatementQuery>().gives::<PageBody<statement::LineView>>()
                .or_bytes("text/csv"),
        ]),
        at("/brands/{id}/wallet/deposits", vec![
            post(wallet::deposit, "Deposit").needs(&[Admin]).keyed().takes::<TransferBody>()
                .gives::<WalletView>(),
        ]),
        at("/brands/{id}/wallet/refunds", vec![
            post(wallet::refund, "Refund").needs(&[Admin]).keyed().takes::<TransferBody>()
                .gives::<WalletView>()
                .fails(&["payouts-frozen", "books-unchecked"]),
        ]),
        at("/brands/{id}/wallet/credit-limit", vec![
            put(wallet::limit, "Set the credit limit").needs(&[Admin]).keyed().takes::<LimitBody>()
                .gives::<WalletView>().fails(&["credit-limit"]),
        ]),
        at("/campaigns/{id}/budget/reservations", vec![
            post(wallet::reserve, "Add to a budget").needs(&[WalletWrite]).keyed().takes::<BudgetBody>()
                .gives::<MovedView>().fails(&["campaign-ended", "campaign-not-launched"]),
        ]),
        at("/campaigns/{id}/budget/releases", vec![
            post(wallet::release, "Take back what a budget has left").needs(&[WalletWrite]).keyed()
                .takes::<BudgetBody>().gives::<MovedView>()
                .fails(&["campaign-ended", "campaign-not-launched"]),
        ]),
        at("/streamers/{id}/wallet", vec![
            get(wallet::of_streamer, "Show a streamer's wallets").needs(&[WalletRead]).gives::<WalletsView>(),
        ]),
        at("/streamers/{id}/wallet/statement", vec![
            get(statement::of_streamer, "Show a streamer's statement").needs(&[WalletRead])
                .query::<statement::StatementQuery>().gives::<PageBody<statement::LineView>>()
                .or_bytes("text/csv"),
        ]),
        at("/admin/adjustments", vec![
            post(wallet::adjust, "Correct a wallet by hand").needs(&[Admin]).keyed().takes::<AdjustmentBody>()
                .gives::<WalletView>().fails(&["not-found"]),
        ]),
    ])
}

fn streamers() -> Section {
    let about = "What a streamer allows, what was shown and why, and the keys of overlays.";
    Section::new("Streamers", about, vec![
        at("/streamers/{id}/plays", vec![
            get(streamer::plays, "List plays").needs(&[StreamerRead]).query::<streamer::PlaysQuery>()
                .gives::<PageBody<streamer::PlayView>>(),
        ]),
        at("/streamers/{id}/why", vec![
            get(why::of_streamer, "Ask what would play now, and why nothing else").needs(&[StreamerRead])
                .gives::<why_view::StreamerWhy>(),
        ]),
        at("/streamers/{id}/settings", vec![
            get(settings::show, "Show settings").needs(&[StreamerRead]).versioned()
                .gives::<settings::SettingsBody>(),
            patch(settings::change, "Change settings").needs(&[StreamerWrite]).versioned()
                .takes::<settings::SettingsBody>()
                .gives::<settings::SettingsBody>()
                .about("In force within a second, on every overlay that is open."),
        ]),
        at("/streamers/{id}/policy", vec![
            get(settings::policy, "Show the policy of the stream's platform").needs(&[StreamerRead])
                .gives::<settings::PolicyView<'static>>(),
        ]),
        at("/streamers/{id}/overlay-key", vec![
            post(overlay_key::rotate, "Replace all overlay keys by a new one").needs(&[StreamerWrite])
                .makes::<overlay_key::NewKeyView>()
                .about("For when a key was seen on stream: all others are dead within a second."),
        ]),
        at("/streamers/{id}/overlay-keys", vec![
            get(overlay_key::list, "List overlay keys").needs(&[StreamerRead])
                .gives::<overlay_key::KeysView>(),
            post(overlay_key::add, "Make an overlay key").needs(&[StreamerWrite])
                .takes::<overlay_key::NameBody>()
                .makes::<overlay_key::NewKeyView>().fails(&["too-many-keys"]),
        ]),
        at("/streamers/{id}/overlay-keys/{key_id}", vec![
            delete(overlay_key::delete, "End an overlay key").needs(&[StreamerWrite]).gives_nothing(),
        ]),
    ])
}

fn webhooks() -> Section {
    let about = "Events come as signed POSTs (Standard Webhooks), at least once, with an id that stays.";
    Section::new("Webhooks", about, vec![
        at("/webhooks", vec![
            get(webhook::list, "List endpoints").needs(&[CampaignsRead, StreamerRead])
                .query::<webhook::ListQuery>()
                .gives::<PageBody<EndpointView>>(),
            post(webhook::add, "Add an endpoint").needs(&[CampaignsWrite, StreamerWrite])
                .takes::<EndpointBody>()
                .makes::<EndpointView>().fails(&["not-found", "too-many-webhooks"]),
        ]),
        at("/webhooks/{id}", vec![
            get(webhook::show, "Show an endpoint").needs(&[CampaignsRead, StreamerRead]).versioned()
                .gives::<EndpointView>(),
            patch(webhook::change, "Change an endpoint").needs(&[CampaignsWrite, StreamerWrite]).versioned()
                .takes::<super::webhook_body::ChangeBody>().gives::<EndpointView>(),
            delete(webhook::delete, "Remove an endpoint").needs(&[CampaignsWrite, StreamerWrite])
                .gives_nothing(),
        ]),
        at("/webhooks/{id}/secret", vec![
            post(webhook::rotate, "Get a new secret").needs(&[CampaignsWrite, StreamerWrite])
                .gives::<EndpointView>(),
        ]),
        at("/webhooks/{id}/replay", vec![
            post(webhook_delivery::replay_failed, "Send again what failed")
                .needs(&[CampaignsWrite, StreamerWrite])
                .takes::<webhook_delivery::ReplayBody>().gives::<webhook_delivery::ReplayedView>()
                .fails(&["webhook-disabled"]),
        ]),
        at("/webhooks/{id}/deliveries", vec![
            get(webhook_delivery::list, "List deliveries").needs(&[CampaignsRead, StreamerRead])
                .query::<webhook_delivery::DeliveriesQuery>()
                .gives::<PageBody<webhook_delivery::DeliveryView>>(),
        ]),
        at("/webhooks/{id}/deliveries/{delivery_id}", vec![
            get(webhook_delivery::show, "Show a delivery and its attempts")
                .needs(&[CampaignsRead, StreamerRead])
                .gives::<webhook_delivery::DeliveryView>(),
        ]),
        at("/webhooks/{id}/deliveries/{delivery_id}/replay", vec![
            post(webhook_delivery::replay, "Send a delivery again").needs(&[CampaignsWrite, StreamerWrite])
                .gives::<webhook_delivery::DeliveryView>().fails(&["webhook-disabled"]),
        ]),
    ])
}

fn conflict_rules() -> Section {
    let about = "What may not stand beside or after what. Operators keep rules, and may let one thing pass.";
    Section::new("Conflict rules", about, vec![
        at("/conflict-rules", vec![
            get(conflict_rule::list, "List rules").needs(&[Admin]).query::<conflict_rule::RulesQuery>()
                .gives::<PageBody<RuleView>>(),
            post(conflict_rule::add, "Add a rule").needs(&[Admin]).takes::<RuleBody>().makes::<RuleView>()
                .fails(&["too-many-rules"]),
        ]),
        at("/conflict-rules/dry-run", vec![
            post(conflict_rule::dry_run, "Try a rule out on past plays").needs(&[Admin]).takes::<DryRunBody>()
                .gives::<DryRunView>().fails(&["busy"]),
        ]),
        at("/conflict-rules/overrides", vec![
            get(rule_override::list, "List overrides").needs(&[Admin])
                .query::<rule_override::OverridesQuery>()
                .gives::<PageBody<rule_override::OverrideView>>(),
            post(rule_override::grant, "Grant an override").needs(&[Admin])
                .takes::<rule_override::OverrideBody>()
                .makes::<rule_override::OverrideView>().fails(&["too-many-overrides"]),
        ]),
        at("/conflict-rules/overrides/{id}", vec![
            delete(rule_override::revoke, "Revoke an override").needs(&[Admin])
                .query::<rule_override::RevokeQuery>().gives_nothing(),
        ]),
        at("/conflict-rules/violations", vec![
            get(violation::sums, "Sum up what rules said").needs(&[Admin]).query::<violation::SumsQuery>()
                .gives::<PageBody<violation::SumView>>(),
        ]),
        at("/conflict-rules/{id}", vec![
            get(conflict_rule::show, "Show a rule").needs(&[Admin]).versioned().gives::<RuleView>(),
            patch(conflict_rule::change, "Change a rule").needs(&[Admin]).versioned().takes::<RuleChange>()
                .gives::<RuleView>()
                .fails(&["configured-rule"]),
            delete(conflict_rule::delete, "Delete a rule").needs(&[Admin])
                .query::<conflict_rule::DeleteQuery>()
                .gives_nothing().fails(&["configured-rule"]),
        ]),
    ])
}

fn accounts() -> Section {
    let about = "Brands, streamers, keys and users, as operators keep them. All of it is in the audit log.";
    Section::new("Accounts", about, vec![
        at("/brands/{id}/blocklist", vec![
            get(blocklist::show, "Show the streamers that a brand blocks").needs(&[CampaignsRead])
                .gives::<blocklist::BlocklistView>(),
            put(blocklist::set, "Set the streamers that a brand blocks").needs(&[CampaignsWrite])
                .takes::<blocklist::BlocklistBody>().gives::<blocklist::BlocklistView>(),
        ]),
        at("/admin/brands", vec![
            post(account::add_brand, "Open a brand").needs(&[Admin]).takes::<BrandBody>()
                .makes::<OpenedView>(),
        ]),
        at("/admin/streamers", vec![
            post(account::add_streamer, "Open a streamer").needs(&[Admin]).takes::<StreamerBody>()
                .makes::<OpenedView>(),
        ]),
        at("/admin/streamers/{id}", vec![
            patch(account::change_streamer, "Change what targeting looks at").needs(&[Admin])
                .takes::<ProfileBody>().gives::<ProfileView>(),
        ]),
        at("/admin/admins", vec![
            post(account::add_operator, "Make an operator's key").needs(&[Admin]).takes::<OperatorBody>()
                .makes::<OpenedView>(),
        ]),
        at("/admin/keys", vec![
            get(account::keys, "List keys").needs(&[Admin]).query::<account::KeysQuery>()
                .gives::<PageBody<KeyView>>(),
            post(account::add_key, "Make a further key").needs(&[Admin]).takes::<HolderBody>()
                .makes::<OpenedView>().fails(&["not-found", "too-many-keys"]),
        ]),
        at("/admin/keys/{id}", vec![
            delete(account::revoke, "Revoke a key").needs(&[Admin]).query::<account::RevokeQuery>()
                .gives_nothing(),
        ]),
        at("/admin/users", vec![
            get(user::list, "List users").needs(&[Admin]).query::<user::UsersQuery>()
                .gives::<PageBody<UserView>>(),
            post(user::add, "Make a user").needs(&[Admin]).takes::<user::NewUserBody>().makes::<UserView>()
                .fails(&["email-taken", "busy"]),
        ]),
        at("/admin/users/{id}", vec![
            patch(user::change, "Disable, enable or help a user").needs(&[Admin]).takes::<user::UserBody>()
                .gives::<UserView>(),
        ]),
    ])
}

/// What services of the same house ask, at the paths that they know.
pub(super) fn services() -> Section {
    let about = "For front ends that keep their own sessions. `/users/oauth` answers on the internal \
                 listener, or to the service key, and to nobody else.";
    Section::elsewhere("Services", about, vec![
        at("/users/oauth", vec![
            post(service::account, "Find the user of an account at a provider").for_services()
                .takes::<service::AccountBody>().gives::<service::DetailsView>().fails(&["not-found"]),
        ]),
        at("/auth/refresh", vec![
            post(service::refresh, "Get new tokens").open().takes::<ServiceRefreshBody>()
                .gives::<TokensView>()
                .about("A service of the house may bring a provider's refresh token as well: once, for a \
                        session of the user who signs in with that account.")
                .fails(&["session-over", "no-such-user", "second-factor-needed", "provider-forged",
                         "too-many-attempts", "provider-failed"]),
        ]),
        at("/auth/validate", vec![
            post(auth::validate, "Ask about an access token").open().takes::<ValidateBody>()
                .gives::<ValidView>()
                .fails(&["invalid-token"]),
        ]),
        at("/.well-known/jwks.json", vec![
            get(auth::keys, "Get the keys that verify access tokens").open().gives::<auth::KeySetView>(),
        ]),
    ])
}
