//! What a streamer can tell their overlay to do.

use super::live::{Effect, LiveStreamer, World};
use crate::domain::reason::Reason;
use crate::domain::time::Millis;

/// A command of the streamer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// No more ads; one on screen goes at once.
    Pause,
    /// Ads again.
    Resume,
    /// Take the ad in hand off; it is not paid.
    Skip,
    /// An ad now, whatever the ad clock says. The hourly limit and the platform's minimum gap stay.
    PlayNext,
    /// No ads for this long; one on screen goes at once.
    Snooze(Millis),
    /// A labelled test ad.
    Test,
}

impl LiveStreamer {
    /// Carries a command out.
    ///
    /// # Errors
    /// Why it can not be done now.
    pub fn command(
        &mut self,
        command: Command,
        world: &mut World<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Reason> {
        match command {
            Command::Pause => {
                self.set(|settings| settings.paused = true, effects);
                self.lose(Reason::Paused, world, effects);
            }
            Command::Resume => self.set(
                |settings| {
                    settings.paused = false;
                    settings.snoozed_until = None;
                },
                effects,
            ),
            Command::Snooze(span) => {
                let until = world.now + span;
                self.set(|settings| settings.snoozed_until = Some(until), effects);
                self.lose(Reason::Snoozed, world, effects);
            }
            Command::Skip => {
                if self.hand.is_none() {
                    return Err(Reason::UnknownPlay);
                }
                self.lose(Reason::SkippedByStreamer, world, effects);
            }
            Command::PlayNext => {
                // The answer says why it stays empty; it counts like any other slot.
                let used = self.slot(world, effects);
                used.inspect_err(|reason| effects.push(Effect::NoFill(*reason)))?;
                self.clock.advance(world.now, self.streamer.settings.slot_interval);
            }
            Command::Test => self.test(world, effects)?,
        }
        Ok(())
    }
}
