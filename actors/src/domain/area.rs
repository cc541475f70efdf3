//! How much of the screen a creative takes, on a page of 1920 x 1080.
//!
//! The page decides (`overlay/source/look.js` and `creatives.js`); this repeats its arithmetic, so that what
//! is too large or too small for a platform is known before it is shown. Pictures come out to the pixel.
//! Words are wrapped by the browser: here they are as wide as usual letters are, which was within a line of
//! what Chromium drew. Nothing is paid by it: a claim carries what the page measured.

use super::creative::{Content, Placement};

/// Pixels of the screen.
pub const SCREEN: u32 = 1920 * 1080;
/// What stands between the margins of the page.
const STRIP: u32 = 1728;
/// Below a picture, or beside it in a ticker: the disclosure label.
const FOOT_HEIGHT: u32 = 54;
const FOOT_WIDTH_MIN: u32 = 300;
const FOOT_BESIDE: u32 = 230;
const MARK_HEIGHT: u32 = 40;
/// A small picture is blown up to eight fifths at most.
const UPSCALE: (u64, u64) = (8, 5);
/// Characters from which a headline is set smaller, and from which a code in a corner stands beside its
/// words.
const LONG_HEADLINE: usize = 34;
const QR_WIDE_FROM: usize = 46;
/// The white tile around a code.
const TILE: u32 = 320;
/// The address below a code: its box, and its height on one line and on two.
const LINK_WIDTH: u32 = 536;
const LINK_HEIGHTS: (u32, u32) = (50, 84);
/// The label in a ticker.
const LABEL_WIDTH: u32 = 160;

/// The screen that a creative takes, in pixels of 1920 x 1080.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The picture or the video alone; zero for words and codes.
    pub picture: u32,
    /// The whole card, with the disclosure label.
    pub card: u32,
}

impl Drawn {
    /// What a creative takes.
    #[must_use]
    pub fn of(content: &Content, placement: Placement) -> Self {
        match content {
            Content::Image { width, height, .. } | Content::Video { width, height, .. } => {
                media((*width, *height), placement)
            }
            Content::Text { headline, body } => card(text(headline, body, placement)),
            Content::Qr { headline, body } => card(qr(headline, body, placement)),
        }
    }

    /// Ten-thousandths of the screen.
    #[must_use]
    pub fn bps(pixels: u32) -> u32 {
        u32::try_from(u64::from(pixels) * 10_000 / u64::from(SCREEN)).unwrap_or(u32::MAX)
    }
}

const fn card((width, height): (u32, u32)) -> Drawn {
    Drawn { picture: 0, card: width.saturating_mul(height) }
}

/// The largest picture of a placement.
#[must_use]
pub const fn picture_max(placement: Placement) -> (u32, u32) {
    match placement {
        Placement::LowerThird => (1080, 200),
        Placement::Corner => (480, 400),
        Placement::Ticker => (1240, 104),
    }
}

fn media(natural: (u32, u32), placement: Placement) -> Drawn {
    let (width, height) = fit(natural, picture_max(placement));
    let card = match placement {
        Placement::Ticker => (width + FOOT_BESIDE).saturating_mul(height.max(MARK_HEIGHT)),
        Placement::LowerThird | Placement::Corner => {
            width.max(FOOT_WIDTH_MIN).saturating_mul(height + FOOT_HEIGHT)
        }
    };
    Drawn { picture: width.saturating_mul(height), card }
}

/// A picture in its box: whatever is reached first of the box's width, its height and the largest upscaling.
fn fit((width, height): (u32, u32), most: (u32, u32)) -> (u32, u32) {
    let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let scales = [(u64::from(most.0), w), (u64::from(most.1), h), UPSCALE];
    let least = scales.into_iter().reduce(|a, b| if b.0 * a.1 < a.0 * b.1 { b } else { a });
    let (up, down) = least.unwrap_or(UPSCALE);
    let scaled = |side: u64| u32::try_from((side * up + down / 2) / down).unwrap_or(u32::MAX);
    (scaled(w), scaled(h))
}

/// How a placement sets words.
#[derive(Clone, Copy)]
struct Type {
    /// Size and line height of a headline, of a long one, and of a body.
    headline: (u32, u32),
    long: (u32, u32),
    body: (u32, u32),
    /// Space above the two.
    above: (u32, u32),
}

const LOWER_THIRD: Type = Type { headline: (47, 55), long: (42, 49), body: (29, 38), above: (6, 7) };
const CORNER: Type = Type { headline: (42, 49), long: (37, 44), body: (28, 37), above: (8, 10) };
const CORNER_QR: Type = Type { headline: (36, 42), long: (36, 42), body: (28, 37), above: (4, 10) };
const TICKER: Type = Type { headline: (38, 44), long: (38, 44), body: (30, 36), above: (0, 0) };
/// The line of the disclosure label.
const LABEL: u32 = 30;

impl Type {
    fn of_headline(self, headline: &str) -> (u32, u32) {
        if headline.chars().count() > LONG_HEADLINE { self.long } else { self.headline }
    }

    /// The widths of both lines if nothing wrapped them.
    fn widths(self, headline: &str, body: &str) -> (u32, u32) {
        let size = self.of_headline(headline).0;
        (width(headline, size, 580), width(body, self.body.0, 530))
    }

    /// The height of label, headline and body in a column.
    fn height(self, headline: &str, body: &str, column: u32) -> u32 {
        let (wide, narrow) = self.widths(headline, body);
        let lines = |width: u32| width.div_ceil(column.max(1));
        let headline_line = self.of_headline(headline).1;
        let part = |lines: u32, line: u32, above: u32| if lines == 0 { 0 } else { above + lines * line };
        LABEL
            + part(lines(wide), headline_line, self.above.0)
            + part(lines(narrow), self.body.1, self.above.1)
    }
}

/// How wide words are in one line, at thousandths of the size for a letter; letters of the wide scripts are
/// as wide as they are high.
fn width(text: &str, size: u32, letter: u32) -> u32 {
    let thousandths = |c: char| if u32::from(c) >= 0x1100 { 1000 } else { letter };
    text.chars().map(|c| thousandths(c) * size).sum::<u32>() / 1000
}

fn text(headline: &str, body: &str, placement: Placement) -> (u32, u32) {
    let (set, sides, ends, column) = match placement {
        Placement::Ticker => return ticker(headline, body, 0),
        Placement::LowerThird => (LOWER_THIRD, 120, 62, (480, 1000)),
        Placement::Corner => (CORNER, 90, 58, (310, 430)),
    };
    let (wide, narrow) = set.widths(headline, body);
    let column = wide.max(narrow).clamp(column.0, column.1);
    (sides + column, ends + set.height(headline, body, column))
}

fn ticker(headline: &str, body: &str, link: u32) -> (u32, u32) {
    let (wide, narrow) = TICKER.widths(headline, body);
    let gap = if narrow == 0 { 0 } else { 24 };
    // The mark, the label, the rule between them, and the margin at the end.
    let fixed = 38 + 22 + LABEL_WIDTH + 66 + 36;
    ((fixed + wide + gap + narrow + link).min(STRIP), 104)
}

fn qr(headline: &str, body: &str, placement: Placement) -> (u32, u32) {
    let (one, two) = LINK_HEIGHTS;
    match placement {
        // Too low for a code that could be scanned: the address in words stands for it.
        Placement::Ticker => ticker(headline, body, LINK_WIDTH + 30),
        Placement::LowerThird => {
            let (wide, narrow) = LOWER_THIRD.widths(headline, body);
            let column = wide.max(narrow).clamp(LINK_WIDTH, 740);
            let height = 58 + LOWER_THIRD.height(headline, body, column) + 18 + one;
            (TILE + 100 + column, height.max(TILE))
        }
        Placement::Corner if headline.chars().count() + body.chars().count() > QR_WIDE_FROM => {
            let height = 58 + CORNER_QR.height(headline, body, 470) + 18 + two;
            (TILE + 76 + 470, height.max(TILE))
        }
        Placement::Corner => (392, TILE + 50 + CORNER_QR.height(headline, body, 332) + 18 + two),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const LOOK: &str = include_str!("../../../overlay/source/look.js");
    const CREATIVES: &str = include_str!("../../../overlay/source/creatives.js");
    const STAGE: &str = include_str!("../../../overlay/source/stage.js");

    fn image(width: u32, height: u32, placement: Placement) -> Drawn {
        Drawn::of(&Content::Image { asset: "a.png".into(), width, height }, placement)
    }

    /// As many characters of plain English.
    fn words(chars: usize) -> Arc<str> {
        let text = "The quick brown fox jumps over a lazy dog while seven brave knights ride slowly past \
                    the old mill by the wide river";
        text.chars().take(chars).collect::<String>().into()
    }

    #[test]
    fn the_numbers_are_those_of_the_page() {
        for (source, line) in [
            (CREATIVES, "const BOX = { lower_third: [1080, 200], corner: [480, 400], ticker: [1240, 104] };"),
            (CREATIVES, "const UPSCALE_MAX = 1.6;"),
            (CREATIVES, "const LONG_HEADLINE = 34;"),
            (CREATIVES, "const QR_WIDE_FROM = 46;"),
            (STAGE, "const MARGIN = 0.05;"),
            (LOOK, "min-width: 300px; width: 0; flex-grow: 1;"),
            (LOOK, "box-sizing: border-box; padding: 11px 24px 13px 20px;"),
            (LOOK, "font: 500 24px/30px"),
            (LOOK, ".lower_third.text { padding: 30px 52px 32px 32px; gap: 28px; min-width: 600px;"),
            (LOOK, ".lower_third .headline { margin-top: 6px; font-size: 47px; line-height: 55px; }"),
            (LOOK, ".lower_third .headline[data-long] { font-size: 42px; line-height: 49px; }"),
            (LOOK, ".lower_third .body { margin-top: 7px; font-size: 29px; line-height: 38px; }"),
            (LOOK, ".corner.text { padding: 28px 34px 30px 26px; gap: 22px; width: max-content; "),
            (LOOK, "min-width: 600px; max-width: min(1120px, var(--strip)); }"),
            (LOOK, "width: max-content; min-width: 400px; max-width: 520px; }"),
            (LOOK, ".corner .headline { margin-top: 8px; font-size: 42px; line-height: 49px; }"),
            (LOOK, ".corner .headline[data-long] { font-size: 37px; line-height: 44px; }"),
            (LOOK, ".corner .body { margin-top: 10px; font-size: 28px; line-height: 37px; }"),
            (LOOK, ".lower_third.qr { max-width: min(1160px, var(--strip)); }"),
            (LOOK, ".lower_third.qr .copy { padding: 28px 56px 30px 44px; max-width: 800px; }"),
            (LOOK, ".corner.qr { flex-direction: column; width: 392px; }"),
            (LOOK, ".corner.qr .headline { margin-top: 4px; font-size: 36px; line-height: 42px; }"),
            (
                LOOK,
                ".corner.qr[data-wide] .copy { width: 470px; min-width: 0; padding: 28px 40px 30px 36px; }",
            ),
            (LOOK, ".ticker { align-items: center; height: 104px; max-width: var(--strip); }"),
            (LOOK, ".ticker .headline { font-size: 38px; line-height: 44px; }"),
            (LOOK, ".ticker .body { font-size: 30px; line-height: 36px; }"),
            (LOOK, "padding: 7px 18px 9px; border-radius: 12px;"),
        ] {
            assert!(source.contains(line), "the page has changed, so must this file: {line}");
        }
    }

    #[test]
    fn pictures_are_as_large_as_the_page_draws_them() {
        let bps = |drawn: Drawn| (Drawn::bps(drawn.picture), Drawn::bps(drawn.card));
        assert_eq!(image(300, 250, Placement::Corner), Drawn { picture: 480 * 400, card: 480 * 454 });
        assert_eq!(image(728, 90, Placement::LowerThird).card, 1080 * (134 + 54));
        assert_eq!(image(970, 250, Placement::LowerThird), Drawn { picture: 776 * 200, card: 776 * 254 });
        assert_eq!(image(32, 32, Placement::Corner), Drawn { picture: 51 * 51, card: 300 * 105 });
        assert_eq!(image(160, 600, Placement::Corner).card, 300 * 454);
        assert_eq!(image(300, 250, Placement::Ticker).card, (125 + 230) * 104);
        assert_eq!(bps(image(300, 250, Placement::Corner)), (925, 1050));
        assert_eq!(image(0, u32::MAX, Placement::Corner).picture, 0, "whatever a row may say");
    }

    /// Widths and heights that Chromium measured on the page, words and codes alike.
    #[test]
    fn cards_of_words_are_within_a_line_of_what_the_browser_draws() {
        use Placement::{Corner, LowerThird, Ticker};
        for (placement, code, (headline, body), (width, height)) in [
            (LowerThird, false, (3, 0), (600, 153)),
            (LowerThird, false, (15, 30), (600, 198)),
            (LowerThird, false, (30, 53), (938, 198)),
            (LowerThird, false, (32, 79), (1120, 236)),
            (LowerThird, false, (53, 115), (1120, 279)),
            (LowerThird, true, (3, 0), (956, 320)),
            (LowerThird, true, (30, 53), (1160, 355)),
            (LowerThird, true, (53, 115), (1160, 381)),
            (Corner, false, (3, 0), (400, 145)),
            (Corner, false, (15, 30), (520, 229)),
            (Corner, false, (30, 53), (520, 278)),
            (Corner, false, (32, 79), (520, 315)),
            (Corner, false, (53, 115), (520, 386)),
            (Corner, true, (3, 0), (392, 548)),
            (Corner, true, (15, 30), (392, 632)),
            (Corner, true, (30, 53), (866, 362)),
            (Corner, true, (53, 115), (866, 478)),
            (Ticker, false, (3, 0), (388, 104)),
            (Ticker, false, (15, 0), (653, 104)),
            (Ticker, false, (15, 30), (1152, 104)),
            (Ticker, false, (53, 115), (1728, 104)),
            (Ticker, true, (3, 0), (953, 104)),
        ] {
            let (headline, body) = (words(headline), words(body));
            let content =
                if code { Content::Qr { headline, body } } else { Content::Text { headline, body } };
            let (drawn, measured) = (Drawn::of(&content, placement).card, width * height);
            assert!(drawn.abs_diff(measured) * 100 <= measured * 8, "{content:?}: {drawn} for {measured}");
        }
    }
}
