//! Many rows with few statements: each statement is a walk to the connection's thread and back.

/// Rows in one statement. Few sizes, so that few statements are ever prepared, and small enough for the
/// 32 766 values that a statement may have.
const SIZES: [usize; 4] = [2048, 128, 8, 1];

/// An `INSERT` in every size.
pub(super) struct Bulk {
    pieces: Vec<(usize, String)>,
}

impl Bulk {
    /// From what stands before the rows, one row, and what stands after the rows. Values are `?`: the driver
    /// looks numbered ones up by their names, each of them in a list of all.
    pub(super) fn new(head: &str, row: &str, tail: &str) -> Self {
        let piece = |size: usize| (size, format!("{head} VALUES {} {tail}", vec![row; size].join(", ")));
        Self { pieces: SIZES.map(piece).to_vec() }
    }

    /// Cuts rows into pieces, each with its statement.
    pub(super) fn cut<'a, T>(&'a self, mut rows: &'a [T]) -> Vec<(&'a str, &'a [T])> {
        let mut cut = Vec::new();
        for (size, sql) in &self.pieces {
            while let Some((piece, rest)) = rows.split_at_checked(*size) {
                cut.push((sql.as_str(), piece));
                rows = rest;
            }
        }
        cut
    }

    /// Every statement, for the test that prepares them.
    #[cfg(test)]
    pub(super) fn statements(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().map(|(_, sql)| sql.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_pieces_and_none_is_lost() {
        let bulk = Bulk::new("INSERT INTO a", "(?)", "");
        for count in [0, 1, 7, 8, 130, 2_047, 2_048, 5_000] {
            let rows: Vec<usize> = (0..count).collect();
            let cut = bulk.cut(&rows);
            assert!(cut.iter().all(|(sql, piece)| sql.matches("(?)").count() == piece.len()));
            let joined: Vec<usize> = cut.into_iter().flat_map(|(_, piece)| piece.to_vec()).collect();
            assert_eq!(joined, rows);
        }
    }
}
