//! The `.skim` column container, as `COLUMNAR.md` describes it.
