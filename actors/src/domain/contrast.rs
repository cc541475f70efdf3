//! The contrast ratio of WCAG 2, in whole numbers, and what it says of the overlay's label and pictures.

/// Red, green and blue of an opaque colour.
pub type Rgb = [u8; 3];

/// What pictures lie on, where they are transparent (`overlay/source/look.js`).
pub const GROUND: Rgb = [0x0d, 0x10, 0x16];
/// Contrast of the label that is asked for: 4.5 to 1, in hundredths.
pub const LABEL_MIN: u32 = 450;
/// From here on a pixel can be told from the ground: 1.5 to 1, in hundredths.
const VISIBLE_MIN: u32 = 150;
/// The card that marks are told from (`overlay/source/color.js`).
const CARD: Rgb = [14, 17, 22];
/// The lighter end of the label's own ground, and the label.
const FOOT: Rgb = [0x17, 0x1c, 0x25];
const LABEL: Rgb = [0xd6, 0xdd, 0xe6];

/// How much light a channel's value is, in millionths.
#[rustfmt::skip]
const LINEAR: [u32; 256] = [
    0, 304, 607, 911, 1214, 1518, 1821, 2125, 2428, 2732, 3035, 3347, 3677, 4025, 4391, 4777, 5182,
    5605, 6049, 6512, 6995, 7499, 8023, 8568, 9134, 9721, 10_330, 10_960, 11_612, 12_286, 12_983,
    13_702, 14_444, 15_209, 15_996, 16_807, 17_642, 18_500, 19_382, 20_289, 21_219, 22_174, 23_153,
    24_158, 25_187, 26_241, 27_321, 28_426, 29_557, 30_713, 31_896, 33_105, 34_340, 35_601, 36_889,
    38_204, 39_546, 40_915, 42_311, 43_735, 45_186, 46_665, 48_172, 49_707, 51_269, 52_861, 54_480,
    56_128, 57_805, 59_511, 61_246, 63_010, 64_803, 66_626, 68_478, 70_360, 72_272, 74_214, 76_185,
    78_187, 80_220, 82_283, 84_376, 86_500, 88_656, 90_842, 93_059, 95_307, 97_587, 99_899, 102_242,
    104_616, 107_023, 109_462, 111_932, 114_435, 116_971, 119_538, 122_139, 124_772, 127_438, 130_136,
    132_868, 135_633, 138_432, 141_263, 144_128, 147_027, 149_960, 152_926, 155_926, 158_961, 162_029,
    165_132, 168_269, 171_441, 174_647, 177_888, 181_164, 184_475, 187_821, 191_202, 194_618, 198_069,
    201_556, 205_079, 208_637, 212_231, 215_861, 219_526, 223_228, 226_966, 230_740, 234_551, 238_398,
    242_281, 246_201, 250_158, 254_152, 258_183, 262_251, 266_356, 270_498, 274_677, 278_894, 283_149,
    287_441, 291_771, 296_138, 300_544, 304_987, 309_469, 313_989, 318_547, 323_143, 327_778, 332_452,
    337_164, 341_914, 346_704, 351_533, 356_400, 361_307, 366_253, 371_238, 376_262, 381_326, 386_429,
    391_572, 396_755, 401_978, 407_240, 412_543, 417_885, 423_268, 428_690, 434_154, 439_657, 445_201,
    450_786, 456_411, 462_077, 467_784, 473_531, 479_320, 485_150, 491_021, 496_933, 502_886, 508_881,
    514_918, 520_996, 527_115, 533_276, 539_479, 545_724, 552_011, 558_340, 564_712, 571_125, 577_580,
    584_078, 590_619, 597_202, 603_827, 610_496, 617_207, 623_960, 630_757, 637_597, 644_480, 651_406,
    658_375, 665_387, 672_443, 679_542, 686_685, 693_872, 701_102, 708_376, 715_694, 723_055, 730_461,
    737_910, 745_404, 752_942, 760_525, 768_151, 775_822, 783_538, 791_298, 799_103, 806_952, 814_847,
    822_786, 830_770, 838_799, 846_873, 854_993, 863_157, 871_367, 879_622, 887_923, 896_269, 904_661,
    913_099, 921_582, 930_111, 938_686, 947_307, 955_973, 964_686, 973_445, 982_251, 991_102, 1_000_000,
];

fn luminance([r, g, b]: Rgb) -> u64 {
    let linear = |value: u8| u64::from(LINEAR.get(usize::from(value)).copied().unwrap_or(0));
    (2126 * linear(r) + 7152 * linear(g) + 722 * linear(b)) / 10_000
}

/// The contrast of two colours, in hundredths: 100 to 2100.
#[must_use]
pub fn contrast(one: Rgb, other: Rgb) -> u32 {
    let (one, other) = (luminance(one), luminance(other));
    let (light, dark) = (one.max(other), one.min(other));
    u32::try_from((light + 50_000) * 100 / (dark + 50_000)).unwrap_or(u32::MAX)
}

/// Whether a colour can be told from what pictures lie on.
#[must_use]
pub fn visible(color: Rgb) -> bool {
    contrast(color, GROUND) >= VISIBLE_MIN
}

/// A colour at some thousandths of it over another one.
fn over(above: Rgb, below: Rgb, thousandths: u32) -> Rgb {
    let mix = |(above, below): (u8, u8)| {
        let sum = u32::from(above) * thousandths + u32::from(below) * (1000 - thousandths);
        u8::try_from((sum + 500) / 1000).unwrap_or(u8::MAX)
    };
    let ([a, b, c], [x, y, z]) = (above, below);
    [mix((a, x)), mix((b, y)), mix((c, z))]
}

/// An accent as the page uses it: made lighter until it can be told from the card.
fn mark(accent: Rgb) -> Rgb {
    const STEPS: u32 = 12;
    (0..STEPS).fold(
        accent,
        |color, _| {
            if contrast(color, CARD) < 300 { over([255; 3], color, 120) } else { color }
        },
    )
}

/// The contrast of the disclosure label below a picture where it is least, in hundredths: over a breath of
/// the brand's accent. The picture never lies under the label.
#[must_use]
pub fn label(accent: Rgb) -> u32 {
    contrast(LABEL, over(mark(accent), FOOT, 160))
}

/// The same with the accent for which it is least.
#[must_use]
pub fn label_at_least() -> u32 {
    label([255; 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_standard() {
        assert_eq!((contrast([0; 3], [255; 3]), contrast([9; 3], [9; 3])), (2100, 100));
        // The grey that is just enough on white.
        assert_eq!(contrast([0x76; 3], [255; 3]), 454);
        assert_eq!(contrast([0x77; 3], [255; 3]), 447);
        assert_eq!(contrast([255, 0, 0], [255; 3]), 399);
    }

    #[test]
    fn the_colours_are_those_of_the_page() {
        let look = include_str!("../../../overlay/source/look.js");
        let color = include_str!("../../../overlay/source/color.js");
        for (source, line) in [
            (look, "align-self: center; object-fit: contain; background: #0d1016; }"),
            (look, "var(--none) 62%), linear-gradient(#171c25, #0d1016); }"),
            (look, "letter-spacing: .002em; color: #d6dde6;"),
            (color, "const CARD = [14, 17, 22];"),
            (color, "wash: css(mark, 0.16)"),
            (color, "contrast(result, CARD) < 3"),
            (color, "(255 - part) * 0.12"),
        ] {
            assert!(source.contains(line), "{line}");
        }
    }

    #[test]
    fn the_label_can_be_read_whatever_the_accent() {
        let steps = || (0..=255_u8).step_by(15);
        let all = steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| [r, g, b])));
        let least = all.map(label).min().unwrap();
        assert!(least >= LABEL_MIN, "{least}");
        assert_eq!(label_at_least(), least);
    }

    #[test]
    fn black_on_the_ground_is_not_seen() {
        assert!(!visible([0; 3]) && !visible(GROUND) && visible([90; 3]) && visible([255; 3]));
    }
}
