// Which commands the streamer can give now. Pure: the model in, one line for each button out.

export const SNOOZE_MINUTES = [5, 15, 30, 60];

/** `[{ id, text, hint, command, enabled, busy, kind }]` in the order they stand. */
export function buttons(model, now) {
  const { state, pending } = model;
  const open = model.link.phase === 'open' && state !== null;
  const snoozed = open && state.snoozed_until_ms !== null && state.snoozed_until_ms > now;
  const stopped = open && (state.paused || snoozed);
  const busy = (name, minutes) => Object.values(pending).some((command) => command.name === name && (minutes === undefined || command.minutes === minutes));
  const make = (id, text, hint, command, more) => ({
    id, text, hint, command, enabled: open, busy: busy(command.name, command.minutes), kind: 'plain', ...more,
  });
  return [
    stopped
      ? make('pause', 'Resume', 'Allow ads again', { name: 'resume' }, { kind: 'primary' })
      : make('pause', 'Pause', 'No ads until you resume; an ad on screen goes at once', { name: 'pause' }),
    make('skip', 'Skip', 'Take the ad off the screen; it is not paid', { name: 'skip' }, { enabled: open && state.current !== null }),
    make('play-next', 'Play next now', 'Show the next ad without waiting', { name: 'play_next' }, { enabled: open && state.current === null && !state.paused }),
    make('test', 'Test ad', 'Show a labelled test, never paid', { name: 'test' }, { busy: busy('test') || model.testing !== null }),
    ...SNOOZE_MINUTES.map((minutes) =>
      make(`snooze-${minutes}`, `${minutes} min`, `No ads for ${minutes} minutes`, { name: 'snooze', minutes }, { kind: 'segment' })),
  ];
}
