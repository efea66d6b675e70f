//! Protobuf's wire format, as far as writing needs it.
//!
//! A message's length precedes it, so it must be known before the first byte is written. A [`Message`] keeps small
//! fields as bytes and large ones as references: its length is known, and the weights are never copied.

use std::io::{self, Write};

/// Wire types, the low three bits of a field's key.
const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

/// A large field's bytes, made when they are written.
pub(super) trait Streamed {
    /// How many there are.
    fn bytes(&self) -> u64;

    /// Writes them.
    ///
    /// # Errors
    /// What the output gives.
    fn write(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// A message whose fields are known and not yet written.
#[derive(Default)]
pub(super) struct Message<'t> {
    pieces: Vec<Piece<'t>>,
    length: u64,
}

enum Piece<'t> {
    Bytes(Vec<u8>),
    Streamed(&'t dyn Streamed),
}

impl<'t> Message<'t> {
    /// Bytes of the message when it is written.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// An integer or an enum's value; a negative one takes ten bytes, as protobuf has it.
    pub(super) fn integer(&mut self, field: u64, value: i64) {
        self.key(field, VARINT);
        self.varint(value as u64);
    }

    pub(super) fn float(&mut self, field: u64, value: f32) {
        self.key(field, FIXED_32);
        self.raw(&value.to_le_bytes());
    }

    pub(super) fn string(&mut self, field: u64, value: &str) {
        self.key(field, LENGTH_DELIMITED);
        self.varint(value.len() as u64);
        self.raw(value.as_bytes());
    }

    /// A message in this message.
    pub(super) fn message(&mut self, field: u64, message: Message<'t>) {
        self.key(field, LENGTH_DELIMITED);
        self.varint(message.length);
        for piece in message.pieces {
            match piece {
                Piece::Bytes(bytes) => self.raw(&bytes),
                Piece::Streamed(bytes) => self.stream(bytes),
            }
        }
    }

    /// A large field of bytes.
    pub(super) fn streamed(&mut self, field: u64, bytes: &'t dyn Streamed) {
        self.key(field, LENGTH_DELIMITED);
        self.varint(bytes.bytes());
        self.stream(bytes);
    }

    /// Writes the message, without its length before it.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Bytes(bytes) => out.write_all(bytes),
            Piece::Streamed(bytes) => bytes.write(out),
        })
    }

    fn stream(&mut self, bytes: &'t dyn Streamed) {
        self.length += bytes.bytes();
        self.pieces.push(Piece::Streamed(bytes));
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.raw(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.raw(&[value as u8]);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        match self.pieces.last_mut() {
            Some(Piece::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.pieces.push(Piece::Bytes(bytes.to_vec())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(message: &Message<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        message.write(&mut out).unwrap();
        assert_eq!(out.len() as u64, message.length());
        out
    }

    /// The examples of protobuf's own description of its encoding.
    #[test]
    fn fields_are_encoded_as_protobuf_s_documentation_says() {
        let mut message = Message::default();
        message.integer(1, 150);
        assert_eq!(bytes(&message), [0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.string(2, "testing");
        assert_eq!(bytes(&message), b"\x12\x07testing");
        let mut inner = Message::default();
        inner.integer(1, 150);
        let mut message = Message::default();
        message.message(3, inner);
        assert_eq!(bytes(&message), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.integer(1, -2);
        assert_eq!(bytes(&message), [0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
        let mut message = Message::default();
        message.float(20, 1.0);
        assert_eq!(bytes(&message), [0xa5, 0x01, 0, 0, 0x80, 0x3f]);
    }

    #[test]
    fn values_are_streamed_between_small_fields() {
        let tensor = crate::onnx::Tensor::from(ndarray::array![1i32, -1]);
        let mut inner = Message::default();
        inner.integer(1, 5);
        inner.streamed(9, &tensor);
        inner.integer(2, 6);
        let mut message = Message::default();
        message.message(7, inner);
        let expected = [0x3a, 14, 0x08, 5, 0x4a, 8, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x10, 6];
        assert_eq!(bytes(&message), expected);
    }
}
