//! Parts through bounded channels: mapping, chunks cut at newlines, residency permits, an ordered sink.
