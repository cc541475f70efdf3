//! Standings of participations as columns.

use gametriggers_actors::ports::Standing;

/// `status`, which older servers know, and `detail`, which says what it can not.
pub(super) const fn columns(standing: Standing) -> (&'static str, Option<&'static str>) {
    match standing {
        Standing::Invited => ("declined", Some("invited")),
        Standing::Withdrawn => ("ended", Some("withdrawn")),
        Standing::Completed => ("ended", Some("completed")),
        Standing::Applied | Standing::Approved | Standing::Declined | Standing::Ended => {
            (standing.code(), None)
        }
    }
}

/// The standing of the two columns. An older server that changed `status` since has the last word.
pub(super) fn read(status: &str, detail: Option<&str>) -> Option<Standing> {
    let detailed = detail.and_then(Standing::from_code).filter(|standing| columns(*standing).0 == status);
    detailed.or_else(|| Standing::from_code(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standing_comes_back() {
        for standing in Standing::ALL {
            let (status, detail) = columns(standing);
            assert_eq!(read(status, detail), Some(standing));
        }
        assert_eq!(read("approved", Some("withdrawn")), Some(Standing::Approved));
    }
}
