//! A part as a `.skim` file: a record's columns and the way there and back.
