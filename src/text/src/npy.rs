//! Checks the header of an `.npy` file before it is read.
//!
//! ndarray-npy parses any Python literal there, however deeply nested, and allocates as many bytes as the file gives
//! for the header. The header of an array of numbers is short and flat.

/// Longest header that is accepted; numpy's have 64 to 128 bytes.
const MAX_LENGTH: usize = 1024;

/// Refuses a file that does not begin like an array of plain numbers, and gives the reason.
pub(super) fn check_header(bytes: &[u8]) -> Result<(), &'static str> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("it is no .npy file")?;
    // Version 1 has a length of two bytes, later ones of four.
    let (length, rest) = match rest {
        [1, _, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [_, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err("its header is cut short"),
    };
    if length > MAX_LENGTH {
        return Err("its header is too long for an array of numbers");
    }
    let header = rest.get(..length).ok_or("its header is cut short")?;
    let opened = |bracket: u8| header.iter().filter(|&&byte| byte == bracket).count();
    if (opened(b'{'), opened(b'('), opened(b'[')) == (1, 1, 0) {
        Ok(())
    } else {
        Err("its header is not that of an array of numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, length: &[u8], header: &str) -> Vec<u8> {
        [b"\x93NUMPY", &[version, 0][..], length, header.as_bytes()].concat()
    }

    #[test]
    fn flat_headers_pass() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n";
        let length = header.len() as u8;
        assert_eq!(check_header(&file(1, &[length, 0], header)), Ok(()));
        assert_eq!(check_header(&file(2, &[length, 0, 0, 0], header)), Ok(()));
    }

    #[test]
    fn nested_and_oversized_headers_are_refused() {
        for (header, length) in
            [("{".repeat(60), 60u32), ("[".repeat(900), 900), ("x".into(), u32::MAX), ("x".into(), 9)]
        {
            assert!(check_header(&file(2, &length.to_le_bytes(), &header)).is_err(), "{header}");
        }
        assert!(check_header(b"").is_err() && check_header(b"\x93NUMPY\x01\0").is_err());
    }
}
