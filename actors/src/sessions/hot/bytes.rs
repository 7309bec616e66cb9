//! Writing values into few bytes, and reading them again: numbers take as many bytes as they need, texts
//! their own and a length.
//!
//! What is read was written by [`Writer`] in this process. A reader that finds something else gives nothing,
//! and never more than it holds.

use uuid::Uuid;

/// Gathers bytes.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

/// Takes bytes from the front of what is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

// === impl Writer ===

impl Writer {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn id(&mut self, id: Uuid) {
        self.0.extend_from_slice(id.as_bytes());
    }

    /// Writes seven bits a byte, the lowest first; the high bit says that more follow (LEB128).
    pub(super) fn number(&mut self, number: u64) {
        let mut left = number;
        while left > 0x7f {
            let [low, ..] = left.to_le_bytes();
            self.0.push(low | 0x80);
            left >>= 7;
        }
        let [low, ..] = left.to_le_bytes();
        self.0.push(low);
    }

    /// Writes a number that may be negative: the small ones of either sign are short.
    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Writes how many there are of something in memory, which 64 bits always hold.
    pub(super) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(super) fn texts<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t str>) {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
    }
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn id(&mut self) -> Option<Uuid> {
        let (id, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(Uuid::from_bytes(*id))
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        let (half, sign) = ((number >> 1).cast_signed(), (number & 1).cast_signed());
        Some(half ^ -sign)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.raw()?.to_vec()).ok()
    }

    pub(super) fn raw(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (raw, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(raw)
    }

    pub(super) fn texts(&mut self) -> Option<Vec<String>> {
        let count = self.number()?;
        (0..count).map(|_| self.text()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let numbers = [0, 1, -1, 63, -64, 64, 1 << 40, i64::MAX, i64::MIN];
        let mut writer = Writer::default();
        for number in numbers {
            writer.signed(number);
            writer.number(number.cast_unsigned());
        }
        writer.texts(["", "ada", "grün"].into_iter());
        writer.id(Uuid::from_u128(7));
        let mut reader = Reader::new(writer.bytes());
        for number in numbers {
            assert_eq!(reader.signed(), Some(number));
            assert_eq!(reader.number(), Some(number.cast_unsigned()));
        }
        let texts = reader.texts().unwrap();
        assert_eq!(texts, ["", "ada", "grün"]);
        assert_eq!(reader.id(), Some(Uuid::from_u128(7)));
        assert_eq!(reader.number(), None);
    }

    #[test]
    fn what_is_cut_off_reads_as_nothing() {
        let mut writer = Writer::default();
        writer.text("a text of some length");
        for end in 0..writer.bytes().len() {
            assert_eq!(Reader::new(&writer.bytes()[..end]).text(), None);
        }
        assert_eq!(Reader::new(&[0xff; 11]).number(), None);
    }
}
