//! What programs leave at objects for themselves (`NFTA_*_USERDATA`). The kernel keeps the bytes and never looks at them; those of
//! nft(8) are a row of type, length and value of a byte each (libnftnl `struct nftnl_udata`), of which only the comment is read
//! and written here.

/// The comment of a table, chain or rule: type 0 of each (libnftnl include/libnftnl/udata.h `NFTNL_UDATA_*_COMMENT`).
const COMMENT: u8 = 0;
/// `NFTNL_UDATA_COMMENT_MAXLEN`: what nft(8) takes, its NUL apart.
pub const LONGEST_COMMENT: usize = 128;

/// The comment, if there is one. What is not UTF-8 becomes U+FFFD.
pub(super) fn comment(mut bytes: &[u8]) -> Option<String> {
    while let [kind, length, rest @ ..] = bytes {
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        if *kind == COMMENT {
            let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        bytes = next;
    }
    None
}

/// User data that is only this comment, cut after [`LONGEST_COMMENT`] bytes.
pub(super) fn of_comment(text: &str) -> Vec<u8> {
    let text = cut(text).as_bytes();
    let length = u8::try_from(text.len().saturating_add(1)).unwrap_or(u8::MAX);
    [&[COMMENT, length], text, &[0]].concat()
}

/// User data of a set that says in which order of bytes its keys are, without which nft(8) does not show those of the host's order
/// (`NFTNL_UDATA_SET_KEYBYTEORDER`; nftables include/datatype.h `enum byteorder`).
pub(super) fn of_key(is_in_order_of_host: bool) -> Vec<u8> {
    const KEY_BYTE_ORDER: u8 = 0;
    let order: u32 = if is_in_order_of_host { 1 } else { 2 };
    [&[KEY_BYTE_ORDER, 4], order.to_ne_bytes().as_slice()].concat()
}

fn cut(text: &str) -> &str {
    (0..=LONGEST_COMMENT).rev().find_map(|end| text.get(..end.min(text.len()))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn comments_are_read_as_written(text in "[^\0]{0,60}") {
            let bytes = of_comment(&text);
            prop_assert!(text.starts_with(cut(&text)) && (cut(&text) == text || cut(&text).len() > LONGEST_COMMENT - 4));
            prop_assert_eq!(comment(&bytes), Some(cut(&text).to_owned()));
            prop_assert!(bytes.len() <= LONGEST_COMMENT + 3);
            // Behind what is not known, too.
            let behind = [&[9, 2, 0, 0], bytes.as_slice()].concat();
            prop_assert_eq!(comment(&behind), Some(cut(&text).to_owned()));
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = comment(&bytes);
        }
    }
}
