//! The chain: what is sealed is found again, and what is changed is named.

use super::*;
use proptest::prelude::*;

const WRITER: i64 = 1;

fn entry(line: i64, is_debit: bool, amount: i64) -> Entry {
    Entry {
        line,
        account: 10 + line,
        owner_kind: "brand".to_owned(),
        owner: 3,
        code: "available".to_owned(),
        shard: 0,
        currency: "INR".to_owned(),
        is_debit,
        amount,
    }
}

fn transaction(seq: i64) -> Transaction {
    Transaction {
        seq,
        kind: "deposit".to_owned(),
        key: format!("deposit:{seq}"),
        reference: "bank 7".to_owned(),
        at: 1_700_000_000_000 + seq,
        entries: vec![entry(1, true, 100 * seq), entry(2, false, 100 * seq)],
    }
}

fn action(seq: i64) -> Action {
    Action {
        seq,
        at: 1_700_000_000_000,
        actor: "0badcafe".to_owned(),
        action: "adjust".to_owned(),
        subject: "brand:3".to_owned(),
        reason: "a mistake".to_owned(),
        detail: "INR 5".to_owned(),
    }
}

/// Rows of a writer and the blocks over them.
#[derive(Clone)]
struct Books {
    transactions: Vec<Transaction>,
    actions: Vec<Action>,
    blocks: Vec<Block>,
}

impl Books {
    /// Sealed whenever the numbers of rows in `steps` were written.
    fn new(steps: &[(i64, i64)]) -> Self {
        let mut books = Self { transactions: Vec::new(), actions: Vec::new(), blocks: Vec::new() };
        let mut tip = Tip::default();
        for (transactions, actions) in steps {
            let (seq, last) = (tip.seq + transactions, tip.action + actions);
            books.transactions.extend((tip.seq + 1..=seq).map(transaction));
            books.actions.extend((tip.action + 1..=last).map(action));
            while let Some(bounds) = tip.next(WRITER, (seq, last), 5) {
                let mut content = Content::default();
                for row in &books.transactions[of(bounds.from_seq, bounds.to_seq)] {
                    content.transaction(WRITER, row);
                }
                for row in &books.actions[of(bounds.from_action, bounds.to_action)] {
                    content.action(WRITER, row);
                }
                let block = content.seal(bounds, tip.hash);
                tip = Tip {
                    block: bounds.block,
                    seq: bounds.to_seq,
                    action: bounds.to_action,
                    hash: block.hash,
                };
                books.blocks.push(block);
            }
        }
        books
    }

    /// As a database would be read: by number, within the bounds of each block.
    fn walk(&self) -> Walked {
        let mut walk = Walk::new(WRITER);
        for block in &self.blocks {
            let bounds = block.bounds;
            walk.open(block.clone());
            let within = |seq: i64| (bounds.from_seq..=bounds.to_seq).contains(&seq);
            self.transactions.iter().filter(|row| within(row.seq)).for_each(|row| walk.transaction(row));
            let within = |seq: i64| (bounds.from_action..=bounds.to_action).contains(&seq);
            self.actions.iter().filter(|row| within(row.seq)).for_each(|row| walk.action(row));
            walk.close();
        }
        walk.end(3)
    }
}

fn of(from: i64, to: i64) -> std::ops::Range<usize> {
    usize::try_from(from - 1).unwrap()..usize::try_from(to).unwrap()
}

fn books() -> Books {
    Books::new(&[(4, 2), (0, 1), (3, 0)])
}

/// What is said of books that were tampered with.
fn found(tamper: impl FnOnce(&mut Books)) -> String {
    let mut books = books();
    tamper(&mut books);
    books.walk().first_bad.unwrap_or_default()
}

#[test]
fn a_chain_that_nobody_touched_is_sound() {
    let books = books();
    let walked = books.walk();
    assert_eq!(walked.first_bad, None);
    let counts = (walked.blocks, walked.transactions, walked.entries, walked.actions);
    assert_eq!(counts, (3, 7, 14, 3));
    assert_eq!(walked.head, books.blocks[2].hash);
    assert_eq!(books.blocks[1].bounds.from_seq, 5);
    assert_eq!(books.blocks[1].bounds.to_seq, 4);
}

#[test]
fn the_row_that_was_changed_is_named() {
    type Tamper = fn(&mut Books);
    let cases: [(Tamper, &str); 14] = [
        (|b| b.transactions[1].entries[0].amount += 1, "ledger_tx 1:2 is not what was sealed"),
        (|b| b.transactions[4].reference.push('!'), "ledger_tx 1:5 is not what was sealed"),
        (|b| b.transactions[6].at += 1, "ledger_tx 1:7 is not what was sealed"),
        (|b| b.transactions[2].entries[1].owner = 4, "ledger_tx 1:3 is not what was sealed"),
        (|b| drop(b.transactions[2].entries.remove(0)), "ledger_entry 1:3:1 is missing"),
        (|b| drop(b.transactions[2].entries.pop()), "ledger_tx 1:3 is not what was sealed"),
        (|b| drop(b.transactions.remove(2)), "ledger_tx 1:3 is missing"),
        (|b| drop(b.transactions.pop()), "ledger_tx 1:7 is missing"),
        (|b| b.actions[1].reason = "none".to_owned(), "admin_action 1:2 is not what was sealed"),
        (|b| drop(b.actions.remove(0)), "admin_action 1:1 is missing"),
        (|b| drop(b.actions.pop()), "admin_action 1:3 is missing"),
        (|b| drop(b.blocks.remove(0)), "block 1 of writer 1 is missing"),
        (|b| drop(b.blocks.pop()), "block 3 of writer 1 is missing"),
        (|b| b.blocks[0].marks[0] ^= 1, "ledger_tx 1:1 is not what was sealed"),
    ];
    for (case, (tamper, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(found(tamper), wanted, "case {case}");
    }
}

#[test]
fn a_block_that_was_changed_is_named() {
    let changed = "block 2 of writer 1 is not what was sealed";
    assert_eq!(found(|b| b.blocks[1].hash[0] ^= 1), changed);
    assert_eq!(found(|b| b.blocks[1].bounds.sealed_at += 1), changed);
    assert_eq!(found(|b| b.blocks[1].prev_hash[0] ^= 1), "block 2 of writer 1 does not follow block 1");
    let swapped = found(|b| {
        b.blocks.swap(0, 2);
        let (first, last) = (b.blocks[0].bounds.block, b.blocks[2].bounds.block);
        (b.blocks[0].bounds.block, b.blocks[2].bounds.block) = (last, first);
    });
    assert_eq!(swapped, "block 1 of writer 1 does not follow block 0");
    // Row and mark together: the block still tells.
    let both = found(|b| {
        b.transactions[4].reference.push('!');
        let digest = b.transactions[4].digest(WRITER);
        b.blocks[2].marks[..4].copy_from_slice(&digest[..4]);
    });
    assert_eq!(both, "block 3 of writer 1 is not what was sealed");
}

#[test]
fn who_seals_again_is_given_away_by_the_next_block() {
    let again = found(|b| {
        b.transactions[0].reference.push('!');
        let mut content = Content::default();
        for row in &b.transactions[..4] {
            content.transaction(WRITER, row);
        }
        for row in &b.actions[..2] {
            content.action(WRITER, row);
        }
        b.blocks[0] = content.seal(b.blocks[0].bounds, [0; 32]);
    });
    assert_eq!(again, "block 2 of writer 1 does not follow block 1");
}

#[test]
fn lines_that_do_not_balance_are_told_even_when_they_were_sealed() {
    let mut row = transaction(1);
    row.entries[0].amount += 1;
    let bounds = Tip::default().next(WRITER, (1, 0), 5).unwrap();
    let mut content = Content::default();
    content.transaction(WRITER, &row);
    let mut walk = Walk::new(WRITER);
    walk.open(content.seal(bounds, [0; 32]));
    walk.transaction(&row);
    walk.close();
    let wanted = "block 1 of writer 1: debits and credits of INR differ";
    assert_eq!(walk.end(1).first_bad.as_deref(), Some(wanted));
}

#[test]
fn blocks_are_bounded_and_nothing_new_is_no_block() {
    let tip = Tip { block: 4, seq: 100, action: 7, hash: [1; 32] };
    assert_eq!(tip.next(WRITER, (100, 7), 5), None);
    let bounds = tip.next(WRITER, (100 + 2 * BLOCK_MAX, 7), 5).unwrap();
    assert_eq!((bounds.block, bounds.from_seq, bounds.to_seq), (5, 101, 100 + BLOCK_MAX));
    assert!(bounds.to_action < bounds.from_action);
}

#[test]
fn the_bytes_of_a_row_are_fixed() {
    // Another release has to find the same digests in an old database. These were computed apart.
    let hex = |hash: Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        hex(transaction(1).digest(WRITER)),
        "69fe5b7b950bfd4f5810659d80784ca381e8e51443529dca11dcd5b108e7396e"
    );
    assert_eq!(
        hex(action(1).digest(WRITER)),
        "e5b65b7adbfa6ace07982864c6a96428b0372f3fe7f38a8b0e32b7c73d693504"
    );
    assert_eq!(hex(books().walk().head), "2f5abab45951e4147cd4779c6116fd168a2bb7587e1e8d8764903820c6a9435e");
}

proptest! {
    #[test]
    fn where_one_text_ends_and_the_next_begins_is_part_of_the_digest(
        text in "\\PC{0,12}",
        one in 0_usize..12,
        two in 0_usize..12,
    ) {
        let cut = |at: usize| {
            let at = text.char_indices().map(|(at, _)| at).nth(at).unwrap_or(text.len());
            let (kind, key) = text.split_at(at);
            (at, Transaction { kind: kind.to_owned(), key: key.to_owned(), ..transaction(1) }.digest(WRITER))
        };
        let ((first, a), (second, b)) = (cut(one), cut(two));
        prop_assert_eq!(first == second, a == b);
    }
}
