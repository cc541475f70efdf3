//! The closed list of problems. Their names are the last part of `type`, and never change.

use actix_web::http::StatusCode;

/// A kind of problem.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProblemKind {
    /// The last part of its `type`.
    pub(super) name: &'static str,
    /// The status that it always comes with.
    pub(super) status: StatusCode,
    /// What it means, and what to do.
    pub(super) about: &'static str,
}

const fn kind(status: StatusCode, name: &'static str, about: &'static str) -> ProblemKind {
    ProblemKind { name, status, about }
}

use StatusCode as S;

/// All there are, by status.
pub(super) const KINDS: &[ProblemKind] = &[
    kind(
        S::BAD_REQUEST,
        "malformed",
        "The request can not be read: JSON, a query or a header is not what it should be.",
    ),
    kind(
        S::BAD_REQUEST,
        "cross-origin",
        "A browser asked for a page of an origin, a method or a header that is not let in.",
    ),
    kind(S::UNAUTHORIZED, "unauthorized", "No key or token came, or it is not, or no longer, good."),
    kind(
        S::UNAUTHORIZED,
        "wrong-credentials",
        "No user has this address and this password, or may not sign in.",
    ),
    kind(S::UNAUTHORIZED, "session-over", "The refresh token is over or was used before: sign in again."),
    kind(S::UNAUTHORIZED, "invalid-token", "The token that is asked about is not good."),
    kind(S::UNAUTHORIZED, "second-factor-needed", "Send the code of the second factor as well."),
    kind(S::UNAUTHORIZED, "wrong-code", "The code of the second factor is not good, or was used."),
    kind(S::UNAUTHORIZED, "wrong-state", "The way back from a provider did not begin in this browser."),
    kind(S::UNAUTHORIZED, "provider-refused", "The provider did not let the user pass."),
    kind(S::UNAUTHORIZED, "provider-forged", "What came in the provider's name is not of the provider."),
    kind(S::UNAUTHORIZED, "no-such-user", "Nobody signs in with this account of the provider."),
    kind(S::UNAUTHORIZED, "no-email", "The provider has no verified address of this account."),
    kind(
        S::FORBIDDEN,
        "forbidden",
        "The credential is good, but not for this; a missing scope is named in WWW-Authenticate.",
    ),
    kind(S::NOT_FOUND, "not-found", "There is no such thing, or it is somebody else's."),
    kind(S::METHOD_NOT_ALLOWED, "method-not-allowed", "The resource has other methods: Allow names them."),
    kind(S::REQUEST_TIMEOUT, "timeout", "The body did not come in time."),
    kind(S::CONFLICT, "insufficient-funds", "The wallet or the budget has less than is asked for."),
    kind(S::CONFLICT, "idempotency-conflict", "The Idempotency-Key was used for another request."),
    kind(S::CONFLICT, "refused", "The database refuses the values."),
    kind(S::CONFLICT, "campaign-ended", "An ended campaign does not change any more."),
    kind(S::CONFLICT, "campaigns-active", "Campaigns of the brand are active: pause or end them first."),
    kind(S::CONFLICT, "not-requested", "The brand has not asked to be verified."),
    kind(S::CONFLICT, "campaign-not-launched", "A draft holds no money and does not run: submit it first."),
    kind(
        S::CONFLICT,
        "campaign-launched",
        "The campaign is a draft no more: PATCH changes what still can be.",
    ),
    kind(
        S::CONFLICT,
        "campaign-in-review",
        "What is in review does not change: withdraw the submission first.",
    ),
    kind(S::CONFLICT, "campaign-not-in-review", "The campaign does not wait for an operator."),
    kind(S::CONFLICT, "campaign-archived", "An archived campaign does not change any more."),
    kind(S::CONFLICT, "campaign-not-over", "Only a draft or a completed campaign is archived."),
    kind(S::CONFLICT, "last-creative", "A campaign keeps one active creative at least."),
    kind(S::CONFLICT, "too-many-creatives", "The campaign has as many creatives as it may have."),
    kind(S::CONFLICT, "creative-in-review", "The creative waits for an operator."),
    kind(S::CONFLICT, "creative-archived", "An archived creative does not change any more."),
    kind(
        S::CONFLICT,
        "budget-shrinks",
        "A budget only grows this way: release what is left, or end the campaign.",
    ),
    kind(S::CONFLICT, "credit-limit", "The credit limit can not go below what is in use."),
    kind(S::CONFLICT, "payouts-frozen", "The books do not agree: no money leaves until they do."),
    kind(S::CONFLICT, "conflict-rules", "Blocking conflict rules speak against it; `rules` names them."),
    kind(
        S::CONFLICT,
        "participation-status",
        "A participation does not go from where it is to where it is asked to.",
    ),
    kind(S::CONFLICT, "configured-rule", "The rule stands in the configuration of the server."),
    kind(S::CONFLICT, "too-many-rules", "There are as many conflict rules as there may be."),
    kind(S::CONFLICT, "too-many-overrides", "There are as many overrides in force as there may be."),
    kind(S::CONFLICT, "too-many-keys", "There are as many keys as there may be."),
    kind(S::CONFLICT, "key-replaced", "The key has a successor already: rotate that one."),
    kind(S::CONFLICT, "too-many-webhooks", "There are as many endpoints as there may be."),
    kind(S::CONFLICT, "webhook-disabled", "The endpoint is switched off: switch it on first."),
    kind(S::CONFLICT, "email-taken", "A user signs in with this address already."),
    kind(S::CONFLICT, "account-taken", "Another user signs in with this account of the provider."),
    kind(S::CONFLICT, "no-second-factor", "There is no second factor to confirm, change or give up."),
    kind(S::CONFLICT, "second-factor-in-force", "Give the second factor up that is in force."),
    kind(S::PRECONDITION_FAILED, "changed", "It has another version than If-Match names: read it again."),
    kind(S::PAYLOAD_TOO_LARGE, "too-large", "The body is larger than is taken."),
    kind(S::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body has a format that is not taken."),
    kind(S::UNPROCESSABLE_ENTITY, "invalid", "Fields are refused; `errors` names each, and what is wrong."),
    kind(S::UNPROCESSABLE_ENTITY, "asset-refused", "The file is not taken; `reason` says why."),
    kind(
        S::TOO_MANY_REQUESTS,
        "rate-limited",
        "More requests came than the limit allows: wait for Retry-After.",
    ),
    kind(S::TOO_MANY_REQUESTS, "too-many-attempts", "It was tried too often: wait for Retry-After."),
    kind(S::BAD_GATEWAY, "provider-failed", "The provider did not answer as it should."),
    kind(S::SERVICE_UNAVAILABLE, "unavailable", "The database is away: nothing was changed, try again."),
    kind(S::SERVICE_UNAVAILABLE, "busy", "Others are served first: try again."),
    kind(
        S::SERVICE_UNAVAILABLE,
        "books-unchecked",
        "The books are not checked yet after a start: try again soon.",
    ),
    kind(S::INSUFFICIENT_STORAGE, "asset-quota", "The brand's uploads have no room left: archive some."),
];

/// The kind of a name.
pub(super) fn kind_of(name: &str) -> Option<&'static ProblemKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair.first() != pair.last()));
    }
}
