//! The commands that look at the money: what they compare, and the lines that they print.

use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::ports::{AuditStore, Chain, Check, Clock, LedgerStore, StoreResult};

/// What a command found.
pub(crate) struct Report {
    /// What it prints.
    pub(crate) lines: Vec<String>,
    /// Whether everything is as it should be.
    pub(crate) is_sound: bool,
}

/// The checks that have nothing to look at here, and why.
const NOT_HERE: [(&str, &str); 3] = [
    ("R7", "there are no reports of payment providers yet"),
    ("R8", "there are no invoices yet"),
    ("R10", "live numbers are compared by the running server"),
];

/// Compares the money with itself, and what is sealed with what is there.
pub(crate) async fn reconcile(
    ledger: &dyn LedgerStore,
    audit: &dyn AuditStore,
    clock: &dyn Clock,
) -> StoreResult<Report> {
    let start = clock.now();
    let (checks, chain) = (ledger.reconcile(true).await?, audit.verify().await?);
    Ok(reconciled(checks, &chain, clock.now() - start))
}

/// Computes the chain of hashes again.
pub(crate) async fn verify(audit: &dyn AuditStore) -> StoreResult<Report> {
    Ok(verified(&audit.verify().await?))
}

fn reconciled(mut checks: Vec<Check>, chain: &Chain, took: Millis) -> Report {
    checks.push(chain.check());
    let line = |id: &str, [rows, mismatches]: [u64; 2], drift: i64, name: &str| {
        format!("{id} rows={rows} mismatches={mismatches} drift_micros={drift} {name}")
    };
    let mut lines: Vec<String> =
        checks.iter().map(|c| line(c.id, [c.rows, c.mismatches], c.drift_micros, c.name)).collect();
    if let (Some(last), Some(bad)) = (lines.last_mut(), &chain.first_bad) {
        *last = format!("{last}: {bad}");
    }
    lines.extend(NOT_HERE.map(|(id, why)| line(id, [0, 0], 0, &format!("not applicable: {why}"))));
    lines.push(format!("duration_ms={}", took.0));
    let is_sound = checks.iter().all(|check| check.drift_micros == 0 && check.mismatches == 0);
    Report { lines, is_sound }
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
        let report = reconciled(vec![check.clone()], &chain(), Millis(42));
        assert!(report.is_sound);
        let wanted = [
            "R1 rows=3 mismatches=0 drift_micros=0 it adds up",
            "R9 rows=25 mismatches=0 drift_micros=0 what was sealed is as it was",
            "R7 rows=0 mismatches=0 drift_micros=0 not applicable: \
             there are no reports of payment providers yet",
            "R8 rows=0 mismatches=0 drift_micros=0 not applicable: there are no invoices yet",
            "R10 rows=0 mismatches=0 drift_micros=0 not applicable: \
             live numbers are compared by the running server",
            "duration_ms=42",
        ];
        assert_eq!(report.lines, wanted);
        for bad in [Check { mismatches: 1, ..check.clone() }, Check { drift_micros: -1, ..check.clone() }] {
            assert!(!reconciled(vec![bad], &chain(), Millis(1)).is_sound);
        }
        let tampered = Chain { first_bad: Some("block 1 of writer 1 is missing".into()), ..chain() };
        let report = reconciled(vec![check], &tampered, Millis(1));
        assert!(!report.is_sound);
        let named = "R9 rows=25 mismatches=1 drift_micros=0 what was sealed is as it was: \
                     block 1 of writer 1 is missing";
        assert_eq!(report.lines[1], named);
    }
}
