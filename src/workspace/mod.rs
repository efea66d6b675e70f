//! The working directory: artefacts, manifest, atomic writes.
