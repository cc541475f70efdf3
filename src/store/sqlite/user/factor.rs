//! Second factors. Every change is on a condition, and changes nothing when that does not hold.

use super::session;
use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{EndedWhy, FactorChange, KeyHash};
use sqlx::SqliteConnection;

statements! {
    ENROL = "UPDATE user_login SET totp = ?2, totp_step = 0 WHERE id = ?1 AND totp_since IS NULL";
    CONFIRM = "UPDATE user_login SET totp_since = ?2, totp_step = ?3
        WHERE id = ?1 AND totp IS NOT NULL AND totp_since IS NULL AND totp_step < ?3";
    USE = "UPDATE user_login SET totp_step = ?2 WHERE id = ?1 AND totp_since IS NOT NULL AND totp_step < ?2";
    RECOVER = "UPDATE user_recovery SET used_at = ?3 WHERE user_id = ?1 AND hash = ?2 AND used_at IS NULL";
    HAS = "SELECT count(*) FROM user_login WHERE id = ?1 AND totp_since IS NOT NULL";
    FORGET = "UPDATE user_login SET totp = NULL, totp_since = NULL, totp_step = 0
        WHERE id = ?1 AND totp IS NOT NULL";
    RETIRE = "UPDATE user_recovery SET used_at = ?2 WHERE user_id = ?1 AND used_at IS NULL";
    ADD_RECOVERY = "INSERT INTO user_recovery (user_id, hash, created_at) VALUES (?1, ?2, ?3)";
}

pub(super) async fn change(
    connection: &mut SqliteConnection,
    user: UserId,
    change: &FactorChange,
    now: UnixMillis,
) -> Attempt<bool> {
    let rows = match change {
        FactorChange::Enrol(sealed) => sqlx::query(ENROL).bind(user.0).bind(sealed),
        FactorChange::Confirm { step, .. } => sqlx::query(CONFIRM).bind(user.0).bind(now.0).bind(step),
        FactorChange::Use(step) => sqlx::query(USE).bind(user.0).bind(step),
        FactorChange::Recover(hash) => sqlx::query(RECOVER).bind(user.0).bind(hash.to_vec()).bind(now.0),
        FactorChange::Replace(codes) => {
            let has: i64 = sqlx::query_scalar(HAS).bind(user.0).fetch_one(&mut *connection).await?;
            if has == 1 {
                replace(connection, user, codes, now).await?;
            }
            return Ok(has == 1);
        }
        FactorChange::Forget => sqlx::query(FORGET).bind(user.0),
    };
    let changed = rows.execute(&mut *connection).await?.rows_affected() == 1;
    match change {
        FactorChange::Confirm { recovery, keep, .. } if changed => {
            session::end_others(connection, user, (Some(*keep), EndedWhy::Password), now).await?;
            replace(connection, user, recovery, now).await?;
        }
        FactorChange::Forget if changed => replace(connection, user, &[], now).await?,
        _ => {}
    }
    Ok(changed)
}

/// New recovery codes in the place of all that are left.
async fn replace(
    connection: &mut SqliteConnection,
    user: UserId,
    codes: &[KeyHash],
    now: UnixMillis,
) -> Attempt<()> {
    sqlx::query(RETIRE).bind(user.0).bind(now.0).execute(&mut *connection).await?;
    for code in codes {
        let add = sqlx::query(ADD_RECOVERY).bind(user.0).bind(code.to_vec()).bind(now.0);
        add.execute(&mut *connection).await?;
    }
    Ok(())
}
