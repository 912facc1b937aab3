//! How unlikely is this count? The few functions of statistics the detector needs, exact enough to rank by.
//!
//! Ground rules: every function is total on its stated domain and returns a finite number; the tail of the negative
//! binomial is the regularised incomplete beta function, so it is exact far out where a normal approximation is not.

/// The natural logarithm of the gamma function for `x > 0`, to about 15 digits (Lanczos 1964, g = 7, nine terms).
pub fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection: the series is accurate only to the right of one half.
        let pi = std::f64::consts::PI;
        return (pi / (pi * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let terms = COEFFICIENTS.iter().zip(1..);
    let series = terms.fold(0.999_999_999_999_809_9, |sum, (c, i)| sum + c / (x + f64::from(i)));
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// The regularised incomplete beta function I_x(a, b) for `a, b > 0` and `0 ≤ x ≤ 1`, by its continued fraction
/// (Lentz 1976), on the side where that converges fast.
pub fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let ln_front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    let value = if x < (a + 1.0) / (a + b + 2.0) {
        ln_front.exp() * beta_fraction(x, a, b) / a
    } else {
        1.0 - ln_front.exp() * beta_fraction(1.0 - x, b, a) / b
    };
    value.clamp(0.0, 1.0)
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    // Enough for a and b of a million: the number of steps grows with the root of the larger one.
    const STEPS_MAX: u32 = 5_000;
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..=STEPS_MAX {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    fraction
}

/// P(X ≥ `count`) for a negative binomial X of this `mean` (> 0) and `variance`; a variance at or below the mean is
/// taken as a Poisson's. Never below 1e-300, so that it can be multiplied and its logarithm taken.
pub fn tail(count: u64, mean: f64, variance: f64) -> f64 {
    // Beyond this size the negative binomial cannot be told from a Poisson.
    const SIZE_MAX: f64 = 1e7;
    if count == 0 {
        return 1.0;
    }
    let mean = mean.max(1e-9);
    let size = (mean * mean / (variance - mean).max(mean * mean / SIZE_MAX)).min(SIZE_MAX);
    incomplete_beta(mean / (size + mean), count as f64, size).max(1e-300)
}

/// How many standard deviations out a standard normal has the upper tail `p`, by Acklam's rational approximation
/// (2003, relative error below 1.2e-9); `p` within 1e-300..1.
pub fn probit(p: f64) -> f64 {
    const NEAR: f64 = 0.024_25;
    let tail = |p: f64| {
        let q = (-2.0 * p.max(1e-300).ln()).sqrt();
        let top = horner(
            q,
            &[
                -7.784_894_002_430_293e-3,
                -0.322_396_458_041_136_5,
                -2.400_758_277_161_838,
                -2.549_732_539_343_734,
                4.374_664_141_464_968,
                2.938_163_982_698_783,
            ],
        );
        let bottom = [
            7.784_695_709_041_462e-3,
            0.322_467_129_070_039_8,
            2.445_134_137_142_996,
            3.754_408_661_907_416,
            1.0,
        ];
        -top / horner(q, &bottom)
    };
    if p < NEAR {
        return tail(p);
    }
    if p > 1.0 - NEAR {
        return -tail(1.0 - p);
    }
    let q = 0.5 - p;
    let r = q * q;
    let top = [
        -39.696_830_286_653_76,
        220.946_098_424_520_5,
        -275.928_510_446_968_7,
        138.357_751_867_269,
        -30.664_798_066_147_16,
        2.506_628_277_459_239,
    ];
    let bottom = [
        -54.476_098_798_224_06,
        161.585_836_858_040_9,
        -155.698_979_859_886_6,
        66.801_311_887_719_72,
        -13.280_681_552_885_72,
        1.0,
    ];
    q * horner(r, &top) / horner(r, &bottom)
}

fn horner(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

/// The largest p-value that is still a discovery when `p_values` (in any order, others of the `tests` being 1) are
/// tested together at false-discovery rate `rate`; 0 when none is (Benjamini and Hochberg 1995).
pub fn discovery_limit(p_values: &[f64], tests: usize, rate: f64) -> f64 {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let tests = tests.max(sorted.len()).max(1) as f64;
    let passed = sorted.iter().enumerate().rev().find(|(i, p)| **p <= rate * (*i as f64 + 1.0) / tests);
    passed.map_or(0.0, |(_, p)| *p)
}

/// `value` rounded to `digits` significant digits, so that what is shown and stored does not hang on the last bit.
pub fn significant(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    // Through text: the nearest decimal, whatever the exponent.
    let decimals = (digits - 1).max(0) as usize;
    format!("{value:.decimals$e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expect: f64) {
        assert!((got / expect - 1.0).abs() < 1e-9, "{got} is not {expect}");
    }

    #[test]
    fn gamma_is_the_factorial() {
        close(ln_gamma(11.0), 3_628_800_f64.ln());
        close(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln());
        close(ln_gamma(0.25), 3.625_609_908_221_908_f64.ln());
    }

    #[test]
    fn the_tail_equals_the_sum_of_its_terms() {
        for (mean, phi) in [(0.3, 1.5), (5.0, 3.0), (40.0, 1.2), (250.0, 8.0)] {
            let (size, miss) = (mean / (phi - 1.0), 1.0 - 1.0 / phi);
            let term = |k: f64| {
                let ln = ln_gamma(k + size) - ln_gamma(size) - ln_gamma(k + 1.0);
                (ln + k * f64::ln(miss) - size * f64::ln(phi)).exp()
            };
            for count in [1, 4, 30, 300_u64] {
                let sum: f64 = (count..count + 4_000).map(|k| term(k as f64)).sum();
                if sum > 1e-290 {
                    let got = tail(count, mean, mean * phi);
                    assert!((got / sum - 1.0).abs() < 1e-7, "{mean} {phi} {count}: {got} is not {sum}");
                }
            }
        }
    }

    #[test]
    fn without_overdispersion_the_tail_is_poissons() {
        let poisson: f64 =
            (0..10).map(|k| (f64::from(k) * 4_f64.ln() - 4.0 - ln_gamma(f64::from(k) + 1.0)).exp()).sum();
        let got = tail(10, 4.0, 4.0);
        assert!((got / (1.0 - poisson) - 1.0).abs() < 1e-4, "{got}");
        assert_eq!(tail(0, 4.0, 4.0), 1.0);
        assert!(tail(100_000, 1.0, 1.0) > 0.0, "never zero");
    }

    #[test]
    fn discoveries_follow_the_step_up_rule() {
        // Benjamini and Hochberg 1995, table 1: 15 tests at 5 %, four are rejected.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        assert_eq!(discovery_limit(&p, 15, 0.05), 0.0095);
        assert_eq!(discovery_limit(&[0.01], 15, 0.05), 0.0, "the tests that are not listed count");
        assert_eq!(discovery_limit(&[], 0, 0.05), 0.0);
    }

    #[test]
    fn probits_are_those_of_the_tables() {
        for (p, z) in
            [(0.5, 0.0), (0.158_655_253_931, 1.0), (0.001_349_898_031_6, 3.0), (0.977_249_868_05, -2.0)]
        {
            assert!((probit(p) - z).abs() < 1e-7, "{p}: {} is not {z}", probit(p));
        }
        assert!((probit(1e-300) - 37.0471).abs() < 1e-3);
    }

    #[test]
    fn rounding_keeps_significant_digits() {
        assert_eq!(significant(0.000_123_456, 3), 0.000_123);
        assert_eq!(significant(98_765.0, 2), 99_000.0);
        assert_eq!(significant(f64::NAN, 2), 0.0);
    }
}
