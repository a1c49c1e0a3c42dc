//! Integers as the kernel reads and prints them.

/// An integer as the kernel's parser reads it (`proc_get_long`, base 0): `010` is 8, `0x10` is 16, `-5`.
///
/// Unlike the kernel, which stops at the first blank and ignores the rest, the whole text must be the number.
pub fn base0(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (radix, digits) = if let Some(digits) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        (16, digits)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    // `from_str_radix` takes a sign of its own.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// An integer as the kernel prints it: decimal, `-0` included.
pub fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// All the integers of a text, separated by white space; none if one of them is no integer.
pub fn all(text: &str, one: fn(&str) -> Option<i64>) -> Option<Vec<i64>> {
    text.split_whitespace().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_integers_in_every_base_as_the_kernel_does() {
        assert_eq!(base0("010"), Some(8));
        assert_eq!(base0("0x10"), Some(16));
        assert_eq!(base0("-0x10"), Some(-16));
        assert_eq!(base0("0"), Some(0));
        assert_eq!(base0(" 12\n"), Some(12));
        assert_eq!(base0("-9223372036854775808"), Some(i64::MIN));
        for wrong in ["", "-", "+1", "0x", "0x+1", "-+1", "08", "1 2", "1abc", "--1", "18446744073709551615", "é"] {
            assert_eq!(base0(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_what_the_kernel_prints() {
        assert_eq!(decimal("-0"), Some(0));
        assert_eq!(decimal("4294967295"), Some(4_294_967_295));
        assert_eq!(decimal("010"), Some(10));
        assert_eq!(decimal("0x10"), None);
        assert_eq!(decimal("+1"), None);
        assert_eq!(all("4096\t131072\t33554432", decimal), Some(vec![4096, 131_072, 33_554_432]));
        assert_eq!(all("1 x", decimal), None);
    }
}
