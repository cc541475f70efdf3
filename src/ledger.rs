//! The commands that look at the money: what they compare, and the lines that they print.

use gametriggers_actors::ports::{AuditStore, Chain, Check, LedgerStore, StoreResult};

/// What a command found.
pub(crate) struct Report {
    /// What it prints.
    pub(crate) lines: Vec<String>,
    /// Whether everything is as it should be.
    pub(crate) is_sound: bool,
}

/// The checks of the reconciliation that are about something that there is not yet.
const NOT_YET: [(&str, &str); 2] =
    [("R7", "there are no reports of payment providers"), ("R8", "there are no invoices")];

/// Compares the money with itself, and what is sealed with what is there.
pub(crate) async fn reconcile(ledger: &dyn LedgerStore, audit: &dyn AuditStore) -> StoreResult<Report> {
    Ok(reconciled(&ledger.reconcile(true).await?, &audit.verify().await?))
}

/// Computes the chain of hashes again.
pub(crate) async fn verify(audit: &dyn AuditStore) -> StoreResult<Report> {
    Ok(verified(&audit.verify().await?))
}

fn reconciled(checks: &[Check], chain: &Chain) -> Report {
    let mut lines: Vec<String> = checks
        .iter()
        .map(|check| {
            format!(
                "{} rows={} mismatches={} drift_micros={} {}",
                check.id, check.rows, check.mismatches, check.drift_micros, check.name
            )
        })
        .collect();
    lines.extend(NOT_YET.map(|(id, why)| format!("{id} rows=0 not applicable: {why} yet")));
    let rows = [chain.blocks, chain.transactions, chain.entries, chain.actions];
    lines.push(format!(
        "R9 rows={} mismatches={} drift_micros=0 {}",
        rows.into_iter().fold(0, u64::saturating_add),
        u64::from(chain.first_bad.is_some()),
        chain.first_bad.as_deref().unwrap_or("what was sealed is as it was"),
    ));
    let is_sound = checks.iter().all(|check| check.drift_micros == 0 && check.mismatches == 0);
    Report { lines, is_sound: is_sound && chain.first_bad.is_none() }
}

fn verified(chain: &Chain) -> Report {
    let first_bad = chain.first_bad.as_ref().map_or("none".to_owned(), |bad| format!("{bad:?}"));
    let line = format!(
        "blocks={} tx={} entries={} actions={} first_bad={first_bad} head={}",
        chain.blocks,
        chain.transactions,
        chain.entries,
        chain.actions,
        head(chain)
    );
    Report { lines: vec![line], is_sound: chain.first_bad.is_none() }
}

/// The last hash; with its writer when several have one.
fn head(chain: &Chain) -> String {
    let sealed: Vec<_> = chain.heads.iter().filter(|(_, hash)| *hash != [0; 32]).collect();
    let hex = |hash: &[u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match sealed.as_slice() {
        [] => "none".to_owned(),
        [(_, hash)] => hex(hash),
        several => {
            let each = several.iter().map(|(writer, hash)| format!("{writer}:{}", hex(hash)));
            each.collect::<Vec<_>>().join(",")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Chain {
        Chain {
            blocks: 2,
            transactions: 7,
            entries: 15,
            actions: 1,
            first_bad: None,
            heads: vec![(-1, [0; 32]), (1, [171; 32])],
        }
    }

    #[test]
    fn a_chain_is_one_line_and_a_bad_row_is_a_failure() {
        let sound = verified(&chain());
        let wanted = format!("blocks=2 tx=7 entries=15 actions=1 first_bad=none head={}", "ab".repeat(32));
        assert_eq!((sound.lines, sound.is_sound), (vec![wanted], true));
        let heads = vec![(1, [1; 32]), (2, [2; 32])];
        let bad = verified(&Chain { first_bad: Some("ledger_tx 1:4 is missing".into()), heads, ..chain() });
        assert!(!bad.is_sound);
        let end = format!(
            "first_bad=\"ledger_tx 1:4 is missing\" head=1:{},2:{}",
            "01".repeat(32),
            "02".repeat(32)
        );
        assert!(bad.lines[0].ends_with(&end), "{:?}", bad.lines);
        assert!(verified(&Chain { heads: Vec::new(), ..chain() }).lines[0].ends_with("head=none"));
    }

    #[test]
    fn what_does_not_exist_yet_is_not_called_sound() {
        let check = Check { id: "R1", name: "it adds up", rows: 3, mismatches: 0, drift_micros: 0 };
        let report = reconciled(std::slice::from_ref(&check), &chain());
        assert!(report.is_sound);
        let wanted = [
            "R1 rows=3 mismatches=0 drift_micros=0 it adds up",
            "R7 rows=0 not applicable: there are no reports of payment providers yet",
            "R8 rows=0 not applicable: there are no invoices yet",
            "R9 rows=25 mismatches=0 drift_micros=0 what was sealed is as it was",
        ];
        assert_eq!(report.lines, wanted);
        for bad in [Check { mismatches: 1, ..check.clone() }, Check { drift_micros: -1, ..check.clone() }] {
            assert!(!reconciled(&[bad], &chain()).is_sound);
        }
        let tampered = Chain { first_bad: Some("block 1 of writer 1 is missing".into()), ..chain() };
        let report = reconciled(&[check], &tampered);
        assert!(!report.is_sound);
        let last = "R9 rows=25 mismatches=1 drift_micros=0 block 1 of writer 1 is missing";
        assert_eq!(report.lines.last().map(String::as_str), Some(last));
    }
}
