//! EMDE: token codes and tweet sketches.
