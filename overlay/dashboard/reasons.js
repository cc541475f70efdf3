// The closed list of reasons in words for a streamer: one sentence that says what is so, and for
// some a second one that says what to do. A code that is not here is shown as it is.

const REASONS = {
  // Why no ad can be shown now.
  paused: ['Ads are paused', 'No ad shows until you resume.'],
  snoozed: ['Ads are snoozed', 'They come back by themselves.'],
  no_overlay: ['No overlay is connected', 'Open OBS and check that the overlay’s browser source is in your scene.'],
  overlay_hidden: ['The overlay is hidden', 'Show its browser source in the current scene.'],
  overlay_inactive: ['The overlay is not in the program', 'Switch to a scene that contains it.'],
  not_streaming: ['OBS is not streaming', 'Ads start when you go live.'],
  stream_offline: ['Your channel is offline', 'Ads start when the platform shows you live.'],
  viewers_unknown: ['The platform has not told your viewers yet', 'This takes a minute or two after you go live.'],
  minimum_gap: ['Waiting out the gap between two ads'],
  hourly_limit: ['Your limit of ads an hour is reached'],
  first_ad_delay: ['No ads in the first minutes of a stream'],
  draining: ['The server is restarting', 'The page reconnects by itself.'],
  store_unavailable: ['The server can not reach its database', 'Ads come back by themselves; nothing shown is lost.'],
  play_in_hand: ['An ad is already on its way'],
  // Why no campaign, or not this one.
  no_candidate: ['No campaign fits right now'],
  category_exclusivity: ['A competitor in the same category is booked'],
  brand_exclusivity: ['Another brand has you exclusively'],
  cooldown: ['Too soon after a competing brand'],
  simultaneous_limit: ['Too many campaigns of this kind at once'],
  pacing: ['The campaign spreads its budget over time'],
  outbid: ['Another campaign was worth more'],
  not_participating: ['You take no part in this campaign'],
  budget: ['The campaign’s budget is used up'],
  daily_cap: ['The campaign has spent its budget for today'],
  frequency_cap: ['You have shown this campaign often enough for now'],
  creative: ['The campaign has no creative that fits'],
  length: ['The ad is longer than you allow'],
  policy: ['Your platform’s policy is against it', 'Some platforms ask you to agree to their policy in your settings first.'],
  minimum_viewers: ['The campaign asks for more viewers'],
  targeting: ['The campaign is aimed at other streams'],
  followers: ['The campaign asks for other numbers of followers'],
  platform: ['The campaign is for other platforms'],
  mature: ['The campaign asks for another mature label'],
  streamer_blocklist: ['You have blocked this brand'],
  category_blocklist: ['You have blocked this category'],
  brand_blocklist: ['The brand does not show this campaign here'],
  flight: ['The campaign is not running at this time'],
  daypart: ['The campaign runs at other hours'],
  campaign_paused: ['The brand paused the campaign'],
  campaign_ended: ['The campaign has ended'],
  lease_empty: ['The campaign’s budget was being refilled'],
  // Where a play stopped.
  reserve_timeout: ['The campaign did not answer in time'],
  prepare_timeout: ['The overlay did not load the ad in time'],
  start_timeout: ['The overlay did not start the ad in time'],
  play_timeout: ['The overlay did not report the end of the ad'],
  skipped_by_streamer: ['You skipped it'],
  expired: ['It came too late to be shown'],
  hidden: ['The overlay was hidden'],
  inactive: ['The overlay left the program'],
  stopped: ['It was taken off the screen'],
  busy: ['The overlay was still showing another ad'],
  disconnected: ['The overlay lost its connection'],
  load: ['The ad did not load'],
  decode: ['The ad could not be decoded'],
  unsupported: ['The overlay can not play this format'],
  // Why a claim was refused.
  bad_token: ['The proof of the play was not valid'],
  token_expired: ['The claim came too late'],
  foreign_token: ['The proof belongs to another play'],
  bad_nonce: ['The claim was not for this play'],
  unknown_play: ['The server does not know this play'],
  too_short: ['It was on screen too briefly'],
  not_painted: ['It was hardly painted on screen'],
  not_in_view: ['Part of it was outside the picture'],
  too_small: ['It was too small on screen'],
  label_hidden: ['The ad label was hidden'],
  not_in_program: ['It was not in the program'],
  faster_than_time: ['It claimed more time than had passed'],
  lease_exhausted: ['The campaign’s budget was used up'],
  lease_closed: ['The campaign’s budget was already closed'],
  test: ['A test, never paid'],
};

/** Reasons that go away only when the streamer does something; the others pass by themselves. */
const NEEDS_HAND = new Set(['no_overlay', 'overlay_hidden', 'overlay_inactive']);

/** Whether the code is on the closed list. */
export function isKnown(code) {
  return Object.hasOwn(REASONS, code);
}

/** `{ sentence, advice, needsHand }` of a code. */
export function explain(code) {
  if (!isKnown(code)) return { sentence: `Another reason (${code})`, advice: '', needsHand: false };
  const [sentence, advice = ''] = REASONS[code];
  return { sentence, advice, needsHand: NEEDS_HAND.has(code) };
}

const OUTCOMES = {
  settled: ['Paid', 'good'],
  shown: ['Shown', 'pending'],
  claimed: ['Confirming', 'pending'],
  rejected: ['Not paid', 'bad'],
  skipped: ['Skipped', 'quiet'],
  failed: ['Failed', 'bad'],
  expired: ['Missed', 'quiet'],
  no_fill: ['No ad', 'quiet'],
};

/** `{ text, tone }` of the outcome of a slot. */
export function outcome(code) {
  const [text, tone] = Object.hasOwn(OUTCOMES, code) ? OUTCOMES[code] : [code, 'quiet'];
  return { text, tone };
}
