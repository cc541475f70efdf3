//! The part of the table of the API that is about keys in the hands of their owners.

use super::key_body::{KeyBody, KeyView, KeysView, NameBody, NewKeyView, RotateBody};
use super::table::{Resource, Section, at, delete, get, patch, post};
use super::{account, key};
use gametriggers_actors::domain::scope::Scope::{KeysRead, KeysWrite};

pub(super) fn keys() -> Section {
    let about = "API keys in the hands of their owners. A key is shown once; a rotated one is good beside \
                 its successor for a while and then ends by itself; a revoked one is dead within a second.";
    let brands = of(["/brands/{id}/keys", "/brands/{id}/keys/{key_id}", "/brands/{id}/keys/{key_id}/rotate"]);
    let streamers =
        of(["/streamers/{id}/keys", "/streamers/{id}/keys/{key_id}", "/streamers/{id}/keys/{key_id}/rotate"]);
    Section::new("API keys", about, brands.into_iter().chain(streamers).collect())
}

/// Those of one kind of owner, at the paths of all keys, of one, and of its rotation.
fn of([all, one, rotate]: [&'static str; 3]) -> [Resource; 3] {
    [
        at(
            all,
            vec![
                get(key::list, "List API keys").needs(&[KeysRead]).gives::<KeysView>(),
                post(key::add, "Make an API key")
                    .needs(&[KeysWrite])
                    .takes::<KeyBody>()
                    .makes::<NewKeyView>()
                    .about("No key gets a scope that its maker lacks.")
                    .fails(&["too-many-keys"]),
            ],
        ),
        at(
            one,
            vec![
                get(key::show, "Show an API key").needs(&[KeysRead]).gives::<KeyView>(),
                patch(key::rename, "Name an API key")
                    .needs(&[KeysWrite])
                    .takes::<NameBody>()
                    .gives::<KeyView>(),
                delete(key::revoke, "Revoke an API key")
                    .needs(&[KeysWrite])
                    .query::<account::RevokeQuery>()
                    .gives_nothing(),
            ],
        ),
        at(
            rotate,
            vec![
                post(key::rotate, "Rotate an API key")
                    .needs(&[KeysWrite])
                    .takes::<RotateBody>()
                    .makes::<NewKeyView>()
                    .fails(&["too-many-keys", "key-replaced"]),
            ],
        ),
    ]
}
