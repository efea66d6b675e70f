//! Average precision and relative cross entropy.
