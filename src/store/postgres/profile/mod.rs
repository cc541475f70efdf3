//! What brands and streamers say of themselves, and whether they are there at all.

mod archive;
mod brand;
mod streamer;

use super::PostgresStore;
use async_trait::async_trait;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    Archival, BrandDraft, BrandFilter, BrandRecord, ByHand, OnRecord, Owner, PageFrom, ProfileStore,
    StoreResult, StreamerDraft, StreamerFilter, StreamerRecord,
};

/// The statements of a list in each of its orders: a key of the row, and the id to tell equals apart.
macro_rules! pages {
    ($head:literal, $key:literal, $id:literal, $limit:literal, $table:literal) => {
        /// By key, upwards and downwards.
        pub(super) const PAGES: crate::store::listing::Pages = [
    pages!(@both $head, $table, "id", $key, $id, $limit),
    pages!(@both $head, $table, "name COLLATE \"C\"", $key, $id, $limit),
    pages!(@both $head, $table, "created_at", $key, $id, $limit),
        ];
    };
    (@both $head:literal, $table:literal, $column:literal, $key:literal, $id:literal, $limit:literal) => {
        [
            concat!(
                $head,
                " AND (",
                $table,
                ".",
                $column,
                ", ",
                $table,
                ".id) > (",
                $key,
                ", ",
                $id,
                ") ORDER BY ",
                $table,
                ".",
                $column,
                ", ",
                $table,
                ".id LIMIT ",
                $limit
            ),
            concat!(
                $head,
                " AND (",
                $table,
                ".",
                $column,
                ", ",
                $table,
                ".id) < (",
                $key,
                ", ",
                $id,
                ") ORDER BY ",
                $table,
                ".",
                $column,
                " DESC, ",
                $table,
                ".id DESC LIMIT ",
                $limit
            ),
        ]
    };
}
use pages;

#[async_trait]
impl ProfileStore for PostgresStore {
    async fn brand_record(&self, id: BrandId) -> StoreResult<BrandRecord> {
        self.read(brand::one(&self.readers, id)).await
    }

    async fn brand_page(
        &self,
        of: &BrandFilter,
        from: &PageFrom,
        limit: u32,
    ) -> StoreResult<Vec<BrandRecord>> {
        self.read(brand::page(&self.readers, of, from, limit)).await
    }

    async fn change_brand(
        &self,
        id: BrandId,
        draft: &BrandDraft,
        record: Option<&OnRecord>,
        now: UnixMillis,
    ) -> StoreResult<BrandRecord> {
        let (draft, record) = (draft.clone(), record.cloned());
        self.write(move |c| {
            Box::pin(async move { brand::change(c, id, &draft, (record.as_ref(), now)).await })
        })
        .await
    }

    async fn streamer_record(&self, id: StreamerId) -> StoreResult<StreamerRecord> {
        self.read(streamer::one(&self.readers, id)).await
    }

    async fn streamer_page(
        &self,
        of: &StreamerFilter,
        from: &PageFrom,
        limit: u32,
    ) -> StoreResult<Vec<StreamerRecord>> {
        self.read(streamer::page(&self.readers, of, from, limit)).await
    }

    async fn sees(&self, brand: BrandId, streamer: StreamerId) -> StoreResult<bool> {
        self.read(streamer::sees(&self.readers, brand, streamer)).await
    }

    async fn change_streamer(
        &self,
        id: StreamerId,
        draft: &StreamerDraft,
        record: Option<&OnRecord>,
        now: UnixMillis,
    ) -> StoreResult<StreamerRecord> {
        let (draft, record) = (draft.clone(), record.cloned());
        self.write(move |c| {
            Box::pin(async move { streamer::change(c, id, &draft, (record.as_ref(), now)).await })
        })
        .await
    }

    async fn set_archived(
        &self,
        owner: Owner,
        archived: bool,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<Archival> {
        let hand = hand.clone();
        self.write(move |c| Box::pin(async move { archive::set(c, owner, archived, (&hand, now)).await }))
            .await
    }
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    let pages = [brand::PAGES.as_flattened(), streamer::PAGES.as_flattened()].concat();
    [archive::STATEMENTS, brand::STATEMENTS, streamer::STATEMENTS, &pages].concat()
}
